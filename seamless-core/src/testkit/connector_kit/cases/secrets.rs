//! Secrets stand in no output. Every error of the whole run was searched for them; here are the outputs that no other case
//! makes.

use crate::connector::FetchBy;
use crate::testkit::connector_kit::case::table;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, hold, skip};
use crate::testkit::connector_kit::watched::hear_error;

table! {
    "secrets.nowhere" ReadOnly [] "no secret of the configuration stands in an error, a finding or a debug output" => nowhere;
    "secrets.log" ReadOnly [] "no secret of the configuration is logged, at whatever level" => log;
}

const NONE: &str = "the bench names no secrets (Bench::secrets)";

async fn nowhere(subject: &Subject) -> Held {
    let secrets = &subject.bench.secrets;
    if secrets.is_empty() {
        return Err(skip(NONE));
    }
    let hear = |place: &str, text: &str| subject.ledger.hear(secrets, place, text);
    hear("the connector's Debug output", &format!("{:?} {:#?}", subject.connector, subject.connector));
    hear("`info`", &format!("{:?}", subject.connector.info()));
    hear("the schema", &format!("{:?}", subject.entity));
    misconfigured(subject).await;
    let leaks = subject.ledger.leaks();
    hold(leaks.is_empty(), "no output holds a secret of the configuration", || {
        format!("one stands in {}", leaks.join(", "))
    })
}

/// What a connector that cannot work says.
async fn misconfigured(subject: &Subject) {
    let Some(open) = &subject.bench.misconfigured else { return };
    let secrets = &subject.bench.secrets;
    match open().await {
        Err(error) => hear_error(&subject.ledger, secrets, "opening", &error),
        Ok(connector) => {
            let shown = format!("{connector:?}");
            subject.ledger.hear(secrets, "the connector's Debug output", &shown);
            if let Err(error) = connector.entities().await {
                hear_error(&subject.ledger, secrets, "a connector that cannot work", &error);
            }
        }
    }
}

/// Everything of the whole run was listened to; here are the calls that no other case need have made.
async fn log(subject: &Subject) -> Held {
    if subject.bench.secrets.is_empty() {
        return Err(skip(NONE));
    }
    misconfigured(subject).await;
    subject.connector.entities().await?;
    subject.connector.discover(std::slice::from_ref(&subject.entity.name)).await?;
    // A query for nothing that is there: what cannot be found is what connectors like to log.
    let absent = subject.absent_id().await?;
    subject.connector.fetch(subject.fetching(FetchBy::Ids(vec![absent]))).await?;
    subject.everything(1000).await?;
    let logged = subject.ledger.logged();
    hold(logged.is_empty(), "no secret of the configuration is logged", || {
        format!("one stands in {}", logged.join(", "))
    })
}

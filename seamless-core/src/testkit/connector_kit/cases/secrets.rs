//! Secrets stand in no output. Every error of the whole run was searched for them; here are the outputs that no other case
//! makes.

use crate::testkit::connector_kit::case::table;
use crate::testkit::connector_kit::subject::Subject;
use crate::testkit::connector_kit::verdict::{Held, hold, skip};
use crate::testkit::connector_kit::watched::hear_error;

table! {
    "secrets.nowhere" ReadOnly [] "no secret of the configuration stands in an error, a finding or a debug output" => nowhere;
}

async fn nowhere(subject: &Subject) -> Held {
    let secrets = &subject.bench.secrets;
    if secrets.is_empty() {
        return Err(skip("the bench names no secrets (Bench::secrets)"));
    }
    let hear = |place: &str, text: &str| subject.ledger.hear(secrets, place, text);
    hear("the connector's Debug output", &format!("{:?} {:#?}", subject.connector, subject.connector));
    hear("`info`", &format!("{:?}", subject.connector.info()));
    hear("the schema", &format!("{:?}", subject.entity));
    if let Some(open) = &subject.bench.misconfigured {
        match open().await {
            Err(error) => hear_error(&subject.ledger, secrets, "opening", &error),
            Ok(connector) => {
                hear("the connector's Debug output", &format!("{connector:?}"));
                if let Err(error) = connector.entities().await {
                    hear_error(&subject.ledger, secrets, "a connector that cannot work", &error);
                }
            }
        }
    }
    let leaks = subject.ledger.leaks();
    hold(leaks.is_empty(), "no output holds a secret of the configuration", || {
        format!("one stands in {}", leaks.join(", "))
    })
}

//! What a run spends of a quota: requests for each changed record, at 1,000 changed records.

use futures::StreamExt;
use futures::executor::block_on;
use seamless_core::connector::{Change, Connector, End, Expects, ReadQuery, WriteOutcome};
use seamless_core::model::{Condition, Shape, Value};
use serde_json::json;

use super::{create, delete, guid, open, unique, update, write};

/// Records that change.
const RECORDS: u64 = 1_000;
/// Requests for each changed record at most.
const GOAL: f64 = 0.05;

#[test]
fn a_changed_record_costs_a_twentieth_of_a_request_at_most() {
    block_on(async {
        let set = json!({ "changes": "modified", "modified": "modifiedAt", "modified_window_ms": 0 });
        let service = open(json!({ "sets": { "Accounts": set } }));
        let entity = "Accounts";
        let run = unique() & 0xffff_ffff_0000;
        let ids: Vec<_> = (0..RECORDS).map(|number| guid(0x7010, run + number)).collect();
        let query = |after| ReadQuery {
            entity: entity.into(),
            shape: Shape::new(["name".into(), "creditLimit".into()]).unwrap(),
            condition: Condition::Always,
            after,
            page_records_max: 1_000,
        };

        let begin = service.traffic();
        let made = ids.iter().map(|id| create(id, &[("name", Value::text("made"))])).collect();
        let made = write(&service, entity, made).await;
        assert!(made.iter().all(|outcome| matches!(outcome, WriteOutcome::Applied { .. })));
        let created = service.traffic().since(&begin);

        let mut whole = service.read(query(None)).await.unwrap();
        let mut from = None;
        while let Some(page) = whole.next().await {
            if let Some(End::Complete(all)) = page.unwrap().end {
                from = all.changes_from;
            }
        }
        let edits =
            ids.iter().map(|id| update(id, &[("name", Value::text("edited"))], Expects::Anything)).collect();
        write(&service, entity, edits).await;

        // The changes are read, and each record is written under the version that was read.
        let begin = service.traffic();
        let mut feed = service.read(query(from)).await.unwrap();
        let mut ops = Vec::new();
        while let Some(page) = feed.next().await {
            for change in page.unwrap().changes {
                let Change::Upsert(found) = change else { continue };
                if ids.contains(&found.id) {
                    let version = Expects::Version(found.version.unwrap());
                    ops.push(update(&found.id, &[("name", Value::text("carried"))], version));
                }
            }
        }
        assert_eq!(ops.len(), ids.len());
        let outcomes = write(&service, entity, ops).await;
        assert!(
            outcomes.iter().all(|outcome| matches!(outcome, WriteOutcome::Applied { .. })),
            "{outcomes:?}"
        );
        let spent = service.traffic().since(&begin);

        let each = spent.requests as f64 / RECORDS as f64;
        println!("{RECORDS} creates: {created:?}");
        println!("{RECORDS} changed records, read and written: {spent:?}, {each} requests for each");
        write(&service, entity, ids.iter().map(delete).collect()).await;
        assert!(each <= GOAL, "{each} requests for each changed record");
        assert!(created.requests as f64 / RECORDS as f64 <= GOAL);
    });
}

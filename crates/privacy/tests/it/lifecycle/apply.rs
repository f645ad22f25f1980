use model::Outcome;
use privacy::{ApplyState, Verdict};
use rstest::rstest;
use serde_json::json;

use super::bench::{Backend, apply};

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_exactly_the_plan(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    assert!(bench.crm.writes().is_empty(), "a plan sends no write");

    let status = apply(&bench.process().await, &plan).await.unwrap();

    let mut planned: Vec<String> = plan
        .contents()
        .operations
        .iter()
        .filter_map(|operation| operation.write_request())
        .map(|write| format!("{} /{}", write.method, write.url.splitn(4, '/').nth(3).unwrap()))
        .collect();
    let mut sent = bench.crm.writes();
    planned.sort();
    sent.sort();
    assert_eq!(sent, planned);
    assert_eq!(sent, ["DELETE /notes/11", "DELETE /notes/12", "POST /erasures", "PUT /contacts/1"]);
    let contacts = bench.crm.state().contacts.clone();
    assert_eq!(contacts[0], json!({"id": 1, "name": null, "email": null, "plan": "gold"}));
    assert_eq!(contacts[1]["name"], "Ben");
    assert_eq!(bench.shop_rows("SELECT name FROM customers ORDER BY id").await, [None, Some("Ben".into())]);
    let addresses = bench.shop_rows("SELECT address FROM orders ORDER BY id").await;
    assert_eq!(addresses, [None, None, Some("3 Road".into())]);
    assert_eq!((status.outcome, status.state), (Some(Outcome::Accepted), ApplyState::Open));
    assert_eq!(status.verdict(), Verdict::Incomplete);
}

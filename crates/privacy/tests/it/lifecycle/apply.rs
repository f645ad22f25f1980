use std::sync::atomic::{AtomicUsize, Ordering};

use engine::Canceller;
use model::Outcome;
use privacy::plan::Operation;
use privacy::{ApplyError, ApplyOptions, ApplyProgress, ApplyState, Verdict};
use rstest::rstest;
use serde_json::json;

use super::bench::{Backend, apply, options};

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
        .filter_map(Operation::write_request)
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

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn who_stops_it_finds_everything_where_it_was(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let (canceller, cancellation) = Canceller::new();
    let on_progress = |progress: ApplyProgress| {
        if matches!(progress, ApplyProgress::Settled { .. }) {
            canceller.cancel();
        }
    };
    let service = bench.process().await;
    let stopping = ApplyOptions { cancellation, ..options() };

    let error = service.apply(&plan, plan.digest(), stopping, &on_progress).await.unwrap_err();
    let before = bench.crm.writes();
    let status = apply(&service, &plan).await.unwrap();

    assert!(matches!(error, ApplyError::Stopped { .. }) && !error.is_refusal(), "{error}");
    assert!(!before.contains(&"PUT /contacts/1".to_owned()), "it waits for notes, and was not sent");
    assert_eq!(status.outcome, Some(Outcome::Accepted));
    let mut writes = bench.crm.writes();
    writes.sort();
    assert_eq!(writes, ["DELETE /notes/11", "DELETE /notes/12", "POST /erasures", "PUT /contacts/1"]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn progress_names_each_operation_once_and_nobody(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let settled = AtomicUsize::new(0);
    let on_progress = |progress: ApplyProgress| {
        assert!(!format!("{progress:?}").contains("ana@example.com"));
        if let ApplyProgress::Settled { of, .. } = progress {
            assert_eq!(of as usize, plan.contents().operations.len());
            settled.fetch_add(1, Ordering::Relaxed);
        }
    };

    bench.process().await.apply(&plan, plan.digest(), options(), &on_progress).await.unwrap();

    assert_eq!(settled.into_inner(), plan.contents().operations.len());
}

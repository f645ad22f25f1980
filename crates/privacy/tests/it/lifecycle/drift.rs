use model::Outcome;
use privacy::plan::drift::Drift;
use privacy::{ApplyError, ApplyState};
use rstest::rstest;
use serde_json::json;

use super::bench::{Backend, Bench, TOKEN, apply, policies};
use super::crm::{self, Fault};

type Change = fn(&mut Bench);

fn nothing(_: &mut Bench) {}

#[rstest]
#[case::file(|bench: &mut Bench| bench.sha256 = "file-2".into(), "the connector or dataset file of `crm` changed")]
#[case::secret(|bench: &mut Bench| bench.token = "canary-token-2".into(), "the secrets of `crm` changed")]
#[case::policy(|bench: &mut Bench| bench.policies = policies("hash"), "the policy changed")]
#[case::serves_no_erasures(|bench: &mut Bench| bench.actions = Some(vec!["access".into()]), "the policy changed")]
#[case::limits(|bench: &mut Bench| bench.limits.max_writes += 1, "the limits changed")]
#[case::row(|bench: &mut Bench| bench.crm.state().contacts[0]["name"] = "Anna".into(), "a row of `crm:contacts` changed")]
#[case::row_gone(|bench: &mut Bench| drop(bench.crm.state().notes.remove(0)), "a row of `crm:notes` is gone")]
#[case::row_new(|bench: &mut Bench| bench.crm.state().notes.push(json!({"id": 14, "contact": "1", "text": "new"})), "1 rows of `crm:notes` are new")]
#[tokio::test(flavor = "multi_thread")]
async fn drift_before_the_first_write_sends_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] change: Change,
    #[case] message: &str,
) {
    let Some(mut bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    change(&mut bench);

    let error = apply(&bench.process().await, &plan).await.unwrap_err();

    let ApplyError::Drift(report) = &error else { panic!("{error}") };
    let texts: Vec<String> = report.drifts.iter().map(Drift::to_string).collect();
    assert!(texts.iter().any(|text| text.contains(message)), "{texts:?}");
    assert!(error.is_refusal() && bench.crm.writes().is_empty());
    assert!(!error.to_string().contains(TOKEN) && !error.to_string().contains("ana@example.com"));
    let names = bench.shop_rows("SELECT name FROM customers ORDER BY id").await;
    assert_eq!(names, [Some("Ana".into()), Some("Ben".into())]);
    let status = bench.process().await.status(&plan.contents().run).await.unwrap();
    assert_eq!((status.state, status.outcome), (ApplyState::Planned, None), "nothing was approved");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_own_database_that_changed_is_drift(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    sqlx::query("UPDATE orders SET address = '9 Road' WHERE id = 71").execute(&bench.shop).await.unwrap();

    let error = apply(&bench.process().await, &plan).await.unwrap_err();

    assert!(matches!(&error, ApplyError::Drift(report) if report.stops()), "{error}");
    assert!(bench.crm.writes().is_empty());
}

#[rstest]
#[case::of_somebody_else(|bench: &mut Bench| bench.crm.state().notes[2]["text"] = "other".into(), 0)]
#[case::nothing(nothing, 0)]
#[case::appeared_where_all_goes(|bench: &mut Bench| bench.crm.state().letters.push(json!({"id": 22, "email": "ana@example.com", "address": "x"})), 1)]
#[tokio::test(flavor = "multi_thread")]
async fn what_no_write_depends_on_is_no_drift(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] change: Change,
    #[case] listed: usize,
) {
    let Some(mut bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    change(&mut bench);

    let status = apply(&bench.process().await, &plan).await.unwrap();

    assert_eq!(bench.crm.writes().len(), 4, "{status:?}");
    assert_eq!(status.problems.len(), listed, "{:?}", status.problems);
    assert!(status.problems.iter().all(|one| one.contains("1 rows of `crm:letters` appeared")));
}

/// Only one write is planned, which may be sent twice and is answered by nobody for now.
async fn doubtful(backend: Backend) -> Option<Bench> {
    let file = crm::FILE.replace("path: /erasures\n", "path: /erasures\n          repeatable: true\n");
    let bench = backend.start_with(&file).await?;
    sqlx::query("DELETE FROM customers").execute(&bench.shop).await.unwrap();
    bench.crm.state().contacts.clear();
    for _ in 0..20 {
        bench.crm.fail("POST /erasures", Fault::LostUnanswered);
    }
    Some(bench)
}

#[rstest]
#[case::file(|bench: &mut Bench| bench.sha256 = "file-2".into())]
#[case::secret(|bench: &mut Bench| bench.token = "canary-token-2".into())]
#[case::policy(|bench: &mut Bench| bench.policies = policies("hash"))]
#[case::limits(|bench: &mut Bench| bench.limits.max_writes += 1)]
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_write_is_not_repeated_to_a_place_that_changed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] change: Change,
) {
    let Some(mut bench) = doubtful(backend).await else { return };
    let plan = bench.plan().await;
    let before = apply(&bench.process().await, &plan).await.unwrap();
    let sent = bench.crm.writes().len();
    bench.crm.state().faults.clear();
    change(&mut bench);

    let error = apply(&bench.process().await, &plan).await.unwrap_err();

    assert_eq!(before.outcome, Some(Outcome::Unknown), "{before:#?}");
    assert!(matches!(&error, ApplyError::Drift(report) if report.stops()), "{error}");
    assert_eq!(bench.crm.writes().len(), sent, "nothing more was sent");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_write_is_repeated_where_nothing_changed(#[case] backend: Backend) {
    let Some(bench) = doubtful(backend).await else { return };
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().faults.clear();

    let status = apply(&bench.process().await, &plan).await.unwrap();

    assert_eq!(status.outcome, Some(Outcome::Accepted), "{status:#?}");
    assert_eq!(bench.crm.state().effects, ["POST /erasures"]);
}

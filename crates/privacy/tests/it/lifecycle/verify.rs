use std::time::Duration;

use model::Outcome;
use privacy::certificate::{Certificate, VerificationState};
use privacy::{VerifyError, VerifyOptions};
use rstest::rstest;
use serde_json::json;
use store::{RunState, StoreError};

use privacy::plan::{Plan, PlanAction, Verification};

use super::bench::{Backend, Bench, actor, apply, plan_with, policies, verify};
use super::crm;

async fn applied(bench: &Bench) -> Plan {
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().end_jobs("FINISHED");
    plan
}

#[rstest]
#[case("null_rewrite")]
#[case("hash")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_proven_and_then_forgotten(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] strategy: &str,
) {
    let Some(mut bench) = backend.start().await else { return };
    bench.policies = policies(strategy);
    let plan = applied(&bench).await;
    let run = &plan.contents().run;

    let verified = verify(&bench.process().await, run).await.unwrap();
    let again = verify(&bench.process().await, run).await.unwrap();
    let status = bench.process().await.status(run).await.unwrap();

    assert!(verified.is_proven(), "{:#?}", verified.certificate);
    assert_eq!(again.file, verified.file, "the same certificate, whoever asks how often");
    let store = bench.store().await;
    assert_eq!(Certificate::verify(&verified.file, &[store.public_key()]).unwrap(), verified.certificate);
    assert!(matches!(store.plan_find(plan.digest()).await, Err(StoreError::Forgotten { .. })));
    assert_eq!(store.get_run(run).await.unwrap().state, RunState::Finished);
    assert_eq!((status.outcome, status.verification.state), (Some(Outcome::Masked), VerificationState::Gone));
    assert!(status.verification.proven && status.operations.len() == plan.contents().operations.len());
    let text = format!("{:?}{}", String::from_utf8_lossy(&verified.file), verified.html);
    assert!(!text.contains("ana@example.com") && !text.contains("1 Road"));
    let reads = &verified.certificate.verification.reads;
    assert!(reads.iter().any(|read| read.address.to_string() == "shop:orders" && read.rows_before == 2));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn any_flipped_bit_of_an_issued_certificate_is_noticed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = applied(&bench).await;
    let file = verify(&bench.process().await, &plan.contents().run).await.unwrap().file;
    let key = bench.store().await.public_key();

    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(Certificate::verify(&changed, std::slice::from_ref(&key)).is_err(), "byte {at}");
    }
}

type Change = fn(&Bench);

#[rstest]
#[case::a_mask_that_was_undone(|bench: &Bench| {
    bench.crm.state().contacts[0] = json!({"id": 1, "name": "Ana", "email": "ana@example.com"});
}, "crm:contacts")]
#[case::a_row_that_came_back(|bench: &Bench| {
    bench.crm.state().notes.push(json!({"id": 12, "contact": "1", "text": "wrote to Ana"}));
}, "crm:notes")]
#[case::a_new_row(|bench: &Bench| {
    bench.crm.state().letters.push(json!({"id": 29, "email": "ana@example.com", "address": "x"}));
}, "crm:letters")]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_still_there_is_said_and_nothing_is_forgotten(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] change: Change,
    #[case] collection: &str,
) {
    let Some(bench) = backend.start().await else { return };
    let plan = applied(&bench).await;
    change(&bench);
    let run = &plan.contents().run;

    let verified = verify(&bench.process().await, run).await.unwrap();
    let status = bench.process().await.status(run).await.unwrap();

    assert!(!verified.is_proven());
    let reads = verified.certificate.verification.reads;
    let left: Vec<_> = reads.iter().filter(|read| read.state != VerificationState::Gone).collect();
    assert_eq!(left.iter().map(|read| read.address.to_string()).collect::<Vec<_>>(), [collection]);
    assert_eq!((left[0].state, left[0].rows_left), (VerificationState::StillPresent, 1));
    assert_eq!(status.verification.state, VerificationState::StillPresent);
    assert!(bench.store().await.plan_find(plan.digest()).await.unwrap().is_some());
}

/// The customer's e-mail address is masked, so nothing leads to the orders any more: they are looked
/// for all the same, with what led to them when the plan was made.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn rows_below_a_masked_row_are_still_looked_for(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = applied(&bench).await;
    sqlx::query("UPDATE orders SET address = '2 Road' WHERE id = 72").execute(&bench.shop).await.unwrap();

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    let reads = verified.certificate.verification.reads;
    let orders = reads.iter().find(|read| read.address.to_string() == "shop:orders").unwrap();
    assert_eq!((orders.state, orders.rows_before, orders.rows_left), (VerificationState::StillPresent, 2, 1));
}

/// The contacts are read for other connections only, and nothing but them leads to the notes.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_was_asked_for_is_not_called_gone(#[case] backend: Backend) {
    let one_by_one = "method: DELETE\n          path: /notes/<id>\n          gone: [404]\n          param_values: [{name: id, references: [{dataset: crm, field: notes.id, direction: from}]}]\n";
    let at_once = "method: POST\n          path: /erasures\n          per: person\n          param_values: [{name: email, identity: email}]\n          body: '{\"email\": \"<email>\"}'\n";
    let file = crm::FILE.replace("path: /contacts,", "path: /contacts, when: domain == 'x',");
    let Some(bench) = backend.start_with(&file.replace(one_by_one, at_once)).await else { return };
    let plan = applied(&bench).await;

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    let sent = plan.contents().operations.iter().find(|one| one.collections[0].collection() == "notes");
    assert_eq!(sent.unwrap().verification, Verification::ReadAgain);
    let reads = &verified.certificate.verification.reads;
    let notes = reads.iter().find(|read| read.address.to_string() == "crm:notes").unwrap();
    assert_eq!(notes.state, VerificationState::NotChecked);
    assert!(!verified.is_proven());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_proves_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = applied(&bench).await;
    sqlx::query("DROP TABLE orders").execute(&bench.shop).await.unwrap();

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    let reads = &verified.certificate.verification.reads;
    let orders = reads.iter().find(|read| read.address.to_string() == "shop:orders").unwrap();
    assert_eq!(orders.state, VerificationState::NotChecked);
    assert!(!verified.is_proven());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_quiet_period_counts_from_the_last_write(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = applied(&bench).await;
    let run = &plan.contents().run;
    let service = bench.process().await;
    let options = |quiet, patience| VerifyOptions {
        quiet_period: Some(Duration::from_secs(quiet)),
        patience: Duration::from_secs(patience),
        ..VerifyOptions::new(actor())
    };

    let early = service.verify(run, options(600, 60), &|_| {}).await.unwrap_err();
    bench.clock.advance(Duration::from_secs(550));
    let waited = service.verify(run, options(600, 600), &|_| {}).await.unwrap();

    assert!(matches!(&early, VerifyError::TooEarly { left, .. } if left.as_secs() > 500), "{early}");
    assert!(early.is_refusal());
    assert_eq!(waited.certificate.verification.quiet_period_s, 600);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_to_verify_before_apply(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;

    let error = verify(&bench.process().await, &plan.contents().run).await.unwrap_err();

    assert!(matches!(error, VerifyError::NotApplied { .. }), "{error}");
}

/// The file names a request that proves the erasure of letters.
#[rstest]
#[case::gone("FINISHED", VerificationState::Gone)]
#[case::still_there("FAILED", VerificationState::StillPresent)]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_file_names_proves_or_disproves_a_write(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] word: &str,
    #[case] expected: VerificationState,
) {
    let verify_by = "          verify: {method: GET, path: /proof, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}
          track:";
    let file = crm::FILE.replace("          track:", verify_by);
    let Some(bench) = backend.start_with(&file).await else { return };
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().end_jobs(word);

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    assert!(!bench.crm.saas.calls_to("/proof").is_empty());
    let reads = &verified.certificate.verification.reads;
    let letters = reads.iter().find(|read| read.address.to_string() == "crm:letters").unwrap();
    assert_eq!(letters.state, expected);
    assert_eq!(verified.is_proven(), expected == VerificationState::Gone);
}

#[rstest]
#[case::corrected(None, true)]
#[case::undone(Some("UPDATE customers SET name = 'Ana' WHERE id = 7"), false)]
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_proven_by_the_right_value(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] undo: Option<&'static str>,
    #[case] is_proven: bool,
) {
    let Some(bench) = backend.start().await else { return };
    let service = bench.process().await;
    let rectify = vec![("shop:customers.name".to_owned(), json!("Anna"))];
    let plan = plan_with(&service, "correct_customer", rectify).await;
    apply(&service, &plan).await.unwrap();
    let names = bench.shop_rows("SELECT name FROM customers ORDER BY id").await;
    assert_eq!(names, [Some("Anna".into()), Some("Ben".into())]);
    if let Some(undo) = undo {
        sqlx::query(undo).execute(&bench.shop).await.unwrap();
    }

    let verified = verify(&service, &plan.contents().run).await.unwrap();

    assert_eq!(verified.certificate.action, PlanAction::Rectification);
    assert_eq!(verified.is_proven(), is_proven, "{:#?}", verified.certificate);
    assert!(bench.crm.writes().is_empty());
}

//! What is evidence of an erasure, and what is not.

use model::{CollectionAddress, Outcome};
use privacy::certificate::{Certificate, Evidence, VerificationState, VerifiedRead};
use privacy::plan::{Plan, Verification};
use privacy::{ResolveDecision, RunStatus};
use rstest::rstest;
use serde_json::json;

use super::bench::{Backend, Bench, actor, apply, plan_with, policies, verify};
use super::crm::{self, Fault};

/// Letters cannot be read: their row is made of the address that is asked for.
fn unreadable() -> String {
    let read = "read: {method: GET, path: /letters, query_params: [{name: email, value: <email>}], param_values: [{name: email, identity: email}]}";
    assert!(crm::FILE.contains(read));
    let output = r#"read: {param_values: [{name: email, identity: email}], output: '{"id": "<email>", "address": "x"}'}"#;
    crm::FILE.replace(read, output)
}

fn read<'a>(certificate: &'a Certificate, collection: &str) -> &'a VerifiedRead {
    let is_it = |read: &&VerifiedRead| read.address.to_string() == collection;
    certificate.verification.reads.iter().find(is_it).unwrap()
}

fn is_about(collections: &[CollectionAddress], collection: &str) -> bool {
    collections.iter().any(|one| one.to_string() == collection)
}

fn order_of(status: &RunStatus, collection: &str) -> u64 {
    let has_it = |one: &&privacy::OperationStatus| is_about(&one.collections, collection);
    status.operations.iter().find(has_it).unwrap().order
}

fn verification_of(plan: &Plan, collection: &str) -> Verification {
    let operations = &plan.contents().operations;
    operations.iter().find(|one| is_about(&one.collections, collection)).unwrap().verification
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The application says so when it is asked.
    Seen,
    /// It forgot the job, and a person says so.
    JobDecided,
    /// The write was not answered, and a person says so.
    WriteDecided,
}

#[rstest]
#[case::seen(Ended::Seen, VerificationState::Gone, Evidence::Application)]
#[case::decided_about_the_job(Ended::JobDecided, VerificationState::NotChecked, Evidence::Nothing)]
#[case::decided_about_the_write(Ended::WriteDecided, VerificationState::NotChecked, Evidence::Nothing)]
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_job_is_evidence_only_if_it_was_seen(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] ended: Ended,
    #[case] state: VerificationState,
    #[case] evidence: Evidence,
) {
    let Some(bench) = backend.start_with(&unreadable()).await else { return };
    let plan = bench.plan().await;
    let run = &plan.contents().run;
    let service = bench.process().await;
    if ended == Ended::WriteDecided {
        bench.crm.fail("POST /erasures", Fault::AppliedUnanswered);
    }
    apply(&service, &plan).await.unwrap();
    match ended {
        Ended::Seen => bench.crm.state().end_jobs("FINISHED"),
        Ended::JobDecided => bench.crm.state().jobs.clear(),
        Ended::WriteDecided => {}
    }
    let mut status = service.status(run).await.unwrap();
    if ended != Ended::Seen {
        let order = order_of(&status, "crm:letters");
        status = service.resolve(run, order, ResolveDecision::TookEffect, actor()).await.unwrap();
    }

    let verified = verify(&service, run).await.unwrap();

    assert_eq!(verification_of(&plan, "crm:letters"), Verification::JobOnly);
    let letters =
        status.operations.iter().find(|one| one.collections[0].to_string() == "crm:letters").unwrap();
    assert_eq!(letters.outcome, Some(Outcome::Erased), "it ended well, whoever says so");
    let found = read(&verified.certificate, "crm:letters");
    assert_eq!((found.state, found.evidence), (state, evidence));
    assert_eq!(verified.is_proven(), ended == Ended::Seen, "{:#?}", verified.certificate);
    assert_eq!(verified.certificate.conclusion.evidence, Some(evidence));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_can_neither_be_read_nor_followed_is_never_proven(#[case] backend: Backend) {
    let file = unreadable();
    let untracked = file.split("          track:").next().unwrap();
    let Some(bench) = backend.start_with(untracked).await else { return };
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    assert_eq!(verification_of(&plan, "crm:letters"), Verification::None);
    let found = read(&verified.certificate, "crm:letters");
    assert_eq!((found.state, found.evidence), (VerificationState::NotChecked, Evidence::Nothing));
    assert!(found.explanation.as_ref().unwrap().contains("nothing of it can be read"));
    assert!(!verified.is_proven());
}

type Change = fn(&mut Bench);

/// The masked address came back, which only the plan's own rules tell from what may stay.
#[rstest]
#[case::other_rules(|bench: &mut Bench| bench.policies = policies("hash"), "policy `erase_customer`")]
#[case::no_policy(|bench: &mut Bench| bench.policies.clear(), "policy `erase_customer`")]
#[case::another_file(|bench: &mut Bench| bench.sha256 = "file-2".to_owned(), "file of `crm`")]
#[tokio::test(flavor = "multi_thread")]
async fn with_another_policy_or_file_nothing_is_checked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] change: Change,
    #[case] named: &str,
) {
    let Some(mut bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    let run = &plan.contents().run;
    apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().end_jobs("FINISHED");
    let as_planned = (bench.policies.clone(), bench.sha256.clone());

    change(&mut bench);
    let changed = verify(&bench.process().await, run).await.unwrap();
    (bench.policies, bench.sha256) = as_planned;
    let put_back = verify(&bench.process().await, run).await.unwrap();

    assert!(!changed.is_proven());
    let reads = &changed.certificate.verification.reads;
    assert_eq!(reads.len(), put_back.certificate.verification.reads.len());
    assert!(reads.iter().all(|read| read.state == VerificationState::NotChecked
        && read.evidence == Evidence::Nothing
        && read.explanation.is_some()));
    assert!(changed.problems.iter().any(|problem| problem.contains(named)), "{:?}", changed.problems);
    assert!(put_back.is_proven(), "{:#?}", put_back.certificate);
}

/// Nothing leads to the row by its address any more: it is read by its key.
#[rstest]
#[case::masked(None, VerificationState::Gone)]
#[case::only_the_address_is(
    Some("UPDATE customers SET name = 'Ana' WHERE id = 7"),
    VerificationState::StillPresent
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_a_table_is_looked_at_though_what_it_was_found_by_is_masked(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] undo: Option<&'static str>,
    #[case] state: VerificationState,
) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().end_jobs("FINISHED");
    let emails = bench.shop_rows("SELECT email FROM customers WHERE id = 7").await;
    if let Some(undo) = undo {
        sqlx::query(undo).execute(&bench.shop).await.unwrap();
    }

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    assert_eq!(emails, [None]);
    let found = read(&verified.certificate, "shop:customers");
    assert_eq!((found.state, found.evidence), (state, Evidence::Reading));
    assert_eq!(found.rows_left, u64::from(undo.is_some()));
}

/// The application finds contacts by their address alone, and the mask replaced it.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_masked_row_that_an_application_does_not_find_any_more_is_called_that(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    bench.crm.state().end_jobs("FINISHED");

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    let contacts = read(&verified.certificate, "crm:contacts");
    assert_eq!((contacts.state, contacts.evidence), (VerificationState::Gone, Evidence::Lookup));
    assert_eq!(read(&verified.certificate, "crm:notes").evidence, Evidence::Reading);
    assert_eq!(verified.certificate.conclusion.evidence, Some(Evidence::Lookup));
    assert!(verified.is_proven() && verified.html.contains("gone, not found any more"));
}

/// With a request that corrects contacts.
fn correctable() -> String {
    let rectify = "    - name: contacts
      rectify:
        request:
          method: PUT
          path: /contacts/<id>
          param_values: [{name: id, references: [{dataset: crm, field: contacts.id, direction: from}]}]
          body: '{<masked_object_fields>}'
";
    crm::FILE.replace("    - name: contacts\n", rectify)
}

#[rstest]
#[case::one_is_right_already("name", "Anna", VerificationState::Gone)]
#[case::it_is_not_found_by_the_new_value("email", "anna@example.com", VerificationState::NotChecked)]
#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_proven_where_the_right_value_was_seen(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] field: &str,
    #[case] right: &str,
    #[case] state: VerificationState,
) {
    let Some(bench) = backend.start_with(&correctable()).await else { return };
    bench
        .crm
        .state()
        .contacts
        .push(json!({"id": 3, "name": "Anna", "email": "ana@example.com", "plan": "free"}));
    let service = bench.process().await;
    let rectify = vec![(format!("crm:contacts.{field}"), json!(right))];
    let plan = plan_with(&service, "correct_customer", rectify).await;
    apply(&service, &plan).await.unwrap();

    let verified = verify(&service, &plan.contents().run).await.unwrap();

    let found = read(&verified.certificate, "crm:contacts");
    assert_eq!(found.state, state, "{:#?}", verified.certificate);
    assert_eq!(verified.is_proven(), state == VerificationState::Gone);
}

#[rstest]
#[case::still_nothing(false, VerificationState::Gone)]
#[case::something_came(true, VerificationState::StillPresent)]
#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_has_nothing_of_the_person_is_no_obstacle(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
    #[case] something_came: bool,
    #[case] state: VerificationState,
) {
    let Some(bench) = backend.start().await else { return };
    bench.crm.state().letters.clear();
    let plan = bench.plan().await;
    apply(&bench.process().await, &plan).await.unwrap();
    if something_came {
        bench.crm.state().letters.push(json!({"id": 29, "email": "ana@example.com", "address": "x"}));
    }

    let verified = verify(&bench.process().await, &plan.contents().run).await.unwrap();

    assert!(plan.contents().not_covered.iter().any(|one| one.outcome == Outcome::NotFound));
    assert_eq!(read(&verified.certificate, "crm:letters").state, state);
    assert_eq!(verified.is_proven(), !something_came, "{:#?}", verified.certificate);
}

//! Trial runs on one dataset, as workers read them.

use std::sync::Arc;

use model::{Identities, PrivacyRequestId, RandomIds, Row};
use privacy::dataset_trial::{self, MOST_ROWS, NewTrial};
use rstest::rstest;
use serde_json::{Value, json};
use store::{Actor, DatasetTrial, DatasetTrialState as State, PrivacyRequestFilter, Window};

use super::office::Office;
use super::put_off::HalfSetUp;
use crate::lifecycle::bench::Backend;
use crate::lifecycle::crm::Fault;

impl Office {
    /// A trial of a connection's own dataset, about whom this says.
    async fn try_out(&self, connection: &str, identity: (&str, Value)) -> PrivacyRequestId {
        let mut identities = Identities::default();
        identities.insert(identity.0, identity.1).unwrap();
        let new = NewTrial {
            connection: connection.parse().unwrap(),
            dataset: connection.to_owned(),
            policy: "access".to_owned(),
            identities,
            actor: Actor::person("pat"),
        };
        dataset_trial::begin(&self.store, &RandomIds, new).await.unwrap()
    }

    async fn tried(&self, id: &PrivacyRequestId) -> DatasetTrial {
        self.store.dataset_trial_find(id).await.unwrap().unwrap()
    }

    async fn shown(&self, id: &PrivacyRequestId) -> Row {
        dataset_trial::found(&self.store, id, Actor::person("pat")).await.unwrap()
    }

    /// Level, place and message of everything that is told, in order.
    async fn told(&self, id: &PrivacyRequestId) -> Vec<(&'static str, String, String)> {
        let logs = self.store.dataset_trial_log_list(id).await.unwrap();
        logs.into_iter().map(|log| (log.level.as_str(), log.place, log.message)).collect()
    }
}

fn ana() -> (&'static str, Value) {
    ("email", json!("ana@example.com"))
}

// rule: fides-api 6
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_reads_its_dataset_alone_and_shows_what_the_policy_delivers(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let (shop, crm) = (office.try_out("shop", ana()).await, office.try_out("crm", ana()).await);

    let worked = office.work().await;

    assert_eq!((worked, office.tried(&shop).await.state), (2, State::Complete));
    let expected = json!({
        "shop:customers": [{"email": "ana@example.com", "name": "Ana"}],
        "shop:orders": [{"address": "1 Road"}, {"address": "2 Road"}],
    });
    assert_eq!(Value::Object(office.shown(&shop).await), expected);
    let crm_shown = office.shown(&crm).await;
    let addresses: Vec<&String> = crm_shown.keys().collect();
    assert_eq!(addresses, ["crm:contacts", "crm:letters", "crm:notes"]);
    let told = |level, place: &str, message: &str| (level, place.to_owned(), message.to_owned());
    let expected = [
        told("INFO", "shop:customers", "success - retrieved 1 records"),
        told("INFO", "shop:orders", "success - retrieved 2 records"),
        told("INFO", "trial", "ended with 3 rows"),
    ];
    assert_eq!(office.told(&shop).await, expected);
    assert_eq!(office.bench.crm.saas.calls_to("/contacts").len(), 1, "only the trial of crm asks crm");
    assert_eq!(office.bench.crm.writes(), Vec::<String>::new());
}

/// A trial leaves nothing where requests are looked for, and a request nothing of a trial.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_is_in_no_list_package_or_number_of_requests(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let trial = office.try_out("shop", ana()).await;
    let request = office.ask("access").await;

    office.work().await;

    let store = &office.store;
    let listed = store.privacy_request_list(&PrivacyRequestFilter::default(), Window::ALL).await.unwrap();
    let ids: Vec<&PrivacyRequestId> = listed.items.iter().map(|request| &request.id).collect();
    assert_eq!((listed.total, ids), (1, vec![&request]));
    let counted: u64 = store.privacy_request_count_by_status().await.unwrap().values().sum();
    assert_eq!(counted, 1);
    let data = office.bench.data_folder().join("data");
    let packages = std::fs::read_dir(data.join("fides_uploads")).unwrap();
    let names: Vec<_> = packages.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
    assert!(names.iter().all(|name| !name.to_string_lossy().contains(trial.as_str())));
    let left = std::fs::read_dir(data.join("dataset-trials")).unwrap().count();
    assert_eq!(left, 0, "rows on the disk go with the reading");
    assert!(store.dataset_trial_find(&request).await.unwrap().is_none());
    assert!(store.message_claim("w", std::time::Duration::from_secs(5)).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_be_used_or_refuses_is_told(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let unusable = office.try_out("crm", ana()).await;
    office.worker_with(Arc::new(HalfSetUp)).await.work_off().await.unwrap();
    for _ in 0..4 {
        office.bench.crm.fail("GET /letters", Fault::Refused);
    }
    let refused = office.try_out("crm", ana()).await;

    office.work().await;

    assert_eq!(office.tried(&unusable).await.state, State::Error);
    let text = "the connection `crm` cannot be used: it has no secrets";
    assert_eq!(office.told(&unusable).await, [("ERROR", "trial".to_owned(), text.to_owned())]);
    assert_eq!(office.tried(&refused).await.state, State::Error);
    let told = office.told(&refused).await;
    assert!(
        told.iter().any(|(level, place, _)| (*level, place.as_str()) == ("ERROR", "crm:letters")),
        "{told:?}"
    );
    assert!(office.shown(&refused).await.contains_key("crm:contacts"), "what was read is shown");
    assert!(!format!("{told:?}").contains("ana@example.com"));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_trial_shows_so_many_rows_and_says_that_there_are_more(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let many = "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO orders SELECT i, 7, 'a' FROM n";
    sqlx::query(many).execute(&office.bench.shop).await.unwrap();
    let trial = office.try_out("shop", ana()).await;

    office.work().await;

    let tried = office.tried(&trial).await;
    assert_eq!((tried.state, tried.is_cut), (State::Complete, true));
    let shown = office.shown(&trial).await;
    let rows: u64 = shown.values().map(|rows| rows.as_array().unwrap().len() as u64).sum();
    assert_eq!(rows, MOST_ROWS);
    let told = office.told(&trial).await;
    assert!(
        told.iter().any(|(level, _, message)| *level == "WARNING" && message.contains("1000 rows")),
        "{told:?}"
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_and_a_policy_that_is_gone_end_a_trial_with_a_sentence(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let nobody = office.try_out("shop", ("email", json!("nobody@example.com"))).await;
    office.work().await;
    let policyless = office.try_out("shop", ana()).await;
    let (book, actor) = (privacy::policy_book::PolicyBook::new(office.store.clone()), Actor::system());
    book.remove("access", &actor).await.unwrap();

    office.work().await;

    assert_eq!((office.tried(&nobody).await.state, office.shown(&nobody).await.len()), (State::Complete, 0));
    assert_eq!(office.tried(&policyless).await.state, State::Error);
    assert_eq!(office.told(&policyless).await[0].2, "No Policy found for key access.");
}

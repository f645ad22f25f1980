//! Trial runs on one dataset.

use std::time::Duration;

use crypto::{KeyRing, MasterKey, Secret};
use model::{Clock as _, PrivacyRequestId, RandomIds};
use rstest::rstest;
use sqlx::Row as _;
use store::{
    Actor, ClaimedDatasetTrial, DatasetTrialEnd, DatasetTrialLevel, DatasetTrialLog,
    DatasetTrialState as State, NewDatasetTrial, PrivacyRequestFilter, SentSince, StoreError, Window,
};

use crate::bench::{Backend, Bench, CANARY, LEASE, open};

const HOUR: Duration = Duration::from_hours(1);

impl Bench {
    async fn trial(&self) -> PrivacyRequestId {
        let id = PrivacyRequestId::new(&RandomIds);
        let new = NewDatasetTrial {
            id: id.clone(),
            connection: "shop".parse().unwrap(),
            dataset: "shop_tables".to_owned(),
            policy: "access".to_owned(),
            identities: Secret::new(format!("{{\"email\":[\"{CANARY}\"]}}").into_bytes()),
            life: HOUR,
            actor: Actor::person("pat"),
        };
        self.store.dataset_trial_create(new).await.unwrap();
        id
    }

    async fn trial_take(&self) -> ClaimedDatasetTrial {
        self.store.dataset_trial_claim("w", LEASE).await.unwrap().expect("a trial waits")
    }

    fn trial_found(&self) -> DatasetTrialEnd {
        DatasetTrialEnd {
            state: State::Complete,
            results: Secret::new(CANARY.as_bytes().to_vec()),
            is_cut: true,
            logs: vec![DatasetTrialLog {
                at: self.clock.now(),
                level: DatasetTrialLevel::Warning,
                place: "shop_tables:customers".to_owned(),
                message: "1 row".to_owned(),
            }],
            life: HOUR,
        }
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_trial_is_taken_once_and_ends_with_what_was_found(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let id = bench.trial().await;

    let waiting = bench.store.dataset_trial_find(&id).await.unwrap().unwrap();
    let taken = bench.trial_take().await;
    let second = bench.again().await.dataset_trial_claim("other", LEASE).await.unwrap();
    bench.store.dataset_trial_beat(&taken.lease, LEASE).await.unwrap();
    let before = bench.store.dataset_trial_results(&id, Actor::person("pat")).await.unwrap();
    bench.store.dataset_trial_end(&taken.lease, bench.trial_found()).await.unwrap();

    assert_eq!((waiting.state, waiting.connection.as_str()), (State::Pending, "shop"));
    assert!(String::from_utf8_lossy(taken.identities.expose()).contains(CANARY));
    assert!(second.is_none() && before.is_none());
    let ended = bench.store.dataset_trial_find(&id).await.unwrap().unwrap();
    assert_eq!((ended.state, ended.is_cut), (State::Complete, true));
    assert!(ended.ended_at.is_some());
    let results = bench.again().await.dataset_trial_results(&id, Actor::person("pat")).await.unwrap();
    assert_eq!(results.unwrap().expose(), CANARY.as_bytes());
    assert_eq!(bench.store.dataset_trial_log_list(&id).await.unwrap(), bench.trial_found().logs);
    assert!(bench.store.dataset_trial_claim("w", LEASE).await.unwrap().is_none());
    let twice = bench.store.dataset_trial_end(&taken.lease, bench.trial_found()).await.unwrap_err();
    assert!(matches!(twice, StoreError::Fenced { .. }), "{twice}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_trial_whose_worker_fell_silent_is_taken_by_another(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let id = bench.trial().await;
    let silent = bench.trial_take().await;

    bench.clock.advance(LEASE);
    let taken = bench.trial_take().await;
    let late = bench.store.dataset_trial_end(&silent.lease, bench.trial_found()).await.unwrap_err();
    let lost = bench.store.dataset_trial_beat(&silent.lease, LEASE).await.unwrap_err();
    bench.store.dataset_trial_give_back(&taken.lease).await.unwrap();
    let waiting = bench.store.dataset_trial_find(&id).await.unwrap().unwrap();
    let again = bench.trial_take().await;

    assert!(matches!((late, lost), (StoreError::Fenced { .. }, StoreError::Fenced { .. })));
    assert_eq!((taken.attempts, waiting.state, again.attempts), (2, State::Pending, 1));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn many_workers_share_the_trials_and_none_is_read_twice(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    for _ in 0..6 {
        bench.trial().await;
    }
    let (one, two) = (bench.again().await, bench.again().await);

    let take = async |store: &store::Store| {
        let mut taken = Vec::new();
        // Whoever met another at the same trial looks again.
        for _ in 0..20 {
            let claimed = store.dataset_trial_claim("w", LEASE).await.unwrap();
            taken.extend(claimed.map(|one| one.trial.id));
        }
        taken
    };
    let (mut all, others) = tokio::join!(take(&one), take(&two));

    all.extend(others);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 6);
    assert!(bench.store.dataset_trial_claim("w", LEASE).await.unwrap().is_none());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_trial_goes_when_its_hour_is_over_and_a_restore_leaves_none(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (untaken, ended) = (bench.trial().await, bench.trial().await);
    let mut taken = bench.trial_take().await;
    if taken.trial.id != ended {
        taken = bench.trial_take().await;
    }
    bench.clock.advance(HOUR / 2);
    bench.store.dataset_trial_end(&taken.lease, bench.trial_found()).await.unwrap();

    bench.clock.advance(HOUR / 2);
    let shown = bench.store.dataset_trial_find(&untaken).await.unwrap();
    let forgotten = bench.store.dataset_trial_forget_due(Actor::system()).await.unwrap();
    let stays = bench.store.dataset_trial_find(&ended).await.unwrap();
    bench.clock.advance(HOUR);
    let results = bench.store.dataset_trial_results(&ended, Actor::system()).await.unwrap();
    let rest = bench.store.dataset_trial_forget_due(Actor::system()).await.unwrap();
    let nothing = bench.store.dataset_trial_forget_due(Actor::system()).await.unwrap();
    bench.trial().await;
    bench.store.restored(&SentSince::Plans(Vec::new()), Actor::system()).await.unwrap();

    assert!(shown.is_none() && stays.is_some() && results.is_none());
    assert_eq!((forgotten, rest, nothing), (1, 1, 0));
    for table in ["SELECT COUNT(*) FROM dataset_trial", "SELECT COUNT(*) FROM dataset_trial_log"] {
        let count: i64 = sqlx::query(table).fetch_one(&bench.sql().await).await.unwrap().get(0);
        assert_eq!(count, 0, "{table}");
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn who_was_read_and_what_was_found_lie_sealed_under_whichever_master_key(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let id = bench.trial().await;
    let taken = bench.trial_take().await;
    bench.store.dataset_trial_end(&taken.lease, bench.trial_found()).await.unwrap();
    let new = MasterKey::random().to_base64();
    let both = KeyRing::new(MasterKey::from_base64(new.expose()).unwrap());
    let both = both.with_older(MasterKey::from_base64(bench.key.expose()).unwrap());

    let store = open(&bench.place, both, &bench.clock).await.unwrap();
    store.keys_reseal(Actor::system()).await.unwrap();
    let only = KeyRing::new(MasterKey::from_base64(new.expose()).unwrap());
    let store = open(&bench.place, only, &bench.clock).await.unwrap();

    let results = store.dataset_trial_results(&id, Actor::system()).await.unwrap().unwrap();
    assert_eq!(results.expose(), CANARY.as_bytes());
    const COLUMNS: &str = "SELECT sealed_results, data_key, sealed_identities FROM dataset_trial";
    let row = sqlx::query(COLUMNS).fetch_one(&bench.sql().await).await.unwrap();
    let bytes: Vec<u8> = row.get(0);
    assert!(!bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()));
    assert!(row.get::<Option<Vec<u8>>, _>(2).is_none(), "who was read is not kept");
}

/// A trial is in no table that anything about requests is read from.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_trial_is_no_request(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let id = bench.trial().await;

    let listed =
        bench.store.privacy_request_list(&PrivacyRequestFilter::default(), Window::ALL).await.unwrap();

    assert_eq!((listed.total, listed.items.len()), (0, 0));
    assert!(bench.store.privacy_request_claim("w", LEASE).await.unwrap().is_none());
    assert_eq!(bench.store.privacy_request_queue().await.unwrap(), (0, 0));
    assert!(bench.store.privacy_request_count_by_status().await.unwrap().values().all(|count| *count == 0));
    let found = bench.store.get_privacy_request(&id).await.unwrap_err();
    assert!(matches!(found, StoreError::NotFound { .. }), "{found}");
}

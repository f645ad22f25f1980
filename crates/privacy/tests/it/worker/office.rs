//! Requests of people about the application and the database of a bench, and workers for them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use graph::{Graph, GraphDataset};
use jiff::Timestamp;
use model::{ConnectionKey, Identities, PrivacyRequestId, RandomIds};
use privacy::PrivacyService;
use privacy::dataset_trial::Alone;
use privacy::policy_book::PolicyBook;
use privacy::request::{By, NewRequest, PrivacyRequests, RequestSettings, RequestsParts, Submitter};
use privacy::storage_book::PackageSettings;
use privacy::worker::{Services, ServicesError, Worker, WorkerParts};
use serde_json::json;
use store::{
    Actor, Approval, Policy, PolicyRule, PolicyTarget, PrivacyRequest, RuleAction, RuleMasking, Store, Window,
};

use crate::lifecycle::bench::{Backend, Bench};

const EVERYTHING: [RuleAction; 3] = [RuleAction::Access, RuleAction::Erasure, RuleAction::Rectification];

/// A bench with requests.
pub(crate) struct Office {
    pub(crate) bench: Bench,
    pub(crate) store: Store,
    pub(crate) requests: PrivacyRequests,
    settings: RequestSettings,
}

/// The same service, whatever happens.
#[derive(Debug)]
struct Fixed(PrivacyService);

impl Services for Fixed {
    fn current(&self, _: u64) -> BoxFuture<'_, Result<PrivacyService, ServicesError>> {
        async { Ok(self.0.clone()) }.boxed()
    }

    fn alone<'a>(
        &'a self,
        connection: &'a ConnectionKey,
        dataset: &'a str,
    ) -> BoxFuture<'a, Result<Alone, ServicesError>> {
        let parts = self.0.parts();
        let of_it = parts.graph.collections().filter(|one| one.address.dataset() == dataset);
        let collections = of_it.map(|one| (**one).clone()).collect();
        let dataset = GraphDataset { fides_key: dataset.to_owned(), after: Vec::new(), collections };
        let alone = Alone {
            graph: Graph::build(&[dataset.alone()]).unwrap(),
            source: parts.sources.get(connection).unwrap().clone(),
            serves_access: true,
            concurrency: parts.concurrency.clone(),
        };
        async { Ok(alone) }.boxed()
    }
}

/// A policy of the store with one rule for each action.
fn policy(key: &str, actions: &[RuleAction], approval: Approval) -> Policy {
    let rule = |action: &RuleAction| PolicyRule {
        key: format!("{key}_{}", action.as_str()),
        name: format!("{key} {}", action.as_str()),
        action: *action,
        storage: None,
        masking: (*action == RuleAction::Erasure)
            .then(|| RuleMasking { strategy: "null_rewrite".to_owned(), configuration: json!({}) }),
        targets: vec![PolicyTarget {
            key: format!("{key}_{}_user", action.as_str()),
            name: format!("{key} {} user", action.as_str()),
            data_category: "user".to_owned(),
        }],
    };
    Policy {
        key: key.to_owned(),
        name: key.to_owned(),
        drp_action: None,
        execution_timeframe: None,
        conditions: None,
        approval,
        rules: actions.iter().map(rule).collect(),
        version: 0,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

impl Office {
    pub(crate) async fn start(backend: Backend) -> Option<Self> {
        Self::of(backend.start().await?).await
    }

    /// The same, with other settings.
    pub(crate) async fn start_with(backend: Backend, settings: RequestSettings) -> Option<Self> {
        let Self { bench, store, .. } = Self::start(backend).await?;
        let requests = requests(&bench, &store, &settings);
        Some(Self { bench, store, requests, settings })
    }

    pub(crate) async fn of(mut bench: Bench) -> Option<Self> {
        let store = bench.store().await;
        let book = PolicyBook::new(store.clone());
        bench.policies.clear();
        let policies = [
            policy("access", &[RuleAction::Access], Approval::Automatic),
            policy("erase", &[RuleAction::Erasure], Approval::Automatic),
            policy("erase_by_person", &[RuleAction::Erasure], Approval::Person),
            policy("both", &[RuleAction::Access, RuleAction::Erasure], Approval::Automatic),
            policy("correct", &[RuleAction::Rectification], Approval::Automatic),
            policy("correct_by_person", &[RuleAction::Rectification], Approval::Person),
            policy("everything", &EVERYTHING, Approval::Automatic),
        ];
        for policy in policies {
            store.policy_put(&policy, Actor::system()).await.unwrap();
            bench.policies.push(book.document(&policy.key).await.unwrap().policy);
        }
        let settings = RequestSettings::default();
        let requests = requests(&bench, &store, &settings);
        Some(Self { bench, store, requests, settings })
    }

    /// A worker of its own process.
    pub(crate) async fn worker(&self) -> Worker {
        let store = self.bench.store().await;
        self.worker_on(store).await
    }

    /// A worker that is given what these give.
    pub(crate) async fn worker_with(&self, services: Arc<dyn Services>) -> Worker {
        let (store, service) = (self.bench.store().await, self.bench.process().await);
        self.worker_of(store, &service, services)
    }

    async fn worker_on(&self, store: Store) -> Worker {
        let service = self.bench.process().await;
        self.worker_of(store, &service, Arc::new(Fixed(service.clone())))
    }

    fn worker_of(&self, store: Store, service: &PrivacyService, services: Arc<dyn Services>) -> Worker {
        Worker::new(WorkerParts {
            requests: requests(&self.bench, &store, &self.settings),
            store,
            services,
            packages: PackageSettings::open(
                egress::DoorSettings {
                    allow: vec!["127.0.0.1".parse().unwrap()],
                    ..egress::DoorSettings::default()
                },
                self.bench.data_folder().join("data"),
            )
            .unwrap(),
            name: service.parts().worker.clone(),
            slots: 2,
            limits: privacy::worker::WorkLimits::default(),
            clock: Arc::new(self.bench.clock.clone()),
            ids: Arc::new(RandomIds),
        })
    }

    /// A request about Ana by a caller that was let in.
    pub(crate) async fn ask(&self, policy: &str) -> PrivacyRequestId {
        let caller = By { actor: Actor::client("shop"), user: Some("shop".to_owned()) };
        self.ask_as(policy, Submitter { caller: Some(caller) }).await
    }

    pub(crate) async fn ask_as(&self, policy: &str, submitter: Submitter) -> PrivacyRequestId {
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        let new = NewRequest { policy: policy.to_owned(), identities, ..NewRequest::default() };
        self.requests.create(new, submitter).await.unwrap().id
    }

    /// The same of somebody who lives there.
    pub(crate) async fn ask_at(&self, policy: &str, location: &str) -> PrivacyRequestId {
        let caller = By { actor: Actor::client("shop"), user: Some("shop".to_owned()) };
        let mut identities = Identities::default();
        identities.insert("email", "ana@example.com".into()).unwrap();
        let location = Some(location.to_owned());
        let new = NewRequest { policy: policy.to_owned(), identities, location, ..NewRequest::default() };
        self.requests.create(new, Submitter { caller: Some(caller) }).await.unwrap().id
    }

    /// The request as it is now.
    pub(crate) async fn find(&self, id: &PrivacyRequestId) -> PrivacyRequest {
        self.store.get_privacy_request(id).await.unwrap()
    }

    /// Works off everything that is due.
    pub(crate) async fn work(&self) -> usize {
        self.worker().await.work_off().await.unwrap()
    }

    /// Works off what is due. Leases of whoever is gone end first, however late they were taken.
    pub(crate) async fn work_after_a_crash(&self) {
        let worker = self.worker().await;
        // The lease is over before anybody looks for work.
        self.bench.clock.advance(Duration::from_secs(4));
        let mut work = tokio::spawn(async move { worker.work_off().await });
        while tokio::time::timeout(Duration::from_secs(5), &mut work).await.is_err() {
            self.bench.clock.advance(Duration::from_secs(4));
        }
    }

    /// All texts of the package that is handed out for a request.
    pub(crate) fn package(&self, id: &PrivacyRequestId) -> String {
        let mut archive = zip::ZipArchive::new(std::fs::File::open(self.package_path(id)).unwrap()).unwrap();
        let mut text = String::new();
        for number in 0..archive.len() {
            let mut file = archive.by_index(number).unwrap();
            let _ = std::io::Read::read_to_string(&mut file, &mut text);
        }
        text
    }

    /// Where that package is, once it is made.
    pub(crate) fn package_path(&self, id: &PrivacyRequestId) -> PathBuf {
        self.bench.data_folder().join(format!("data/fides_uploads/{id}-access_access.zip"))
    }

    /// Status and message of everything in the log about `dataset`, in order.
    pub(crate) async fn log(&self, id: &PrivacyRequestId, dataset: Option<&str>) -> Vec<(String, String)> {
        let logs = self.store.privacy_request_log_list(id, None, Window::ALL).await.unwrap().items;
        let logs = logs.into_iter().map(|log| log.entry).filter(|log| log.dataset_name.as_deref() == dataset);
        logs.map(|log| (log.status, log.message.unwrap_or_default())).collect()
    }
}

fn requests(bench: &Bench, store: &Store, settings: &RequestSettings) -> PrivacyRequests {
    PrivacyRequests::new(RequestsParts {
        store: store.clone(),
        policies: PolicyBook::new(store.clone()),
        clock: Arc::new(bench.clock.clone()),
        ids: Arc::new(RandomIds),
        settings: settings.clone(),
        configured: None,
    })
}

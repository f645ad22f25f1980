//! The life of a request, on a real store.

mod again;
mod clock;
mod decide;
mod journaled;
mod make;
mod verify;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crypto::{KeyRing, MasterKey, Secret};
use model::{Clock as _, Identities, PrivacyRequestId, RandomIds};
use privacy::policy_book::PolicyBook;
use privacy::request::{
    By, Channels, DuplicateSettings, NewRequest, Notices, PrivacyRequests, RequestSettings, RequestsParts,
    Submitter,
};
use serde_json::{Value, json};
use store::{
    Access, Actor, ClaimedRequest, MessageKind, MessageTo, PrivacyRequest, RequestLogKind, Store, StoreParts,
    StorePlace, Window,
};
use tempfile::TempDir;
use testkit::TestClock;

pub(crate) const ANA: &str = "ana@example.com";
pub(crate) const ERASE: &str = "default_erasure_policy";
const LEASE: Duration = Duration::from_secs(3);

/// A store with the default policies, and its requests.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) clock: TestClock,
    pub(crate) requests: PrivacyRequests,
    _folder: TempDir,
}

/// A message as it was put.
pub(crate) struct Told {
    pub(crate) kind: MessageKind,
    pub(crate) to: MessageTo,
    pub(crate) values: serde_json::Map<String, Value>,
}

/// Everything on, for a desk that sends codes.
pub(crate) fn with_codes() -> RequestSettings {
    RequestSettings {
        identity_verification: true,
        channels: Channels { email: true, sms: true },
        notices: Notices { receipt: true, review: true, completion: true },
        ..RequestSettings::default()
    }
}

pub(crate) fn by_person() -> RequestSettings {
    RequestSettings { manual_approval: true, ..RequestSettings::default() }
}

pub(crate) fn no_duplicates(settings: RequestSettings) -> RequestSettings {
    let duplicates = DuplicateSettings { enabled: true, days: 365, fields: vec!["email".to_owned()] };
    RequestSettings { duplicates, ..settings }
}

impl Desk {
    pub(crate) async fn open(settings: RequestSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = TestClock::new();
        let parts = StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: KeyRing::new(MasterKey::random()),
            clock: Arc::new(clock.clone()),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        };
        let store = Store::open(parts).await.unwrap();
        let policies = PolicyBook::new(store.clone());
        policies.seed(&Actor::system()).await.unwrap();
        let requests = PrivacyRequests::new(RequestsParts {
            store: store.clone(),
            policies,
            clock: Arc::new(clock.clone()),
            ids: Arc::new(RandomIds),
            settings,
            configured: None,
        });
        Self { store, clock, requests, _folder: folder }
    }

    /// A request of a caller that was let in.
    pub(crate) async fn made(&self) -> PrivacyRequest {
        self.clock.advance(Duration::from_secs(1));
        self.requests.create(about(ANA), vouched()).await.unwrap()
    }

    /// A request that anybody made.
    pub(crate) async fn asked(&self, identities: &[(&str, &str)]) -> PrivacyRequest {
        self.clock.advance(Duration::from_secs(1));
        self.requests.create(of(identities), Submitter::default()).await.unwrap()
    }

    pub(crate) async fn claim(&self) -> ClaimedRequest {
        self.store.privacy_request_claim("worker", LEASE).await.unwrap().expect("a request is due")
    }

    pub(crate) async fn nothing_is_due(&self) -> bool {
        self.store.privacy_request_claim("worker", LEASE).await.unwrap().is_none()
    }

    /// Everything that was put on its way since the last look.
    pub(crate) async fn told(&self) -> Vec<Told> {
        let mut told = Vec::new();
        while let Some(message) = self.store.message_claim("sender", LEASE).await.unwrap() {
            told.push(Told { kind: message.kind, to: message.to, values: message.values });
        }
        told
    }

    /// The codes that were sent since the last look, by address.
    pub(crate) async fn codes(&self) -> BTreeMap<String, Secret<String>> {
        let of = |told: Told| {
            assert_eq!(told.kind, MessageKind::VerificationCode);
            let MessageTo::Person(person) = told.to else { panic!("codes go to people") };
            let address = person.email.or(person.phone_number).unwrap();
            (address, Secret::new(told.values.get("code").unwrap().as_str().unwrap().to_owned()))
        };
        self.told().await.into_iter().map(of).collect()
    }

    /// What was entered, as `status by: message`.
    pub(crate) async fn log(&self, id: &PrivacyRequestId, kind: RequestLogKind) -> Vec<String> {
        let log = self.store.privacy_request_log_list(id, Some(kind), Window::ALL).await.unwrap();
        let line = |log: store::RequestLog| {
            let words = log.entry.words.as_ref().map(|words| words.expose().clone());
            let text = words.or(log.entry.message).unwrap_or_default();
            format!("{} {}: {text}", log.entry.status, log.entry.user_id.unwrap_or_default())
        };
        log.items.into_iter().map(line).collect()
    }
}

pub(crate) fn pat() -> By {
    By { actor: Actor::person("pat"), user: Some("fid_pat".to_owned()) }
}

pub(crate) fn quinn() -> By {
    By { actor: Actor::person("quinn"), user: Some("fid_quinn".to_owned()) }
}

pub(crate) fn vouched() -> Submitter {
    Submitter { caller: Some(By { actor: Actor::client("intake"), user: Some("intake".to_owned()) }) }
}

pub(crate) fn about(email: &str) -> NewRequest {
    of(&[("email", email)])
}

pub(crate) fn of(given: &[(&str, &str)]) -> NewRequest {
    let mut identities = Identities::default();
    for (kind, value) in given {
        identities.insert(*kind, json!(value)).unwrap();
    }
    NewRequest { policy: ERASE.to_owned(), identities, ..NewRequest::default() }
}

pub(crate) fn seconds_after(now: jiff::Timestamp, seconds: i64) -> jiff::Timestamp {
    now + jiff::SignedDuration::from_secs(seconds)
}

#[tokio::test]
async fn settings_that_were_set_over_the_api_hold_from_the_next_request_on() {
    let desk = Desk::open(RequestSettings::default()).await;
    let requests = PrivacyRequests::new(RequestsParts {
        store: desk.store.clone(),
        policies: PolicyBook::new(desk.store.clone()),
        clock: Arc::new(desk.clock.clone()),
        ids: Arc::new(RandomIds),
        settings: RequestSettings::default(),
        configured: Some(spec::ServerSettings::default()),
    });
    let before = requests.settings().await.unwrap();

    let set = [
        ("execution.require_manual_request_approval".to_owned(), json!(true)),
        ("privacy_request_duplicate_detection.enabled".to_owned(), json!(true)),
        ("privacy_request_duplicate_detection.time_window_days".to_owned(), json!(7)),
        ("privacy_request_duplicate_detection.match_identity_fields".to_owned(), json!(["phone_number"])),
    ];
    desk.store.setting_put(&set, store::OtherSettings::Keep, Actor::person("pat")).await.unwrap();

    let after = requests.settings().await.unwrap();
    assert_eq!((before.manual_approval, before.duplicates.enabled), (false, false));
    assert!(after.manual_approval);
    let fields = vec!["phone_number".to_owned()];
    assert_eq!(after.duplicates, DuplicateSettings { enabled: true, days: 7, fields });
    assert!(!desk.clock.now().is_zero());
}

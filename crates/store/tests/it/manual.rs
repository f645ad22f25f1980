use crypto::{MasterKey, Secret};
use jiff::Timestamp;
use model::{ConnectionKey, PrivacyRequestId, RandomIds};
use rstest::rstest;
use store::{
    Actor, Approval, ConnectionAccess, ConnectionChange, ConnectionStep, Intake, Lookup, LookupField,
    ManualAction, ManualField, NewConnection, NewManualInput, NewPrivacyRequest, Policy,
    PrivacyRequestStatus, PutMode, StoreError,
};

use crate::bench::{Backend, Bench, CANARY, open, ring};

fn field(name: &str) -> ManualField {
    ManualField {
        pii_field: name.to_owned(),
        label: name.to_owned(),
        types: vec!["string".to_owned()],
        data_categories: vec!["user.contact".to_owned()],
    }
}

impl Bench {
    /// A request about CANARY, with the policy that it needs.
    pub(crate) async fn request(&self, status: PrivacyRequestStatus) -> PrivacyRequestId {
        let policy = Policy {
            key: "all".to_owned(),
            name: "all".to_owned(),
            drp_action: None,
            execution_timeframe: None,
            conditions: None,
            approval: Approval::Automatic,
            rules: Vec::new(),
            version: 0,
            created_at: Timestamp::UNIX_EPOCH,
        };
        if self.store.policy_find("all").await.unwrap().is_none() {
            self.store.policy_put(&policy, Actor::person("pat")).await.unwrap();
        }
        let id = PrivacyRequestId::new(&RandomIds);
        let new = NewPrivacyRequest {
            id: id.clone(),
            policy: "all".to_owned(),
            status,
            step: None,
            intake: Intake::Authenticated,
            source: None,
            external_id: None,
            location: None,
            property_id: None,
            requested_at: self.store.clock().now(),
            due_at: None,
            identity_verified_at: None,
            reviewed: None,
            submitted_by: None,
            planned_by: None,
            duplicate_group: None,
            attention: None,
            work_at: None,
            identities: Secret::new(CANARY.as_bytes().to_vec()),
            custom_fields: None,
            encryption_key: None,
            corrections: None,
            raised_limits: None,
            lookups: vec![email(CANARY)],
            codes: Vec::new(),
            logs: Vec::new(),
            messages: Vec::new(),
            actor: Actor::person("pat"),
        };
        self.store.privacy_request_create(new).await.unwrap();
        id
    }
}

pub(crate) fn email(value: &str) -> Lookup {
    Lookup { field: LookupField::Identity, name: "email".to_owned(), value: value.to_owned() }
}

// rule: privacy-requests W-13
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_connection_has_one_form_and_it_goes_with_the_connection(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (desk, pat) = ("desk".parse::<ConnectionKey>().unwrap(), Actor::person("pat"));
    let connection = NewConnection {
        name: None,
        description: None,
        connection_type: "manual_webhook".to_owned(),
        access: ConnectionAccess::Read,
        disabled: false,
        system_key: None,
    };
    let change = |step| ConnectionChange { key: &desk, actor: pat.clone(), steps: vec![step] };
    let _ = bench.store.connection_change(change(ConnectionStep::Create(connection))).await.unwrap();
    let one = [field("email")];

    let none = bench.store.manual_form_put((&desk, &one), PutMode::Update, pat.clone()).await;
    let made = bench.store.manual_form_put((&desk, &one), PutMode::Create, pat.clone()).await.unwrap();
    let again = bench.store.manual_form_put((&desk, &one), PutMode::Create, pat.clone()).await;
    let two = [field("email"), field("phone")];
    let changed = bench.store.manual_form_put((&desk, &two), PutMode::Update, pat.clone()).await.unwrap();

    assert!(matches!(none, Err(StoreError::NotFound { .. })), "{none:?}");
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    assert_eq!((changed.id.clone(), changed.fields.as_slice()), (made.id, &two[..]));
    assert_eq!(bench.again().await.manual_form_list().await.unwrap(), [changed]);
    let _ = bench.store.connection_change(change(ConnectionStep::Remove)).await.unwrap();
    assert_eq!(bench.store.manual_form_find(&desk).await.unwrap(), None);
    assert!(!bench.store.manual_form_remove(&desk, pat).await.unwrap());
}

// rule: privacy-requests W-14
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn input_is_taken_while_the_request_waits_and_stays_sealed(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let desk = "desk".parse::<ConnectionKey>().unwrap();
    let values = Secret::new(CANARY.as_bytes().to_vec());
    let waiting = bench.request(PrivacyRequestStatus::RequiresInput).await;
    let pending = bench.request(PrivacyRequestStatus::Pending).await;
    let nobody = PrivacyRequestId::new(&RandomIds);
    let put = async |request: &PrivacyRequestId| {
        let new = NewManualInput {
            request,
            connection: &desk,
            action: ManualAction::Access,
            values: &values,
            actor: Actor::person("pat"),
        };
        bench.store.manual_input_put(new).await
    };

    put(&waiting).await.unwrap();
    let refused = put(&pending).await;
    let missing = put(&nobody).await;

    assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
    let later = bench.again().await;
    let found = later.manual_input_find(&waiting, (&desk, ManualAction::Access)).await.unwrap().unwrap();
    assert_eq!(found.expose(), values.expose());
    assert!(later.manual_input_find(&waiting, (&desk, ManualAction::Erasure)).await.unwrap().is_none());
    assert_eq!(later.manual_input_list(&waiting).await.unwrap(), [(desk.clone(), ManualAction::Access)]);
    let file = std::fs::read(bench.folder.path().join("state of tutela.db")).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&file).contains(CANARY));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn input_is_read_under_a_new_master_key(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let desk = "desk".parse::<ConnectionKey>().unwrap();
    let request = bench.request(PrivacyRequestStatus::RequiresInput).await;
    let values = Secret::new(b"{}".to_vec());
    let action = ManualAction::Erasure;
    let new = NewManualInput {
        request: &request,
        connection: &desk,
        action,
        values: &values,
        actor: Actor::system(),
    };
    bench.store.manual_input_put(new).await.unwrap();
    let new_key = MasterKey::random().to_base64();
    let both = ring(&new_key).with_older(MasterKey::from_base64(bench.key.expose()).unwrap());

    open(&bench.place, both, &bench.clock).await.unwrap().keys_reseal(Actor::system()).await.unwrap();

    let later = open(&bench.place, ring(&new_key), &bench.clock).await.unwrap();
    let found = later.manual_input_find(&request, (&desk, action)).await.unwrap().unwrap();
    assert_eq!(found.expose(), values.expose());
}

mod claim;
mod code;
mod list;
mod page;
mod runs;

use std::time::Duration;

use crypto::Secret;
use jiff::Timestamp;
use model::{Clock as _, PrivacyRequestId, RandomIds, RunId};
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, Approval, ClaimEnd, CodeChange, Intake, Lookup, LookupField, MessageFilter, MessageKind, NewCode,
    NewMessage, NewPrivacyRequest, NewRequestLog, PlanDigest, Policy, PolicyRule, PrivacyRequest,
    PrivacyRequestChange, PrivacyRequestFilter, PrivacyRequestStatus as Status, RequestLogKind, RequestStep,
    RuleAction, StoreError, Window,
};

use crate::bench::{Backend, Bench, CANARY};

pub(crate) const POLICY: &str = "erase_customer";

/// What a request holds of a person in these tests, everywhere it can be.
fn holds(text: &str) -> Secret<Vec<u8>> {
    Secret::new(json!({"email": {"values": [text]}}).to_string().into_bytes())
}

pub(crate) fn email(value: &str) -> Lookup {
    Lookup { field: LookupField::Identity, name: "email".to_owned(), value: value.to_owned() }
}

pub(crate) fn new_request() -> NewPrivacyRequest {
    NewPrivacyRequest {
        id: PrivacyRequestId::new(&RandomIds),
        policy: POLICY.to_owned(),
        status: Status::Pending,
        step: None,
        intake: Intake::Authenticated,
        source: None,
        external_id: None,
        location: None,
        property_id: None,
        requested_at: Timestamp::UNIX_EPOCH,
        due_at: None,
        identity_verified_at: None,
        reviewed: None,
        submitted_by: None,
        planned_by: None,
        duplicate_group: None,
        attention: None,
        work_at: None,
        identities: holds(CANARY),
        custom_fields: None,
        encryption_key: None,
        corrections: None,
        raised_limits: None,
        lookups: vec![email(CANARY)],
        codes: Vec::new(),
        logs: Vec::new(),
        messages: Vec::new(),
        actor: Actor::client("intake"),
    }
}

impl Bench {
    /// The policy that all requests here are made under.
    pub(crate) async fn request_policy(&self) {
        let rule = PolicyRule {
            key: format!("{POLICY}_rule"),
            name: "Rule".to_owned(),
            action: RuleAction::Access,
            storage: None,
            masking: None,
            targets: Vec::new(),
        };
        let policy = Policy {
            key: POLICY.to_owned(),
            name: "Erase a customer".to_owned(),
            drp_action: None,
            execution_timeframe: None,
            conditions: None,
            approval: Approval::Person,
            rules: vec![rule],
            version: 0,
            created_at: Timestamp::UNIX_EPOCH,
        };
        self.store.policy_put(&policy, Actor::person("pat")).await.unwrap();
    }

    pub(crate) async fn make_request(&self, new: NewPrivacyRequest) -> PrivacyRequest {
        let id = new.id.clone();
        self.store.privacy_request_create(new).await.unwrap();
        self.store.get_privacy_request(&id).await.unwrap()
    }

    pub(crate) async fn edit(
        &self,
        request: &PrivacyRequest,
        edit: impl FnOnce(&mut PrivacyRequestChange),
    ) -> Result<PrivacyRequest, StoreError> {
        let mut change = PrivacyRequestChange::of(request);
        edit(&mut change);
        self.store.privacy_request_change(change, Actor::person("pat"), "privacy_request.changed").await
    }

    async fn counted(&self, statuses: &[Status]) -> u64 {
        let filter = PrivacyRequestFilter { statuses: statuses.to_vec(), ..PrivacyRequestFilter::default() };
        self.store.privacy_request_list(&filter, Window { offset: 0, limit: 1 }).await.unwrap().total
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_request_comes_back_as_it_was_made_and_opens_with_the_key_alone(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let now = bench.clock.now();
    let mut new = new_request();
    new.source = Some("Privacy Center".to_owned());
    new.external_id = Some("ticket-1".to_owned());
    new.location = Some("US-CA".to_owned());
    new.due_at = Some(now);
    new.attention = Some("why".to_owned());
    new.custom_fields = Some(holds("custom"));
    new.encryption_key = Some(Secret::new("0123456789abcdef".to_owned()));
    new.corrections = Some(holds("right"));
    new.raised_limits = Some("{}".to_owned());
    let id = new.id.clone();

    bench.make_request(new).await;

    let store = bench.again().await;
    let found = store.privacy_request_find(&id).await.unwrap().unwrap();
    assert_eq!((found.status, found.version, found.created_at), (Status::Pending, 1, now));
    assert_eq!((found.requested_at, found.due_at), (Timestamp::UNIX_EPOCH, Some(now)));
    assert_eq!(found.intake, Intake::Authenticated);
    let texts = [found.source.as_deref(), found.external_id.as_deref(), found.location.as_deref()];
    assert_eq!(texts, [Some("Privacy Center"), Some("ticket-1"), Some("US-CA")]);
    assert_eq!(found.attention.as_deref(), Some("why"));
    assert_eq!(store.privacy_request_identities(&id).await.unwrap().expose(), holds(CANARY).expose());
    let fields = store.privacy_request_custom_fields(&id).await.unwrap().unwrap();
    assert_eq!(fields.expose(), holds("custom").expose());
    let key = store.privacy_request_encryption_key(&id).await.unwrap().unwrap();
    assert_eq!(key.expose(), "0123456789abcdef");
    let corrections = store.privacy_request_corrections(&id).await.unwrap().unwrap();
    assert_eq!(corrections.expose(), holds("right").expose());
    assert_eq!((found.corrects, found.raised_limits.as_deref()), (true, Some("{}")));
    assert!(store.privacy_request_reason(&id).await.unwrap().is_none());
    let other = PrivacyRequestId::new(&RandomIds);
    assert!(store.privacy_request_find(&other).await.unwrap().is_none());
    assert!(matches!(store.get_privacy_request(&other).await, Err(StoreError::NotFound { .. })));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_request_under_a_policy_that_is_not_there_is_not_kept(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let new = new_request();
    let id = new.id.clone();

    let refused = bench.store.privacy_request_create(new).await;

    assert!(matches!(refused, Err(StoreError::NotFound { what: "policy", .. })), "{refused:?}");
    assert!(bench.store.privacy_request_find(&id).await.unwrap().is_none());
    assert_eq!(bench.counted(&[]).await, 0);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_policy_stays_while_a_request_refers_to_it(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    bench.make_request(new_request()).await;

    let refused = bench.store.policy_remove(POLICY, Actor::person("pat")).await;

    assert!(matches!(refused, Err(StoreError::Conflict { what: "policy", .. })), "{refused:?}");
}

/// With a value in everything that may change.
fn filled(request: &PrivacyRequest, at: Timestamp) -> PrivacyRequest {
    let (at, text) = (Some(at), |text: &str| Some(text.to_owned()));
    PrivacyRequest {
        status: Status::InProcessing,
        step: Some(RequestStep::ApprovePlan),
        location: text("US-CA"),
        started_at: at,
        finished_at: at,
        reviewed_at: at,
        identity_verified_at: at,
        custom_fields_approved_at: at,
        paused_at: at,
        canceled_at: at,
        deleted_at: at,
        finalized_at: at,
        due_at: at,
        reviewed_by: text("fid_1"),
        custom_fields_approved_by: text("fid_2"),
        deleted_by: text("fid_3"),
        finalized_by: text("fid_4"),
        planned_by: text("fid_5"),
        duplicate_group: text("group"),
        access_run: Some(RunId::new(&RandomIds)),
        change_run: Some(RunId::new(&RandomIds)),
        plan: Some(PlanDigest::of(b"plan")),
        attention: text("why"),
        work_at: at,
        ..request.clone()
    }
}

// Only what differs is written: nothing of it may be left out.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn everything_that_may_change_is_kept_and_taken_back(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let empty = bench.make_request(new_request()).await;
    let full = filled(&empty, bench.clock.now());
    bench.clock.advance(Duration::from_mins(1));

    let changed = bench.edit(&empty, |change| change.request = full.clone()).await.unwrap();
    let kept = bench.store.get_privacy_request(&empty.id).await.unwrap();
    let back = bench
        .edit(&kept, |change| change.request = PrivacyRequest { version: kept.version, ..empty.clone() });
    let back = back.await.unwrap();
    let emptied = bench.store.get_privacy_request(&empty.id).await.unwrap();

    assert_eq!(kept, changed);
    assert_eq!(kept, PrivacyRequest { version: 2, updated_at: bench.clock.now(), ..full });
    assert_eq!(emptied, back);
    assert_eq!(emptied, PrivacyRequest { version: 3, updated_at: bench.clock.now(), ..empty });
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_change_writes_everything_with_it_or_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let request = bench.make_request(new_request()).await;
    bench.clock.advance(Duration::from_mins(1));
    let (run, digest) = (RunId::new(&RandomIds), PlanDigest::of(b"plan"));
    let told = || NewMessage::to_email(MessageKind::Denied, CANARY).about(request.id.as_str());
    let edit = |change: &mut PrivacyRequestChange| {
        change.request.status = Status::RequiresInput;
        change.request.step = Some(RequestStep::ApprovePlan);
        change.request.access_run = Some(run.clone());
        change.request.plan = Some(digest.clone());
        change.request.reviewed_by = Some("fid_1".to_owned());
        change.reason = Some(Secret::new(CANARY.to_owned()));
        change.identities = Some(holds("ana@example.com"));
        change.logs.push(NewRequestLog::of_work("Request plan", "complete", "made"));
        change.messages.push(told());
    };

    let changed = bench.edit(&request, edit).await.unwrap();
    let stale = bench.edit(&request, edit).await;
    let code_gone = bench
        .edit(&changed, |change| {
            change.request.status = Status::Denied;
            change.codes = CodeChange::Used("email".to_owned());
            change.messages.push(told());
        })
        .await;

    assert!(matches!(stale, Err(StoreError::Conflict { what: "privacy request", .. })), "{stale:?}");
    assert!(matches!(code_gone, Err(StoreError::NotFound { .. })), "{code_gone:?}");
    let found = bench.again().await.get_privacy_request(&request.id).await.unwrap();
    assert_eq!(found, changed);
    assert_eq!((found.status, found.version), (Status::RequiresInput, 2));
    assert_eq!(
        (found.step, found.access_run, found.plan),
        (Some(RequestStep::ApprovePlan), Some(run), Some(digest))
    );
    assert_eq!(found.updated_at, bench.clock.now());
    let reason = bench.store.privacy_request_reason(&request.id).await.unwrap().unwrap();
    assert_eq!(reason.expose(), CANARY);
    let identities = bench.store.privacy_request_identities(&request.id).await.unwrap();
    assert_eq!(identities.expose(), holds("ana@example.com").expose());
    let log = bench.store.privacy_request_log_list(&request.id, None, Window::ALL).await.unwrap();
    assert_eq!((log.total, log.items.len()), (1, 1));
    let messages = bench.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap();
    assert_eq!(messages.total, 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn counts_follow_every_change_and_deleted_requests_do_not_count(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let mut requests = Vec::new();
    for _ in 0..5 {
        requests.push(bench.make_request(new_request()).await);
    }
    let hidden = NewPrivacyRequest { source: Some("Consent Webhook".to_owned()), ..new_request() };
    bench.make_request(hidden).await;

    bench.edit(&requests[0], |change| change.request.status = Status::Complete).await.unwrap();
    let deleted = bench.edit(&requests[1], |change| change.request.deleted_at = Some(bench.clock.now()));
    let deleted = deleted.await.unwrap();
    bench.edit(&deleted, |change| change.request.status = Status::Canceled).await.unwrap();
    let moved = bench.edit(&requests[2], |change| change.request.status = Status::Error).await.unwrap();
    bench.edit(&moved, |change| change.request.status = Status::InProcessing).await.unwrap();

    let counts = bench.store.privacy_request_count_by_status().await.unwrap();
    let expected = [("complete", 1), ("in_processing", 1), ("pending", 2)];
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    assert_eq!(bench.counted(&[]).await, 4);
    assert_eq!(bench.counted(&[Status::Pending, Status::Complete]).await, 3);
    assert_eq!(bench.counted(&[Status::Canceled]).await, 0);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn the_log_is_read_in_order_by_kind_and_its_words_are_opened(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let request = bench.make_request(new_request()).await;
    let denied = NewRequestLog {
        words: Some(Secret::new(CANARY.to_owned())),
        user_id: Some("fid_1".to_owned()),
        ..NewRequestLog::new(RequestLogKind::Audit, "denied")
    };
    let read = NewRequestLog {
        connection_key: Some("shop".to_owned()),
        collection_name: Some("orders".to_owned()),
        fields_affected: json!([{"path": "shop:orders:email"}]),
        action_type: Some("access".to_owned()),
        saas_version: Some("1.0".to_owned()),
        ..NewRequestLog::of_work("shop", "complete", "success - retrieved 1 record")
    };

    bench.store.privacy_request_log_add(&request.id, &[denied]).await.unwrap();
    bench.clock.advance(Duration::from_secs(1));
    bench.store.privacy_request_log_add(&request.id, &[read]).await.unwrap();

    let list = |kind, window| bench.store.privacy_request_log_list(&request.id, kind, window);
    let all = list(None, Window::ALL).await.unwrap();
    assert_eq!(
        all.items.iter().map(|log| log.entry.status.as_str()).collect::<Vec<_>>(),
        ["denied", "complete"]
    );
    assert_eq!(all.items[0].entry.words.as_ref().unwrap().expose(), CANARY);
    assert_eq!(all.items[1].entry.fields_affected, json!([{"path": "shop:orders:email"}]));
    let second = list(None, Window { offset: 1, limit: 1 }).await.unwrap();
    assert_eq!((second.total, second.items[0].id.as_str()), (2, all.items[1].id.as_str()));
    let execution = list(Some(RequestLogKind::Execution), Window::ALL).await.unwrap();
    assert_eq!((execution.total, execution.items[0].entry.collection_name.as_deref()), (1, Some("orders")));

    bench.edit(&request, |change| change.clears_log = true).await.unwrap();

    assert_eq!(list(None, Window::ALL).await.unwrap().total, 0);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_is_forgotten_is_gone_and_does_not_come_back(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let mut new = new_request();
    new.custom_fields = Some(holds(CANARY));
    new.encryption_key = Some(Secret::new("0123456789abcdef".to_owned()));
    new.corrections = Some(holds(CANARY));
    new.codes = vec![NewCode {
        kind: "email".to_owned(),
        code: Secret::new("123456".to_owned()),
        expires_at: Timestamp::MAX,
    }];
    let (request, kept) = (bench.make_request(new).await, bench.make_request(new_request()).await);
    let open = bench.make_request(NewPrivacyRequest { status: Status::Error, ..new_request() }).await;
    let noted = NewRequestLog {
        words: Some(Secret::new(CANARY.to_owned())),
        ..NewRequestLog::new(RequestLogKind::Note, "noted")
    };
    let request = bench
        .edit(&request, |change| {
            change.request.status = Status::Complete;
            change.reason = Some(Secret::new(CANARY.to_owned()));
            change.logs.push(noted);
        })
        .await
        .unwrap();
    bench.clock.advance(Duration::from_hours(24));
    bench.edit(&kept, |change| change.request.status = Status::Complete).await.unwrap();
    let before = bench.clock.now();

    let due = bench.store.privacy_request_list_to_forget(before).await.unwrap();
    let first = bench.store.privacy_request_forget(&request.id, Actor::system()).await.unwrap();
    let second = bench.store.privacy_request_forget(&request.id, Actor::system()).await.unwrap();

    assert_eq!(due, std::slice::from_ref(&request.id));
    assert!(first && !second);
    assert!(bench.store.privacy_request_list_to_forget(before).await.unwrap().is_empty());
    let gone = bench.store.privacy_request_identities(&request.id).await;
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    assert!(bench.store.privacy_request_custom_fields(&request.id).await.unwrap().is_none());
    assert!(bench.store.privacy_request_encryption_key(&request.id).await.unwrap().is_none());
    assert!(bench.store.privacy_request_corrections(&request.id).await.unwrap().is_none());
    assert!(bench.store.privacy_request_reason(&request.id).await.unwrap().is_none());
    assert!(bench.store.privacy_request_codes_open(&request.id).await.unwrap().is_empty());
    let log = bench.store.privacy_request_log_list(&request.id, None, Window::ALL).await.unwrap();
    assert!(log.items[0].entry.words.is_none());
    let by_email =
        PrivacyRequestFilter { identities: vec![email(CANARY)], ..PrivacyRequestFilter::default() };
    let found = bench.store.privacy_request_list(&by_email, Window::ALL).await.unwrap();
    assert!(found.items.iter().all(|found| found.id == kept.id || found.id == open.id));
    let request = bench.store.get_privacy_request(&request.id).await.unwrap();
    assert_eq!(request.forgotten_at, Some(bench.clock.now()));
    assert!(request.corrects, "it never passes for one to erase");

    bench.edit(&request, |change| change.identities = Some(holds(CANARY))).await.unwrap();

    assert!(bench.store.privacy_request_identities(&request.id).await.is_err());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn nothing_of_a_person_can_be_read_in_the_tables(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let mut new = new_request();
    new.custom_fields = Some(holds(CANARY));
    new.encryption_key = Some(Secret::new(CANARY.to_owned()));
    new.corrections = Some(holds(CANARY));
    new.codes = vec![NewCode {
        kind: "email".to_owned(),
        code: Secret::new(CANARY.to_owned()),
        expires_at: Timestamp::MAX,
    }];
    new.messages = vec![NewMessage::to_email(MessageKind::Receipt, CANARY)];
    let request = bench.make_request(new).await;
    let noted = NewRequestLog {
        words: Some(Secret::new(CANARY.to_owned())),
        ..NewRequestLog::new(RequestLogKind::Note, "noted")
    };
    bench
        .edit(&request, |change| {
            change.reason = Some(Secret::new(CANARY.to_owned()));
            change.logs.push(noted);
            change.claim = ClaimEnd::End;
        })
        .await
        .unwrap();

    let sql = bench.sql().await;
    for (table, columns) in [
        ("privacy_request", "id || policy || status || COALESCE(attention, '')"),
        ("privacy_request_log", "id || status || COALESCE(message, '') || fields_affected"),
        ("audit_entry", "body"),
    ] {
        let count = format!("SELECT COUNT(*) FROM {table} WHERE {columns} LIKE '%canary%'");
        let row = sqlx::query(sqlx::AssertSqlSafe(count)).fetch_one(&sql).await.unwrap();
        assert_eq!(sqlx::Row::get::<i64, _>(&row, 0), 0, "{table}");
    }
    if backend == Backend::Sqlite {
        bench.store.close().await;
        let files = std::fs::read_dir(bench.folder.path()).unwrap();
        for file in files {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let found = bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
            assert!(!found, "a canary lies in the database");
        }
    }
}

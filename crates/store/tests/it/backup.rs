use std::time::Duration;

use crypto::{AccessToken, MasterKey};
use model::Clock as _;
use rstest::rstest;
use store::{
    Actor, Download, LedgerState, MessageFilter, MessageKind, MessageState, NewAccessToken, NewIntent,
    NewMessage, NewSignInFlow, NewWebhookCall, PrivacyRequestStatus as Status, RequestLogKind, Restored,
    SentSince, Store, StoreError, StorePlace, TokenFor, WebhookStage, Window,
};

use crate::bench::{Backend, Bench, CANARY, open, ring};
use crate::client::new_client;
use crate::privacy_request::new_request;

const NOTHING: Restored =
    Restored { unknown_writes: 0, ended_tokens: 0, ended_messages: 0, stopped_requests: 0, ended_secrets: 0 };
const SINCE: SentSince = SentSince::Plans(Vec::new());

impl Bench {
    async fn states(&self, plan: &store::PlanDigest) -> Vec<LedgerState> {
        self.store.ledger_list(plan).await.unwrap().iter().map(|entry| entry.state).collect()
    }
}

#[tokio::test]
async fn a_copy_is_of_one_moment_and_opens_with_the_same_key_alone() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let (_, plan) = bench.applying(2).await;
    let copy = bench.folder.path().join("copy of state.db");

    let revision = Store::backup(&bench.place, &copy).await.unwrap();
    bench.run(&["after"]).await;

    let place = StorePlace::File(copy.clone());
    let restored = open(&place, ring(&bench.key), &bench.clock).await.unwrap();
    let other = open(&place, ring(&MasterKey::random().to_base64()), &bench.clock).await;
    assert_eq!(revision, Store::newest_revision());
    assert_eq!(restored.ledger_list(&plan).await.unwrap().len(), 2);
    assert!(matches!(other, Err(StoreError::Sealed { .. })), "{other:?}");
    let bytes = std::fs::read(&copy).unwrap();
    assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_copy_may_be_read_by_its_owner_alone_and_replaces_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Backend::Sqlite.start().await.unwrap();
    let copy = bench.folder.path().join("copy.db");

    Store::backup(&bench.place, &copy).await.unwrap();
    let again = Store::backup(&bench.place, &copy).await;

    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(again.is_err(), "{again:?}");
}

#[tokio::test]
async fn a_state_on_a_server_is_not_copied_and_says_with_what_it_is() {
    let place = StorePlace::parse("postgres://tutela@127.0.0.1:1/tutela").unwrap();

    let refused = Store::backup(&place, std::path::Path::new("/dev/null/copy")).await.unwrap_err();

    assert!(refused.to_string().contains("pg_dump"), "{refused}");
}

// What was sent after the backup must not be sent again.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_may_have_been_sent_since_the_backup_is_unknown_and_the_rest_is_planned(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    let (first, sent) = bench.applying(2).await;
    let intent = NewIntent { lease: first.lease, plan: sent.clone(), operation: 0, attempt: 1 };
    bench.store.ledger_intent(intent).await.unwrap();
    let (_, kept) = bench.applying(1).await;

    let restored =
        bench.store.restored(&SentSince::Plans(vec![sent.clone()]), Actor::system()).await.unwrap();

    assert_eq!(restored, Restored { unknown_writes: 2, ..NOTHING });
    assert_eq!(bench.states(&sent).await, [LedgerState::Unknown, LedgerState::Unknown]);
    assert_eq!(bench.states(&kept).await, [LedgerState::Planned]);
    let run = bench.store.ledger_list(&sent).await.unwrap().remove(0).run;
    assert_eq!(bench.store.ledger_unknown(&run).await.unwrap().len(), 2);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn without_a_journal_everything_that_was_planned_may_have_been_sent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (_, plan) = bench.applying(1).await;

    bench.store.restored(&SentSince::Anything, Actor::system()).await.unwrap();

    assert_eq!(bench.states(&plan).await, [LedgerState::Unknown]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn tokens_end_and_messages_that_waited_are_not_sent(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (client, _) = bench.store.client_create(new_client("billing")).await.unwrap();
    let holder = TokenFor::Client { id: &client.id, secret_hash: &client.secret_hash };
    let life = Duration::from_mins(1);
    let new = NewAccessToken { holder, scopes: &[], life, actor: Actor::system() };
    let token = bench.store.access_token_issue(new).await.unwrap().unwrap().token;
    let message = NewMessage::to_email(MessageKind::Receipt, CANARY);
    bench.store.message_put(&[message]).await.unwrap();

    let restored = bench.store.restored(&SentSince::Plans(Vec::new()), Actor::system()).await.unwrap();

    assert_eq!(restored, Restored { ended_tokens: 1, ended_messages: 1, ..NOTHING });
    assert!(bench.store.access_token_find(token.text().expose()).await.unwrap().is_none());
    let messages = bench.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap().items;
    assert_eq!(messages[0].state, MessageState::Failed);
}

// A request under an automatic policy would be planned anew and sent a second time.
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_request_that_was_queued_or_under_way_waits_for_a_person(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let lease = Duration::from_mins(1);
    let mut ids = Vec::new();
    for status in [Status::InProcessing, Status::Approved, Status::AwaitingPreApproval] {
        let mut new = new_request();
        (new.status, new.work_at) = (status, Some(bench.clock.now()));
        ids.push(bench.make_request(new).await.id);
    }
    let waiting = bench.make_request(new_request()).await;
    let held = bench.store.privacy_request_claim("ada", lease).await.unwrap().unwrap();

    let restored = bench.store.restored(&SINCE, Actor::system()).await.unwrap();

    assert_eq!(restored, Restored { stopped_requests: 3, ..NOTHING });
    assert!(bench.store.privacy_request_claim("ben", lease).await.unwrap().is_none());
    let beaten = bench.store.privacy_request_beat(&held.lease, lease).await;
    assert!(matches!(beaten, Err(StoreError::Fenced { .. })), "{beaten:?}");
    let after = [Status::RequiresInput, Status::RequiresInput, Status::PreApprovalNotEligible];
    for (id, status) in ids.iter().zip(after) {
        let request = bench.store.get_privacy_request(id).await.unwrap();
        assert_eq!((request.status, request.work_at), (status, None));
        assert_eq!(request.attention.as_deref(), Some("restored"));
        let kind = Some(RequestLogKind::Execution);
        let logs = bench.store.privacy_request_log_list(id, kind, Window::ALL).await.unwrap().items;
        assert_eq!(logs.len(), 1);
    }
    assert_eq!(bench.store.get_privacy_request(&waiting.id).await.unwrap(), waiting);
    let counts = bench.store.privacy_request_count_by_status().await.unwrap();
    let counts: Vec<_> = counts.into_iter().collect();
    assert_eq!(counts, [("pending", 1), ("pre_approval_not_eligible", 1), ("requires_input", 2)]);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn links_and_codes_for_one_use_end(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.request_policy().await;
    let request = bench.make_request(new_request()).await.id;
    let life = Duration::from_hours(1);
    let download = Download { request: request.clone(), rule: None };
    let link = bench.store.download_issue(&download, life, Actor::system()).await.unwrap();
    let flow = NewSignInFlow { hash: [1; 32], browser_hash: [2; 32], next_page: "/", life };
    bench.store.sign_in_flow_put(flow).await.unwrap();
    let token = AccessToken::random();
    let call = NewWebhookCall {
        request: &request,
        stage: WebhookStage::PreExecution,
        webhook: "crm",
        token: Some((&token, bench.clock.now() + life)),
    };
    bench.store.webhook_call_begin(call).await.unwrap();

    let restored = bench.store.restored(&SINCE, Actor::system()).await.unwrap();

    assert_eq!(restored, Restored { ended_secrets: 3, ..NOTHING });
    assert!(bench.store.download_take(link.token.text().expose(), Actor::system()).await.unwrap().is_none());
    assert!(bench.store.sign_in_flow_take([1; 32], [2; 32]).await.unwrap().is_none());
    assert!(bench.store.webhook_call_find(token.text().expose()).await.unwrap().is_none());
}

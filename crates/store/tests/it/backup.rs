use crypto::MasterKey;
use rstest::rstest;
use store::{
    Actor, LedgerState, MessageFilter, MessageKind, MessageState, NewAccessToken, NewIntent, NewMessage,
    Restored, SentSince, Store, StoreError, StorePlace, TokenFor, Window,
};

use crate::bench::{Backend, Bench, CANARY, open, ring};
use crate::client::new_client;

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

    assert_eq!(restored, Restored { unknown_writes: 2, ended_tokens: 0, ended_messages: 0 });
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
    let life = std::time::Duration::from_mins(1);
    let new = NewAccessToken { holder, scopes: &[], life, actor: Actor::system() };
    let token = bench.store.access_token_issue(new).await.unwrap().unwrap().token;
    let message = NewMessage::to_email(MessageKind::Receipt, CANARY);
    bench.store.message_put(&[message]).await.unwrap();

    let restored = bench.store.restored(&SentSince::Plans(Vec::new()), Actor::system()).await.unwrap();

    assert_eq!(restored, Restored { unknown_writes: 0, ended_tokens: 1, ended_messages: 1 });
    assert!(bench.store.access_token_find(token.text().expose()).await.unwrap().is_none());
    let messages = bench.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap().items;
    assert_eq!(messages[0].state, MessageState::Failed);
}

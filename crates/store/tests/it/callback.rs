//! What applications answer later, by a call of their own.

use std::time::Duration;

use jiff::SignedDuration;
use model::{Clock as _, PrivacyRequestId, RandomIds, Row};
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, Callback, CallbackAction, CallbackAnswer, CallbackState, ClaimEnd, ClaimedTask, NewCallback,
    NewRequestLog, PackedRows, PrivacyRequest, PrivacyRequestStatus as Status, RequestLogKind, StoreError,
};

use crate::bench::{Backend, Bench, CANARY, LEASE};
use crate::privacy_request::new_request;

fn rows() -> PackedRows {
    let row: Row = json!({"email": CANARY}).as_object().unwrap().clone();
    PackedRows::pack(&[row]).unwrap()
}

fn answer(rows: &PackedRows) -> CallbackAnswer<'_> {
    let log = NewRequestLog::new(RequestLogKind::Execution, "in_processing");
    CallbackAnswer { rows, rows_masked: Some(2), log }
}

impl Bench {
    async fn question(
        &self,
        request: &PrivacyRequestId,
        task: &ClaimedTask,
        basis: &str,
    ) -> Option<Callback> {
        let expires_at = self.clock.now() + SignedDuration::from_hours(60);
        let new = NewCallback {
            request,
            owner: task.lease.task.as_str(),
            number: 0,
            action: CallbackAction::Access,
            name: "crm:letters",
            basis,
            expires_at,
        };
        self.store.callback_open(&task.lease, new).await.unwrap()
    }

    /// A request that a worker is at, and a task of its run.
    async fn asking(&self) -> (PrivacyRequest, ClaimedTask) {
        self.request_policy().await;
        let run = self.run(&["crm:letters"]).await;
        let task = self.claim().await;
        let request = self.make_request(new_request()).await;
        let request = self.edit(&request, |change| {
            change.request.status = Status::InProcessing;
            change.request.access_run = Some(run);
            change.request.work_at = Some(jiff::Timestamp::UNIX_EPOCH);
        });
        (request.await.unwrap(), task)
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_answer_is_taken_once_and_its_token_survives_the_process(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (request, task) = bench.asking().await;
    let asked = bench.question(&request.id, &task, "one").await.unwrap();
    let same = bench.question(&request.id, &task, "one").await.unwrap();
    bench.store.callback_sent(&task.lease, &asked.id).await.unwrap();
    let token = bench.store.callback_token(&asked);

    let store = bench.again().await;
    let found = store.callback_of_token(token.expose()).await.unwrap().unwrap();
    let packed = rows();
    store.callback_answer(&found, answer(&packed)).await.unwrap();
    let twice = store.callback_answer(&found, answer(&packed)).await.unwrap_err();
    let kept = store.callback_rows(&found).await.unwrap();
    let of = (task.lease.task.as_str(), 0);
    store.callback_take(&task.lease, of).await.unwrap();
    store.callback_take(&task.lease, of).await.unwrap();

    assert_eq!((asked.id.clone(), asked.is_sent), (same.id, same.is_sent));
    assert_eq!((found.id.clone(), found.is_sent, found.state), (asked.id, true, CallbackState::Asked));
    assert!(
        matches!(&twice, StoreError::Conflict { what: "request task", state, .. } if state == "complete"),
        "{twice}"
    );
    assert_eq!(kept.len(), 1);
    let taken = store.callback_find(of.0, 0).await.unwrap().unwrap();
    assert_eq!((taken.state, taken.rows_masked), (CallbackState::Taken, Some(2)));
    assert!(store.callback_rows(&taken).await.unwrap().is_empty());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn another_question_has_another_token_and_the_old_one_is_worth_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (request, task) = bench.asking().await;
    let old = bench.question(&request.id, &task, "one").await.unwrap();
    let old_token = bench.store.callback_token(&old);

    let new = bench.question(&request.id, &task, "other").await.unwrap();
    let nobody = bench.question(&PrivacyRequestId::new(&RandomIds), &task, "other").await;

    assert_ne!(old.id, new.id);
    assert_eq!(bench.store.callback_of_token(old_token.expose()).await.unwrap(), None);
    assert_eq!(nobody, None, "without a request nobody could take the answer");
    bench.store.callback_drop(&task.lease, &new.id).await.unwrap();
    let dropped = bench.store.callback_token(&new);
    assert_eq!(bench.store.callback_of_token(dropped.expose()).await.unwrap(), None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_answer_that_comes_before_the_worker_lets_go_wakes_the_request(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (request, task) = bench.asking().await;
    let asked = bench.question(&request.id, &task, "one").await.unwrap();
    let held = bench.store.privacy_request_claim("worker-1", LEASE).await.unwrap().unwrap();
    let later = bench.clock.now() + SignedDuration::from_hours(60);

    bench.store.callback_answer(&asked, answer(&rows())).await.unwrap();
    let released = bench.store.privacy_request_change_held(
        &held.lease,
        (Actor::system(), "privacy_request.put_off"),
        |change| {
            change.request.attention = Some("callback".to_owned());
            change.request.work_at = Some(later);
            change.claim = ClaimEnd::End;
        },
    );
    let released = released.await.unwrap();

    assert_eq!((released.work_at, released.attention), (Some(bench.clock.now()), None));
    assert!(bench.store.privacy_request_claim("worker-2", LEASE).await.unwrap().is_some());
}

/// Twin of the test above: once it is taken over, nothing wakes it.
#[tokio::test]
async fn an_answer_that_was_taken_over_wakes_nobody() {
    let bench = Backend::Sqlite.start().await.unwrap();
    let (request, task) = bench.asking().await;
    let asked = bench.question(&request.id, &task, "one").await.unwrap();
    bench.store.callback_answer(&asked, answer(&rows())).await.unwrap();
    bench.store.callback_take(&task.lease, (task.lease.task.as_str(), 0)).await.unwrap();
    let held = bench.store.privacy_request_claim("worker-1", LEASE).await.unwrap().unwrap();
    let later = bench.clock.now() + SignedDuration::from_hours(60);

    let released = bench.store.privacy_request_change_held(
        &held.lease,
        (Actor::system(), "privacy_request.put_off"),
        |change| {
            change.request.attention = Some("callback".to_owned());
            change.request.work_at = Some(later);
            change.claim = ClaimEnd::End;
        },
    );

    assert_eq!(released.await.unwrap().work_at, Some(later));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn nothing_is_taken_for_a_request_or_a_run_that_is_over(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (request, task) = bench.asking().await;
    let asked = bench.question(&request.id, &task, "one").await.unwrap();
    bench.store.run_cancel(&task.lease.run, Actor::system()).await.unwrap();

    let of_run = bench.store.callback_answer(&asked, answer(&rows())).await.unwrap_err();
    bench.edit(&request, |change| change.request.status = Status::Canceled).await.unwrap();
    let of_request = bench.store.callback_answer(&asked, answer(&rows())).await.unwrap_err();

    assert!(
        matches!(&of_run, StoreError::Conflict { what: "request task", state, .. } if state == "canceled"),
        "{of_run}"
    );
    assert!(
        matches!(&of_request, StoreError::Conflict { what: "privacy request", state, .. } if state == "canceled"),
        "{of_request}"
    );
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_worker_that_lost_its_task_asks_nothing_and_takes_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let (request, task) = bench.asking().await;
    let asked = bench.question(&request.id, &task, "one").await.unwrap();
    bench.clock.advance(Duration::from_secs(6));
    bench.claim().await;

    let sent = bench.store.callback_sent(&task.lease, &asked.id).await;
    let taken = bench.store.callback_take(&task.lease, (task.lease.task.as_str(), 0)).await;

    for refused in [sent, taken] {
        assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    }
}

use privacy::request::{RequestError, RequestSettings};
use store::{NewRequestLog, PrivacyRequestStatus as Status, RequestLogKind, RequestStep};

use super::*;

/// A request that went wrong while it was read.
async fn failed(desk: &Desk) -> PrivacyRequest {
    desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    desk.requests.progress(&claimed.lease, RequestStep::Access, |_| {}).await.unwrap();
    let log = NewRequestLog::of_work("Privacy request processing", "error", "the connection broke");
    desk.requests.fail(&claimed.lease, (RequestStep::Access, "read_failed"), vec![log]).await.unwrap()
}

// rule: privacy-requests L-22
#[tokio::test]
async fn a_request_that_went_wrong_is_tried_again_from_the_step_that_failed() {
    let desk = Desk::open(RequestSettings::default()).await;
    let broken = failed(&desk).await;
    assert_eq!((broken.status, broken.step), (Status::Error, Some(RequestStep::Access)));
    assert_eq!(broken.attention.as_deref(), Some("read_failed"));
    assert!(desk.nothing_is_due().await);

    let again = desk.requests.retry(&broken.id, &pat()).await.unwrap();

    assert_eq!((again.status, again.step), (Status::InProcessing, Some(RequestStep::Access)));
    assert_eq!((again.attention, again.work_at), (None, Some(desk.clock.now())));
    assert_eq!(desk.claim().await.request.id, broken.id);
    let refused = desk.requests.retry(&broken.id, &pat()).await.unwrap_err();
    let expected = format!(
        "Cannot restart privacy request from failure: privacy request '{}' status = in_processing.",
        broken.id
    );
    assert_eq!(refused.to_string(), expected);
}

// rule: privacy-requests L-23
#[tokio::test]
async fn a_request_is_put_in_line_again_without_taking_it_from_its_worker() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;
    let refused = desk.requests.requeue(&made.id, &pat()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("Cannot re-queue privacy request {} with status pending", made.id)
    );
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();

    let queued = desk.requests.requeue(&made.id, &pat()).await.unwrap();

    assert_eq!(queued.status, Status::InProcessing);
    assert!(desk.requests.progress(&claimed.lease, RequestStep::Access, |_| {}).await.is_ok());
    assert!(desk.nothing_is_due().await);
}

// rule: privacy-requests L-24
#[tokio::test]
async fn a_request_that_is_begun_again_keeps_its_id_and_loses_what_was_done() {
    let desk = Desk::open(by_person()).await;
    let made = desk.made().await;
    desk.requests.approve(&made.id, &pat()).await.unwrap();
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    let log = NewRequestLog::of_work("Privacy request processing", "error", "the connection broke");
    desk.requests.fail(&claimed.lease, (RequestStep::Access, "read_failed"), vec![log]).await.unwrap();

    let again = desk.requests.resubmit(&made.id, &pat()).await.unwrap();

    assert_eq!((again.status, again.step, again.started_at), (Status::Pending, None, None));
    assert_eq!(again.reviewed_by.as_deref(), Some("fid_pat"));
    assert_eq!(again.work_at, Some(desk.clock.now()), "what was approved stays approved");
    assert_eq!(desk.log(&made.id, RequestLogKind::Execution).await, [""; 0]);
    assert_eq!(desk.log(&made.id, RequestLogKind::Audit).await, ["approved system: "]);
}

#[tokio::test]
async fn beginning_again_approves_nothing_that_was_denied_and_shows_nothing_that_was_not_shown() {
    let desk = Desk::open(by_person()).await;
    let made = desk.made().await;
    desk.requests.deny(&made.id, &pat(), None).await.unwrap();
    let asked = desk.asked(&[("email", "bea@example.com")]).await;
    desk.requests.cancel(&asked.id, &pat(), None).await.unwrap();

    let denied = desk.requests.resubmit(&made.id, &pat()).await.unwrap();
    let unshown = desk.requests.resubmit(&asked.id, &pat()).await.unwrap();

    assert_eq!((denied.status, denied.work_at), (Status::Pending, None));
    assert_eq!((denied.reviewed_at, denied.reviewed_by), (None, None));
    assert_eq!((unshown.status, unshown.work_at), (Status::IdentityUnverified, None));
}

#[tokio::test]
async fn a_complete_request_is_not_begun_again() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    desk.requests.finish(&claimed.lease, false, Vec::new()).await.unwrap();

    let refused = desk.requests.resubmit(&made.id, &pat()).await.unwrap_err();

    assert_eq!(refused.to_string(), "Cannot resubmit a complete privacy request");
}

#[tokio::test]
async fn what_was_forgotten_cannot_be_tried_again() {
    let desk = Desk::open(RequestSettings::default()).await;
    let broken = failed(&desk).await;
    desk.store.privacy_request_forget(&broken.id, Actor::system()).await.unwrap();

    for refused in [
        desk.requests.retry(&broken.id, &pat()).await.unwrap_err(),
        desk.requests.resubmit(&broken.id, &pat()).await.unwrap_err(),
    ] {
        assert!(matches!(refused, RequestError::Forgotten { .. }), "{refused}");
    }
}

#[tokio::test]
async fn what_waits_for_something_else_is_not_resumed() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;

    let input = desk.requests.resume_from_input(&made.id, &pat()).await.unwrap_err();
    let pause = desk.requests.resume(&made.id, &pat()).await.unwrap_err();
    let finalize = desk.requests.finalize(&made.id, &pat()).await.unwrap_err();

    let id = &made.id;
    assert_eq!(
        input.to_string(),
        format!(
            "Cannot resume privacy request from 'requires_input': privacy request '{id}' status = pending."
        )
    );
    assert_eq!(
        pause.to_string(),
        format!("Invalid resume request: privacy request '{id}' status = pending.")
    );
    assert_eq!(
        finalize.to_string(),
        format!(
            "Cannot manually finalize privacy request '{id}': status is pending, not requires_manual_finalization."
        )
    );
}

#[tokio::test]
async fn a_held_request_goes_on_when_it_is_resumed_and_ends_in_error_when_nobody_does() {
    let desk = Desk::open(RequestSettings::default()).await;
    let hold = async || {
        let made = desk.made().await;
        let claimed = desk.claim().await;
        desk.requests.begin(&claimed).await.unwrap();
        let next = store::Next {
            status: Status::Paused,
            step: Some(RequestStep::PreWebhooks),
            attention: Some("webhook_holds".to_owned()),
            work_at: Some(seconds_after(desk.clock.now(), 3_600)),
            logs: Vec::new(),
        };
        desk.store.privacy_request_release(&claimed.lease, next, "privacy_request.paused").await.unwrap();
        made
    };

    let resumed = hold().await;
    let resumed = desk.requests.resume(&resumed.id, &pat()).await.unwrap();

    assert_eq!((resumed.status, resumed.work_at), (Status::InProcessing, Some(desk.clock.now())));
    let claimed = desk.claim().await;
    desk.requests.finish(&claimed.lease, false, Vec::new()).await.unwrap();

    let expired = hold().await;
    desk.clock.advance(Duration::from_hours(1));
    let begun = desk.requests.begin(&desk.claim().await).await.unwrap();

    assert!(matches!(begun, privacy::request::Begun::Stop));
    let expired = desk.requests.get(&expired.id).await.unwrap();
    assert_eq!((expired.status, expired.attention.as_deref()), (Status::Error, Some("paused_too_long")));
}

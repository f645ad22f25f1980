use privacy::request::{Begun, DownloadLinks, RequestError, RequestSettings};
use rstest::rstest;
use store::{MessageKind, PrivacyRequestStatus as Status, RequestLogKind, RequestStep};

use super::*;

// rule: privacy-requests L-14
#[tokio::test]
async fn a_worker_begins_once_and_another_goes_on() {
    let desk = Desk::open(RequestSettings::default()).await;
    desk.made().await;
    let first = desk.claim().await;
    let Begun::Go { request, .. } = desk.requests.begin(&first).await.unwrap() else { panic!("it goes on") };
    assert_eq!((request.status, request.started_at), (Status::InProcessing, Some(desk.clock.now())));
    desk.clock.advance(LEASE);

    let second = desk.claim().await;
    let Begun::Go { request: again, .. } = desk.requests.begin(&second).await.unwrap() else {
        panic!("it goes on")
    };

    assert_eq!(again.started_at, request.started_at);
    let lost = desk.requests.progress(&first.lease, RequestStep::Access, |_| {}).await;
    assert!(matches!(lost, Err(RequestError::Store(store::StoreError::Fenced { .. }))), "{lost:?}");
}

// rule: privacy-requests L-33
#[tokio::test]
async fn of_equal_requests_that_were_made_at_the_same_time_one_is_carried_out() {
    let desk = Desk::open(no_duplicates(RequestSettings::default())).await;
    let made = futures::future::join_all((0..5).map(|_| desk.requests.create(about(ANA), vouched()))).await;
    let made: Vec<_> = made.into_iter().map(Result::unwrap).collect();

    let mut going = 0;
    while let Some(claimed) = desk.store.privacy_request_claim("worker", LEASE).await.unwrap() {
        going += u32::from(matches!(desk.requests.begin(&claimed).await.unwrap(), Begun::Go { .. }));
    }

    assert_eq!((made.len(), going), (5, 1));
}

#[tokio::test]
async fn a_request_that_may_not_be_carried_out_is_let_go() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;
    let claimed = desk.claim().await;
    // Past everything that would take it from its worker.
    let by = (Actor::system(), "privacy_request.changed");
    let change = |change: &mut store::PrivacyRequestChange| change.request.status = Status::Denied;
    desk.store.privacy_request_change_held(&claimed.lease, by, change).await.unwrap();

    let begun = desk.requests.begin(&claimed).await.unwrap();

    assert!(matches!(begun, Begun::Stop));
    let found = desk.requests.get(&made.id).await.unwrap();
    assert_eq!((found.status, found.work_at), (Status::Denied, None));
}

// rule: privacy-requests L-19
// rule: privacy-requests L-29
#[tokio::test]
async fn an_erasure_waits_for_a_person_where_the_settings_want_that() {
    let desk =
        Desk::open(RequestSettings { finalization_required: true, ..RequestSettings::default() }).await;
    let made = desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();

    let waits = desk.requests.finish(&claimed.lease, false, Vec::new()).await.unwrap();

    assert_eq!((waits.status, waits.finished_at), (Status::RequiresManualFinalization, None));
    assert!(desk.nothing_is_due().await);
    let finalized = desk.requests.finalize(&made.id, &pat()).await.unwrap();
    assert_eq!((finalized.status, finalized.step), (Status::InProcessing, Some(RequestStep::Finalization)));
    assert_eq!(finalized.finalized_by.as_deref(), Some("fid_pat"));
    let claimed = desk.claim().await;
    let done = desk.requests.finish(&claimed.lease, false, Vec::new()).await.unwrap();
    assert_eq!((done.status, done.finished_at), (Status::Complete, Some(desk.clock.now())));
    assert_eq!(desk.log(&made.id, RequestLogKind::Audit).await, ["approved system: ", "finished system: "]);
}

#[tokio::test]
async fn the_person_is_told_when_it_is_done_and_staff_when_it_went_wrong() {
    let settings = RequestSettings { notices: with_codes().notices, ..RequestSettings::default() };
    let desk = Desk::open(settings).await;
    desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    desk.requests.finish(&claimed.lease, false, Vec::new()).await.unwrap();
    desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();

    let log = store::NewRequestLog::of_work("Privacy request processing", "error", "the connection broke");
    desk.requests.fail(&claimed.lease, (RequestStep::Access, "read_failed"), vec![log]).await.unwrap();

    let told = desk.told().await;
    let kinds: Vec<_> = told.iter().map(|told| told.kind).collect();
    assert_eq!(kinds, [MessageKind::Finished, MessageKind::Failed]);
    assert_eq!(told[1].to, MessageTo::Staff);
}

// rule: privacy-requests MSG-4
#[rstest]
#[case::who_gets_data("default_access_policy", true)]
#[case::who_is_erased(ERASE, false)]
#[tokio::test]
async fn who_gets_data_is_sent_a_link_that_is_good_once(#[case] policy: &str, #[case] has_link: bool) {
    let links = DownloadLinks {
        page: "https://tutela.example.com/portal/package?token=".to_owned(),
        life: Duration::from_hours(36),
    };
    let settings = RequestSettings {
        notices: with_codes().notices,
        download: Some(links.clone()),
        ..RequestSettings::default()
    };
    let desk = Desk::open(settings).await;
    let new = NewRequest { policy: policy.to_owned(), ..about(ANA) };
    let id = desk.requests.create(new, vouched()).await.unwrap().id;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();

    desk.requests.finish(&claimed.lease, false, Vec::new()).await.unwrap();

    let told = desk.told().await.pop().unwrap();
    let link = told.values.get("download_link").and_then(|link| link.as_str());
    assert_eq!(link.is_some(), has_link);
    let Some(token) = link.and_then(|link| link.strip_prefix(&links.page)) else { return };
    assert_eq!(told.values.get("days"), Some(&2.into()));
    let download = desk.store.download_take(token, Actor::system()).await.unwrap();
    assert_eq!(download.map(|download| download.request), Some(id));
    assert!(desk.store.download_find(token).await.unwrap().is_none());
}

// rule: privacy-requests L-2
// rule: privacy-requests L-28
#[tokio::test]
async fn a_deleted_request_stays_hidden_and_as_it_is() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;

    let deleted = desk.requests.soft_delete(&made.id, &pat()).await.unwrap();

    assert_eq!((deleted.status, deleted.deleted_by.as_deref()), (Status::Pending, Some("fid_pat")));
    assert!(desk.nothing_is_due().await);
    let expected = format!("Privacy request with id {} has been deleted.", made.id);
    for refused in [
        desk.requests.approve(&made.id, &pat()).await.unwrap_err(),
        desk.requests.cancel(&made.id, &pat(), None).await.unwrap_err(),
        desk.requests.resubmit(&made.id, &pat()).await.unwrap_err(),
        desk.requests.soft_delete(&made.id, &pat()).await.unwrap_err(),
    ] {
        assert_eq!(refused.to_string(), expected);
    }
    assert_eq!(desk.requests.get(&made.id).await.unwrap().status, Status::Pending);
}

#[tokio::test]
async fn notes_are_kept_in_the_words_of_whoever_wrote_them() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;

    desk.requests.note(&made.id, &pat(), Secret::new("called ana".to_owned())).await.unwrap();

    assert_eq!(desk.log(&made.id, RequestLogKind::Note).await, ["noted fid_pat: called ana"]);
    let named = desk.requests.get_named("pri_nothing").await.unwrap_err();
    assert_eq!(named.to_string(), "No privacy request found with id 'pri_nothing'.");
}

#[tokio::test]
async fn what_is_over_for_thirty_days_is_forgotten_with_everything_about_the_person() {
    let desk = Desk::open(RequestSettings::default()).await;
    let done = desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    desk.requests.finish(&claimed.lease, false, Vec::new()).await.unwrap();
    let never_shown = desk.asked(&[("email", "bea@example.com")]).await;
    let retention = privacy::Retention::default();
    desk.clock.advance(Duration::from_hours(24 * 29));
    let waiting = desk.made().await;
    let early = privacy::forget_expired(&desk.store, desk.clock.now(), retention).await.unwrap();
    assert!(early.requests.is_empty());

    desk.clock.advance(Duration::from_hours(48));
    let forgotten = privacy::forget_expired(&desk.store, desk.clock.now(), retention).await.unwrap();

    let mut expected = vec![done.id.clone(), never_shown.id];
    let mut requests = forgotten.requests;
    expected.sort();
    requests.sort();
    assert_eq!(requests, expected);
    assert!(matches!(desk.requests.identities(&done.id).await, Err(RequestError::Forgotten { .. })));
    assert!(desk.requests.identities(&waiting.id).await.is_ok());
}

use model::RunId;
use privacy::request::{RequestError, RequestSettings};
use store::{
    LedgerEnd, MessageKind, NewIntent, NewPlan, NewRun, NewTask, PlanDigest, PrivacyRequestChange,
    PrivacyRequestStatus as Status, RequestLogKind, RequestStep, Resolution, ResolvedBy, RunKind, RunState,
    TaskId,
};

use super::*;

fn reason() -> Secret<String> {
    Secret::new("not a customer of ours".to_owned())
}

// rule: privacy-requests L-12
#[tokio::test]
async fn an_approved_request_is_in_line_and_says_who_approved_it() {
    let desk = Desk::open(RequestSettings { notices: with_codes().notices, ..by_person() }).await;
    let made = desk.made().await;
    desk.told().await;

    let approved = desk.requests.approve(&made.id, &pat()).await.unwrap();

    assert_eq!((approved.status, approved.work_at), (Status::Approved, Some(desk.clock.now())));
    assert_eq!(approved.reviewed_by.as_deref(), Some("fid_pat"));
    assert_eq!(desk.log(&made.id, RequestLogKind::Audit).await, ["approved fid_pat: "]);
    let told = desk.told().await;
    assert_eq!((told.len(), told[0].kind), (1, MessageKind::Approved));
    let again = desk.requests.approve(&made.id, &pat()).await.unwrap_err();
    assert_eq!(again.to_string(), "Cannot transition status");
}

#[tokio::test]
async fn a_denied_request_is_over_and_its_reason_is_kept_sealed() {
    let desk = Desk::open(RequestSettings { notices: with_codes().notices, ..by_person() }).await;
    let made = desk.made().await;
    desk.told().await;

    let denied = desk.requests.deny(&made.id, &pat(), Some(reason())).await.unwrap();

    assert_eq!((denied.status, denied.work_at), (Status::Denied, None));
    let kept = desk.store.privacy_request_reason(&made.id).await.unwrap().unwrap();
    assert_eq!(kept.expose(), "not a customer of ours");
    let log = desk.log(&made.id, RequestLogKind::Audit).await;
    assert_eq!(log, ["denied fid_pat: not a customer of ours"]);
    let told = desk.told().await;
    assert_eq!(
        (told[0].kind, &told[0].values["denial_reason"]),
        (MessageKind::Denied, &json!("not a customer of ours"))
    );
    for refused in [
        desk.requests.approve(&made.id, &pat()).await.unwrap_err(),
        desk.requests.cancel(&made.id, &pat(), None).await.unwrap_err(),
        desk.requests.retry(&made.id, &pat()).await.unwrap_err(),
    ] {
        let _ = refused.to_string();
    }
    assert_eq!(desk.requests.get(&made.id).await.unwrap().status, Status::Denied);
}

#[tokio::test]
async fn who_approves_a_request_that_no_code_can_show_vouches_for_it() {
    let desk = Desk::open(RequestSettings::default()).await;
    let asked = desk.asked(&[("email", ANA), ("external_id", "7")]).await;

    let approved = desk.requests.approve(&asked.id, &pat()).await.unwrap();

    assert_eq!(approved.status, Status::Approved);
    assert!(approved.identity_verified_at.is_some());
    let held = desk.requests.identities(&asked.id).await.unwrap();
    assert_eq!(held.verified().kinds().count(), 2);
    assert_eq!(held.get("email").unwrap().verified, Some(privacy::request::VerifiedBy::Person));
}

#[tokio::test]
async fn only_a_person_who_named_the_request_vouches() {
    let desk = Desk::open(RequestSettings::default()).await;
    let asked = desk.asked(&[("email", ANA)]).await;

    let webhook = desk.requests.approve_saying(&asked.id, &By::system(), "all agree").await;
    let system = desk.requests.approve(&asked.id, &By::system()).await;
    let many = desk.requests.approve_saying(&asked.id, &pat(), "").await;

    for refused in [webhook, system, many] {
        assert_eq!(refused.unwrap_err().to_string(), "Cannot transition status");
    }
    assert!(desk.requests.identities(&asked.id).await.unwrap().verified().is_empty());
}

#[tokio::test]
async fn nobody_approves_while_a_code_is_out() {
    let desk = Desk::open(with_codes()).await;
    let asked = desk.asked(&[("email", ANA)]).await;

    let refused = desk.requests.approve(&asked.id, &pat()).await.unwrap_err();

    assert_eq!(refused.to_string(), "Cannot transition status");
    assert!(desk.requests.identities(&asked.id).await.unwrap().verified().is_empty());
    desk.clock.advance(Duration::from_mins(10));
    assert!(desk.requests.approve(&asked.id, &pat()).await.is_ok());
}

// rule: privacy-requests L-27
#[tokio::test]
async fn a_canceled_request_is_taken_from_its_worker_and_its_runs_stop() {
    let desk = Desk::open(RequestSettings::default()).await;
    desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    let run = RunId::new(&RandomIds);
    let new_run = NewRun {
        id: run.clone(),
        kind: RunKind::Access,
        policy: None,
        subject: Secret::new(b"{}".to_vec()),
        deadline_at: None,
        actor: Actor::system(),
    };
    desk.store.run_create(new_run, &[]).await.unwrap();
    let set = |request: &mut PrivacyRequest| request.access_run = Some(run.clone());
    desk.requests.progress(&claimed.lease, RequestStep::Access, set).await.unwrap();

    let canceled = desk.requests.cancel(&claimed.request.id, &pat(), Some(reason())).await.unwrap();

    assert_eq!((canceled.status, canceled.canceled_at), (Status::Canceled, Some(desk.clock.now())));
    assert_eq!(desk.store.get_run(&run).await.unwrap().state, RunState::Cancelled);
    let lost = desk.requests.finish(&claimed.lease, false, Vec::new()).await;
    assert!(lost.is_err());
    let again = desk.requests.cancel(&canceled.id, &pat(), None).await.unwrap_err();
    assert_eq!(again.to_string(), "Cannot cancel privacy request in canceled status");
}

#[tokio::test]
async fn a_worker_and_a_person_at_the_same_time_leave_a_state_that_one_of_them_chose() {
    for _ in 0..10 {
        let desk = Desk::open(RequestSettings::default()).await;
        let made = desk.made().await;
        let claimed = desk.claim().await;

        let both = futures::future::join(desk.requests.begin(&claimed), async {
            desk.requests.cancel(&made.id, &pat(), None).await
        });
        let (_, canceled) = Box::pin(both).await;

        let found = desk.requests.get(&made.id).await.unwrap();
        assert_eq!((canceled.unwrap().status, found.status), (Status::Canceled, Status::Canceled));
        assert!(desk.nothing_is_due().await);
    }
}

/// A request whose plan waits for approval; the plan was asked for by `planned_by`.
async fn planned(desk: &Desk, planned_by: Option<&str>) -> (PrivacyRequest, PlanDigest) {
    let made = desk.made().await;
    let digest = plan_for(desk, planned_by).await;
    (made, digest)
}

/// The same for the request that is due.
async fn plan_for(desk: &Desk, planned_by: Option<&str>) -> PlanDigest {
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    let run = RunId::new(&RandomIds);
    let new_run = NewRun {
        id: run.clone(),
        kind: RunKind::Erasure,
        policy: None,
        subject: Secret::new(b"{}".to_vec()),
        deadline_at: None,
        actor: Actor::system(),
    };
    desk.store.run_create(new_run, &[]).await.unwrap();
    let digest = PlanDigest::of(run.as_str().as_bytes());
    let plan = NewPlan {
        digest: digest.clone(),
        run: run.clone(),
        body: b"{}",
        operations: 0,
        actor: Actor::system(),
    };
    desk.store.plan_put(&plan).await.unwrap();
    let edit = |change: &mut PrivacyRequestChange| {
        change.request.status = Status::RequiresInput;
        change.request.step = Some(RequestStep::ApprovePlan);
        change.request.change_run = Some(run);
        change.request.plan = Some(digest.clone());
        if planned_by.is_some() {
            change.request.planned_by = planned_by.map(str::to_owned);
        }
        change.request.work_at = None;
        change.claim = store::ClaimEnd::End;
    };
    let by = (Actor::system(), "privacy_request.waits");
    desk.store.privacy_request_change_held(&claimed.lease, by, edit).await.unwrap();
    digest
}

#[tokio::test]
async fn with_dual_control_who_made_or_began_a_request_again_does_not_approve_its_plan() {
    let desk = Desk::open(RequestSettings { dual_control: true, ..RequestSettings::default() }).await;
    let submitter = Submitter { caller: Some(pat()) };
    let made = desk.requests.create(about(ANA), submitter).await.unwrap();
    let first = plan_for(&desk, None).await;

    let own = desk.requests.approve_plan(&made.id, &first, &pat()).await.unwrap_err();
    desk.requests.resubmit(&made.id, &quinn()).await.unwrap();
    let second = plan_for(&desk, None).await;
    let begun_again = desk.requests.approve_plan(&made.id, &second, &quinn()).await.unwrap_err();
    let other = desk.requests.approve_plan(&made.id, &second, &pat()).await;

    assert!(matches!(own, RequestError::SamePerson), "{own}");
    assert!(matches!(begun_again, RequestError::SamePerson), "{begun_again}");
    assert_eq!(other.unwrap().step, Some(RequestStep::Erasure));
}

#[tokio::test]
async fn with_dual_control_somebody_else_than_the_maker_approves() {
    let desk = Desk::open(RequestSettings { dual_control: true, ..RequestSettings::default() }).await;
    let made = desk.requests.create(about(ANA), Submitter { caller: Some(pat()) }).await.unwrap();
    let digest = plan_for(&desk, None).await;

    assert!(desk.requests.approve_plan(&made.id, &digest, &quinn()).await.is_ok());
}

#[tokio::test]
async fn a_plan_in_the_making_is_not_asked_for_again_and_the_refusal_says_so() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    desk.requests.progress(&claimed.lease, RequestStep::Plan, |_| {}).await.unwrap();

    let refused = desk.requests.ask_for_plan(&made.id, &pat()).await.unwrap_err();

    assert!(refused.to_string().ends_with("its plan is being made; look for it in a moment"), "{refused}");
    assert_eq!(desk.requests.get(&made.id).await.unwrap().planned_by, None);
}

#[tokio::test]
async fn a_request_with_a_write_of_unknown_end_is_not_begun_again() {
    let desk = Desk::open(RequestSettings::default()).await;
    let made = desk.made().await;
    let claimed = desk.claim().await;
    desk.requests.begin(&claimed).await.unwrap();
    let run = RunId::new(&RandomIds);
    let new_run = NewRun {
        id: run.clone(),
        kind: RunKind::Erasure,
        policy: None,
        subject: Secret::new(b"{}".to_vec()),
        deadline_at: None,
        actor: Actor::system(),
    };
    let task = NewTask {
        id: TaskId::new(&RandomIds),
        kind: "apply".to_owned(),
        name: "0".to_owned(),
        after: Vec::new(),
        due_at: None,
    };
    desk.store.run_create(new_run, &[task]).await.unwrap();
    let digest = PlanDigest::of(b"a plan");
    let actor = Actor::system();
    let plan = NewPlan { digest: digest.clone(), run: run.clone(), body: b"{}", operations: 1, actor };
    desk.store.plan_put(&plan).await.unwrap();
    desk.store.plan_approve(&digest, Actor::person("pat")).await.unwrap();
    let lease = desk.store.task_claim("engine", LEASE).await.unwrap().unwrap().lease;
    let intent = NewIntent { plan: digest.clone(), operation: 0, attempt: 1, lease };
    let intent = desk.store.ledger_intent(intent).await.unwrap();
    let set = |request: &mut PrivacyRequest| {
        (request.change_run, request.plan) = (Some(run.clone()), Some(digest.clone()));
    };
    desk.requests.progress(&claimed.lease, RequestStep::Erasure, set).await.unwrap();

    let waiting = desk.requests.resubmit(&made.id, &pat()).await.unwrap_err();
    desk.store.ledger_outcome(intent.id(), LedgerEnd::Unknown, Some("timeout")).await.unwrap();
    let unknown = desk.requests.resubmit(&made.id, &pat()).await.unwrap_err();
    let settled = Resolution::NotApplied(ResolvedBy::Person(Actor::person("pat")));
    desk.store.ledger_resolve(intent.id(), &settled).await.unwrap();

    for refused in [waiting, unknown] {
        assert!(matches!(refused, RequestError::StillWaits { .. }), "{refused}");
    }
    assert_eq!(desk.requests.resubmit(&made.id, &pat()).await.unwrap().status, Status::Pending);
}

#[tokio::test]
async fn exactly_the_plan_that_waits_is_approved_and_the_request_goes_on() {
    let desk = Desk::open(RequestSettings::default()).await;
    let (made, digest) = planned(&desk, None).await;
    let other = desk.requests.approve_plan(&made.id, &PlanDigest::of(b"other"), &pat()).await.unwrap_err();
    assert!(matches!(other, RequestError::OtherPlan { .. }), "{other}");
    let resumed = desk.requests.resume_from_input(&made.id, &pat()).await.unwrap_err();
    assert!(resumed.to_string().starts_with("Cannot resume privacy request. "), "{resumed}");

    let approved = desk.requests.approve_plan(&made.id, &digest, &pat()).await.unwrap();

    assert_eq!((approved.status, approved.step), (Status::InProcessing, Some(RequestStep::Erasure)));
    assert_eq!(approved.work_at, Some(desk.clock.now()));
    let again = desk.requests.approve_plan(&made.id, &digest, &pat()).await.unwrap_err();
    assert!(matches!(again, RequestError::NoPlan { .. }), "{again}");
}

#[tokio::test]
async fn with_dual_control_somebody_else_than_the_planner_approves() {
    let desk = Desk::open(RequestSettings { dual_control: true, ..RequestSettings::default() }).await;
    let (made, digest) = planned(&desk, Some("fid_pat")).await;

    let refused = desk.requests.approve_plan(&made.id, &digest, &pat()).await.unwrap_err();

    assert!(matches!(refused, RequestError::SamePerson), "{refused}");
    assert!(desk.requests.approve_plan(&made.id, &digest, &quinn()).await.is_ok());
}

#[tokio::test]
async fn without_dual_control_the_planner_may_approve() {
    let desk = Desk::open(RequestSettings::default()).await;
    let (made, digest) = planned(&desk, Some("fid_pat")).await;

    assert!(desk.requests.approve_plan(&made.id, &digest, &pat()).await.is_ok());
}

#[tokio::test]
async fn webhooks_that_say_no_leave_it_to_a_person() {
    let desk = Desk::open(by_person()).await;
    let made = desk.made().await;

    let ineligible = desk.requests.find_ineligible(&made.id, "legal").await.unwrap();

    assert_eq!(ineligible.status, Status::PreApprovalNotEligible);
    let log = desk.log(&made.id, RequestLogKind::Audit).await;
    assert_eq!(
        log,
        ["pre_approval_not_eligible system: Request flagged for manual review by pre-approval webhooks"]
    );
    assert_eq!(desk.requests.approve(&made.id, &pat()).await.unwrap().status, Status::Approved);
}

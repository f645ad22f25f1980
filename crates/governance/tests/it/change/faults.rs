//! Answers that are lost, refused and late: the read decides, and nothing has its effect twice.

use governance::change::{AccessChange, Approval, ChangeError, ChangeErrorKind, ChangeResult, ResourceName};
use rstest::rstest;
use sandbox::{Fault, FaultRule};
use serde_json::json;
use store::Actor;

use super::{changed, grant, options, revoke};
use crate::workspace::{FILE, HOST, Workspace, connect};

/// The first call of any method but GET fails so.
fn first_write(fault: Fault) -> Vec<FaultRule> {
    ["POST", "PUT", "DELETE"]
        .map(|method| FaultRule { method: Some(method.to_owned()), path: None, skip: 0, times: 1, fault })
        .to_vec()
}

// acceptance 2
#[rstest]
#[case::lost(Fault::ResetAfter, 1)]
#[case::error_after(Fault::ErrorAfter, 1)]
#[case::truncated(Fault::Truncated, 1)]
#[case::malformed(Fault::Malformed, 1)]
#[case::reset_before(Fault::ResetBefore, 2)]
#[case::error_before(Fault::Rate500, 2)]
#[case::too_many(Fault::Rate429, 2)]
#[case::too_many_without_a_wait(Fault::Rate429Bare, 2)]
#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_answer_is_lost_or_refused_has_its_effect_once(
    #[case] fault: Fault,
    #[case] attempts: u32,
) {
    let workspace = Workspace::start(options()).await;
    let role = format!("role:{}:member", workspace.role("Tracking Plan Admin"));
    let (membership, member) = workspace.a_grant(|grant| grant.entitlement.starts_with("group:"));
    let user = workspace.nth("user", 3);
    let invite = AccessChange::Create {
        kind: "invite".to_owned(),
        params: vec![("email".to_owned(), "nobody@example.com".to_owned())],
    };
    let changes = [grant(&role, &user), revoke(&role, &user), revoke(&membership, &member), invite];

    for change in &changes {
        let writes = workspace.writes();
        workspace.sandbox.set_rules(first_write(fault));

        let report = workspace.apply(change).await.unwrap();

        assert_eq!(
            (report.result, report.attempts),
            (ChangeResult::Confirmed, attempts),
            "{change:?} {report:?}"
        );
        assert_eq!(workspace.writes(), writes + 1, "{change:?}");
        assert_eq!(workspace.apply(change).await.unwrap().result, ChangeResult::Already);
        assert_eq!(workspace.writes(), writes + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_read_back_stays_unknown_until_somebody_asks_again() {
    let workspace = Workspace::start(options()).await;
    let role = format!("role:{}:member", workspace.role("Tracking Plan Admin"));
    let user = workspace.nth("user", 3);
    let mut rules = first_write(Fault::ResetAfter);
    // The reads before the write are let through.
    let path = Some(format!("/users/{}", user.id));
    rules.push(FaultRule { method: Some("GET".to_owned()), path, skip: 1, times: 40, fault: Fault::Rate500 });
    workspace.sandbox.set_rules(rules);

    let report = workspace.apply(&grant(&role, &user)).await.unwrap();

    assert_eq!(report.result, ChangeResult::Unknown, "{report:?}");
    let writes = workspace.writes();
    workspace.sandbox.set_rules(Vec::new());
    let again = workspace.apply(&grant(&role, &user)).await.unwrap();
    assert_eq!(again.result, ChangeResult::Already);
    assert_eq!(workspace.writes(), writes);
    let ledger = workspace.store.ledger_list(&report.plan.unwrap()).await.unwrap();
    assert!(ledger.iter().all(|entry| entry.state == store::LedgerState::Resolved), "{ledger:?}");
    assert!(workspace.store.get_run(&report.run).await.unwrap().finished_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_write_of_a_list_that_cannot_be_made_again_is_unknown_and_not_failed() {
    let workspace = Workspace::start(options()).await;
    let role = format!("role:{}:member", workspace.role("Tracking Plan Admin"));
    let user = workspace.nth("user", 3);
    workspace.apply(&grant(&role, &user)).await.unwrap();
    let writes = workspace.writes();
    let mut rules = first_write(Fault::ResetBefore);
    // The read before the write and the two that say that nothing happened are let through.
    let path = Some(format!("/users/{}", user.id));
    rules.push(FaultRule { method: Some("GET".to_owned()), path, skip: 3, times: 40, fault: Fault::Rate500 });
    workspace.sandbox.set_rules(rules);

    let report = workspace.apply(&revoke(&role, &user)).await.unwrap();

    assert_eq!(report.result, ChangeResult::Unknown, "{report:?}");
    assert!(workspace.store.get_run(&report.run).await.unwrap().finished_at.is_none());
    workspace.sandbox.set_rules(Vec::new());
    let again = workspace.apply(&revoke(&role, &user)).await.unwrap();
    assert_eq!(again.result, ChangeResult::Confirmed, "{again:?}");
    assert_eq!(workspace.writes(), writes + 1);
    let ledger = workspace.store.ledger_list(&report.plan.unwrap()).await.unwrap();
    assert!(ledger.iter().all(|entry| entry.state == store::LedgerState::Resolved), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_connection_left_open_is_not_judged_by_this_one() {
    let workspace = Workspace::start(options()).await;
    let role = format!("role:{}:member", workspace.role("Tracking Plan Admin"));
    let user = workspace.nth("user", 3);
    let mut rules = first_write(Fault::ResetAfter);
    let path = Some(format!("/users/{}", user.id));
    rules.push(FaultRule { method: Some("GET".to_owned()), path, skip: 1, times: 40, fault: Fault::Rate500 });
    workspace.sandbox.set_rules(rules);
    let report = workspace.apply(&grant(&role, &user)).await.unwrap();
    assert_eq!(report.result, ChangeResult::Unknown, "{report:?}");
    workspace.sandbox.set_rules(Vec::new());
    let token = workspace.sandbox.description().tokens.access_token.clone();
    let secrets = vec![("domain".to_owned(), json!(HOST)), ("access_token".to_owned(), json!(token))];
    let other = connect("segment_two", FILE, (HOST, &workspace.sandbox.url()), secrets);
    let other = workspace.changes_of(other, "test");

    let change = grant(&format!("role:{}:member", workspace.role("Source Admin")), &user);
    let by_other = other.apply(&change, Approval::Given, &Actor::system()).await.unwrap();

    assert_eq!(by_other.result, ChangeResult::Confirmed, "{by_other:?}");
    assert!(workspace.store.get_run(&report.run).await.unwrap().finished_at.is_none());
    let ledger = workspace.store.ledger_list(&report.plan.unwrap()).await.unwrap();
    assert!(ledger.iter().any(|entry| entry.state == store::LedgerState::Unknown), "{ledger:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_gone_while_it_sends_is_followed_by_one_that_finds_out() {
    let workspace = Workspace::start(options()).await;
    let role = format!("role:{}:member", workspace.role("Tracking Plan Admin"));
    let (user, before) = (workspace.nth("user", 3), workspace.direct());
    workspace.sandbox.set_rules(first_write(Fault::HoldAfter));
    let (changes, change) = (workspace.changes_by("first"), grant(&role, &user));
    let sent = {
        let change = change.clone();
        tokio::spawn(async move { changes.apply(&change, Approval::Given, &Actor::system()).await })
    };
    while workspace.direct() == before {
        tokio::task::yield_now().await;
    }
    sent.abort();

    let report = workspace.apply(&change).await.unwrap();

    assert_eq!(report.result, ChangeResult::Already, "{report:?}");
    let id = format!("{role}:{user}");
    assert_eq!(changed(&before, &workspace.direct()), (vec![id], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_s_token_is_told_what_is_needed() {
    let workspace = Workspace::start(options()).await;
    let (membership, member) = workspace.a_grant(|grant| grant.entitlement.starts_with("group:"));
    let token = workspace.sandbox.description().tokens.member_token.clone();
    let workspace = workspace.with_token(&token);

    for change in [grant(&membership, &member), revoke(&membership, &member)] {
        let error = workspace.apply(&change).await.unwrap_err();

        assert_eq!(error.kind(), ChangeErrorKind::Failed);
        assert!(error.to_string().contains("Workspace Owner"), "{error}");
    }
    assert_eq!(workspace.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_no_longer_fits_is_not_carried_out() {
    let workspace = Workspace::start(options()).await;
    let (role, other) = (workspace.role("Tracking Plan Admin"), workspace.role("Source Admin"));
    let (role, other) = (format!("role:{role}:member"), format!("role:{other}:member"));
    let user = workspace.nth("user", 3);
    workspace.apply(&grant(&role, &user)).await.unwrap();
    let change = revoke(&role, &user);
    let plan = workspace.changes().plan(&change).await.unwrap().unwrap();
    workspace.apply(&grant(&other, &user)).await.unwrap();
    let writes = workspace.writes();

    let refused = workspace.changes().apply(&change, Approval::Plan(&plan), &Actor::system()).await;

    assert!(matches!(refused, Err(ChangeError::Drift)), "{refused:?}");
    assert_eq!(workspace.writes(), writes);
    let plan = workspace.changes().plan(&change).await.unwrap().unwrap();
    let report = workspace.changes().apply(&change, Approval::Plan(&plan), &Actor::system()).await.unwrap();
    assert_eq!((report.result, report.plan.as_ref()), (ChangeResult::Confirmed, Some(plan.digest())));
    assert!(workspace.direct().contains(&format!("{other}:{user}")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_is_taken_without_a_write() {
    let workspace = Workspace::start(options()).await;
    let (membership, member) = workspace.a_grant(|grant| grant.entitlement.starts_with("group:"));
    let changes = [
        revoke("group:nowhere:member", &member),
        revoke(&membership, &ResourceName::new("user", "nobody")),
        AccessChange::Delete { resource: ResourceName::new("user", "nobody") },
    ];

    for change in changes {
        let report = workspace.apply(&change).await.unwrap();

        assert_eq!(report.result, ChangeResult::Already, "{change:?}");
    }
    assert_eq!(workspace.writes(), 0);
}

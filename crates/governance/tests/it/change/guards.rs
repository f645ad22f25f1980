//! The last owner stays (governance SEG-5), in whichever way it would be lost.

use governance::change::{AccessChange, ChangeError, ChangeErrorKind, ChangeResult, ResourceName};
use sandbox::segment::{SegmentOptions, WorkspaceOptions};

use super::{grant, options, revoke};
use crate::workspace::{FILE, Workspace};

/// The role Workspace Owner, and who holds it directly.
fn owner(workspace: &Workspace) -> (String, ResourceName) {
    let role = format!("role:{}:member", workspace.role("Workspace Owner"));
    let (_, owner) = workspace.a_grant(|grant| *grant.entitlement == *role && grant.principal.kind == "user");
    (role, owner)
}

async fn assert_refused(workspace: &Workspace, change: &AccessChange) {
    let (before, writes) = (workspace.direct(), workspace.writes());

    let refused = workspace.apply(change).await;

    assert!(matches!(refused, Err(ChangeError::Guarded { .. })), "{change:?} {refused:?}");
    assert_eq!(refused.unwrap_err().kind(), ChangeErrorKind::Refused);
    assert_eq!((workspace.direct(), workspace.writes()), (before, writes));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_owner_keeps_the_role_and_the_account() {
    let workspace = Workspace::start(options()).await;
    let (role, owner) = owner(&workspace);

    assert_refused(&workspace, &revoke(&role, &owner)).await;
    assert_refused(&workspace, &AccessChange::Delete { resource: owner.clone() }).await;

    let other = workspace.nth("user", 4);
    let other = if other == owner { workspace.nth("user", 6) } else { other };
    workspace.apply(&grant(&role, &other)).await.unwrap();
    assert_eq!(workspace.apply(&revoke(&role, &owner)).await.unwrap().result, ChangeResult::Confirmed);
    assert_refused(&workspace, &revoke(&role, &other)).await;
    assert_eq!(
        workspace.apply(&AccessChange::Delete { resource: owner }).await.unwrap().result,
        ChangeResult::Confirmed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_through_a_group_count_and_the_last_of_them_stays() {
    let workspace = WorkspaceOptions {
        groups: Some(8),
        group_members: Some(1),
        owner_group: Some(1),
        ..WorkspaceOptions::default()
    };
    let workspace = Workspace::start(SegmentOptions { workspace, ..options() }).await;
    let (role, owner) = owner(&workspace);
    let (_, group) =
        workspace.a_grant(|grant| *grant.entitlement == *role && grant.principal.kind == "group");
    let membership = format!("group:{}:member", group.id);
    let members = || {
        let truth = workspace.sandbox.governance_truth();
        let held = truth.grants.iter().filter(|grant| *grant.entitlement == *membership);
        held.map(|grant| ResourceName::new("user", grant.principal.id.to_string())).collect::<Vec<_>>()
    };
    let mut members = members();
    members.retain(|member| *member != owner);
    let member = members.first().expect("somebody else is in the group").clone();
    // The group owns, so the person need not.
    assert_eq!(workspace.apply(&revoke(&role, &owner)).await.unwrap().result, ChangeResult::Confirmed);
    for other in members.iter().skip(1) {
        workspace.apply(&revoke(&membership, other)).await.unwrap();
    }

    assert_refused(&workspace, &revoke(&role, &group)).await;
    assert_refused(&workspace, &revoke(&membership, &member)).await;
    assert_refused(&workspace, &AccessChange::Delete { resource: member.clone() }).await;

    // Another member, and each of the two may go.
    workspace.apply(&grant(&membership, &owner)).await.unwrap();
    assert_eq!(workspace.apply(&revoke(&membership, &member)).await.unwrap().result, ChangeResult::Confirmed);
    assert_refused(&workspace, &revoke(&membership, &owner)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_group_of_owners_counts_for_nothing() {
    let workspace = WorkspaceOptions {
        groups: Some(8),
        group_members: Some(1),
        owner_group: Some(1),
        ..WorkspaceOptions::default()
    };
    let workspace = Workspace::start(SegmentOptions { workspace, ..options() }).await;
    let (role, owner) = owner(&workspace);
    let (_, group) =
        workspace.a_grant(|grant| *grant.entitlement == *role && grant.principal.kind == "group");
    let membership = format!("group:{}:member", group.id);
    let truth = workspace.sandbox.governance_truth();
    for grant in truth.grants.iter().filter(|grant| *grant.entitlement == *membership) {
        let member = ResourceName::new("user", grant.principal.id.to_string());
        workspace.apply(&revoke(&membership, &member)).await.unwrap();
    }

    assert_refused(&workspace, &revoke(&role, &owner)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_owners_that_are_taken_at_once_do_not_both_go() {
    let workspace = Workspace::start(options()).await;
    let (role, one) = owner(&workspace);
    let other = workspace.nth("user", 4);
    let other = if other == one { workspace.nth("user", 6) } else { other };
    workspace.apply(&grant(&role, &other)).await.unwrap();
    let (first, second) = (revoke(&role, &one), revoke(&role, &other));

    let (first, second) = tokio::join!(workspace.apply(&first), workspace.apply(&second));

    let results = [first, second];
    let refused = results.iter().filter(|result| matches!(result, Err(ChangeError::Guarded { .. })));
    assert_eq!(refused.count(), 1, "{results:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_owner_is_not_given_something_that_takes_the_place_of_it() {
    let adds = "method: POST\n                path: /users/<principal.id>/permissions";
    assert!(FILE.contains(adds), "the file has no `{adds}` any more");
    let file = FILE.replacen(adds, &adds.replace("POST", "PUT"), 1);
    let workspace = Workspace::with_file(options(), &file).await;
    let (_, owner) = owner(&workspace);
    let other = workspace.nth("user", 4);
    let other = if other == owner { workspace.nth("user", 6) } else { other };
    let role = format!("role:{}:member", workspace.role("Tracking Plan Admin"));

    assert_refused(&workspace, &grant(&role, &owner)).await;

    assert!(workspace.changes().plan(&grant(&role, &other)).await.unwrap().is_some());
}

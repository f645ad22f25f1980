//! What is said to somebody who asks for what cannot be.

use governance::change::{AccessChange, ChangeError, ChangeErrorKind, ResourceName};

use super::{grant, options, revoke};
use crate::workspace::Workspace;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_bad_input_with_a_reason() {
    let workspace = Workspace::start(options()).await;
    let (user, group) = (workspace.nth("user", 3), workspace.nth("group", 0));
    let (narrowed, _) = workspace.a_grant(|grant| grant.entitlement.contains("member["));
    let membership = format!("group:{}:member", group.id);
    let of_workspace = format!("{}:member", workspace.nth("workspace", 0));
    let role = format!("role:{}:member", workspace.role("Source Admin"));
    let cases: Vec<(AccessChange, &str)> = vec![
        (grant("nonsense", &user), "no entitlement has the id"),
        (grant("group:nowhere:member", &user), "no entitlement has the id"),
        (grant(&membership, &group), "cannot be held by a `group`"),
        (grant(&role, &ResourceName::new("user", "nobody")), "no such `user`"),
        (grant(&role, &ResourceName::new("team", "1")), "no kind `team`"),
        (revoke("nonsense", &user), "no entitlement has the id"),
        (revoke(&of_workspace, &user), "no way to revoke"),
        (AccessChange::RevokeGrant { grant: "nonsense".to_owned() }, "no entitlement has the id"),
        (AccessChange::Delete { resource: group.clone() }, "no way to delete"),
        (AccessChange::Create { kind: "user".to_owned(), params: Vec::new() }, "no way to create"),
        (AccessChange::Create { kind: "invite".to_owned(), params: Vec::new() }, "needs the param `email`"),
    ];

    for (change, says) in cases {
        let error = workspace.apply(&change).await.unwrap_err();

        assert_eq!(error.kind(), ChangeErrorKind::BadInput, "{change:?}: {error}");
        assert!(error.to_string().contains(says), "{change:?}: {error}");
    }
    let held = workspace.sandbox.governance_truth();
    let holds = held.grants.iter().any(|one| *one.entitlement == *narrowed && *one.principal.id == *user.id);
    if !holds {
        let error = workspace.apply(&grant(&narrowed, &user)).await.unwrap_err();
        assert!(matches!(error, ChangeError::OnlyHeld { .. }), "{error}");
    }
    assert_eq!(workspace.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_shows_the_call_without_the_token_and_its_digest_follows_from_it() {
    let workspace = Workspace::start(options()).await;
    let (membership, member) = workspace.a_grant(|grant| grant.entitlement.starts_with("group:"));

    let plan = workspace.changes().plan(&revoke(&membership, &member)).await.unwrap().unwrap();

    let mut value = plan.to_value();
    let token = workspace.sandbox.description().tokens.access_token.clone();
    assert!(!value.to_string().contains(&token));
    assert_eq!(value["format"], "tutela.access-plan/1");
    assert_eq!(value["request"]["method"], "DELETE");
    value.as_object_mut().unwrap().shift_remove("digest");
    assert_eq!(store::PlanDigest::of(&crypto::canonical_json(&value)), *plan.digest());
    assert_eq!(workspace.writes(), 0);
}

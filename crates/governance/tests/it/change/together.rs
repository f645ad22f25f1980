//! Several who change the same at once.

use futures::future::join_all;
use governance::change::{Approval, ChangeResult};
use store::Actor;

use super::{changed, grant, options, revoke};
use crate::workspace::Workspace;

// rule: baton SG-14
#[tokio::test(flavor = "multi_thread")]
async fn writers_on_one_principal_lose_nothing_of_one_another() {
    let workspace = Workspace::start(options()).await;
    let user = workspace.nth("user", 3);
    let names = ["Tracking Plan Admin", "Source Admin", "Function Admin", "Tracking Plan Read-only"];
    let roles: Vec<String> =
        names.iter().map(|name| format!("role:{}:member", workspace.role(name))).collect();
    for role in &roles[..2] {
        workspace.apply(&grant(role, &user)).await.unwrap();
    }
    let before = workspace.direct();
    let changes = [
        revoke(&roles[0], &user),
        grant(&roles[2], &user),
        revoke(&roles[1], &user),
        grant(&roles[3], &user),
    ];

    let reports = join_all(changes.iter().enumerate().map(|(number, change)| {
        let changes = workspace.changes_by(&format!("worker {number}"));
        async move { changes.apply(change, Approval::Given, &Actor::system()).await.unwrap() }
    }))
    .await;

    assert!(reports.iter().all(|report| report.result == ChangeResult::Confirmed), "{reports:?}");
    let id = |place: usize| format!("{}:{user}", roles[place]);
    let (mut added, mut gone) = changed(&before, &workspace.direct());
    added.sort();
    gone.sort();
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!((added, gone), (sorted(vec![id(2), id(3)]), sorted(vec![id(0), id(1)])));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_change_by_two_at_once_is_written_once() {
    let workspace = Workspace::start(options()).await;
    let user = workspace.nth("user", 3);
    let change = grant(&format!("role:{}:member", workspace.role("Tracking Plan Admin")), &user);
    let writes = workspace.writes();

    let (one, other) = tokio::join!(workspace.apply(&change), workspace.apply(&change));

    let mut results = [one.unwrap().result.as_str(), other.unwrap().result.as_str()];
    results.sort_unstable();
    assert_eq!(results, ["already", "confirmed"]);
    assert_eq!(workspace.writes(), writes + 1);
}

//! Defects that the tests of changes must find: each is planted in the connector file, and the comparison that
//! they make has to tell.

use governance::change::{ChangeResult, ResourceName};
use rstest::rstest;

use super::{changed, grant, options, revoke};
use crate::workspace::{FILE, Workspace};

fn planted(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "the file has no `{from}` any more");
    FILE.replacen(from, to, 1)
}

const REST: &str = "{\"roleId\": each.roleId, \"resources\": inners.map(i, has(i.labels)
                ? {\"id\": i.id, \"type\": i.type, \"labels\": i.labels} : {\"id\": i.id, \"type\": i.type})}";

// acceptance 5: a role that is taken on one resource and goes on all, forgotten labels, a list that is not sent back
#[rstest]
#[case::as_it_is(FILE.to_owned(), true)]
#[case::what_was_read_is_not_sent(
    planted("'{\"permissions\": <rest>}'", "'{\"permissions\": [], \"was\": <rest>}'"),
    false
)]
#[case::it_goes_on_all_sources(
    planted(REST, &REST.replace("inners.map(", "inners.filter(i, i.type != \"SOURCE\").map(")),
    false
)]
#[case::labels_are_forgotten(
    planted(
        REST,
        "{\"roleId\": each.roleId, \"resources\": inners.map(i, {\"id\": i.id, \"type\": i.type})}"
    ),
    false
)]
#[tokio::test(flavor = "multi_thread")]
async fn what_else_is_held_stays(#[case] file: String, #[case] is_right: bool) {
    let file =
        file.replace("body: '{\"permissions\": []}'", "body: '{\"permissions\": [], \"was\": <rest>}'");
    let workspace = Workspace::with_file(options(), &file).await;
    let narrowed =
        workspace.a_grant(|grant| grant.entitlement.contains("member[") && grant.principal.kind == "user");
    let user: ResourceName = narrowed.1.clone();
    let (one, other) = (workspace.nth("source", 1), workspace.nth("source", 2));
    let (one, other) = (format!("{one}:source_admin"), format!("{other}:source_admin"));
    workspace.apply(&grant(&one, &user)).await.unwrap();
    workspace.apply(&grant(&other, &user)).await.unwrap();
    let before = workspace.direct();

    let report = workspace.apply(&revoke(&one, &user)).await.unwrap();

    let is_exact = changed(&before, &workspace.direct()) == (vec![], vec![format!("{one}:{user}")]);
    assert_eq!(is_exact, is_right, "{report:?}");
    if is_right {
        assert_eq!(report.result, ChangeResult::Confirmed);
    }
}

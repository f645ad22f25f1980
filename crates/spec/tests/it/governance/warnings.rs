//! Static analysis of the sections: each check finds its planted defect, at its place.

use rstest::rstest;

use super::{check, planted};

#[rstest]
#[case::kind_without_trait(
    "lint_kind_without_trait",
    "- id: group\n        name: Group\n        traits: [group]",
    "- id: §group\n        name: Group"
)]
#[case::role_without_trait("lint_kind_without_trait", "- id: role\n        traits: [role]", "- id: §role")]
#[case::never_granted(
    "lint_never_granted",
    "          - slug: member\n            grantable_to: [user]\n            grants:\n              request: {method: GET, path: /groups/",
    "          - {slug: §chair, grantable_to: [user]}\n          - slug: member\n            grantable_to: [user]\n            grants:\n              request: {method: GET, path: /groups/"
)]
#[case::unused_values(
    "lint_unused_values",
    "query_params: [{name: kind, value: <value>}]",
    "query_params: [{name: kind, value: all}]§"
)]
#[case::profile_without_trait(
    "lint_profile_without_trait",
    "traits: [app]\n        required: true",
    "§required: true"
)]
#[case::secret_in_the_path(
    "lint_secret_in_url",
    "path: /groups}\n          id",
    "path: §/groups/<token>}\n          id"
)]
#[case::effect(
    "lint_effect_override",
    "path: /groups}\n          id",
    "path: /groups, effect: §read}\n          id"
)]
fn defect_is_warned_of(#[case] code: &str, #[case] right: &str, #[case] wrong: &str) {
    let (text, place) = planted(right, wrong);

    let checked = check(&text);

    let found: Vec<_> =
        checked.diagnostics.iter().filter(|found| found.code == format!("spec::{code}")).collect();
    assert_eq!(found.len(), 1, "{:#?}", checked.diagnostics);
    if !matches!(code, "lint_unused_values" | "lint_profile_without_trait") {
        assert_eq!((found[0].line, found[0].column), place, "{:#?}", found[0]);
    }
    assert!(checked.value.is_some(), "a warning refuses nothing");
}

#[test]
fn a_param_that_only_an_expression_uses_is_used() {
    let (text, _) = planted("path: /tenants/<tenant>/sites", "path: /sites§");

    let checked = check(&text);

    assert!(checked.diagnostics.is_empty(), "{:#?}", checked.diagnostics);
}

//! How much a plan of a server may change (architecture §7, `limits`).

use super::*;
use crate::PlanLimits;

fn of_file(text: &str) -> ServerInputs {
    ServerInputs { file: Some(file(text)), ..ServerInputs::default() }
}

fn limits_of(inputs: &ServerInputs) -> PlanLimits {
    server_settings(inputs).value.unwrap().server.limits
}

#[test]
fn limits_are_those_of_the_file_and_what_it_leaves_out_is_as_without_one() {
    let some = limits_of(&of_file("limits: {max_writes: 9, max_share_of_table: 1}"));
    let all = limits_of(&of_file(FULL));

    let default = PlanLimits::default();
    assert_eq!(limits_of(&ServerInputs::default()), default, "as for a project");
    assert_eq!(some, PlanLimits { max_writes: 9, max_share_of_table: 1.0, ..default });
    assert_eq!(all, PlanLimits { max_writes: 9, max_subjects: 2, max_share_of_table: 0.5, min_rows: 3 });
}

#[test]
fn variable_comes_before_the_file_and_the_api_changes_no_limit() {
    let mut inputs = of_file("limits: {max_writes: 9, min_rows: 3}");
    inputs.environment =
        environment(&[("TUTELA_LIMITS_MAX_WRITES", "70"), ("TUTELA_LIMITS_MAX_SHARE_OF_TABLE", " 0.25 ")]);

    let settings = server_settings(&inputs).value.unwrap();
    let over_api = settings.with_api(&json!({"limits": {"max_subjects": 1000, "min_rows": 1000}}));

    let expected = PlanLimits { max_writes: 70, max_subjects: 1, max_share_of_table: 0.25, min_rows: 3 };
    assert_eq!((settings.server.limits, over_api.server.limits), (expected, expected));
    let from = |key| origin_of(&settings, key).to_string();
    assert_eq!(from("limits.max_writes"), "TUTELA_LIMITS_MAX_WRITES");
    assert_eq!(from("limits.min_rows"), "server.yml:1");
    assert_eq!(from("limits.max_subjects"), "default");
}

#[rstest]
#[case::negative("max_writes: §-1", "spec::out_of_range")]
#[case::word("max_writes: §many", "spec::wrong_type")]
#[case::part_of_a_write("max_writes: §1.5", "spec::wrong_type")]
#[case::share_above_one("max_share_of_table: §1.5", "spec::out_of_range")]
#[case::share_below_none("max_share_of_table: §-0.1", "spec::out_of_range")]
#[case::share_in_percent("max_share_of_table: §1%", "spec::wrong_type")]
#[case::endless_share("max_share_of_table: §.inf", "spec::wrong_type")]
#[case::no_share("max_share_of_table: §.nan", "spec::wrong_type")]
#[case::list("min_rows: §[25]", "spec::wrong_type")]
#[case::misspelled("§max_write: 9", "spec::unknown_key")]
fn limit_that_is_none_is_refused_at_its_place(#[case] marked: &str, #[case] code: &str) {
    let text = format!("listen: 127.0.0.1:1\nlimits:\n  {marked}\n");
    let column = marked.find('§').unwrap() + 3;

    let checked = check_server(&file(&text.replace('§', "")));

    assert!(checked.value.is_none());
    let found: Vec<_> =
        checked.diagnostics.iter().map(|found| (found.code, found.line, found.column)).collect();
    assert_eq!(found, [(code, 3, column)], "{:#?}", checked.diagnostics);
}

#[rstest]
#[case("TUTELA_LIMITS_MAX_WRITES", "-1", "spec::out_of_range")]
#[case("TUTELA_LIMITS_MAX_WRITES", "0.5", "spec::wrong_type")]
#[case("TUTELA_LIMITS_MAX_SHARE_OF_TABLE", "2", "spec::out_of_range")]
#[case("TUTELA_LIMITS_MAX_SHARE_OF_TABLE", "nan", "spec::wrong_type")]
#[case("TUTELA_LIMITS_MAX_SHARE_OF_TABLE", "1%", "spec::wrong_type")]
fn variable_that_is_no_limit_is_named(#[case] variable: &str, #[case] text: &str, #[case] code: &str) {
    let inputs = ServerInputs { environment: environment(&[(variable, text)]), ..ServerInputs::default() };

    let checked = server_settings(&inputs);

    assert!(checked.value.is_none());
    let found: Vec<_> = checked.diagnostics.iter().map(|found| (found.code, found.file.as_str())).collect();
    assert_eq!(found, [(code, variable)], "{:#?}", checked.diagnostics);
}

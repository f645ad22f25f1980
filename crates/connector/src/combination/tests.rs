use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::fixture::{inputs, lists, person, read_request};

/// All combinations as JSON: param name → value.
fn combinations(yaml: &str, inputs: &Inputs, secrets: &[(&str, Value)]) -> Vec<Value> {
    combinations_for(yaml, inputs, secrets, &person(&[]))
}

fn combinations_for(yaml: &str, inputs: &Inputs, secrets: &[(&str, Value)], person: &Person) -> Vec<Value> {
    let request = read_request(yaml);
    let secrets =
        Secrets::new(secrets.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect());
    let all = Combinations::new(&request, Sources { inputs, person, secrets: &secrets });
    (0..all.len())
        .map(|position| {
            let values = all.get(position).unwrap().request_values(&request);
            let names: Vec<String> = values.names().map(str::to_owned).collect();
            names.into_iter().map(|name| (name.clone(), values.find_name(&name).cloned().unwrap())).collect()
        })
        .collect()
}

const TWO: &str = "path: /u/<email>/<org>\nparam_values:\n  - {name: email, identity: email}\n  - name: org\n    \
    references: [{dataset: acme, field: orgs.id, direction: from}]";

// rule: saas-config 17.8
#[test]
fn last_name_varies_fastest() {
    let all = combinations(TWO, &inputs(&[("email", json!(["a", "b"])), ("org", json!([1, 2]))]), &[]);

    assert_eq!(
        all,
        [
            json!({"email": "a", "org": 1}),
            json!({"email": "a", "org": 2}),
            json!({"email": "b", "org": 1}),
            json!({"email": "b", "org": 2}),
        ]
    );
}

// rule: saas-config 17.9
// rule: saas-config 10.7
#[test]
fn names_that_the_request_does_not_use_do_not_multiply() {
    let yaml = TWO.replace("/<org>", "");

    let all = combinations(&yaml, &inputs(&[("email", json!(["a", "b", "a"])), ("org", json!([1, 2]))]), &[]);

    assert_eq!(all, [json!({"email": "a"}), json!({"email": "b"})]);
}

// rule: saas-config 17.9
#[test]
fn request_without_placeholders_is_sent_once() {
    let yaml = "path: /all\nparam_values: [{name: email, identity: email}]";

    assert_eq!(combinations(yaml, &inputs(&[("email", json!(["a", "b"]))]), &[]), [json!({})]);
}

// rule: saas-config 17.10
// rule: saas-config 10.8
#[test]
fn a_list_without_values_makes_no_combination() {
    let unpack = TWO.replace("- name: org\n", "- name: org\n    unpack: true\n");
    let secret = "path: /<region>\nparam_values: [{name: region, connector_param: regions}]";
    let mut group = inputs(&[("email", json!(["a"]))]);
    group.groups = vec![lists(&[("org", json!([]))])];

    assert!(combinations(secret, &Inputs::default(), &[("regions", json!([]))]).is_empty());
    assert!(combinations(&unpack, &inputs(&[("email", json!(["a"]))]), &[]).is_empty());
    assert!(combinations(TWO, &group, &[]).is_empty());
}

// rule: saas-config 10.8
#[test]
fn unpack_flattens_one_level() {
    let plain = TWO.replace("/<email>", "");
    let unpack = plain.replace("- name: org\n", "- name: org\n    unpack: true\n");
    let lists = inputs(&[("org", json!([[1, 2], [3], 3]))]);

    assert_eq!(combinations(&unpack, &lists, &[]), [json!({"org": 1}), json!({"org": 2}), json!({"org": 3})]);
    assert_eq!(combinations(&plain, &lists, &[]).len(), 3);
}

// rule: saas-config 17.11
#[test]
fn list_secret_multiplies_where_it_is_used_and_only_there() {
    let used = "path: /<region>\nparam_values: [{name: region, connector_param: regions}]";
    let unused = "path: /all\nparam_values: [{name: region, connector_param: regions}]";
    let regions = [("regions", json!(["eu", "us"]))];

    assert_eq!(
        combinations(used, &Inputs::default(), &regions),
        [json!({"region": "eu"}), json!({"region": "us"})]
    );
    assert_eq!(combinations(unused, &Inputs::default(), &regions), [json!({})]);
}

// rule: saas-config 17.12
#[test]
fn secret_named_like_an_input_does_not_replace_it() {
    let yaml = "path: /<email>/<account>\nparam_values:\n  - {name: email, identity: email}\n  \
        - {name: account, connector_param: email}";

    let all =
        combinations(yaml, &inputs(&[("email", json!(["ana@example.com"]))]), &[("email", json!("admin"))]);

    assert_eq!(all, [json!({"email": "ana@example.com", "account": "admin"})]);
}

// rule: saas-config 17.12
#[test]
fn param_named_like_its_external_reference_gets_the_value() {
    let yaml = "path: /u/<cid>\nparam_values: [{name: cid, references: [cid]}]";
    let secret = json!({"dataset": "shop", "field": "users.id", "direction": "from"});

    let all = combinations(yaml, &inputs(&[("cid", json!([7]))]), &[("cid", secret)]);

    assert_eq!(all, [json!({"cid": 7})]);
}

// rule: saas-config 17.6
// rule: saas-config 17.13
#[test]
fn values_of_a_group_stay_together_for_every_request() {
    let mut grouped = inputs(&[("email", json!(["e"])), ("org", json!(["flat"]))]);
    grouped.groups = vec![
        lists(&[("org", json!(["o1"])), ("email", json!(["e1"]))]),
        lists(&[("org", json!(["o2"])), ("email", json!(["e2"]))]),
        lists(&[("org", json!(["o1"])), ("email", json!(["e1"]))]),
    ];
    let expected = [json!({"email": "e1", "org": "o1"}), json!({"email": "e2", "org": "o2"})];

    assert_eq!(combinations(TWO, &grouped, &[]), expected);
    assert_eq!(combinations(TWO, &grouped, &[]), expected, "a second request sees them too");
}

#[test]
fn groups_that_differ_only_in_unused_names_are_one_call() {
    let yaml = TWO.replace("/<org>", "");
    let groups = ["o1", "o2"].map(|org| lists(&[("org", json!([org])), ("email", json!(["e"]))]));
    let grouped = Inputs { groups: groups.to_vec(), ..Inputs::default() };

    assert_eq!(combinations(&yaml, &grouped, &[]), [json!({"email": "e"})]);
}

// rule: saas-config 17.5
#[test]
fn identity_comes_from_the_person_by_its_kind() {
    let yaml = "path: /<who>\nparam_values: [{name: who, identity: email}]";
    let ana = person(&[("email", "ana@example.com"), ("phone_number", "+491")]);
    // Two requests may use one param name for two kinds; the graph then supplies both values.
    let mixed = inputs(&[("who", json!(["ana@example.com", "+491"]))]);

    assert_eq!(combinations_for(yaml, &mixed, &[], &ana), [json!({"who": "ana@example.com"})]);
    assert_eq!(combinations_for(yaml, &Inputs::default(), &[], &ana), [json!({"who": "ana@example.com"})]);
}

#[test]
fn name_without_values_is_absent() {
    assert_eq!(combinations(TWO, &inputs(&[("org", json!([1]))]), &[]), [json!({"org": 1})]);
}

// rule: saas-config 19.10
#[test]
fn output_sees_inputs_and_secrets_by_their_own_names() {
    let yaml = "path: /<r>\nparam_values: [{name: r, connector_param: regions}, {name: email, identity: email}]\n\
        output: '{\"r\": \"<regions>\", \"e\": \"<email>\"}'";
    let request = read_request(yaml);
    let (ana, secrets) =
        (person(&[("email", "a")]), Secrets::new(vec![("regions".into(), json!(["eu", "us"]))]));
    let sources = Sources { inputs: &Inputs::default(), person: &ana, secrets: &secrets };

    let all = Combinations::new(&request, sources);

    let second = all.get(1).unwrap().output_values();
    assert_eq!(second.find_name("regions"), Some(&json!("us")));
    assert_eq!(second.find_name("email"), Some(&json!("a")));
    assert_eq!(second.find_name("r"), None, "the param's own name is not known there");
}

#[test]
fn debug_shows_no_value() {
    let request = read_request(TWO);
    let (ana, secrets) = (person(&[("email", "canary@example.com")]), Secrets::new(vec![]));
    let sources = Sources { inputs: &inputs(&[("org", json!(["canary"]))]), person: &ana, secrets: &secrets };

    let all = Combinations::new(&request, sources);

    let shown = format!("{all:?} {:?}", all.get(0));
    assert!(!shown.contains("canary"), "{shown}");
}

proptest! {
    #[test]
    fn every_pair_comes_exactly_once(left in proptest::collection::vec(0_u8..6, 1..6), right in proptest::collection::vec(0_u8..6, 1..6)) {
        let distinct = |values: &[u8]| values.iter().collect::<std::collections::BTreeSet<_>>().len();

        let all = combinations(TWO, &inputs(&[("email", json!(left)), ("org", json!(right))]), &[]);

        let texts: std::collections::BTreeSet<String> = all.iter().map(Value::to_string).collect();
        prop_assert_eq!(all.len(), distinct(&left) * distinct(&right));
        prop_assert_eq!(texts.len(), all.len());
    }
}

use crypto::MaskSecrets;
use model::Row;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use spec::dataset_file::{DataKind, DataType, MaskingStrategy};

use super::{ErasureRule, LeftReason, Masker, MaskingGrade, Segment, Strategy as MaskStrategy, ValuePath};
use crate::fixture::{address, node};
use crate::{GraphCollection, GraphField, RowFilter};

fn row(value: Value) -> Row {
    match value {
        Value::Object(members) => members,
        other => panic!("not a row: {other}"),
    }
}

fn field(name: &str, category: Option<&str>, kind: Option<DataKind>) -> GraphField {
    GraphField {
        name: name.to_owned(),
        data_categories: category.map(str::to_owned).into_iter().collect(),
        data_type: kind.map(|kind| DataType { kind, is_array: false }),
        ..GraphField::default()
    }
}

fn text(name: &str, category: &str) -> GraphField {
    field(name, Some(category), Some(DataKind::String))
}

fn collection(fields: Vec<GraphField>) -> GraphCollection {
    GraphCollection { fields, ..GraphCollection::empty(address("A")) }
}

fn written(name: &str, configuration: Value) -> MaskingStrategy {
    MaskingStrategy { strategy: name.to_owned(), configuration }
}

fn rule(key: &str, target: &str, name: &str, configuration: Value) -> ErasureRule {
    ErasureRule {
        key: key.to_owned(),
        targets: vec![target.to_owned()],
        strategy: MaskStrategy::parse(&written(name, configuration)).unwrap(),
    }
}

fn nulls() -> ErasureRule {
    rule("erase", "user.name", "null_rewrite", json!({}))
}

fn constant() -> ErasureRule {
    rule("erase", "user.name", "string_rewrite", json!({"rewrite_value": "M"}))
}

fn keyed() -> ErasureRule {
    rule("erase", "user.name", "hmac", json!({}))
}

/// What masking writes as `masked_object_fields`, and what stays.
fn outcome(
    collection: &GraphCollection,
    rules: &[ErasureRule],
    received: Value,
) -> (Value, Vec<(String, LeftReason)>) {
    let secrets = MaskSecrets::random();
    let masker = Masker::new(collection, rules, &secrets).unwrap();
    let received = row(received);
    let result = masker.mask(&received, &received);
    let left = result.left.iter().map(|left| (left.path.to_string(), left.reason)).collect();
    (Value::Object(masker.masked_object_fields(&received, &result)), left)
}

/// The collection of saas-config 20.15.
fn example() -> (GraphCollection, Value) {
    let mut ro = text("ro", "user.name");
    ro.read_only = true;
    let mut addr = field("addr", None, None);
    addr.fields = vec![text("street", "user.name")];
    let id = GraphField { primary_key: true, ..field("id", None, None) };
    let fields = vec![
        id,
        text("email", "user.contact.email"),
        field("nick", Some("user.name"), None),
        text("tags", "user.name"),
        addr,
        ro,
    ];
    let row = json!({"id": 1, "email": "a@x", "nick": "n", "tags": ["t", "u"],
        "addr": {"street": "s", "zip": "9"}, "ro": "r", "z": 5});
    (collection(fields), row)
}

// rule: saas-config 20.12
// rule: saas-config 20.15
#[test]
fn the_worked_example_overwritten_with_null() {
    let (collection, received) = example();

    let (fields, left) = outcome(&collection, &[nulls()], received);

    assert_eq!(fields, json!({"addr": {"street": null}, "nick": null, "tags": [null, null]}));
    assert_eq!(left, [("ro".to_owned(), LeftReason::ReadOnly)]);
}

// rule: saas-config 20.13
// rule: saas-config 20.15
#[test]
fn the_worked_example_overwritten_with_a_text_also_masks_the_untyped_text() {
    let (collection, received) = example();
    let (secrets, rules) = (MaskSecrets::random(), [constant()]);
    let masker = Masker::new(&collection, &rules, &secrets).unwrap();
    let received = row(received);

    let result = masker.mask(&received, &received);

    // `nick` is untyped and holds a text: the contract leaves it in place and says so as a defect.
    assert_eq!(
        Value::Object(masker.masked_object_fields(&received, &result)),
        json!({"addr": {"street": "M"}, "nick": "M", "tags": ["M", "M"]})
    );
    assert_eq!(
        Value::Object(masker.all_object_fields(&received, &result)),
        json!({"id": 1, "email": "a@x", "nick": "M", "tags": ["M", "M"], "addr": {"street": "M", "zip": "9"}})
    );
}

// rule: privacy-requests 21.16
#[rstest]
#[case::untyped_text(None, json!("n"), &keyed(), Becomes::Masked)]
#[case::untyped_number(None, json!(5), &keyed(), Becomes::Reported(LeftReason::NotText))]
#[case::untyped_null(None, json!(null), &keyed(), Becomes::Nothing)]
#[case::untyped_by_null(None, json!(5), &nulls(), Becomes::Masked)]
#[case::integer_by_text(Some(DataKind::Integer), json!(5), &constant(), Becomes::Reported(LeftReason::TypeNotSupported))]
#[case::integer_by_null(Some(DataKind::Integer), json!(5), &nulls(), Becomes::Masked)]
#[case::text_field_with_a_number(Some(DataKind::String), json!(5), &keyed(), Becomes::Masked)]
fn values_are_masked_by_what_they_are_or_reported_as_unsupported(
    #[case] kind: Option<DataKind>,
    #[case] value: Value,
    #[case] rule: &ErasureRule,
    #[case] expected: Becomes,
) {
    let collection = collection(vec![field("v", Some("user.name"), kind)]);

    let (fields, left) = outcome(&collection, std::slice::from_ref(rule), json!({"v": value}));

    let is_written = fields.as_object().unwrap().contains_key("v");
    let reason = left.first().map(|(_, reason)| *reason);
    match expected {
        Becomes::Masked => assert!(is_written && reason.is_none()),
        Becomes::Nothing => assert!(!is_written && reason.is_none()),
        Becomes::Reported(expected) => {
            assert!(!is_written && reason == Some(expected));
            assert_eq!(expected.outcome(), model::Outcome::Unsupported);
        }
    }
}

/// What becomes of a value.
enum Becomes {
    Masked,
    Reported(LeftReason),
    Nothing,
}

// rule: privacy-requests E-2
#[test]
fn categories_are_matched_by_segments_and_those_of_the_collection_do_not_mask() {
    let mut collection = collection(vec![text("a", "user.name_extra"), text("b", "user.name.first")]);
    collection.data_categories.push("user.name".into());
    let (secrets, rules) = (MaskSecrets::random(), [nulls()]);

    let masker = Masker::new(&collection, &rules, &secrets).unwrap();
    let received = row(json!({"a": "x", "b": "y"}));
    let result = masker.mask(&received, &received);

    assert_eq!(result.values.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), ["b"]);
    assert!(masker.collection_is_targeted() && masker.has_targets());
}

// rule: privacy-requests E-3
#[test]
fn an_object_is_masked_as_one_before_its_leaves() {
    let mut name = field("name", Some("user.name"), None);
    name.fields = vec![text("first", "user.name")];
    let collection = collection(vec![name]);
    let received = json!({"name": {"first": "Ana", "more": [1]}});

    let (by_null, left) = outcome(&collection, &[nulls()], received.clone());
    let (by_text, left_by_text) = outcome(&collection, &[constant()], received.clone());
    let (list, _) = outcome(&collection, &[nulls()], json!({"name": [received["name"], {"first": "A"}]}));

    assert_eq!(by_null, json!({"name": null}));
    assert!(left.is_empty());
    assert_eq!(by_text, json!({"name": {"first": "M"}}));
    assert_eq!(left_by_text, [("name.more.0".to_owned(), LeftReason::NotText)]);
    assert_eq!(list, json!({"name": null}));
}

#[test]
fn an_object_with_an_exception_below_is_masked_by_its_leaves() {
    let mut name = field("name", Some("user.name"), None);
    name.fields = vec![GraphField { read_only: true, ..text("key", "system") }, text("first", "user.name")];
    let mut note = text("note", "user.name");
    note.masking_strategy_override = Some(written("preserve", json!({})));
    name.fields.push(note);

    let (fields, left) = outcome(
        &collection(vec![name]),
        &[nulls()],
        json!({"name": {"key": "k", "first": "Ana", "note": "x"}}),
    );

    assert_eq!(fields, json!({"name": {"first": null, "note": "x"}}));
    assert_eq!(
        left,
        [("name.key".to_owned(), LeftReason::ReadOnly), ("name.note".to_owned(), LeftReason::Preserved)]
    );
}

// rule: privacy-requests E-4
#[test]
fn absent_fields_yield_nothing_and_null_fields_are_masked() {
    let collection = collection(vec![text("a", "user.name"), text("b", "user.name")]);

    assert_eq!(outcome(&collection, &[constant()], json!({"a": null})).0, json!({"a": "M"}));
    assert_eq!(outcome(&collection, &[keyed()], json!({"a": null})).0, json!({"a": null}));
}

// rule: privacy-requests E-6
#[test]
fn of_two_rules_the_later_wins() {
    let mut both = text("a", "user.name");
    both.data_categories.push("user.contact".into());
    let rules = [constant(), rule("second", "user.contact", "null_rewrite", json!({}))];

    assert_eq!(outcome(&collection(vec![both]), &rules, json!({"a": "x"})).0, json!({"a": null}));
}

// rule: privacy-requests E-7
#[test]
fn a_primary_key_may_be_masked() {
    let key = GraphField { primary_key: true, ..text("id", "user.name") };

    assert_eq!(outcome(&collection(vec![key]), &[constant()], json!({"id": "ana"})).0, json!({"id": "M"}));
}

// rule: privacy-requests M-7
#[test]
fn a_field_may_replace_the_strategy_but_not_by_one_with_secrets() {
    let mut own = text("a", "user.name");
    own.masking_strategy_override = Some(written("string_rewrite", json!({"rewrite_value": "own"})));
    let mut secret = text("a", "user.name");
    secret.masking_strategy_override = Some(written("hash", json!({})));
    let mut unknown = text("a", "user.name");
    unknown.masking_strategy_override = Some(written("shred", json!({})));
    let refused = |field: GraphField| {
        Masker::new(&collection(vec![field]), &[nulls()], &MaskSecrets::random()).unwrap_err().to_string()
    };

    assert_eq!(outcome(&collection(vec![own]), &[keyed()], json!({"a": "x"})).0, json!({"a": "own"}));
    assert!(
        refused(secret)
            .starts_with("Masking strategy 'hash' with required secrets not allowed as an override")
    );
    assert!(refused(unknown).contains("`d:A:a`: Strategy 'shred' does not exist"));
}

// rule: saas-config 20.17
// rule: privacy-requests F-5
#[test]
fn elements_of_others_are_restored_and_never_written_as_placeholders() {
    let mut node = node(&["A: items.mail^email items.name!user.name tags^email"], "A");
    let mut graph_collection = GraphCollection::clone(&node.collection);
    graph_collection.fields.iter_mut().find(|field| field.name == "tags").unwrap().data_categories =
        vec!["user.name".into()];
    node.collection = std::sync::Arc::new(graph_collection);
    let identities = crate::fixture::email();
    let inputs = crate::InputCollector::new(&node, &identities).finish();
    let filter = RowFilter::new(&node, &inputs);
    let received = row(json!({
        "items": [{"mail": "bob@example.com", "name": "Bob"}, {"mail": "ana@example.com", "name": "Ana"}],
        "tags": ["bob@example.com", "ana@example.com"],
    }));
    let (secrets, rules) = (MaskSecrets::random(), [nulls()]);
    let masker = Masker::new(&node.collection, &rules, &secrets).unwrap();

    let result = masker.mask(&received, &filter.erasure_row(received.clone()));
    let only = Value::Object(masker.masked_object_fields(&received, &result));
    let all = Value::Object(masker.all_object_fields(&received, &result));

    let bob = json!({"mail": "bob@example.com", "name": "Bob"});
    assert_eq!(only, json!({"items": [bob, {"name": null}], "tags": ["bob@example.com", null]}));
    assert_eq!(
        all,
        json!({"items": [bob, {"mail": "ana@example.com", "name": null}], "tags": ["bob@example.com", null]})
    );
    assert!(!format!("{only}{all}").contains(crate::DO_NOT_MASK));
    assert_eq!(result.values.len(), 2);
}

#[test]
fn a_name_that_is_the_placeholder_is_masked_all_the_same() {
    let (secrets, rules) = (MaskSecrets::random(), [nulls()]);
    let collection = collection(vec![text("a", "user.name")]);
    let masker = Masker::new(&collection, &rules, &secrets).unwrap();
    let received = row(json!({"a": crate::DO_NOT_MASK}));

    let result = masker.mask(&received, &received);

    assert_eq!(result.values.len(), 1);
}

#[test]
fn read_only_arrays_and_members_are_left_out_of_all_fields() {
    let read_only = |name: &str| GraphField { read_only: true, ..text(name, "system") };
    let mut list = field("list", None, None);
    list.fields = vec![read_only("key"), text("name", "user.name")];
    let collection = collection(vec![list, read_only("codes")]);
    let (secrets, rules) = (MaskSecrets::random(), [constant()]);
    let masker = Masker::new(&collection, &rules, &secrets).unwrap();
    let received = row(json!({"list": [{"key": 1, "name": "a"}, {"key": 2}], "codes": ["1", "2", "3"]}));

    let result = masker.mask(&received, &received);

    assert_eq!(
        Value::Object(masker.all_object_fields(&received, &result)),
        json!({"list": [{"name": "M"}, {}]})
    );
    assert_eq!(
        Value::Object(masker.columns(&received, &result)),
        json!({"list": [{"key": 1, "name": "M"}, {"key": 2}]}),
        "a column is written whole, with what stays in it"
    );
}

// rule: saas-config 20.14
#[test]
fn keys_of_digits_and_keys_with_dots_stay_keys() {
    let collection = collection(vec![field("a", Some("user.name"), None)]);

    let (fields, _) = outcome(&collection, &[constant()], json!({"a": {"2": {"z": "x"}, "b.c": "y"}}));

    assert_eq!(fields, json!({"a": {"2": {"z": "M"}, "b.c": "M"}}));
}

#[test]
fn a_scalar_where_an_object_is_declared_is_reported() {
    let mut name = field("name", None, None);
    name.fields = vec![text("first", "user.name")];

    let (fields, left) = outcome(&collection(vec![name]), &[nulls()], json!({"name": "Ana"}));

    assert_eq!(fields, json!({}));
    assert_eq!(left, [("name".to_owned(), LeftReason::NotAnObject)]);
}

#[test]
fn a_row_that_is_masked_already_needs_no_write() {
    let collection = collection(vec![text("a", "user.name")]);
    let (secrets, rules) = (MaskSecrets::random(), [nulls()]);
    let masker = Masker::new(&collection, &rules, &secrets).unwrap();
    let (gone, there) = (row(json!({"a": null})), row(json!({"a": "x"})));

    assert!(!masker.mask(&gone, &gone).changes(&gone));
    assert!(masker.mask(&there, &there).changes(&there));
    assert_eq!(masker.mask(&there, &there).grade(), Some(MaskingGrade::Overwritten));
}

#[test]
fn debug_of_a_masked_row_shows_no_value() {
    let collection = collection(vec![field("a", Some("user.name"), None)]);
    let (secrets, rules) = (MaskSecrets::random(), [rule("erase", "user.name", "preserve", json!({}))]);
    let masker = Masker::new(&collection, &rules, &secrets).unwrap();
    let received = row(json!({"a": {"canary-key": "canary-value"}}));

    let shown = format!("{:?}", masker.mask(&received, &received));

    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn paths_survive_json() {
    let path: ValuePath =
        [Segment::Key("a.b".into()), Segment::Position(2), Segment::Key("7".into())].into_iter().collect();

    let text = serde_json::to_string(&path).unwrap();

    assert_eq!(text, r#"["a.b",2,"7"]"#);
    assert_eq!(serde_json::from_str::<ValuePath>(&text).unwrap(), path);
    assert!(serde_json::from_str::<ValuePath>("[null]").is_err());
}

/// Values of any shape, in which the fields of [`wide`] occur.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z]{0,4}".prop_map(Value::from),
        Just(json!(crate::DO_NOT_MASK)),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A collection with targeted fields of every kind, nested and not.
fn wide() -> GraphCollection {
    let mut nested = field("n", None, None);
    nested.fields = vec![text("a", "user.name"), field("b", Some("user.name"), Some(DataKind::Integer))];
    let mut whole = field("w", Some("user.name"), None);
    whole.fields = vec![GraphField { read_only: true, ..text("a", "user.name") }, field("b", None, None)];
    collection(vec![text("t", "user.name"), field("u", Some("user.name"), None), nested, whole])
}

/// Paths of all leaves that a rule targets in [`wide`].
fn targeted_leaves(received: &Row) -> Vec<ValuePath> {
    let mut found = Vec::new();
    for (name, value) in received {
        // Below `n` only `a` and `b` are targeted; of the others everything.
        leaves(&ValuePath::default().key(name), value, name != "n", &mut found);
    }
    found
}

fn leaves(path: &ValuePath, value: &Value, is_targeted: bool, found: &mut Vec<ValuePath>) {
    match value {
        Value::Object(members) => {
            let wanted = |name: &str| is_targeted || name == "a" || name == "b";
            for (name, value) in members.iter().filter(|(name, _)| wanted(name)) {
                leaves(&path.key(name), value, true, found);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                leaves(&path.position(position), item, is_targeted, found);
            }
        }
        Value::Null => {}
        Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(path.clone()),
    }
}

fn is_within(path: &ValuePath, above: &ValuePath) -> bool {
    path.segments().starts_with(above.segments())
}

proptest! {
    #[test]
    fn no_targeted_leaf_is_neither_masked_nor_reported(
        (t, u, n, w) in (any_value(), any_value(), any_value(), any_value()),
        strategy in 0..3usize,
    ) {
        let received = row(json!({"t": t, "u": u, "n": n, "w": w}));
        let rules = [[nulls(), constant(), keyed()][strategy].clone()];
        let (collection, secrets) = (wide(), MaskSecrets::random());
        let masker = Masker::new(&collection, &rules, &secrets).unwrap();

        let result = masker.mask(&received, &received);

        for leaf in targeted_leaves(&received) {
            let is_masked = result.values.iter().any(|one| is_within(&leaf, &one.path));
            let is_reported = result.left.iter().any(|one| is_within(&leaf, &one.path));
            prop_assert!(is_masked || is_reported, "{leaf} of {}", Value::Object(received.clone()));
            prop_assert!(!(is_masked && is_reported), "{leaf} is in both lists");
        }
    }

    #[test]
    fn written_paths_exist_and_do_not_overlap(u in any_value(), w in any_value()) {
        let received = row(json!({"u": u, "w": w}));
        let (rules, collection, secrets) = ([keyed()], wide(), MaskSecrets::random());
        let masker = Masker::new(&collection, &rules, &secrets).unwrap();

        let result = masker.mask(&received, &received);

        for (index, one) in result.values.iter().enumerate() {
            prop_assert!(one.path.find(&received).is_some());
            let others = result.values.iter().enumerate().filter(|(other, _)| *other != index);
            prop_assert!(others.into_iter().all(|(_, other)| !is_within(&other.path, &one.path)));
        }
    }

    // rule: privacy-requests E-8
    #[test]
    fn equal_values_get_equal_masks_in_one_run_and_other_masks_in_the_next(value in "[a-z]{1,12}") {
        let collection = collection(vec![text("a", "user.name"), text("b", "user.name")]);
        let received = row(json!({"a": value, "b": value}));
        let rules = [keyed()];
        let mask = |secrets: &MaskSecrets| {
            let masker = Masker::new(&collection, &rules, secrets).unwrap();
            masker.mask(&received, &received).values.into_iter().map(|one| one.value).collect::<Vec<_>>()
        };
        let (one, two) = (MaskSecrets::random(), MaskSecrets::random());

        prop_assert_eq!(mask(&one), mask(&one));
        prop_assert_eq!(&mask(&one)[0], &mask(&one)[1]);
        prop_assert_ne!(mask(&one), mask(&two));
    }
}

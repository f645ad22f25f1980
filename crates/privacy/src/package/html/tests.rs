use minijinja::value::Serde;
use proptest::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use super::super::site::{bytes_of, environment};
use super::*;

#[derive(Serialize)]
struct Context<'a> {
    row: &'a Shown,
}

#[test]
fn values_are_written_as_the_template_writes_them() {
    const TEMPLATE: &str = concat!(include_str!("../show.html"), "{{ show(row) }}");
    let row = json!({
        "text": "<b a='1' b=\"2\">&amp;/ü 🙂</b>", "nothing": null, "empty": "", "number": 1.50, "flag": true,
        "list": [1, [], {}, ["</span>"]], "<name>": {"a & b": {"c": []}}, "line": "a\n\"b\"\\/",
        "deep": [[[[[[["x", 1.50, null, {}], []]]]]]], "deeper": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"<": 1}}}}}}}}
    });
    let (mut from_text, row_text) = (b"before".to_vec(), row.to_string());
    let bytes = show_text(&row_text, &Selection::Whole, &mut from_text);
    assert_eq!(bytes, Some(bytes_of(&row)));
    let row = Shown::of_row(row.as_object().unwrap().clone());
    let mut environment = environment();
    environment.add_template("row", TEMPLATE).unwrap();
    let expected = environment.get_template("row").unwrap().render(Serde(Context { row: &row })).unwrap();

    let mut html = Vec::new();
    show(&row, &mut html);

    let html = String::from_utf8(html).unwrap();
    assert_eq!(html, expected);
    assert_eq!(String::from_utf8(from_text).unwrap(), format!("before{expected}"));
    assert!(!html.contains("<b ") && !html.contains("<name>"), "{html}");
}

#[test]
fn a_row_that_only_values_do_justice_to_adds_nothing() {
    let part = Selection::Fields(FieldTree::from_paths(["a"]));
    let mut html = b"before".to_vec();

    for row in [r#"{"a":1,"a":2}"#, r#"{"a\n":1}"#, r#"{"a":1"#, "[1]", r#"{"a":"\ud800"}"#, r#"{"a":01}"#] {
        assert_eq!(show_text(row, &Selection::Whole, &mut html), None, "{row}");
        assert_eq!(show_text(row, &part, &mut html), None, "{row}");
    }

    assert_eq!(html, b"before");
}

#[test]
fn numbers_and_texts_are_shown_as_they_are_copied() {
    let mut html = Vec::new();

    show_text(r#" { "a" : [ 1E5 , -0.10 , "\u003c\/b" ] } "#, &Selection::Whole, &mut html).unwrap();

    let html = String::from_utf8(html).unwrap();
    for text in ["1e+5", "-0.10", "&lt;&#x2f;b"] {
        assert!(html.contains(&format!("<span class=\"text\">{text}</span>")), "{html}");
    }
}

/// What is shown of the selected part of a row that was taken as values, and its bytes.
fn from_values(selection: &Selection, row: &Value) -> (String, usize) {
    let Some(part) = selection.pick(row.as_object().unwrap().clone()) else {
        return (String::new(), 0);
    };
    let (mut html, bytes) = (Vec::new(), bytes_of(&Value::Object(part.clone())));
    show(&Shown::of_row(part), &mut html);
    (String::from_utf8(html).unwrap(), bytes)
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<i8>().prop_map(Value::from),
        "[a\"<\n]{0,3}".prop_map(Value::from)
    ];
    scalar.prop_recursive(10, 40, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[ab]", inner), 0..3).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Nested so deep in members called `a`.
fn nested(value: Value, depth: usize) -> Value {
    (0..depth).fold(value, |value, _| json!({ "a": value, "b": [] }))
}

proptest! {
    #[test]
    fn no_part_is_shown_otherwise_than_its_values_are(
        value in value(),
        depth in 1_usize..10,
        paths in prop::collection::vec("[ab](\\.a){0,9}(\\.[ab])?", 0..3),
    ) {
        let row = nested(value, depth);
        let tree = FieldTree::from_paths(paths.iter().map(String::as_str));
        let selection = if paths.is_empty() { Selection::Whole } else { Selection::Fields(tree) };
        let mut html = Vec::new();

        let bytes = show_text(&row.to_string(), &selection, &mut html).unwrap();

        prop_assert_eq!((String::from_utf8(html).unwrap(), bytes), from_values(&selection, &row));
    }
}

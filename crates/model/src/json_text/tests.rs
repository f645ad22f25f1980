use proptest::prelude::*;
use rstest::rstest;
use serde_json::Value;

use super::*;

/// What is copied of a text that is one value.
fn copied(text: &str) -> Option<String> {
    let mut reader = JsonText::of(text);
    let mut out = Vec::new();
    reader.copy(&mut out)?;
    reader.is_over().then(|| String::from_utf8(out).unwrap())
}

fn parsed(text: &str) -> Option<String> {
    serde_json::from_str::<Value>(text).ok().map(|value| value.to_string())
}

#[rstest]
#[case(" {\"a\" : [ 1 , -2.50,\ttrue,false,null , {} , [] ] , \"b\":\"x\"} ")]
#[case("[0, -0, -0.0, 0.10, 12345678901234567890123, 1e5, 1E+05, 2.5e-3, -0e1]")]
#[case(r#"["\"\\\/\b\f\n\r\t", "\u0041\u00e9\u20ac", "\ud83d\ude00", "\u0000\u001f\u007f", "ü 🙂"]"#)]
#[case(r#"{"a\u0062":1, "ab":2}"#)]
#[case(r#"{"a":1, "b":2, "a":3}"#)]
#[case(r#"{"a":{"b":1}, "b":{"a":1, "b":{}}}"#)]
fn a_copy_is_what_a_parser_reads_or_nothing(#[case] text: &str) {
    if let Some(copy) = copied(text) {
        assert_eq!(Some(copy), parsed(text));
    } else {
        assert!(text.contains("\"a\":1") || text.contains("u0062"), "only a key that comes twice");
    }
}

#[rstest]
#[case(" \"\u{fc} b\" ,", Some("\u{fc} b"))]
#[case("\"\"", Some(""))]
#[case(
    "\"longer than the blocks in which it is looked at\"",
    Some("longer than the blocks in which it is looked at")
)]
#[case("\"with a \\n in it\"", None)]
#[case("\"with a\nline feed\"", None)]
#[case("\"without an end", None)]
#[case("1", None)]
#[case("{}", None)]
#[case("", None)]
fn a_text_without_escapes_is_given_and_everything_else_still_comes_next(
    #[case] text: &str,
    #[case] expected: Option<&str>,
) {
    let mut reader = JsonText::of(text);

    let found = reader.plain_text();

    assert_eq!(found, expected);
    let rest = &text[reader.position()..];
    assert_eq!(rest.trim(), if found.is_some() { text.rsplit('"').next().unwrap().trim() } else { text });
}

#[rstest]
#[case("{\"a\":1")]
#[case("{\"a\" 1}")]
#[case("{a:1}")]
#[case("{\"a\":1,}")]
#[case("[1,]")]
#[case("[01]")]
#[case("[1.]")]
#[case("[.5]")]
#[case("[-]")]
#[case("[1e]")]
#[case("[+1]")]
#[case("[nul]")]
#[case("[truely]")]
#[case("[\"\\x\"]")]
#[case("[\"\\u12\"]")]
#[case("[\"\\ud800\"]")]
#[case("[\"\\ud800\\u0041\"]")]
#[case("[\"a\nb\"]")]
#[case("[\"a]")]
#[case("[1] 2")]
#[case("{]")]
#[case("")]
fn what_is_no_json_is_not_copied(#[case] text: &str) {
    assert_eq!(copied(text), None);
    assert_eq!(parsed(text), None);
}

#[test]
fn deep_nesting_and_many_keys_are_left_to_a_parser() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let keys: Vec<String> = (0..=MOST_KEYS).map(|key| format!("\"{key}\":0")).collect();

    assert!(copied(&nested(DEEPEST)).is_some());
    assert_eq!(copied(&nested(DEEPEST + 1)), None);
    assert_eq!(copied(&nested(100_000)), None);
    assert!(copied(&format!("{{{}}}", keys[1..].join(","))).is_some());
    assert_eq!(copied(&format!("{{{}}}", keys.join(","))), None);
}

#[test]
fn members_and_items_are_gone_through_by_name() {
    let mut text = JsonText::of(r#" {"skip": {"a": ["}", "\"]"]}, "list": [1, {"x": 2}], "last": -1.5e3} "#);
    let (mut names, mut items) = (Vec::new(), Vec::new());

    text.object(|text, name| {
        names.push(name);
        if name != "list" {
            return text.skip();
        }
        assert_eq!(text.kind(), Some(JsonKind::Array));
        text.array(|text| {
            let mut item = Vec::new();
            text.copy(&mut item)?;
            items.push(String::from_utf8(item).unwrap());
            Some(())
        })
    })
    .unwrap();

    assert!(text.is_over());
    assert_eq!(names, ["skip", "list", "last"]);
    assert_eq!(items, ["1", r#"{"x":2}"#]);
}

#[rstest]
#[case(r#"{"a":1,"a":2}"#)]
#[case(r#"{"a\n":1}"#)]
#[case(r#"{"a":"x}"#)]
#[case(r#"{"a":[1}"#)]
#[case(r#"{"a":}"#)]
#[case(r#"{"a":1"#)]
fn an_object_that_cannot_be_gone_through_gives_nothing(#[case] text: &str) {
    assert_eq!(JsonText::of(text).object(|text, _| text.skip()), None);
}

#[test]
fn debug_shows_nothing_of_the_text() {
    assert!(!format!("{:?}", JsonText::of("\"ana@example.com\"")).contains("ana"));
}

fn json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".{0,4}", inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn values_survive_in_every_layout(value in json()) {
        let compact = value.to_string();

        prop_assert_eq!(copied(&compact), Some(compact.clone()));
        prop_assert_eq!(copied(&serde_json::to_string_pretty(&value).unwrap()), Some(compact));
    }

    #[test]
    fn no_text_is_copied_otherwise_than_a_parser_reads_it(
        text in r#"([\[\]{},:"\\/ \n0-9eE+.a-]|true|null|"a":|"\\u00[0-9a-f]{2}"|[{\[]|\]|\}){0,24}"#
    ) {
        if let Some(copy) = copied(&text) {
            prop_assert_eq!(Some(copy), parsed(&text));
        }
    }

    #[test]
    fn skipping_a_value_ends_where_copying_it_ends(value in json()) {
        let text = format!("{} ,7", serde_json::to_string_pretty(&value).unwrap());
        let (mut copying, mut skipping) = (JsonText::of(&text), JsonText::of(&text));

        copying.copy(&mut Vec::new()).unwrap();
        skipping.skip().unwrap();

        prop_assert_eq!(copying.position(), skipping.position());
    }
}

proptest! {
    #[test]
    fn blocks_hide_nothing(text in "[a-z\"\\\\\n]{0,20}[a-z]{0,40}[a-z\"]{0,40}") {
        let expected = text.bytes().position(is_not_plain);

        prop_assert_eq!(position(text.as_bytes(), is_not_plain), expected);
    }
}

use std::fmt::Write as _;

use proptest::prelude::*;
use rstest::rstest;

use super::parse::Parsed;
use super::*;
use crate::source::SourceFile;

fn read(text: &str) -> Parsed {
    parse(&SourceFile::new("a.yml", text), None)
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).diagnostics.iter().map(|found| found.code).collect()
}

fn scalar(text: &str) -> Meaning {
    let root = read(&format!("key: {text}\n")).root.unwrap();
    match &root.find_entry("key").unwrap().value.content {
        Content::Scalar(scalar) => scalar.meaning.clone(),
        Content::Sequence(_) | Content::Mapping(_) => panic!("`{text}` is no scalar"),
    }
}

fn number(text: &str) -> String {
    match scalar(text) {
        Meaning::Integer(number) | Meaning::Float(Some(number)) => number.to_string(),
        other => other.kind().to_owned(),
    }
}

#[rstest]
#[case("yes", true)]
#[case("True", true)]
#[case("ON", true)]
#[case("off", false)]
#[case("No", false)]
fn words_of_yaml_1_1_are_booleans(#[case] text: &str, #[case] expected: bool) {
    assert!(scalar(text) == Meaning::Boolean(expected));
}

#[rstest]
#[case("0755", "493")]
#[case("0x1F", "31")]
#[case("0b101", "5")]
#[case("1_000", "1000")]
#[case("-12", "-12")]
#[case("+7", "7")]
#[case("1:30", "90")]
#[case("123456789012345678901234567890", "123456789012345678901234567890")]
#[case("1.50", "1.5")]
#[case(".5", "0.5")]
#[case("1.0e+3", "1000.0")]
#[case("1.0e3", "text")]
#[case("1e3", "text")]
#[case("089", "text")]
#[case("1.0.0", "text")]
#[case("1:99", "text")]
#[case("'5'", "text")]
#[case("2022-08-01", "a date")]
#[case("2022-08-01T10:00:00Z", "a date")]
#[case("2022-8-1", "text")]
#[case("12-34", "text")]
#[case("~", "null")]
#[case("y", "text")]
#[case("!!str 5", "text")]
#[case("-", "text")]
#[case("+", "text")]
#[case(".", "text")]
fn plain_scalars_mean_what_pyyaml_says(#[case] text: &str, #[case] expected: &str) {
    if text == "-" {
        return assert_eq!(Meaning::of_plain(text).kind(), expected);
    }
    assert_eq!(number(text), expected);
}

#[test]
fn everything_knows_where_it_stands() {
    let text = "é: [a, {b: 'c d'}]\nkey:\n  - x # comment\n  - y: z\n";
    let source = SourceFile::new("a.yml", text);
    let root = parse(&source, None).root.unwrap();

    let first = root.find_entry("é").unwrap();
    assert_eq!(source.slice(&first.key_span), "é");
    assert_eq!(source.slice(&first.value.span), "[a, {b: 'c d'}]");
    let inner = &first.value.items()[1].find_entry("b").unwrap().value;
    assert_eq!(source.slice(&inner.span), "'c d'");
    assert_eq!(source.position(inner.span.start), (1, 12));
    let list = &root.find_entry("key").unwrap().value;
    assert_eq!(source.slice(&list.items()[0].span), "x");
    assert_eq!(source.position(list.items()[1].span.start), (4, 5));
    assert_eq!(source.slice(&list.items()[1].span), "y: z");
}

#[test]
fn aliases_and_merge_keys_resolve_as_in_pyyaml() {
    let text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\none: {<<: *base, b: 9}\ntwo: {<<: [*base, *other]}\n";
    let root = read(text).root.unwrap();
    let member = |key: &str, inner: &str| {
        let entry = root.find_entry(key).unwrap().value.find_entry(inner).unwrap();
        match &entry.value.content {
            Content::Scalar(scalar) => scalar.text.clone(),
            Content::Sequence(_) | Content::Mapping(_) => panic!("no scalar"),
        }
    };

    assert_eq!((member("one", "a"), member("one", "b")), ("1".into(), "9".into()));
    assert_eq!((member("two", "b"), member("two", "c")), ("2".into(), "4".into()));
    assert_eq!(codes("a: {<<: 5}\n"), ["spec::merge_key"]);
    assert_eq!(codes("a: {'<<': 5}\n"), [""; 0]);
}

#[test]
fn the_second_of_two_equal_keys_is_reported_where_it_stands() {
    let source = SourceFile::new("a.yml", "a: 1\nb:\n  c: 1\n  c: 2\n");

    let parsed = parse(&source, None);

    let found = parsed.diagnostics.iter().next().unwrap();
    assert_eq!((found.code, found.line, found.column), ("spec::duplicate_key", 4, 3));
    assert!(parsed.root.is_some());
}

#[test]
fn an_alias_bomb_is_stopped_by_the_number_of_values() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(text, "a{level}: &a{level} [{items}]").unwrap();
    }

    let parsed = read(&text);

    assert!(parsed.root.is_none());
    let found = parsed.diagnostics.iter().next().unwrap();
    assert_eq!((found.code, found.line), ("spec::too_many_values", 5));
}

#[test]
fn bounds_hold_for_depth_and_size() {
    let nested = format!("a: {}{}\n", "[".repeat(100), "]".repeat(100));
    let mut chained = "a0: &a0 [x]\n".to_owned();
    for level in 1..100 {
        writeln!(chained, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }

    assert_eq!(codes(&nested), ["spec::too_deep"]);
    assert_eq!(codes(&chained), ["spec::too_deep"]);
    assert_eq!(codes(&format!("a: {}", "x".repeat(1 << 20))), ["spec::too_large"]);
}

#[rstest]
#[case("a: *a\n", "spec::yaml_syntax")]
#[case("a: &a [*a]\n", "spec::alias")]
#[case("? [a]\n: b\n", "spec::bad_mapping_key")]
#[case("a: 1\n---\nb: 2\n", "spec::several_documents")]
#[case("a: !x 1\n", "spec::tag")]
#[case("a: {b\n", "spec::yaml_syntax")]
#[case("a: b: c\n", "spec::yaml_syntax")]
#[case("a:\n\tb: c\n", "spec::yaml_syntax")]
fn text_that_is_no_document_is_refused_with_a_place(#[case] text: &str, #[case] code: &str) {
    let parsed = read(text);

    assert!(parsed.root.is_none());
    assert_eq!(codes(text), [code]);
    assert!(parsed.diagnostics.iter().all(|found| found.line >= 1 && found.column >= 1));
}

#[test]
fn the_placeholder_is_replaced_without_moving_what_follows() {
    let source = SourceFile::new("a.yml", "a: x<key>y\nb: 1\n");

    let root = parse(&source, Some(("<key>", "something.longer"))).root.unwrap();

    let Content::Scalar(scalar) = &root.find_entry("a").unwrap().value.content else { panic!("no scalar") };
    assert_eq!(scalar.text, "xsomething.longery");
    assert_eq!(source.position(root.find_entry("b").unwrap().key_span.start), (2, 1));
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~\n\t\u{e9}\u{feff}\u{2028}]{0,200}") {
        let parsed = read(&text);
        prop_assert!(parsed.root.is_some() || parsed.diagnostics.has_errors());
    }

    #[test]
    fn no_text_of_yaml_signs_makes_a_check_panic(text in "(saas_config|dataset|connections|secrets|[-:?&*!|>'\"{}\\[\\],#%@<~ \n]|[a-z0-9é]){0,120}") {
        let source = SourceFile::new("a.yml", text);
        let options = crate::CheckOptions::default();
        let _ = crate::check_connector(&source, &options);
        let _ = crate::check_datasets(&source, &options);
        let _ = crate::check_project(&source);
        let _ = source.redacted();
    }
}

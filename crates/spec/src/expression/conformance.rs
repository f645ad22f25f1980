//! The published conformance cases of CEL (`tests/cel/README.md`).

use std::cmp::Ordering;
use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelType, CelUInt,
};
use cel::common::value::Val;
use model::Row;
use serde_json::{Number, Value, json};

use super::gaps::GAPS;
use super::{Expression, Scope};

const FILES: &[(&str, &str)] = &[
    ("basic", include_str!("../../tests/cel/basic.jsonl")),
    ("comparisons", include_str!("../../tests/cel/comparisons.jsonl")),
    ("conversions", include_str!("../../tests/cel/conversions.jsonl")),
    ("encoders_ext", include_str!("../../tests/cel/encoders_ext.jsonl")),
    ("fields", include_str!("../../tests/cel/fields.jsonl")),
    ("fp_math", include_str!("../../tests/cel/fp_math.jsonl")),
    ("integer_math", include_str!("../../tests/cel/integer_math.jsonl")),
    ("lists", include_str!("../../tests/cel/lists.jsonl")),
    ("logic", include_str!("../../tests/cel/logic.jsonl")),
    ("macros", include_str!("../../tests/cel/macros.jsonl")),
    ("optionals", include_str!("../../tests/cel/optionals.jsonl")),
    ("parse", include_str!("../../tests/cel/parse.jsonl")),
    ("string", include_str!("../../tests/cel/string.jsonl")),
    ("string_ext", include_str!("../../tests/cel/string_ext.jsonl")),
    ("timestamps", include_str!("../../tests/cel/timestamps.jsonl")),
];

struct Case {
    name: String,
    text: String,
    variables: Row,
    /// None if it has to fail.
    expected: Option<Value>,
}

fn cases() -> impl Iterator<Item = Case> {
    FILES.iter().flat_map(|(file, lines)| lines.lines().map(move |line| read(file, line)))
}

fn read(file: &str, line: &str) -> Case {
    let line: Value = serde_json::from_str(line).unwrap();
    let bindings = line["bindings"].as_object().cloned().unwrap_or_default();
    Case {
        name: format!("{file}/{}", line["name"].as_str().unwrap()),
        text: line["expr"].as_str().unwrap().to_owned(),
        variables: bindings.into_iter().map(|(name, bound)| (name, plain(&bound["value"]))).collect(),
        expected: line.get("value").cloned(),
    }
}

/// A value in protobuf's JSON spelling as plain JSON.
fn plain(value: &Value) -> Value {
    let (kind, content) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "int64Value" => Value::from(content.as_str().unwrap().parse::<i64>().unwrap()),
        "doubleValue" => Number::from_f64(content.as_f64().unwrap()).map(Value::Number).unwrap(),
        "boolValue" | "stringValue" | "nullValue" => content.clone(),
        "listValue" => content
            .get("values")
            .map_or(json!([]), |items| items.as_array().unwrap().iter().map(plain).collect()),
        "mapValue" => {
            let entries = content.get("entries").and_then(Value::as_array).cloned().unwrap_or_default();
            let key = |entry: &Value| plain(&entry["key"]).as_str().unwrap().to_owned();
            Value::Object(entries.iter().map(|entry| (key(entry), plain(&entry["value"]))).collect())
        }
        other => panic!("kind {other}"),
    }
}

/// Whether `value` is exactly what is expected, its kind included.
fn is(value: &dyn Val, expected: &Value) -> bool {
    let (kind, content) = expected.as_object().unwrap().iter().next().unwrap();
    let written = content.as_str();
    match kind.as_str() {
        "nullValue" => value.downcast_ref::<CelNull>().is_some(),
        "boolValue" => value.downcast_ref::<CelBool>().is_some_and(|v| Some(*v.inner()) == content.as_bool()),
        "int64Value" => {
            value.downcast_ref::<CelInt>().is_some_and(|v| Ok(*v.inner()) == written.unwrap().parse())
        }
        "uint64Value" => {
            value.downcast_ref::<CelUInt>().is_some_and(|v| Ok(*v.inner()) == written.unwrap().parse())
        }
        "doubleValue" => value.downcast_ref::<CelDouble>().is_some_and(|v| {
            let expected = written.map_or_else(|| content.as_f64(), |text| text.parse().ok()).unwrap();
            v.inner().partial_cmp(&expected).is_some_and(Ordering::is_eq)
                || (v.inner().is_nan() && expected.is_nan())
        }),
        "stringValue" => value.downcast_ref::<CelString<'_>>().is_some_and(|v| Some(v.inner()) == written),
        "bytesValue" => value
            .downcast_ref::<CelBytes<'_>>()
            .is_some_and(|v| v.inner() == STANDARD.decode(written.unwrap()).unwrap()),
        "typeValue" => value.downcast_ref::<CelType>().is_some_and(|v| Some(v.name()) == written),
        "listValue" => {
            let items = content.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
            value.downcast_ref::<CelList<'_>>().is_some_and(|list| {
                let pairs = list.inner().iter().zip(&items);
                list.inner().len() == items.len() && pairs.into_iter().all(|(v, e)| is(v.as_ref(), e))
            })
        }
        "mapValue" => {
            let entries = content.get("entries").and_then(Value::as_array).cloned().unwrap_or_default();
            value.downcast_ref::<CelMap<'_>>().is_some_and(|map| {
                let holds = |entry: &Value| {
                    let found = map.inner().iter().find(|(key, _)| key_is(key, &entry["key"]));
                    found.is_some_and(|(_, value)| is(value.as_ref(), &entry["value"]))
                };
                map.inner().len() == entries.len() && entries.iter().all(holds)
            })
        }
        other => panic!("kind {other}"),
    }
}

fn key_is(key: &CelMapKey<'_>, expected: &Value) -> bool {
    is(key.inner(), expected)
}

/// What is wrong with the case; none if it passes.
fn fault(case: &Case) -> Option<String> {
    let scope = Scope::of(&case.variables);
    let compiled = Expression::compile(&case.text);
    let outcome = compiled.and_then(|expression| {
        expression.interpret(&scope, |value| {
            Ok(case.expected.as_ref().map(|expected| (is(value, expected), format!("{value:?}"))))
        })
    });
    match (outcome, &case.expected) {
        (Err(_), None) | (Ok(Some((true, _))), Some(_)) => None,
        (Err(error), Some(_)) => Some(format!("`{}`: {error:?}", case.text)),
        (Ok(Some((_, given))), _) => Some(format!("`{}`: {given}", case.text)),
        (Ok(None), _) => Some(format!("`{}` does not fail", case.text)),
    }
}

#[test]
fn published_cases_pass_but_for_the_known_gaps() {
    let known: BTreeSet<&str> = GAPS.iter().flat_map(|gap| gap.cases).copied().collect();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();

    for case in cases() {
        assert!(seen.insert(case.name.clone()), "`{}` stands there twice", case.name);
        match (fault(&case), known.contains(case.name.as_str())) {
            (Some(fault), false) => wrong.push(format!("{} {fault}", case.name)),
            (None, true) => wrong.push(format!("{} passes: take it out of the gaps", case.name)),
            (Some(_), true) | (None, false) => {}
        }
    }

    let unknown: Vec<_> = known.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(unknown.is_empty(), "gaps that are no cases: {unknown:?}");
    assert!(seen.len() > 1_000, "only {} cases were read", seen.len());
}

/// The planted defect: the reader takes a wrong result, or success where failure is due, for right.
#[test]
fn the_reader_tells_wrong_results_from_right_ones() {
    let case = |text: &str, expected: Option<Value>| Case {
        name: String::new(),
        text: text.to_owned(),
        variables: Row::new(),
        expected,
    };

    assert_eq!(fault(&case("1 + 1", Some(json!({"int64Value": "2"})))), None);
    assert_eq!(fault(&case("1 / 0", None)), None);
    for (text, expected) in [
        ("1 + 1", Some(json!({"int64Value": "3"}))),
        ("1 + 1", Some(json!({"uint64Value": "2"}))),
        ("1 + 1", Some(json!({"doubleValue": 2}))),
        ("[1, 2]", Some(json!({"listValue": {"values": [{"int64Value": "1"}]}}))),
        ("{'a': 1}", Some(json!({"mapValue": {}}))),
        ("1 + 1", None),
        ("nothing", Some(json!({"nullValue": null}))),
    ] {
        assert!(fault(&case(text, expected.clone())).is_some(), "{text} {expected:?}");
    }
}

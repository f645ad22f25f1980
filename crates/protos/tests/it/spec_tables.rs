//! The tables of the format, line by line, against the descriptors.

use std::collections::BTreeSet;
use std::path::Path;

use prost_reflect::{
    Cardinality, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use rstest::rstest;

/// One line of a table, as both sides put it: `c1.connector.v2.Grant 3 id string`.
type Lines = BTreeSet<String>;

/// The specification lies beside the repository; without it this test has nothing to say.
fn specification() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/spec/baton-messages.md");
    if path.is_file() {
        return Some(std::fs::read_to_string(path).unwrap());
    }
    println!("skipped: no specification at {}", path.display());
    None
}

/// Packages that others define, and ours for options.
fn is_helper(name: &str) -> bool {
    ["google.", "validate.", "tutela."].iter().any(|start| name.starts_with(start))
}

fn described() -> Lines {
    let mut lines = Lines::new();
    for message in protos::pool().all_messages() {
        if is_helper(message.full_name()) || message.is_map_entry() {
            continue;
        }
        let marks = if is_deprecated(&message.options()) { " deprecated" } else { "" };
        lines.insert(format!("message {}{marks}", message.full_name()));
        lines.extend(message.fields().map(|field| field_line(&message, &field)));
        for group in message.oneofs().filter(|group| !group.is_synthetic()) {
            let option = protos::pool().get_extension_by_name("tutela.limits.v1.required").unwrap();
            if group.options().get_extension(&option).as_bool() == Some(true) {
                lines.insert(format!("required {} {}", message.full_name(), group.name()));
            }
        }
        for range in message.reserved_ranges() {
            lines.extend(range.map(|number| format!("reserved {} {number}", message.full_name())));
        }
    }
    for values in protos::pool().all_enums().filter(|values| !is_helper(values.full_name())) {
        lines.insert(format!("enum {}", values.full_name()));
        lines.extend(values.values().map(|value| value_line(&values, value.number(), value.name())));
        for range in values.reserved_ranges() {
            lines.extend(range.map(|number| format!("reserved {} {number}", values.full_name())));
        }
    }
    for service in protos::pool().services() {
        for method in service.methods() {
            let (from, to) = (method.input(), method.output());
            let streamed = |is_streamed| if is_streamed { "stream " } else { "" };
            lines.insert(format!(
                "rpc /{}/{} {}{} {}{}",
                service.full_name(),
                method.name(),
                streamed(method.is_client_streaming()),
                from.full_name(),
                streamed(method.is_server_streaming()),
                to.full_name()
            ));
        }
    }
    lines
}

fn is_deprecated(options: &DynamicMessage) -> bool {
    options.get_field_by_name("deprecated").and_then(|value| value.as_bool()) == Some(true)
}

fn value_line(values: &EnumDescriptor, number: i32, name: &str) -> String {
    format!("value {} {number} {name}", values.full_name())
}

fn field_line(message: &MessageDescriptor, field: &FieldDescriptor) -> String {
    let kind = if field.is_map() {
        let kind = field.kind();
        let entry = kind.as_message().unwrap();
        let (key, value) = (entry.map_entry_key_field(), entry.map_entry_value_field());
        format!("map<{}, {}>", kind_name(&key.kind()), kind_name(&value.kind()))
    } else if field.cardinality() == Cardinality::Repeated {
        format!("repeated {}", kind_name(&field.kind()))
    } else if field.containing_oneof().is_some_and(|group| group.is_synthetic()) {
        format!("optional {}", kind_name(&field.kind()))
    } else {
        kind_name(&field.kind())
    };
    let group = match field.containing_oneof().filter(|group| !group.is_synthetic()) {
        Some(group) => format!(" oneof {}", group.name()),
        None if is_deprecated(&field.options()) => " deprecated".to_owned(),
        None => String::new(),
    };
    let option = protos::pool().get_extension_by_name("tutela.limits.v1.field").unwrap();
    let limits = match field.options().get_extension(&option).as_message() {
        Some(limits) if field.options().has_extension(&option) => {
            format!(" [{}]", described_limits(limits, "").into_iter().collect::<Vec<_>>().join(" "))
        }
        _ => String::new(),
    };
    format!("field {} {} {} {kind}{group}{limits}", message.full_name(), field.number(), field.name())
}

/// The rules of an option: `items.min_len=1`, `required=true`.
fn described_limits(limits: &DynamicMessage, prefix: &str) -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for (field, value) in limits.fields() {
        let name = format!("{prefix}{}", field.name());
        match value {
            Value::Message(inner) => rules.extend(described_limits(inner, &format!("{name}."))),
            Value::List(words) => {
                let words: Vec<_> = words.iter().filter_map(Value::as_str).collect();
                rules.insert(format!("{name}={}", words.join("/")));
            }
            Value::String(text) => {
                rules.insert(format!("{name}={text}"));
            }
            Value::Bool(flag) => {
                rules.insert(format!("{name}={flag}"));
            }
            Value::I64(number) => {
                rules.insert(format!("{name}={number}"));
            }
            Value::U64(number) => {
                rules.insert(format!("{name}={number}"));
            }
            other => panic!("a rule of another kind: {other:?}"),
        }
    }
    rules
}

/// The rules of a table's last column, put as [`described_limits`] puts those of an option.
fn tabled_limits(cell: &str) -> String {
    let cell = cell.replace('\u{1}', "|").replace("one of {pebble, sqlite}", "one_of=pebble/sqlite");
    let rules = cell.split(", ").filter(|rule| !rule.is_empty()).map(|rule| {
        let rule = rule.replace("seconds: ", "").replace("values.", "items.").replace("_pairs=", "_items=");
        let rule = ["string.", "bytes.", "enum."].iter().fold(rule, |rule, kind| rule.replace(kind, ""));
        if rule.contains('=') { rule } else { format!("{rule}=true") }
    });
    let rules: BTreeSet<String> = rules.collect();
    if rules.is_empty() {
        return String::new();
    }
    format!(" [{}]", rules.into_iter().collect::<Vec<_>>().join(" "))
}

fn kind_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(values) => values.full_name().to_owned(),
        scalar => format!("{scalar:?}"),
    }
}

/// The tables, put as [`described`] puts the descriptors.
fn tabled(text: &str) -> Lines {
    let mut lines = Lines::new();
    let (mut package, mut kind, mut owner) = (String::new(), "", String::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## package ") {
            name.trim_matches('`').clone_into(&mut package);
            kind = "";
        } else if line == "### Services" {
            kind = "rpc";
        } else if let Some(title) = line.strip_prefix("#### ") {
            kind = if title.starts_with("enum ") { "enum" } else { "message" };
            let name = title.split('`').nth(1).unwrap();
            owner = format!("{package}.{name}");
            let marks = if title.ends_with("(deprecated)") { " deprecated" } else { "" };
            lines.insert(format!("{kind} {owner}{marks}"));
        } else if let Some(groups) = line.strip_prefix("required oneof: ") {
            lines.extend(
                groups.split(", ").map(|group| format!("required {owner} {}", group.trim_matches('`'))),
            );
        } else if line.starts_with('|') && !line.starts_with("| ---") && !kind.is_empty() {
            lines.extend(table_line(line, kind, &package, &owner));
        }
    }
    lines
}

fn table_line(line: &str, kind: &str, package: &str, owner: &str) -> Vec<String> {
    let line = line.replace("\\|", "\u{1}");
    let cells: Vec<&str> =
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
    match (kind, cells.as_slice()) {
        (_, ["#" | "number" | "service", ..]) => vec![],
        (_, [numbers, "reserved", ..]) => {
            numbers.split(", ").map(|number| format!("reserved {owner} {number}")).collect()
        }
        ("rpc", [service, method, from, to]) => {
            let full = |name: &str| match name.strip_prefix("stream ") {
                Some(name) => format!("stream {package}.{name}"),
                None => format!("{package}.{name}"),
            };
            vec![format!("rpc /{package}.{service}/{method} {} {}", full(from), full(to))]
        }
        ("enum", [number, name]) => vec![format!("value {owner} {number} {name}")],
        ("message", [number, name, kind, group, limits]) => {
            let group = if group.is_empty() { String::new() } else { format!(" {group}") };
            let limits = tabled_limits(limits);
            vec![format!("field {owner} {number} {name} {}{group}{limits}", full_kind(kind, package))]
        }
        _ => panic!("a line of another form: {line}"),
    }
}

/// The kind of a field with all names in full.
fn full_kind(kind: &str, package: &str) -> String {
    if let Some((key, value)) =
        kind.strip_prefix("map<").and_then(|rest| rest.strip_suffix('>')?.split_once(", "))
    {
        return format!("map<{}, {}>", full_kind(key, package), full_kind(value, package));
    }
    for label in ["repeated ", "optional "] {
        if let Some(rest) = kind.strip_prefix(label) {
            return format!("{label}{}", full_kind(rest, package));
        }
    }
    let ours = format!("{package}.{kind}");
    let pool = protos::pool();
    if !kind.starts_with(char::is_uppercase) {
        return kind.to_owned();
    }
    assert!(
        pool.get_message_by_name(&ours).is_some() || pool.get_enum_by_name(&ours).is_some(),
        "{ours} is in a table and not among the descriptors"
    );
    ours
}

#[test]
fn every_line_of_the_tables_is_described_and_nothing_else() {
    let Some(text) = specification() else { return };

    let (tabled, described) = (tabled(&text), described());

    let missing: Vec<_> = tabled.difference(&described).collect();
    let surplus: Vec<_> = described.difference(&tabled).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing: {missing:#?}\nsurplus: {surplus:#?}");
    assert!(tabled.len() > 1500);
}

// Planted differences: the comparison above sees each.
#[rstest]
#[case::number("| 3 | `id` | string |", "| 33 | `id` | string |")]
#[case::kind("| 6 | `is_ops` | bool |", "| 6 | `is_ops` | int32 |")]
#[case::group("oneof final_state |", "|")]
#[case::limit("max_len=512", "max_len=511")]
#[case::value("| 4 | `TRAIT_APP` |", "| 4 | `TRAIT_APPS` |")]
#[case::stream("stream AssetServiceGetAssetResponse", "AssetServiceGetAssetResponse")]
#[case::row("| 9 | `slug` | string |  |  |\n", "")]
fn a_difference_is_noticed(#[case] line: &str, #[case] planted: &str) {
    let Some(text) = specification() else { return };

    let changed = text.replacen(line, planted, 1);

    assert_ne!(changed, text);
    assert_ne!(tabled(&changed), described());
}

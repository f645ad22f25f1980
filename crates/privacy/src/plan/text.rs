use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use datastore::SqlValue;
use model::visible;
use serde_json::Value;

use super::headline::counted;
use super::{Call, Operation, Plan, Reversibility, Verification};

/// Columns of [`Plan::table`].
const COLUMNS: [&str; 6] = ["#", "connection", "what is sent", "rows", "expected", "undo"];

impl Plan {
    /// Head and rows of the table of operations, for whoever draws it.
    pub fn table(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let row = |operation: &Operation| {
            vec![
                operation.order.to_string(),
                visible(&operation.connection).into_owned(),
                visible(&sent(&operation.call)).into_owned(),
                operation.rows.to_string(),
                word(&operation.expected),
                undo(operation.reversibility).to_owned(),
            ]
        };
        (COLUMNS.to_vec(), self.contents().operations.iter().map(row).collect())
    }

    /// The plan for a person to read: the headline first, then every write with its body and why,
    /// then what is not covered. Holds personal data, as the plan does.
    pub fn to_text(&self) -> String {
        let contents = self.contents();
        let mut text = String::new();
        line(&mut text, &contents.headline());
        for operation in &contents.operations {
            write_operation(&mut text, operation);
        }
        if !contents.not_covered.is_empty() {
            text.push_str("\nnot covered\n");
        }
        for one in &contents.not_covered {
            let fields =
                if one.fields.is_empty() { String::new() } else { format!(" ({})", one.fields.join(", ")) };
            let rows = counted(one.rows, "row");
            line(
                &mut text,
                &format!("  {}{fields}, {rows}: {}: {}", one.collection, word(&one.outcome), one.explanation),
            );
        }
        let incomplete = contents.reads.iter().filter(|read| !read.complete);
        for read in incomplete {
            text.push('\n');
            line(&mut text, &format!("{} was not read to its end: there may be more", read.address));
        }
        for read in contents.reads.iter().filter(|read| read.foreign > 0) {
            let rows = counted(read.foreign, "row");
            text.push('\n');
            line(&mut text, &format!("{}: {rows} with only another person's address", read.address));
        }
        text
    }
}

fn write_operation(text: &mut String, operation: &Operation) {
    text.push('\n');
    line(text, &format!("{:>3}  {}  {}", operation.order, operation.connection, sent(&operation.call)));
    let mut detail = |name: &str, value: &str| line(text, &format!("       {name}: {value}"));
    match &operation.call {
        Call::Http { body: Some(body), .. } => {
            detail("body", &body.as_str().map_or_else(|| body.to_string(), str::to_owned));
        }
        Call::Sql { parameters, .. } if operation.rows <= 1 => {
            let shown: Vec<_> = parameters.iter().map(shown).collect();
            detail("parameters", &Value::from(shown).to_string());
        }
        Call::Sql { parameters, .. } => detail("parameters", &counted(parameters.len() as u64, "value")),
        Call::Http { body: None, .. } => {}
    }
    for reason in &operation.reason {
        // A category of the collection itself has no field.
        let fields = if reason.fields.is_empty() { "all of it" } else { &reason.fields.join(", ") };
        detail("reason", &format!("{}, {}: {fields}", reason.rule, reason.category));
    }
    let grade = operation.grade.map(|grade| format!(" ({})", word(&grade))).unwrap_or_default();
    detail("expected", &format!("{}{grade}, {}", word(&operation.expected), counted(operation.rows, "row")));
    detail("undo", undo(operation.reversibility));
    detail("verified", verified(operation.verification));
    if let Some(cost) = &operation.cost {
        detail("cost", cost);
    }
    if !operation.waits_for.is_empty() {
        let first: Vec<_> = operation.waits_for.iter().map(ToString::to_string).collect();
        detail("after", &first.join(", "));
    }
}

/// A bound value without its type.
fn shown(parameter: &SqlValue) -> Value {
    match parameter {
        SqlValue::Null => Value::Null,
        SqlValue::Integer(whole) => Value::from(*whole),
        SqlValue::Unsigned(whole) => Value::from(*whole),
        SqlValue::Float(float) => Value::from(*float),
        SqlValue::Text(text) => Value::from(text.as_str()),
        SqlValue::Bytes(bytes) => Value::from(STANDARD.encode(bytes)),
        SqlValue::List(items) => Value::from(items.clone()),
    }
}

fn sent(call: &Call) -> String {
    match call {
        Call::Http { method, url, .. } => format!("{method} {url}"),
        Call::Sql { sql, .. } => sql.clone(),
    }
}

fn undo(reversibility: Reversibility) -> &'static str {
    match reversibility {
        Reversibility::Irreversible => "not possible",
        Reversibility::ByVendor => "by the vendor, on request",
        Reversibility::FromBackup => "from a backup",
    }
}

fn verified(verification: Verification) -> &'static str {
    match verification {
        Verification::ReadAgain => "by reading again",
        Verification::Request => "by the request under `verify`",
        Verification::JobOnly => "by the end of the job",
        Verification::None => "not possible",
    }
}

/// A name of ours in words.
fn word(name: &impl serde::Serialize) -> String {
    serde_json::to_value(name)
        .ok()
        .and_then(|value| Some(value.as_str()?.replace('_', " ")))
        .unwrap_or_default()
}

/// Adds one line: whatever a value holds, it stays one, and all of it is seen.
fn line(text: &mut String, line: &str) {
    text.push_str(&visible(line));
    text.push('\n');
}

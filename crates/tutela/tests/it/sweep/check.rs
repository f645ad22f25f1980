//! Judges a run by what the other sides saw, with the plan and the words of the program beside it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::sweep::world::Outside;

/// What is wrong with a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Violation {
    /// A write that does not stand in the plan.
    NotInPlan(String),
    /// A write that may not be repeated was sent again although it had taken effect.
    SentAgain(String),
    /// An effect happened more often than the interruptions explain.
    Doubled(String),
    /// It never took effect.
    Lost(String),
    /// The program called it done while it was not.
    FalselyDone(String),
    /// A certificate or its exit code says proven while something is not done.
    FalselyProven,
    /// Something that belongs to another person was touched.
    OfAnother(String),
    /// The end is not that of a run without interruption.
    OtherEnd(String),
}

/// One operation of the plan.
#[derive(Debug, Clone)]
struct Operation {
    order: u64,
    repeatable: bool,
    write: Write,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Write {
    /// Connection, method, path with query, body.
    Http(String),
    /// Table and number of rows.
    Sql(String, u64),
}

/// The plan, as far as the checks need it.
#[derive(Debug, Clone)]
pub(crate) struct Planned(Vec<Operation>);

impl Planned {
    pub(crate) fn of(plan: &Value) -> Self {
        let operation = |operation: &Value| {
            let write = if let Some(method) = operation["method"].as_str() {
                Write::Http(key(
                    operation["connection"].as_str().unwrap(),
                    method,
                    &target(operation["url"].as_str().unwrap()),
                    &operation["body"],
                ))
            } else {
                let address = operation["collections"][0].as_str().unwrap();
                let table = address.split([':', '.']).next_back().unwrap();
                Write::Sql(table.to_owned(), operation["rows"].as_u64().unwrap())
            };
            Operation {
                order: operation["order"].as_u64().unwrap(),
                repeatable: operation["repeatable"].as_bool().unwrap_or_default(),
                write,
            }
        };
        Self(plan["operations"].as_array().unwrap().iter().map(operation).collect())
    }

    /// Whether the operation of this number took effect.
    pub(crate) fn has_happened(&self, order: u64, outside: &Outside) -> bool {
        let operation = self.0.iter().find(|operation| operation.order == order).unwrap();
        times(operation, outside) > 0
    }

    /// The writes of the applications, as a multiset.
    pub(crate) fn http(&self) -> BTreeMap<String, u64> {
        count(self.0.iter().filter_map(|operation| match &operation.write {
            Write::Http(key) => Some(key.clone()),
            Write::Sql(..) => None,
        }))
    }
}

/// How often an operation took effect; a statement does once all its rows are changed.
fn times(operation: &Operation, outside: &Outside) -> u64 {
    match &operation.write {
        Write::Http(key) => calls(outside).filter(|call| call.key == *key && call.applied).count() as u64,
        Write::Sql(table, rows) => {
            let changed = changes(outside).filter(|((found, _), _)| found == table).count() as u64;
            u64::from(changed >= *rows)
        }
    }
}

/// The writes that took effect, as a multiset.
pub(crate) fn sent(outside: &Outside) -> BTreeMap<String, u64> {
    count(calls(outside).filter(|call| call.applied).map(|call| call.key))
}

/// One call that asked for a change.
struct Call {
    key: String,
    applied: bool,
}

fn calls(outside: &Outside) -> impl Iterator<Item = Call> {
    let writes = outside.calls.iter().filter(|call| call["effect"] != "read");
    writes.map(|call| {
        let (path, query) = (call["path"].as_str().unwrap(), call["query"].as_str().unwrap_or_default());
        let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let body = call["body"]
            .as_str()
            .map_or(Value::Null, |text| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
        let (connection, method) = (call["connection"].as_str().unwrap(), call["method"].as_str().unwrap());
        Call { key: key(connection, method, &target, &body), applied: call["effect"] == "write" }
    })
}

/// Table and row → how often it was changed, and how often that changed anything.
fn changes(outside: &Outside) -> impl Iterator<Item = ((String, String), (u64, u64))> {
    let mut found: BTreeMap<(String, String), (u64, u64)> = BTreeMap::new();
    for line in &outside.changes {
        let mut words = line.split(' ').map(str::to_owned);
        let (table, row) = (words.next().unwrap(), words.next().unwrap());
        let counts = found.entry((table, row)).or_default();
        counts.0 += 1;
        counts.1 += u64::from(words.next().as_deref() == Some("1"));
    }
    found.into_iter()
}

fn key(connection: &str, method: &str, target: &str, body: &Value) -> String {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    format!("{connection} {method} {target} {body}").trim_end().to_owned()
}

fn target(url: &str) -> String {
    let url = url::Url::parse(url).unwrap();
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

fn count(items: impl Iterator<Item = String>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(item).or_default() += 1;
    }
    counts
}

/// Outcomes that say that nothing of the data is left.
const DONE: [&str; 4] = ["erased", "masked", "suppressed", "already_absent"];

/// What the program says is compared with what happened, at any time of a run.
pub(crate) fn claims(planned: &Planned, status: &Value, outside: &Outside) -> Vec<Violation> {
    let mut found = Vec::new();
    for operation in status["operations"].as_array().into_iter().flatten() {
        let (order, outcome) = (operation["order"].as_u64().unwrap(), operation["outcome"].as_str());
        let is_done = outcome.is_some_and(|outcome| DONE.contains(&outcome) || outcome == "accepted");
        if is_done && !planned.has_happened(order, outside) {
            found.push(Violation::FalselyDone(format!("operation {order}")));
        }
    }
    found
}

/// Effects that happened twice, or that nobody planned. `interruptions` counts how often the program
/// could not know what became of a write; a repeatable one may happen once more for each.
pub(crate) fn effects(planned: &Planned, outside: &Outside, interruptions: u64) -> Vec<Violation> {
    let mut found = Vec::new();
    let allowed = planned.http();
    let mut happened: BTreeMap<String, u64> = BTreeMap::new();
    for call in calls(outside) {
        let Some(once) = allowed.get(&call.key) else {
            found.push(Violation::NotInPlan(call.key));
            continue;
        };
        let repeatable = planned
            .0
            .iter()
            .any(|operation| operation.repeatable && operation.write == Write::Http(call.key.clone()));
        let times = happened.entry(call.key.clone()).or_default();
        if *times >= *once && !repeatable {
            found.push(Violation::SentAgain(call.key.clone()));
        }
        *times += u64::from(call.applied);
        if *times > *once + if repeatable { interruptions } else { 0 } {
            found.push(Violation::Doubled(call.key));
        }
    }
    for ((table, row), (times, effective)) in changes(outside) {
        if effective > 1 || times > 1 + interruptions {
            found.push(Violation::Doubled(format!("row {row} of {table}")));
        }
        if !planned
            .0
            .iter()
            .any(|operation| matches!(&operation.write, Write::Sql(name, _) if *name == table))
        {
            found.push(Violation::NotInPlan(format!("row {row} of {table}")));
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Operations that never took effect.
pub(crate) fn losses(planned: &Planned, outside: &Outside) -> Vec<Violation> {
    let lost = planned.0.iter().filter(|operation| times(operation, outside) == 0);
    lost.map(|operation| Violation::Lost(format!("operation {}", operation.order))).collect()
}

/// How a run ended: what is left outside, and what the program says about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct End {
    pub(crate) outside: Outside,
    pub(crate) status: Value,
    /// Exit codes of `verify` and of `certificate verify`.
    pub(crate) codes: (Option<i32>, Option<i32>),
}

/// Compares the end with that of a run without interruption.
pub(crate) fn same_end(end: &End, expected: &End) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut compare = |what: &str, own: Value, other: Value| {
        if own != other {
            found.push(Violation::OtherEnd(format!("{what}: {own} and not {other}")));
        }
    };
    compare("rows of the shop", json!(end.outside.rows), json!(expected.outside.rows));
    compare("contacts", end.outside.contacts.clone(), expected.outside.contacts.clone());
    compare("segment", end.outside.segment.clone(), expected.outside.segment.clone());
    compare("operations", outcomes(&end.status), outcomes(&expected.status));
    compare(
        "verification",
        end.status["verification"]["state"].clone(),
        expected.status["verification"]["state"].clone(),
    );
    compare("exit codes", json!([end.codes.0, end.codes.1]), json!([expected.codes.0, expected.codes.1]));
    found
}

/// Outcomes by operation. A row that is gone was erased by us or is found absent after a crash; both
/// are right and mean the same outside.
fn outcomes(status: &Value) -> Value {
    let operations = status["operations"].as_array();
    let outcome = |operation: &Value| {
        let outcome = operation["outcome"].as_str().unwrap_or_default();
        let outcome = if outcome == "already_absent" { "erased" } else { outcome };
        json!([operation["order"], outcome])
    };
    operations.map(|operations| operations.iter().map(outcome).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: &str = "contacts POST /subscriptions/s/end";

    fn planned() -> Planned {
        Planned::of(&json!({"operations": [
            {"order": 1, "connection": "shop", "sql": "…", "collections": ["shop:orders"], "rows": 2, "repeatable": true},
            {"order": 2, "connection": "contacts", "method": "PATCH", "url": "https://c.example.com/people/p?x=1", "body": {"name": null}, "repeatable": true},
            {"order": 3, "connection": "contacts", "method": "POST", "url": "https://c.example.com/subscriptions/s/end", "repeatable": false},
        ]}))
    }

    fn patch(effect: &str) -> Value {
        json!({"connection": "contacts", "method": "PATCH", "path": "/people/p", "query": "x=1", "body": "{\"name\":null}", "effect": effect})
    }

    fn end(effect: &str) -> Value {
        json!({"connection": "contacts", "method": "POST", "path": "/subscriptions/s/end", "query": "", "body": null, "effect": effect})
    }

    fn outside(calls: Vec<Value>, changes: &[&str]) -> Outside {
        Outside {
            calls,
            changes: changes.iter().map(|line| (*line).to_owned()).collect(),
            rows: Vec::new(),
            contacts: Value::Null,
            segment: Value::Null,
        }
    }

    fn all() -> Outside {
        outside(vec![patch("write"), end("write")], &["orders 1 1", "orders 2 1"])
    }

    #[test]
    fn what_happened_once_as_planned_is_right() {
        assert_eq!(effects(&planned(), &all(), 0), []);
        assert_eq!(losses(&planned(), &all()), []);
    }

    #[test]
    fn a_write_that_was_refused_or_never_arrived_may_be_sent_again() {
        let found = outside(vec![end("none"), end("write")], &[]);

        assert_eq!(effects(&planned(), &found, 0), []);
    }

    #[test]
    fn a_second_effect_is_found_also_if_the_second_send_was_refused() {
        let twice = outside(vec![end("write"), end("write")], &[]);
        let refused = outside(vec![end("write"), end("none")], &[]);

        assert_eq!(
            effects(&planned(), &twice, 9),
            [Violation::SentAgain(END.into()), Violation::Doubled(END.into())]
        );
        assert_eq!(effects(&planned(), &refused, 9), [Violation::SentAgain(END.into())]);
    }

    #[test]
    fn what_may_be_repeated_happens_again_only_after_an_interruption() {
        let twice = outside(vec![patch("write"), patch("write")], &["orders 1 1", "orders 1 0"]);

        assert_eq!(effects(&planned(), &twice, 1), []);
        assert_eq!(effects(&planned(), &twice, 0).len(), 2, "the call and the row");
    }

    #[test]
    fn a_row_that_really_changed_twice_is_found_even_then() {
        let twice = outside(Vec::new(), &["orders 1 1", "orders 1 1"]);

        assert_eq!(effects(&planned(), &twice, 5), [Violation::Doubled("row 1 of orders".into())]);
    }

    #[test]
    fn a_write_that_is_not_in_the_plan_is_found() {
        let mut other = end("write");
        other["body"] = "{\"all\":true}".into();
        let found = outside(vec![other], &["customers 2 1"]);

        assert_eq!(
            effects(&planned(), &found, 0),
            [
                Violation::NotInPlan(format!("{END} {{\"all\":true}}")),
                Violation::NotInPlan("row 2 of customers".into())
            ]
        );
    }

    #[test]
    fn what_never_happened_is_lost_and_may_not_be_called_done() {
        let found = outside(vec![patch("write"), end("none")], &["orders 1 1"]);
        let status = json!({"operations": [
            {"order": 1, "outcome": "masked"}, {"order": 2, "outcome": "masked"}, {"order": 3, "outcome": "erased"},
        ]});
        let honest =
            json!({"operations": [{"order": 1, "outcome": "unknown"}, {"order": 3, "outcome": "failed"}]});

        assert_eq!(
            losses(&planned(), &found),
            [Violation::Lost("operation 1".into()), Violation::Lost("operation 3".into())]
        );
        assert_eq!(
            claims(&planned(), &status, &found),
            [Violation::FalselyDone("operation 1".into()), Violation::FalselyDone("operation 3".into())]
        );
        assert_eq!(claims(&planned(), &honest, &found), []);
    }

    #[test]
    fn another_end_is_found() {
        let status = |outcome: &str| json!({"operations": [{"order": 1, "outcome": outcome}], "verification": {"state": "gone"}});
        let right = End { outside: all(), status: status("erased"), codes: (Some(0), Some(0)) };
        let absent = End { status: status("already_absent"), ..right.clone() };
        let unknown = End { status: status("unknown"), ..right.clone() };
        let unproven = End { codes: (Some(3), Some(0)), ..right.clone() };
        let mut left = right.clone();
        left.outside.rows.push("customer 1".into());

        assert_eq!(same_end(&absent, &right), []);
        for wrong in [unknown, unproven, left] {
            assert_eq!(same_end(&wrong, &right).len(), 1);
        }
    }
}

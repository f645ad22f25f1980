//! What belongs to other people stays as it was, whatever the plan and a run without interruption say.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::sweep::check::Violation;
use crate::sweep::world::Outside;

/// The person who is erased, as each of the others knows her.
const CUSTOMER: &str = "1";
const CONTACT: &str = "p0";
const SEGMENT_ID: &str = "ana@example.com";

/// Everything that is not hers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Others {
    /// Her own rows of the shop as `table id`: any other may not change.
    own: BTreeSet<String>,
    /// Rows of other people, as the shop and the contacts have them.
    rows: BTreeSet<String>,
}

impl Others {
    /// From the state before anything was done.
    ///
    /// # Panics
    /// There is nothing of hers, or nothing of anybody else.
    pub(crate) fn of(outside: &Outside) -> Self {
        let mut others = Self::default();
        for line in &outside.rows {
            let [kind, id, owner, ..] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
            let owner = if kind == "customer" { id } else { owner };
            if owner == CUSTOMER {
                others.own.insert(format!("{kind}s {id}"));
            } else {
                others.rows.insert(line.clone());
            }
        }
        let contacts = contacts(&outside.contacts).filter(|row| !is_own_contact(row));
        others.rows.extend(contacts.map(Value::to_string));
        assert!(others.own.len() > 3 && others.rows.len() > 6, "{others:?}");
        others
    }

    /// What was done to them.
    pub(crate) fn harm(&self, outside: &Outside) -> Vec<Violation> {
        let now: BTreeSet<String> =
            outside.rows.iter().cloned().chain(contacts(&outside.contacts).map(Value::to_string)).collect();
        let changed = self.rows.difference(&now).cloned();
        let touched = outside.changes.iter().filter_map(|line| {
            let row = line.rsplit_once(' ')?.0;
            (!self.own.contains(row)).then(|| format!("row {row}"))
        });
        let segment = &outside.segment;
        let asked =
            segment["regulations"].as_array().unwrap().iter().flat_map(|one| one[1].as_array().unwrap());
        let lists = ["deleted", "suppressed"].into_iter().flat_map(|list| segment[list].as_array().unwrap());
        let others = asked.chain(lists).filter(|id| id.as_str() != Some(SEGMENT_ID));
        let others = others.map(|id| format!("segment {id}"));
        changed.chain(touched).chain(others).map(Violation::OfAnother).collect()
    }
}

/// Every row of the contacts.
fn contacts(state: &Value) -> impl Iterator<Item = &Value> {
    ["people", "notes", "subscriptions"].into_iter().flat_map(|kind| state[kind].as_array().unwrap())
}

fn is_own_contact(row: &Value) -> bool {
    row["id"] == CONTACT || row["person"] == CONTACT
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outside() -> Outside {
        let people = json!([{"id": "p0", "name": "Ana"}, {"id": "p1", "name": "Bo"}]);
        let notes = json!([{"id": "p0-n0", "person": "p0"}, {"id": "p1-n0", "person": "p1"}, {"id": "p1-n1", "person": "p1"}]);
        let rows = [
            "customer 1 ana@example.com Ana",
            "customer 2 bo@example.com Bo",
            "order 11 1 Rome",
            "order 12 1 Rome",
            "order 21 2 Oslo",
            "cart 31 1 socks",
            "cart 41 2 gloves",
        ];
        Outside {
            calls: Vec::new(),
            changes: Vec::new(),
            rows: rows.map(str::to_owned).to_vec(),
            contacts: json!({"people": people, "notes": notes, "subscriptions": [{"id": "p1-s0", "person": "p1"}]}),
            segment: json!({"regulations": [], "deleted": [], "suppressed": []}),
        }
    }

    #[test]
    fn what_is_done_to_the_person_harms_nobody_else() {
        let others = Others::of(&outside());
        let mut done = outside();
        done.rows.retain(|line| !line.contains("cart 31"));
        done.changes = vec!["customers 1 1".to_owned(), "carts 31 1".to_owned()];
        done.contacts["people"][0]["name"] = Value::Null;
        done.segment["regulations"] = json!([["SUPPRESS_WITH_DELETE", [SEGMENT_ID]]]);

        assert_eq!(others.harm(&done), []);
    }

    #[test]
    fn whatever_is_done_to_another_is_found() {
        let others = Others::of(&outside());
        let found = |change: fn(&mut Outside)| {
            let mut done = outside();
            change(&mut done);
            others.harm(&done).len()
        };

        assert_eq!(found(|done| done.rows[1] = "customer 2 - -".to_owned()), 1);
        assert_eq!(found(|done| done.rows.retain(|line| !line.starts_with("cart 41"))), 1);
        assert_eq!(
            found(|done| done.changes.push("orders 21 0".to_owned())),
            1,
            "touched and left as it was"
        );
        assert_eq!(found(|done| done.contacts["people"][1]["name"] = Value::Null), 1);
        assert_eq!(found(|done| done.contacts["notes"] = json!([])), 2);
        let regulation = |done: &mut Outside| {
            done.segment["regulations"] = json!([["SUPPRESS_WITH_DELETE", [SEGMENT_ID, "bo"]]]);
        };
        assert_eq!(found(regulation), 1);
        assert_eq!(found(|done| done.segment["suppressed"] = json!(["bo"])), 1);
    }
}

//! Where an answer is from, and what of it is not current.

use governance::inventory::{Inventory, KindState};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::rows;
use crate::exit::Exit;
use crate::failure::Failure;

/// What every answer says of the inventory that it is from.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    place: &'static str,
    name: String,
    as_of: Timestamp,
    kinds: Vec<KindState>,
    left_out: u64,
}

/// The same in the words of a server.
#[derive(Debug, Deserialize)]
struct Frame {
    as_of: Timestamp,
    kind_states: Vec<KindState>,
    left_out: u64,
}

impl Head {
    /// Of the inventory of a connection.
    pub(super) fn of_connection(name: &str, inventory: &Inventory) -> Self {
        Self::of(("connection", name), inventory)
    }

    /// Of the inventory of a file.
    pub(super) fn of_file(name: &str, inventory: &Inventory) -> Self {
        Self::of(("file", name), inventory)
    }

    fn of((place, name): (&'static str, &str), inventory: &Inventory) -> Self {
        Self {
            place,
            name: name.to_owned(),
            as_of: inventory.as_of(),
            kinds: inventory.kind_states().to_vec(),
            left_out: inventory.left_out(),
        }
    }

    /// Of a connection of a server, from what that says in an answer; none if it says it in another way.
    pub(crate) fn of_answer(connection: &str, answer: &Value) -> Option<Self> {
        let Frame { as_of, kind_states: kinds, left_out } = Frame::deserialize(answer).ok()?;
        Some(Self { place: "connection", name: connection.to_owned(), as_of, kinds, left_out })
    }

    /// Of the people of an answer; none if they are of no inventory.
    ///
    /// # Errors
    /// A failure if a server of another version answered.
    pub(crate) fn of_people(answer: &Value) -> Result<Option<Self>, Failure> {
        let Some(people) = answer.get("people").filter(|people| !people.is_null()) else { return Ok(None) };
        let key = people.get("connection").and_then(Value::as_str);
        key.and_then(|key| Self::of_answer(key, people)).map(Some).ok_or_else(rows::other_form)
    }

    /// The connection, or the file.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// It for programs.
    pub(crate) fn data(&self) -> Map<String, Value> {
        let data = json!({
            self.place: self.name,
            "as_of": self.as_of,
            "complete": !self.is_incomplete(),
            "kinds": self.kinds,
            "left_out": self.left_out,
        });
        match data {
            Value::Object(data) => data,
            _ => Map::new(),
        }
    }

    /// It for people, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let as_of = self.as_of.strftime("%-d %b %Y, %H:%M UTC");
        let mut lines = vec![format!("{} as of {as_of}", self.name)];
        lines.extend(self.kinds.iter().filter(|kind| !kind.is_current()).map(KindState::to_string));
        if self.left_out > 0 {
            lines.push(format!(
                "{} grants are not shown: what they name is not listed any more",
                self.left_out
            ));
        }
        lines
    }

    /// How an answer from here ends.
    pub(super) fn exit(&self) -> Exit {
        if self.is_incomplete() { Exit::Incomplete } else { Exit::Done }
    }

    fn is_incomplete(&self) -> bool {
        self.kinds.iter().any(KindState::is_incomplete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: governance 6
    #[test]
    fn a_server_s_answer_says_the_same_of_itself() {
        let answer = json!({
            "as_of": "2026-11-03T14:05:00Z", "left_out": 2, "items": [], "state": "inv_1",
            "kind_states": [
                {"kind": "user", "status": "complete", "as_of": "2026-11-03T14:05:00Z"},
                {"kind": "role", "status": "incomplete", "as_of": "2026-11-02T14:05:00Z", "reason": "429"},
            ],
        });

        let head = Head::of_answer("segment", &answer).unwrap();

        assert_eq!(
            head.lines(),
            [
                "segment as of 3 Nov 2026, 14:05 UTC",
                "role as of 2 Nov 2026, 14:05 UTC, last sync incomplete (429)",
                "2 grants are not shown: what they name is not listed any more",
            ]
        );
        assert_eq!(head.exit(), Exit::Incomplete);
        assert_eq!((&head.data()["complete"], &head.data()["left_out"]), (&json!(false), &json!(2)));
        assert!(Head::of_answer("segment", &json!({"detail": "no"})).is_none());
    }
}

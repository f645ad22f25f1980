use serde_json::{Map, Value};
use thiserror::Error;

use super::{Plan, PlanContents, PlanDigest};

impl Plan {
    /// The plan as a file: readable JSON, `format` and `digest` first.
    pub fn to_json(&self) -> String {
        let mut file = Map::new();
        for (key, value) in object(self.contents.to_value()) {
            file.insert(key, value);
            if file.len() == 1 {
                file.insert(DIGEST.to_owned(), Value::from(self.digest.as_str()));
            }
        }
        format!("{:#}\n", Value::Object(file))
    }

    /// Reads a plan file and checks that it is as it was made.
    ///
    /// # Errors
    /// [`PlanError`]; never shows anything of the file's contents.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| PlanError::NotJson { line: error.line(), column: error.column() })?;
        let Value::Object(mut members) = value else { return Err(PlanError::NotAPlan) };
        match members.get("format").and_then(Value::as_str) {
            Some("tutela.plan/1") => {}
            Some(other) if other.starts_with("tutela.plan/") => return Err(PlanError::OtherVersion),
            Some(_) | None => return Err(PlanError::NotAPlan),
        }
        let stated = members.shift_remove(DIGEST).ok_or(PlanError::NoDigest)?;
        let stated: PlanDigest =
            stated.as_str().and_then(|text| text.parse().ok()).ok_or(PlanError::NoDigest)?;
        let contents = Value::Object(members);
        let found = PlanDigest::of(&crypto::canonical_json(&contents));
        if stated != found {
            return Err(PlanError::Changed { stated, found });
        }
        let contents: PlanContents = serde_json::from_value(contents)
            .map_err(|error| PlanError::Shape { problem: problem(&error) })?;
        contents.check()?;
        Ok(Self { contents, digest: stated })
    }

    /// Whether `approved` is this plan's digest.
    ///
    /// # Errors
    /// [`PlanError::NotApproved`] names both.
    pub fn check_approval(&self, approved: &PlanDigest) -> Result<(), PlanError> {
        if self.digest == *approved {
            Ok(())
        } else {
            Err(PlanError::NotApproved { approved: approved.clone(), found: self.digest.clone() })
        }
    }
}

impl PlanContents {
    /// What the shape of the file does not say: numbers from 1, and each waits for earlier ones.
    fn check(&self) -> Result<(), PlanError> {
        for (order, operation) in (1..).zip(&self.operations) {
            if operation.order != order {
                return Err(PlanError::Order { order });
            }
            if operation.waits_for.iter().any(|first| *first == 0 || *first >= order) {
                return Err(PlanError::Order { order });
            }
            if !self.connections.iter().any(|connection| connection.key == operation.connection) {
                return Err(PlanError::UnknownConnection { order });
            }
        }
        Ok(())
    }
}

const DIGEST: &str = "digest";

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

/// The part of a message that names keys; what names values stays out.
fn problem(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let about_key = ["missing field", "unknown field", "unknown variant", "duplicate field"];
    if about_key.iter().any(|start| message.starts_with(start)) {
        let end = message.find(", expected").unwrap_or(message.len());
        message.get(..end).unwrap_or_default().to_owned()
    } else {
        "a value is of another kind than it should be".to_owned()
    }
}

/// A plan file that cannot be used. Every variant is final: make the plan again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlanError {
    /// No JSON.
    #[error(
        "the plan file is not JSON (line {line}, column {column}); give the file that `tutela privacy plan` wrote"
    )]
    NotJson {
        /// Where.
        line: usize,
        /// Where.
        column: usize,
    },
    /// JSON, but no plan.
    #[error(
        "the file is no plan: it lacks `\"format\": \"tutela.plan/1\"`; give the file that `tutela privacy plan` wrote"
    )]
    NotAPlan,
    /// A plan of a later version of the program.
    #[error(
        "the plan has a format that this version does not know; make it again, or use the version that made it"
    )]
    OtherVersion,
    /// No digest, or none of the right form.
    #[error("the plan has no usable `digest`; make it again")]
    NoDigest,
    /// Something in it was changed after it was made.
    #[error(
        "the plan was changed after it was made: it states {stated} and its contents give {found}; make it again"
    )]
    Changed {
        /// What it says.
        stated: PlanDigest,
        /// What comes out.
        found: PlanDigest,
    },
    /// A key is missing, unknown, or has a value of the wrong kind.
    #[error("the plan does not have the form of one: {problem}; make it again")]
    Shape {
        /// What is wrong; names keys only.
        problem: String,
    },
    /// Numbers do not run from 1, or one waits for a later one.
    #[error("operation {order} of the plan is out of order; make the plan again")]
    Order {
        /// The place in the list, from 1.
        order: u64,
    },
    /// An operation goes through a connection that the plan does not list.
    #[error(
        "operation {order} of the plan uses a connection that the plan does not list; make the plan again"
    )]
    UnknownConnection {
        /// The operation.
        order: u64,
    },
    /// Somebody approved something else.
    #[error("the plan is not the one that was approved: approved is {approved}, the file is {found}")]
    NotApproved {
        /// The digest given.
        approved: PlanDigest,
        /// The plan's own.
        found: PlanDigest,
    },
}

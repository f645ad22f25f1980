//! Somebody who may own accounts.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A person as the company knows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// What they are called.
    pub name: Option<String>,
    /// Their addresses, the usual one first.
    pub emails: Vec<String>,
    /// What they sign in with.
    pub user_names: Vec<String>,
    /// Whether they have left.
    pub gone: Option<Gone>,
    /// What else names them: the account in the directory they come from.
    pub id: Option<String>,
}

/// Why a person counts as gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gone {
    /// The list of people says so, in this word.
    Status(String),
    /// Their last day is over.
    LastDay(Date),
}

/// The place of a person among [`People`](super::People).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonNumber(pub(super) u32);

impl Person {
    /// What names the person: the address, else what they sign in with, else their name.
    pub fn key(&self) -> &str {
        let first = self.emails.first().or(self.id.as_ref()).or(self.user_names.first());
        first.or(self.name.as_ref()).map(String::as_str).unwrap_or_default()
    }
}

impl std::fmt::Display for Gone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(word) => write!(f, "status {}", model::visible(word)),
            Self::LastDay(day) => write!(f, "last day {day}"),
        }
    }
}

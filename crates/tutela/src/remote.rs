//! What a project file declares, and what a server has of it.

mod difference;
mod local;
mod pull;
mod push;
mod server;

use std::collections::BTreeMap;

use serde_json::Value;

pub(crate) use self::difference::{Change, Difference};
pub(crate) use self::pull::{without_nulls, write};
pub(crate) use self::push::SentSecrets;
pub(crate) use self::server::{list, text};

/// Connections and policies in the form that is compared: the same on both sides.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Declared {
    /// By key.
    pub(crate) things: BTreeMap<Thing, Value>,
    /// What cannot be told in this form, for people.
    pub(crate) notes: Vec<String>,
}

/// Something that is declared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    /// A connection, by its key.
    Connection(String),
    /// A policy, by its key.
    Policy(String),
}

/// Name of the part of a policy that says who approves its plans; no key of a rule has blanks.
const APPROVAL: &str = "approval of plans";

impl Thing {
    /// What it is.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Connection(_) => "connection",
            Self::Policy(_) => "policy",
        }
    }

    /// Its key.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Connection(key) | Self::Policy(key) => key,
        }
    }
}

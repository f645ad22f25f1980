//! What a perfect inventory of access to a simulated vendor contains: the judge of those who make one.
//!
//! It is computed from the simulated world itself, and shares no code with what it judges.

mod builder;

use std::sync::Arc;

use serde::{Serialize, Serializer};

pub(crate) use builder::{Entitled, NewEntitlement, TruthBuilder};

use crate::server::{Answer, Call};

/// Everything that an inventory of a vendor has to contain, and nothing else. Sorted by id within a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GovernanceTruth {
    /// The kinds of resource, in the order of their inventory.
    pub kinds: Vec<TruthKind>,
    /// All resources: accounts, groups, and what access is to.
    pub resources: Vec<TruthResource>,
    /// All entitlements.
    pub entitlements: Vec<TruthEntitlement>,
    /// All grants, those that follow from membership included.
    pub grants: Vec<TruthGrant>,
    /// Access to things of a kind that no list shows: it has no place among the grants.
    pub unplaced: Vec<TruthUnplaced>,
}

/// One kind of resource, and how much there is of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthKind {
    /// Its id: `user`, `group`.
    pub id: &'static str,
    /// Whether it can be read at all.
    pub availability: Availability,
    /// Number of resources.
    pub resources: u64,
    /// Number of entitlements on them.
    pub entitlements: u64,
    /// Number of grants of these entitlements.
    pub grants: u64,
}

/// Whether a kind can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// It can.
    Available,
    /// Plan or token does not allow it: nothing of it is in the inventory, nor grants on it or to it.
    Unavailable,
}

/// Kind and id of a resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TruthKey {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Its id.
    #[serde(serialize_with = "text")]
    pub id: Arc<str>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthResource {
    /// Kind and id.
    #[serde(flatten)]
    pub key: TruthKey,
    /// Its name for people.
    pub display_name: String,
    /// What it is below.
    pub parent: Option<TruthKey>,
    /// What there is of an account.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub account: Option<TruthAccount>,
}

/// What an account has beyond other resources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthAccount {
    /// Its address, where the vendor shows one.
    pub email: Option<String>,
    /// What its owner signs in with.
    pub login: String,
    /// `enabled` or `disabled`.
    pub status: &'static str,
}

/// One entitlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthEntitlement {
    /// `<type>:<id>:<slug>` (rule: baton ID-3).
    #[serde(serialize_with = "text")]
    pub id: Arc<str>,
    /// Its name among those of its resource.
    pub slug: String,
    /// What it is on.
    pub resource: TruthKey,
    /// Its name for people.
    pub display_name: String,
    /// What it gives, for people.
    pub description: String,
    /// `assignment`, `permission` or `ownership`.
    pub purpose: &'static str,
    /// Kinds that can hold it.
    pub grantable_to: &'static [&'static str],
}

/// One grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthGrant {
    /// `<entitlement id>:<type>:<id>` (rule: baton ID-4, ID-5).
    pub id: String,
    /// The entitlement's id.
    #[serde(serialize_with = "text")]
    pub entitlement: Arc<str>,
    /// Who holds it.
    pub principal: TruthKey,
    /// Whether the vendor says so itself.
    pub origin: Origin,
    /// For grants that follow from others: which entitlements they follow from; a grant that is direct
    /// as well names its own entitlement, too (rule: baton E-6). Sorted by id; none for all others.
    pub sources: Vec<TruthSource>,
    /// Entitlements whose holders hold this one, too, since the principal passes it on (rule: baton E-1).
    #[serde(serialize_with = "texts")]
    pub expandable: Vec<Arc<str>>,
}

/// Whether a grant is one of the vendor's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is.
    Direct,
    /// It follows from membership alone, and cannot be taken away by itself.
    Expanded,
}

/// What a grant follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthSource {
    /// The entitlement that is held.
    #[serde(serialize_with = "text")]
    pub entitlement: Arc<str>,
    /// Whether it is held directly.
    pub direct: bool,
}

/// Access to something of a kind that no list shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TruthUnplaced {
    /// Who has it.
    pub principal: TruthKey,
    /// The role's id.
    pub role: String,
    /// The kind, as the vendor writes it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The thing's id.
    pub id: String,
}

impl TruthKey {
    /// The key of a resource.
    pub(crate) fn new(kind: &'static str, id: &str) -> Self {
        Self { kind, id: id.into() }
    }
}

impl GovernanceTruth {
    /// The answer of `GET /__sandbox/governance`: all of it, or with `?part=grants` one list only.
    pub(crate) fn answer(&self, call: &Call) -> Answer {
        match call.parameters().find("part") {
            None => Answer::json(200, self),
            Some("kinds") => Answer::json(200, &self.kinds),
            Some("resources") => Answer::json(200, &self.resources),
            Some("entitlements") => Answer::json(200, &self.entitlements),
            Some("grants") => Answer::json(200, &self.grants),
            Some("unplaced") => Answer::json(200, &self.unplaced),
            Some(part) => {
                let message = format!(
                    "`{part}` is not a part; there are kinds, resources, entitlements, grants, unplaced"
                );
                Answer::json(400, &serde_json::json!({"error": message}))
            }
        }
    }
}

fn text<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn texts<S: Serializer>(texts: &[Arc<str>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(texts.iter().map(|text| &**text))
}

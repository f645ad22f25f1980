use std::fmt;

use graph::{ConditionFault, StrategyError};
use store::StoreError;
use thiserror::Error;

/// Which kind of thing a key or name belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// A policy.
    Policy,
    /// A rule.
    Rule,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "Policy",
            Self::Rule => "Rule",
        })
    }
}

/// Why a policy, rule or target was not found or not written. Texts that clients know are theirs.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// No such policy.
    #[error("No Policy found for key {key}.")]
    NoPolicy {
        /// Its key.
        key: String,
    },
    /// No such rule.
    #[error("No Rule found for key {rule} on Policy {policy}.")]
    NoRule {
        /// The policy's key.
        policy: String,
        /// The rule's key.
        rule: String,
    },
    /// No such target.
    #[error("No RuleTarget found for key {target} at Rule {rule} on Policy {policy}.")]
    NoTarget {
        /// The policy's key.
        policy: String,
        /// The rule's key.
        rule: String,
        /// The target's key.
        target: String,
    },
    /// Nothing can be done with it (privacy-requests POL-8).
    #[error("Policy with key {key} must contain at least one Rule.")]
    NoRules {
        /// Its key.
        key: String,
    },
    /// Requests refer to it (privacy-requests POL-11).
    #[error("Cannot delete policy {key}: it is referenced by one or more privacy requests.")]
    InUse {
        /// Its key.
        key: String,
    },
    /// Another thing has the key.
    #[error(
        "Key {key} already exists in {model}. Keys will be snake-cased names if not provided. If you are seeing this error without providing a key, please provide a key or a different name."
    )]
    KeyTaken {
        /// What has it.
        model: Model,
        /// The key.
        key: String,
    },
    /// Another thing has the name.
    #[error("Name {name} already exists in {model}.")]
    NameTaken {
        /// What has it.
        model: Model,
        /// The name.
        name: String,
    },
    /// The name has nothing that a key can be made of.
    #[error("no key can be made of this {model}'s name; give it a `key`")]
    NoKey {
        /// What needs it.
        model: Model,
    },
    /// Another policy answers it already.
    #[error("This record could not be added because the data provided was invalid.")]
    DrpTaken,
    /// The protocol's word is known, and nothing is done for it.
    #[error("`drp_action` {action} is not supported; use access or deletion")]
    UnsupportedDrp {
        /// The word.
        action: &'static str,
    },
    /// No policy is made for this.
    #[error("Unsupported action_type '{action}'. Must be one of: access, consent, erasure")]
    UnsupportedAction {
        /// The word.
        action: &'static str,
    },
    /// No rule does this (privacy-requests POL-1).
    #[error("{action} Rules are not supported at this time.")]
    UnsupportedRule {
        /// The word.
        action: &'static str,
    },
    /// Privacy-requests POL-4.
    #[error("Erasure Rules must have masking strategies.")]
    NoMasking,
    /// Privacy-requests POL-4.
    #[error("Erasure Rules cannot have storage destinations.")]
    StorageOfErasure,
    /// The strategy is unknown or wrongly configured.
    #[error(transparent)]
    Strategy(#[from] StrategyError),
    /// The rule names a place that is not there.
    #[error("A StorageConfig with key {key} does not exist")]
    NoStorage {
        /// Its key.
        key: String,
    },
    /// Privacy-requests POL-7.
    #[error("Policies can only have one consent rule attached.  Existing rule {existing} found.")]
    SecondConsent {
        /// The first one's key.
        existing: String,
    },
    /// Privacy-requests POL-7.
    #[error("Rule with identifier {rule} belongs to another policy.")]
    RuleElsewhere {
        /// Its key.
        rule: String,
    },
    /// Privacy-requests POL-7.
    #[error("RuleTarget with identifier {target} belongs to another rule.")]
    TargetElsewhere {
        /// Its key.
        target: String,
    },
    /// A rule has each category once.
    #[error("DataCategory {category} is already specified on Rule with ID {rule}")]
    CategoryTwice {
        /// The category.
        category: String,
        /// The rule's key.
        rule: String,
    },
    /// Categories that the taxonomy does not have (privacy-requests POL-6).
    #[error("Invalid data categories: {}", listed(.categories))]
    UnknownCategories {
        /// All of them.
        categories: Vec<String>,
    },
    /// Privacy-requests POL-9.
    #[error(
        "Policy rules are invalid, action conflict in erasure rules detected for categories {first} and {second}"
    )]
    Overlap {
        /// One category.
        first: String,
        /// One at, above or below it.
        second: String,
    },
    /// Its conditions are none.
    #[error("`conditions` are not right{}: {}", at(&.0.place), .0.text)]
    Conditions(#[source] ConditionFault),
    /// Its conditions ask of something that is not known when rules are chosen.
    #[error("`{address}` is not known of a request when rules are chosen; there are {known}")]
    ConditionAddress {
        /// What they ask of.
        address: String,
        /// What they may ask of.
        known: String,
    },
    /// Others changed the same policy again and again.
    #[error("others are changing this policy at the same time; send the call again")]
    Busy,
    /// The state could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Where in a document.
fn at(place: &[serde_json::Value]) -> String {
    let parts = place.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
    let parts: Vec<String> = parts.collect();
    if parts.is_empty() { String::new() } else { format!(" at `{}`", parts.join(".")) }
}

/// As clients know such lists: `['a', 'b']`.
fn listed(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
    format!("[{}]", quoted.join(", "))
}

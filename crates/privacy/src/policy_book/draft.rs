use graph::ConditionTree;
use model::FidesKey;
use serde_json::Value;
use store::{Approval, DrpAction, RuleAction, RuleMasking};

use super::PolicyError;
use crate::condition_facts;

/// A policy to be made, or what changes in one.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDraft {
    /// Its key; made of the name if there is none.
    pub key: Option<FidesKey>,
    /// Its name.
    pub name: String,
    /// What it answers in the Data Rights Protocol.
    pub drp_action: PolicyChange<DrpWord>,
    /// Days that a request may take.
    pub execution_timeframe: PolicyChange<u32>,
    /// Who approves the plans made with it; none: as it was, or nobody for a new one.
    pub approval: Option<Approval>,
    /// When its rules apply, as it is written.
    pub conditions: PolicyChange<Value>,
    /// Its first rules; of no account for a policy that is there already.
    pub content: PolicyContent,
}

/// What becomes of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PolicyChange<T> {
    /// It stays.
    Keep,
    /// It is removed.
    Clear,
    /// It is this from now on.
    Set(T),
}

impl<T: Copy> PolicyChange<T> {
    pub(super) fn over<U>(
        &self,
        before: Option<U>,
        check: impl FnOnce(T) -> Result<U, PolicyError>,
    ) -> Result<Option<U>, PolicyError> {
        match self {
            Self::Keep => Ok(before),
            Self::Clear => Ok(None),
            Self::Set(value) => check(*value).map(Some),
        }
    }
}

impl PolicyChange<Value> {
    /// The conditions from now on.
    pub(super) fn over_value(&self, before: Option<Value>) -> Result<Option<Value>, PolicyError> {
        match self {
            Self::Keep => Ok(before),
            Self::Clear => Ok(None),
            Self::Set(conditions) => {
                let tree = ConditionTree::parse(conditions).map_err(PolicyError::Conditions)?;
                // Rules are chosen before anything is read.
                match tree.addresses().into_iter().find(|address| !condition_facts::is_known(address)) {
                    None => Ok(Some(conditions.clone())),
                    Some(address) => Err(PolicyError::ConditionAddress {
                        address: address.to_owned(),
                        known: condition_facts::known(),
                    }),
                }
            }
        }
    }
}

/// The first rules of a policy.
#[derive(Debug, Clone, PartialEq)]
pub enum PolicyContent {
    /// None yet.
    Nothing,
    /// One that does this to the categories that are targeted unless somebody says otherwise.
    Action(RuleWord),
    /// These.
    Rules(Vec<RuleDraft>),
}

/// A rule to be made, or what one is from now on.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDraft {
    /// Its key; made of the name if there is none.
    pub key: Option<FidesKey>,
    /// Its name.
    pub name: String,
    /// What it does.
    pub action: RuleWord,
    /// Key of the place that takes its packages.
    pub storage: Option<String>,
    /// How it masks.
    pub masking: Option<RuleMasking>,
    /// Targets that it has from now on, beside those that it has.
    pub targets: Vec<TargetDraft>,
}

/// A target to be made, or what changes in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetDraft {
    /// Its key; made of rule and category if there is none.
    pub key: Option<FidesKey>,
    /// Its name; without one the name stays, or is the key.
    pub name: Option<String>,
    /// A data category.
    pub data_category: String,
}

/// What rules may be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleWord {
    /// Deliver.
    Access,
    /// Erase.
    Erasure,
    /// Allow to correct.
    Rectification,
    /// Pass on consent.
    Consent,
    /// The reference's word for correcting; known and refused.
    Update,
}

impl RuleWord {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Erasure => "erasure",
            Self::Rectification => "rectification",
            Self::Consent => "consent",
            Self::Update => "update",
        }
    }

    pub(super) fn kept(self) -> Option<RuleAction> {
        match self {
            Self::Access => Some(RuleAction::Access),
            Self::Erasure => Some(RuleAction::Erasure),
            Self::Rectification => Some(RuleAction::Rectification),
            Self::Consent => Some(RuleAction::Consent),
            Self::Update => None,
        }
    }
}

/// What the Data Rights Protocol may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DrpWord {
    /// Access.
    Access,
    /// Deletion.
    Deletion,
    /// Not to be sold; known and refused.
    SaleOptOut,
    /// To be sold again; known and refused.
    SaleOptIn,
    /// Access to categories; known and refused.
    AccessCategories,
    /// Access to certain data; known and refused.
    AccessSpecific,
}

impl DrpWord {
    /// The word itself.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Deletion => "deletion",
            Self::SaleOptOut => "sale:opt_out",
            Self::SaleOptIn => "sale:opt_in",
            Self::AccessCategories => "access:categories",
            Self::AccessSpecific => "access:specific",
        }
    }

    pub(super) fn supported(self) -> Result<DrpAction, PolicyError> {
        match self {
            Self::Access => Ok(DrpAction::Access),
            Self::Deletion => Ok(DrpAction::Deletion),
            Self::SaleOptOut | Self::SaleOptIn | Self::AccessCategories | Self::AccessSpecific => {
                Err(PolicyError::UnsupportedDrp { action: self.as_str() })
            }
        }
    }
}

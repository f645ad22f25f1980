//! Policies with their rules and targets, each written as a whole.

mod put;
mod read;

use jiff::Timestamp;
use serde_json::Value;

use crate::sql::query;
use crate::words::text_enum;
use crate::{Actor, AuditEvent, Store, StoreError};

text_enum! {
    /// What a rule does.
    RuleAction "the action of a rule" {
        /// Delivers the data.
        Access = "access",
        /// Erases the data.
        Erasure = "erasure",
        /// Allows to correct the data.
        Rectification = "rectification",
        /// Passes on what the person agreed to.
        Consent = "consent",
    }
}

text_enum! {
    /// What a policy answers in the Data Rights Protocol.
    DrpAction "the data rights action of a policy" {
        /// Access.
        Access = "access",
        /// Deletion.
        Deletion = "deletion",
    }
}

text_enum! {
    /// Who approves the plans made with a policy.
    Approval "the approval of a policy" {
        /// A person.
        Person = "person",
        /// Nobody: within the limits they are carried out.
        Automatic = "automatic",
    }
}

/// A policy with all that belongs to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Its key, unique.
    pub key: String,
    /// Its name, unique.
    pub name: String,
    /// What it answers in the Data Rights Protocol; unique.
    pub drp_action: Option<DrpAction>,
    /// Days that a request may take.
    pub execution_timeframe: Option<u32>,
    /// Who approves the plans made with it.
    pub approval: Approval,
    /// When its rules apply, as who wrote it reads it; always, if there is nothing.
    pub conditions: Option<Value>,
    /// Its rules, in order.
    pub rules: Vec<PolicyRule>,
    /// Which writing of it this is; 0 for one that is not kept yet.
    pub version: u64,
    /// When it was first written; of no account in one that is to be written.
    pub created_at: Timestamp,
}

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyRule {
    /// Its key, unique over all policies.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it does.
    pub action: RuleAction,
    /// Key of the place that takes its packages.
    pub storage: Option<String>,
    /// How values are masked.
    pub masking: Option<RuleMasking>,
    /// What it is about, in order.
    pub targets: Vec<PolicyTarget>,
}

/// How a rule masks.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleMasking {
    /// The strategy's name.
    pub strategy: String,
    /// Its configuration.
    pub configuration: Value,
}

/// One target of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTarget {
    /// Its key, unique over all rules.
    pub key: String,
    /// Its name.
    pub name: String,
    /// A data category, with everything below it; unique in the rule.
    pub data_category: String,
}

impl Store {
    /// Removes a policy with its rules, targets and webhooks; says whether there was one.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while a run or a request refers to it.
    pub async fn policy_remove(&self, key: &str, actor: Actor) -> Result<bool, StoreError> {
        const USED: &str = "SELECT id FROM run WHERE policy = $1 UNION ALL SELECT id FROM privacy_request WHERE policy = $1 LIMIT 1";
        const WEBHOOKS: &str = "DELETE FROM policy_webhook WHERE policy = $1";
        const REMOVE: &str = "DELETE FROM policy WHERE key = $1";
        let mut tx = self.begin().await?;
        self.policy_gate(&mut tx).await?;
        if query(USED).bind(key).fetch_optional(tx.connection()).await?.is_some() {
            return Err(StoreError::Conflict {
                what: "policy",
                id: key.to_owned(),
                state: "in use".to_owned(),
                needs: "it stays as long as there are requests made under it",
            });
        }
        self.policy_rules_clear(&mut tx, key).await?;
        query(WEBHOOKS).bind(key).execute(tx.connection()).await?;
        if query(REMOVE).bind(key).execute(tx.connection()).await?.rows_affected() == 0 {
            return Ok(false);
        }
        self.audit_enter_in(&mut tx, &AuditEvent::new(actor, "policy.removed", key)).await?;
        tx.commit().await?;
        Ok(true)
    }
}

use std::collections::HashMap;

use serde::Serialize;
use serde_json::Value;
use store::{Policy, PolicyRule, PolicyTarget, RuleMasking, StorageDestination};
use utoipa::ToSchema;

use crate::routes::storage::StorageReply;

/// A policy.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PolicyReply {
    /// Its name.
    name: String,
    /// Its key.
    key: String,
    /// What it answers in the Data Rights Protocol.
    drp_action: Option<&'static str>,
    /// Days that a request may take.
    execution_timeframe: Option<u32>,
    /// Who approves the plans made with it: `person` or, within the limits, nobody (`automatic`).
    approval: &'static str,
    /// Its rules, in order.
    rules: Vec<RuleReply>,
    /// When its rules apply; always, if there is nothing.
    #[schema(value_type = Option<Object>)]
    conditions: Option<Value>,
}

/// A rule. How its masking is configured is shown by an operation of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleReply {
    /// Its name.
    name: String,
    /// Its key.
    key: String,
    /// What it does.
    action_type: &'static str,
    /// The place that takes its packages.
    storage_destination: Option<StorageReply>,
    /// How it masks.
    masking_strategy: Option<MaskingReply>,
    /// What it is about.
    targets: Vec<TargetReply>,
}

/// How a rule masks.
#[derive(Debug, Serialize, ToSchema)]
struct MaskingReply {
    /// The strategy's name.
    strategy: String,
}

/// How a rule masks, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MaskingDetail {
    /// The strategy's name.
    strategy: String,
    /// Its configuration, as it was given.
    #[schema(value_type = Object)]
    configuration: Value,
}

impl MaskingDetail {
    pub(super) fn of(masking: RuleMasking) -> Self {
        Self { strategy: masking.strategy, configuration: masking.configuration }
    }
}

/// A target of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TargetReply {
    /// Its name.
    name: String,
    /// Its key.
    key: String,
    /// A data category, with everything below it.
    data_category: String,
}

impl PolicyReply {
    pub(super) fn of(policy: Policy, destinations: &HashMap<String, StorageDestination>) -> Self {
        Self {
            name: policy.name,
            key: policy.key,
            drp_action: policy.drp_action.map(store::DrpAction::as_str),
            execution_timeframe: policy.execution_timeframe,
            approval: policy.approval.as_str(),
            rules: policy.rules.into_iter().map(|rule| RuleReply::of(rule, destinations)).collect(),
            conditions: policy.conditions,
        }
    }
}

impl RuleReply {
    pub(super) fn of(rule: PolicyRule, destinations: &HashMap<String, StorageDestination>) -> Self {
        let destination = rule.storage.as_ref().and_then(|key| destinations.get(key));
        Self {
            name: rule.name,
            key: rule.key,
            action_type: rule.action.as_str(),
            storage_destination: destination.cloned().map(StorageReply::of),
            masking_strategy: rule.masking.map(|masking| MaskingReply { strategy: masking.strategy }),
            targets: rule.targets.into_iter().map(TargetReply::of).collect(),
        }
    }
}

impl TargetReply {
    pub(super) fn of(target: PolicyTarget) -> Self {
        Self { name: target.name, key: target.key, data_category: target.data_category }
    }
}

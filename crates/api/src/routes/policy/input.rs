use model::FidesKey;
use privacy::policy_book::{
    DrpWord, PolicyChange, PolicyContent, PolicyDraft, RuleDraft, RuleWord, TargetDraft,
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Approval, RuleMasking};
use utoipa::ToSchema;

use crate::bulk::Element;
use crate::text::{Text, sent};
use crate::{ApiError, Invalid};

/// A policy to be made, or what one is from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct PolicyInput {
    /// Its name, unique.
    #[schema(value_type = String)]
    name: Text,
    /// Its key, unique; made of the name if there is none.
    #[schema(value_type = Option<String>)]
    key: Option<FidesKey>,
    /// Gives a new policy one rule that does this.
    action_type: Option<RuleActionInput>,
    /// The rules of a new policy.
    rules: Option<Vec<RuleInput>>,
    /// What it answers in the Data Rights Protocol.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<DrpInput>)]
    drp_action: Option<Option<DrpInput>>,
    /// Days that a request may take.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<u16>)]
    execution_timeframe: Option<Option<u16>>,
    /// Who approves the plans made with it; if it is not said, nobody for a new policy, and as it was
    /// for others.
    approval: Option<PolicyApprovalInput>,
    /// When its rules apply: `{field_address, operator, value}`, or `{logical_operator, conditions}` over
    /// several. What is not known of a request is never met.
    #[serde(default, deserialize_with = "sent")]
    #[schema(value_type = Option<Object>)]
    conditions: Option<Option<Value>>,
}

/// Who approves plans.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PolicyApprovalInput {
    /// A person.
    Person,
    /// Nobody, within the limits.
    Automatic,
}

/// A rule to be made, or what one is from now on.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct RuleInput {
    /// Its name.
    #[schema(value_type = String)]
    name: Text,
    /// Its key, unique over all policies; made of the name if there is none.
    #[schema(value_type = Option<String>)]
    key: Option<FidesKey>,
    /// What it does.
    action_type: RuleActionInput,
    /// Key of the place that takes its packages; access rules only.
    storage_destination_key: Option<String>,
    /// How it masks; needed by erasure rules.
    masking_strategy: Option<MaskingInput>,
    /// Its targets, when it is made with its policy.
    targets: Option<Vec<TargetInput>>,
}

/// How a rule masks.
#[derive(Debug, Deserialize, ToSchema)]
struct MaskingInput {
    /// The strategy's name.
    strategy: String,
    /// Its configuration.
    #[schema(value_type = Object)]
    configuration: serde_json::Map<String, Value>,
}

/// A target to be made, or what changes in one.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct TargetInput {
    /// Its name.
    #[schema(value_type = Option<String>)]
    name: Option<Text>,
    /// Its key, unique over all rules; made of rule and category if there is none.
    #[schema(value_type = Option<String>)]
    key: Option<FidesKey>,
    /// A data category, with everything below it.
    data_category: String,
}

/// What rules do.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RuleActionInput {
    Access,
    Consent,
    Erasure,
    /// Allows requests to have data corrected.
    Rectification,
    /// Known and refused.
    Update,
}

/// What the Data Rights Protocol asks for; all but the first two are known and refused.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
enum DrpInput {
    #[serde(rename = "access")]
    Access,
    #[serde(rename = "deletion")]
    Deletion,
    #[serde(rename = "sale:opt_out")]
    SaleOptOut,
    #[serde(rename = "sale:opt_in")]
    SaleOptIn,
    #[serde(rename = "access:categories")]
    AccessCategories,
    #[serde(rename = "access:specific")]
    AccessSpecific,
}

/// Refuses policies that say twice what they do.
pub(super) fn exclusive(elements: &[Element<PolicyInput>]) -> Result<(), ApiError> {
    let twice = |policy: &PolicyInput| policy.action_type.is_some() && policy.rules.is_some();
    let wrong: Vec<Invalid> = elements
        .iter()
        .enumerate()
        .filter(|(_, element)| twice(&element.input))
        .map(|(position, _)| {
            let loc = vec![json!("body"), json!(position)];
            Invalid::new("value_error", loc, "Provide either 'action_type' or 'rules', not both.")
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(ApiError::Invalid(wrong)) }
}

impl PolicyInput {
    pub(super) fn draft(self) -> PolicyDraft {
        let content = match (self.action_type, self.rules) {
            (_, Some(rules)) => PolicyContent::Rules(rules.into_iter().map(RuleInput::draft).collect()),
            (Some(action), None) => PolicyContent::Action(action.word()),
            (None, None) => PolicyContent::Nothing,
        };
        PolicyDraft {
            key: self.key,
            name: self.name.0,
            drp_action: change(self.drp_action.map(|action| action.map(DrpInput::word))),
            execution_timeframe: change(self.execution_timeframe.map(|days| days.map(u32::from))),
            approval: self.approval.map(|approval| match approval {
                PolicyApprovalInput::Person => Approval::Person,
                PolicyApprovalInput::Automatic => Approval::Automatic,
            }),
            conditions: change(self.conditions),
            content,
        }
    }
}

impl RuleInput {
    pub(super) fn draft(self) -> RuleDraft {
        let masking = self.masking_strategy.map(|masking| RuleMasking {
            strategy: masking.strategy,
            configuration: Value::Object(masking.configuration),
        });
        RuleDraft {
            key: self.key,
            name: self.name.0,
            action: self.action_type.word(),
            storage: self.storage_destination_key,
            masking,
            targets: self.targets.into_iter().flatten().map(TargetInput::draft).collect(),
        }
    }
}

impl TargetInput {
    pub(super) fn draft(self) -> TargetDraft {
        let name = self.name.map(|name| name.0);
        TargetDraft { key: self.key, name, data_category: self.data_category }
    }
}

impl RuleActionInput {
    fn word(self) -> RuleWord {
        match self {
            Self::Access => RuleWord::Access,
            Self::Consent => RuleWord::Consent,
            Self::Erasure => RuleWord::Erasure,
            Self::Rectification => RuleWord::Rectification,
            Self::Update => RuleWord::Update,
        }
    }
}

impl DrpInput {
    fn word(self) -> DrpWord {
        match self {
            Self::Access => DrpWord::Access,
            Self::Deletion => DrpWord::Deletion,
            Self::SaleOptOut => DrpWord::SaleOptOut,
            Self::SaleOptIn => DrpWord::SaleOptIn,
            Self::AccessCategories => DrpWord::AccessCategories,
            Self::AccessSpecific => DrpWord::AccessSpecific,
        }
    }
}

/// Absent keeps, `null` clears.
fn change<T>(sent: Option<Option<T>>) -> PolicyChange<T> {
    match sent {
        None => PolicyChange::Keep,
        Some(None) => PolicyChange::Clear,
        Some(Some(value)) => PolicyChange::Set(value),
    }
}

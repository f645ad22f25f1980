//! The policies that a server keeps: how they are made and changed, and what is refused
//! (privacy-requests 13).

mod change;
mod defaults;
mod draft;
mod error;
mod target;

pub use draft::{DrpWord, PolicyChange, PolicyContent, PolicyDraft, RuleDraft, RuleWord, TargetDraft};
pub use error::{Model, PolicyError};

use std::collections::HashMap;
use std::sync::Arc;

use graph::ConditionTree;
use model::FidesKey;
use spec::ActionType;
use spec::dataset_file::MaskingStrategy;
use store::{
    Actor, Approval, Listed, Policy, PolicyRule, PolicyTarget, RuleAction, RuleMasking, StorageDestination,
    Store, StoreError, Window,
};

use crate::configuration::Configuration;

/// How often a change begins again because somebody else changed the same policy.
const ATTEMPTS: u32 = 5;

/// The policies of a store.
#[derive(Debug, Clone)]
pub struct PolicyBook {
    store: Store,
}

/// A policy as runs take it.
#[derive(Debug, Clone, PartialEq)]
pub struct PolicyDocument {
    /// The policy. Its consent rules are left out: nothing is read or written for them.
    pub policy: spec::Policy,
    /// Who approves the plans made with it.
    pub approval: Approval,
    /// When its rules apply; always, if there is nothing.
    pub conditions: Option<ConditionTree>,
}

/// The policy with this key, as it is configured.
///
/// # Errors
/// As [`PolicyBook::get`].
pub(crate) async fn configured(configuration: &Configuration, key: &str) -> Result<Arc<Policy>, PolicyError> {
    let missing = || PolicyError::NoPolicy { key: key.to_owned() };
    // What is no key does not go to the database: not every text may.
    key.parse::<FidesKey>().map_err(|_| missing())?;
    configuration.policy(key).await?.ok_or_else(missing)
}

/// A policy as runs take it.
///
/// # Errors
/// As [`PolicyBook::document`].
pub(crate) fn document_of(policy: &Policy) -> Result<PolicyDocument, PolicyError> {
    if policy.rules.is_empty() {
        return Err(PolicyError::NoRules { key: policy.key.clone() });
    }
    let rules = policy.rules.iter().cloned().filter_map(rule_document).collect();
    let conditions = policy.conditions.as_ref().map(ConditionTree::parse).transpose();
    Ok(PolicyDocument {
        policy: spec::Policy { key: policy.key.clone(), rules },
        approval: policy.approval,
        // They were checked when they were written: another version wrote them.
        conditions: conditions.map_err(PolicyError::Conditions)?,
    })
}

impl PolicyBook {
    /// The policies of `store`.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Policies, the newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn list(&self, window: Window) -> Result<Listed<Policy>, StoreError> {
        self.store.policy_list(window).await
    }

    /// The policy.
    ///
    /// # Errors
    /// [`PolicyError::NoPolicy`].
    pub async fn get(&self, key: &str) -> Result<Policy, PolicyError> {
        let missing = || PolicyError::NoPolicy { key: key.to_owned() };
        // What is no key does not go to the database: not every text may.
        key.parse::<FidesKey>().map_err(|_| missing())?;
        self.store.policy_find(key).await?.ok_or_else(missing)
    }

    /// The places that rules name, by key.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn destinations<'a>(
        &self,
        rules: impl IntoIterator<Item = &'a PolicyRule>,
    ) -> Result<HashMap<String, StorageDestination>, StoreError> {
        let mut destinations = HashMap::new();
        for key in rules.into_iter().filter_map(|rule| rule.storage.as_ref()) {
            if !destinations.contains_key(key)
                && let Some(found) = self.store.storage_find(key).await?
            {
                destinations.insert(key.clone(), found);
            }
        }
        Ok(destinations)
    }

    /// The policy as runs take it.
    ///
    /// # Errors
    /// [`PolicyError::NoPolicy`], and [`PolicyError::NoRules`] for one without rules.
    pub async fn document(&self, key: &str) -> Result<PolicyDocument, PolicyError> {
        document_of(&self.get(key).await?)
    }

    /// Makes a policy with its rules, or changes the one whose key is given; then its rules stay.
    ///
    /// # Errors
    /// [`PolicyError`]; nothing was changed.
    pub async fn put(&self, draft: &PolicyDraft, actor: &Actor) -> Result<Policy, PolicyError> {
        for _ in 0..ATTEMPTS {
            let policy = self.drafted(draft).await?;
            match self.store.policy_put(&policy, actor.clone()).await {
                Err(StoreError::Conflict { what: "policy", .. }) => {}
                written => {
                    written.map_err(|error| change::taken(error, &policy))?;
                    return self.get(&policy.key).await;
                }
            }
        }
        Err(PolicyError::Busy)
    }

    /// Removes a policy with all that belongs to it.
    ///
    /// # Errors
    /// [`PolicyError::NoPolicy`], and [`PolicyError::InUse`] while a request refers to it.
    pub async fn remove(&self, key: &str, actor: &Actor) -> Result<(), PolicyError> {
        let policy = self.get(key).await?;
        match self.store.policy_remove(&policy.key, actor.clone()).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(PolicyError::NoPolicy { key: key.to_owned() }),
            Err(StoreError::Conflict { .. }) => Err(PolicyError::InUse { key: key.to_owned() }),
            Err(error) => Err(error.into()),
        }
    }

    /// A rule of a policy.
    ///
    /// # Errors
    /// [`PolicyError::NoPolicy`], [`PolicyError::NoRule`].
    pub async fn rule(&self, policy: &str, rule: &str) -> Result<PolicyRule, PolicyError> {
        change::rule_of(self.get(policy).await?, rule)
    }

    /// Makes a rule of a policy, or changes the one whose key is given; then its targets stay.
    ///
    /// # Errors
    /// [`PolicyError`]; nothing was changed.
    pub async fn rule_put(
        &self,
        policy: &str,
        draft: &RuleDraft,
        actor: &Actor,
    ) -> Result<PolicyRule, PolicyError> {
        for _ in 0..ATTEMPTS {
            let mut changed = self.get(policy).await?;
            let key = self.rule_into(&mut changed, draft).await?;
            if self.written(&changed, actor).await? {
                return change::rule_of(changed, &key);
            }
        }
        Err(PolicyError::Busy)
    }

    /// Removes a rule of a policy.
    ///
    /// # Errors
    /// [`PolicyError::NoPolicy`], [`PolicyError::NoRule`].
    pub async fn rule_remove(&self, policy: &str, rule: &str, actor: &Actor) -> Result<(), PolicyError> {
        for _ in 0..ATTEMPTS {
            let mut changed = self.get(policy).await?;
            let at = change::position(&changed, rule)?;
            changed.rules.remove(at);
            if self.written(&changed, actor).await? {
                return Ok(());
            }
        }
        Err(PolicyError::Busy)
    }

    /// Makes a target of a rule, or changes the one that the draft means.
    ///
    /// # Errors
    /// [`PolicyError`]; nothing was changed.
    pub async fn target_put(
        &self,
        (policy, rule): (&str, &str),
        draft: &TargetDraft,
        actor: &Actor,
    ) -> Result<PolicyTarget, PolicyError> {
        for _ in 0..ATTEMPTS {
            let mut changed = self.get(policy).await?;
            let at = change::position(&changed, rule)?;
            let target = self.target_into(&mut changed, at, draft).await?;
            change::no_overlap(&changed)?;
            if self.written(&changed, actor).await? {
                return Ok(target);
            }
        }
        Err(PolicyError::Busy)
    }

    /// Removes a target of a rule.
    ///
    /// # Errors
    /// [`PolicyError::NoPolicy`], [`PolicyError::NoRule`], [`PolicyError::NoTarget`].
    pub async fn target_remove(
        &self,
        (policy, rule, target): (&str, &str, &str),
        actor: &Actor,
    ) -> Result<(), PolicyError> {
        for _ in 0..ATTEMPTS {
            let mut changed = self.get(policy).await?;
            let at = change::position(&changed, rule)?;
            let Some(found) = changed.rules.get_mut(at) else { continue };
            let before = found.targets.len();
            found.targets.retain(|known| known.key != target);
            if found.targets.len() == before {
                let [policy, rule, target] = [policy, rule, target].map(str::to_owned);
                return Err(PolicyError::NoTarget { policy, rule, target });
            }
            if self.written(&changed, actor).await? {
                return Ok(());
            }
        }
        Err(PolicyError::Busy)
    }

    /// Writes a changed policy; `false` if somebody else was faster.
    async fn written(&self, policy: &Policy, actor: &Actor) -> Result<bool, PolicyError> {
        match self.store.policy_put(policy, actor.clone()).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict { what: "policy", .. }) => Ok(false),
            Err(error) => Err(change::taken(error, policy)),
        }
    }

    /// The policy that a draft makes, or what it makes of the one that is there.
    async fn drafted(&self, draft: &PolicyDraft) -> Result<Policy, PolicyError> {
        if let Some(key) = &draft.key
            && let Some(found) = self.store.policy_find(key.as_str()).await?
        {
            return Ok(Policy {
                name: draft.name.clone(),
                drp_action: draft.drp_action.over(found.drp_action, DrpWord::supported)?,
                execution_timeframe: draft.execution_timeframe.over(found.execution_timeframe, Ok)?,
                approval: draft.approval.unwrap_or(found.approval),
                conditions: draft.conditions.over_value(found.conditions)?,
                ..found
            });
        }
        self.drafted_new(draft).await
    }

    async fn drafted_new(&self, draft: &PolicyDraft) -> Result<Policy, PolicyError> {
        let key = named_key(draft.key.as_ref(), &draft.name, Model::Policy)?;
        if self.store.policy_find(&key).await?.is_some() {
            return Err(PolicyError::KeyTaken { model: Model::Policy, key });
        }
        let mut policy = Policy {
            key,
            name: draft.name.clone(),
            drp_action: draft.drp_action.over(None, DrpWord::supported)?,
            execution_timeframe: draft.execution_timeframe.over(None, Ok)?,
            approval: draft.approval.unwrap_or(Approval::Automatic),
            conditions: draft.conditions.over_value(None)?,
            rules: Vec::new(),
            version: 0,
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        match &draft.content {
            PolicyContent::Nothing => {}
            PolicyContent::Action(word) => {
                if word.kept().is_none() {
                    return Err(PolicyError::UnsupportedAction { action: word.as_str() });
                }
                let rule = defaults::rule(&policy, *word);
                self.rule_into(&mut policy, &rule).await?;
            }
            PolicyContent::Rules(rules) => {
                for rule in rules {
                    self.rule_into(&mut policy, rule).await?;
                }
            }
        }
        Ok(policy)
    }
}

/// The key that was given, else the one of the name.
fn named_key(key: Option<&FidesKey>, name: &str, model: Model) -> Result<String, PolicyError> {
    let key = key.cloned().or_else(|| FidesKey::from_name(name));
    key.map(FidesKey::into_string).ok_or(PolicyError::NoKey { model })
}

/// A rule as runs take it; `None` for one that they have nothing to do for.
fn rule_document(rule: PolicyRule) -> Option<spec::Rule> {
    let action = match rule.action {
        RuleAction::Access => ActionType::Access,
        RuleAction::Erasure => ActionType::Erasure,
        RuleAction::Rectification => ActionType::Rectification,
        RuleAction::Consent => return None,
    };
    let masks = action == ActionType::Erasure;
    let masking_strategy = rule.masking.filter(|_| masks).map(written_strategy);
    let targets = rule.targets.into_iter().map(|target| target.data_category).collect();
    Some(spec::Rule { key: rule.key, action, targets, masking_strategy, storage_destination: rule.storage })
}

fn written_strategy(masking: RuleMasking) -> MaskingStrategy {
    MaskingStrategy { strategy: masking.strategy, configuration: masking.configuration }
}

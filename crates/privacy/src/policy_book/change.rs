use graph::{Strategy, covers};
use model::FidesKey;
use spec::dataset_file::MaskingStrategy;
use store::{Policy, PolicyRule, RuleAction, StoreError};

use super::{Model, PolicyBook, PolicyError, RuleDraft, RuleWord, named_key, written_strategy};

impl PolicyBook {
    /// Puts a rule into `policy`, and gives its key.
    pub(super) async fn rule_into(
        &self,
        policy: &mut Policy,
        draft: &RuleDraft,
    ) -> Result<String, PolicyError> {
        let action = self.checked_action(draft).await?;
        let key = self.rule_key(policy, draft).await?;
        let at = policy.rules.iter().position(|rule| rule.key == key);
        let consent = |rule: &&PolicyRule| rule.action == RuleAction::Consent && rule.key != key;
        if action == RuleAction::Consent
            && let Some(existing) = policy.rules.iter().find(consent)
        {
            return Err(PolicyError::SecondConsent { existing: existing.key.clone() });
        }
        let mut rule = PolicyRule {
            key: key.clone(),
            name: draft.name.clone(),
            action,
            storage: draft.storage.clone(),
            masking: draft.masking.clone(),
            targets: Vec::new(),
        };
        let at = at.unwrap_or(policy.rules.len());
        if let Some(kept) = policy.rules.get_mut(at) {
            rule.targets = std::mem::take(&mut kept.targets);
            *kept = rule;
        } else {
            policy.rules.push(rule);
        }
        self.known(&draft.targets).await?;
        for target in &draft.targets {
            self.target_into(policy, at, target).await?;
        }
        no_overlap(policy)?;
        Ok(key)
    }

    /// What the rule does, if that can be done with what it names.
    async fn checked_action(&self, draft: &RuleDraft) -> Result<RuleAction, PolicyError> {
        let word: RuleWord = draft.action;
        let action = word.kept().ok_or_else(|| PolicyError::UnsupportedRule { action: word.as_str() })?;
        if action == RuleAction::Erasure {
            if draft.storage.is_some() {
                return Err(PolicyError::StorageOfErasure);
            }
            if draft.masking.is_none() {
                return Err(PolicyError::NoMasking);
            }
        }
        if let Some(masking) = &draft.masking {
            let written: MaskingStrategy = written_strategy(masking.clone());
            Strategy::parse(&written)?;
        }
        if let Some(storage) = &draft.storage {
            let is_key = storage.parse::<FidesKey>().is_ok();
            if !is_key || self.store.storage_find(storage).await?.is_none() {
                return Err(PolicyError::NoStorage { key: storage.clone() });
            }
        }
        Ok(action)
    }

    /// The key of a rule: of one that `policy` has, or of a new one.
    async fn rule_key(&self, policy: &Policy, draft: &RuleDraft) -> Result<String, PolicyError> {
        let key = named_key(draft.key.as_ref(), &draft.name, Model::Rule)?;
        let owner = self.store.policy_key_of_rule(&key).await?;
        // Rules that were put into the policy and are not written yet have no owner in the store.
        let is_own = policy.rules.iter().any(|rule| rule.key == key);
        match owner {
            Some(owner) if owner != policy.key => match &draft.key {
                Some(_) => Err(PolicyError::RuleElsewhere { rule: key }),
                None => Err(PolicyError::KeyTaken { model: Model::Rule, key }),
            },
            Some(_) | None if is_own && (draft.key.is_none() || policy.version == 0) => {
                Err(PolicyError::KeyTaken { model: Model::Rule, key })
            }
            Some(_) | None => Ok(key),
        }
    }
}

/// Where a rule stands in its policy.
pub(super) fn position(policy: &Policy, rule: &str) -> Result<usize, PolicyError> {
    let at = policy.rules.iter().position(|known| known.key == rule);
    at.ok_or_else(|| PolicyError::NoRule { policy: policy.key.clone(), rule: rule.to_owned() })
}

/// A rule out of its policy.
pub(super) fn rule_of(policy: Policy, rule: &str) -> Result<PolicyRule, PolicyError> {
    let missing = PolicyError::NoRule { policy: policy.key, rule: rule.to_owned() };
    policy.rules.into_iter().find(|known| known.key == rule).ok_or(missing)
}

/// Erasure targets of one policy must not cover each other, also across its rules (privacy-requests
/// POL-9).
pub(super) fn no_overlap(policy: &Policy) -> Result<(), PolicyError> {
    let erasing = policy.rules.iter().filter(|rule| rule.action == RuleAction::Erasure);
    let targets = erasing.flat_map(|rule| &rule.targets).map(|target| target.data_category.as_str());
    let mut seen: Vec<&str> = Vec::new();
    for second in targets {
        if let Some(first) = seen.iter().find(|first| covers(first, second) || covers(second, first)) {
            return Err(PolicyError::Overlap { first: (*first).to_owned(), second: second.to_owned() });
        }
        seen.push(second);
    }
    Ok(())
}

/// What it means that the store found something taken that was free a moment ago.
pub(super) fn taken(error: StoreError, policy: &Policy) -> PolicyError {
    match error {
        StoreError::Conflict { what: "policy name", .. } => {
            PolicyError::NameTaken { model: Model::Policy, name: policy.name.clone() }
        }
        StoreError::Conflict { what: "data rights action", .. } => PolicyError::DrpTaken,
        StoreError::Conflict { what: "rule", id, .. } => PolicyError::RuleElsewhere { rule: id },
        StoreError::Conflict { what: "target", id, .. } => PolicyError::TargetElsewhere { target: id },
        StoreError::Conflict { what: "storage", id, .. } => PolicyError::NoStorage { key: id },
        error => PolicyError::Store(error),
    }
}

//! The rules and policies that are made without being spelled out (privacy-requests POL-12, POL-13).

use serde_json::json;
use spec::categories::CATEGORIES;
use store::{Actor, Policy, RuleMasking};

use super::{
    DrpWord, PolicyBook, PolicyChange, PolicyContent, PolicyDraft, PolicyError, RuleDraft, RuleWord,
    TargetDraft,
};

/// Days that a request under a policy of the first start may take.
const DAYS: u32 = 45;

/// Never targeted by default, with all that begins like them.
const EXCEPTED: [&str; 3] = ["user.financial", "user.payment", "user.authorization"];

impl PolicyBook {
    /// Makes the default policies on a store that has had none; says how many.
    ///
    /// # Errors
    /// [`PolicyError`]; some may have been made.
    pub async fn seed(&self, actor: &Actor) -> Result<usize, PolicyError> {
        if !self.store.policy_is_untouched().await? {
            return Ok(0);
        }
        let drafts = [
            seeded(
                "access",
                RuleWord::Access,
                PolicyChange::Set(DrpWord::Access),
                "default_access_policy_rule",
            ),
            seeded(
                "erasure",
                RuleWord::Erasure,
                PolicyChange::Set(DrpWord::Deletion),
                "default_erasure_policy_rule",
            ),
            seeded("consent", RuleWord::Consent, PolicyChange::Clear, "default_consent_rule"),
        ];
        for draft in &drafts {
            match self.put(draft, actor).await {
                // Another process starts at the same time.
                Ok(_)
                | Err(
                    PolicyError::KeyTaken { .. }
                    | PolicyError::NameTaken { .. }
                    | PolicyError::RuleElsewhere { .. }
                    | PolicyError::TargetElsewhere { .. },
                ) => {}
                Err(error) => match &draft.key {
                    Some(key) if self.get(key.as_str()).await.is_ok() => {}
                    Some(_) | None => return Err(error),
                },
            }
        }
        Ok(drafts.len())
    }
}

fn seeded(word: &str, action: RuleWord, drp_action: PolicyChange<DrpWord>, rule: &str) -> PolicyDraft {
    let title = match action {
        RuleWord::Access => "Access",
        RuleWord::Erasure => "Erasure",
        RuleWord::Rectification => "Rectification",
        RuleWord::Consent => "Consent",
        RuleWord::Update => "Update",
    };
    let rule = RuleDraft {
        key: rule.parse().ok(),
        name: format!("Default {title} Rule"),
        action,
        storage: None,
        masking: masking(action),
        targets: targets(action),
    };
    let execution_timeframe = match action {
        RuleWord::Access | RuleWord::Erasure | RuleWord::Rectification => PolicyChange::Set(DAYS),
        RuleWord::Consent | RuleWord::Update => PolicyChange::Clear,
    };
    PolicyDraft {
        key: format!("default_{word}_policy").parse().ok(),
        name: format!("Default {title} Policy"),
        drp_action,
        execution_timeframe,
        approval: None,
        conditions: PolicyChange::Keep,
        content: PolicyContent::Rules(vec![rule]),
    }
}

/// The one rule of a policy that was asked for by its action alone.
pub(super) fn rule(policy: &Policy, action: RuleWord) -> RuleDraft {
    RuleDraft {
        key: format!("{}_rule", policy.key).parse().ok(),
        name: format!("{} Rule", policy.name),
        action,
        storage: None,
        masking: masking(action),
        targets: targets(action),
    }
}

fn masking(action: RuleWord) -> Option<RuleMasking> {
    (action == RuleWord::Erasure)
        .then(|| RuleMasking { strategy: "hmac".to_owned(), configuration: json!({}) })
}

fn targets(action: RuleWord) -> Vec<TargetDraft> {
    match action {
        RuleWord::Access | RuleWord::Erasure | RuleWord::Rectification => {}
        RuleWord::Consent | RuleWord::Update => return Vec::new(),
    }
    let target = |category: &str| TargetDraft { key: None, name: None, data_category: category.to_owned() };
    default_categories().map(target).collect()
}

/// The categories exactly one level below `user`, but for those that need more care.
fn default_categories() -> impl Iterator<Item = &'static str> {
    let one_below = |key: &&str| key.strip_prefix("user.").is_some_and(|rest| !rest.contains('.'));
    let excepted = |key: &&str| EXCEPTED.iter().any(|begin| key.starts_with(begin));
    CATEGORIES.iter().map(|category| category.key).filter(one_below).filter(move |key| !excepted(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: privacy-requests POL-12
    #[test]
    fn default_targets_are_one_level_below_user_without_money_and_passwords() {
        let categories: Vec<&str> = default_categories().collect();

        assert!(categories.contains(&"user.contact") && categories.contains(&"user.name"));
        for wrong in
            ["user", "user.contact.email", "user.financial", "user.payment", "user.authorization", "system"]
        {
            assert!(!categories.contains(&wrong), "{wrong}");
        }
    }
}

use spec::categories;
use store::{Policy, PolicyTarget, TaxonomyKind};

use super::{PolicyBook, PolicyError, TargetDraft};

impl PolicyBook {
    /// Puts a target into the rule at `at`, and gives it back as it is then.
    pub(super) async fn target_into(
        &self,
        policy: &mut Policy,
        at: usize,
        draft: &TargetDraft,
    ) -> Result<PolicyTarget, PolicyError> {
        self.known([draft]).await?;
        let Some(rule) = policy.rules.get_mut(at) else { return Err(PolicyError::Busy) };
        let category = draft.data_category.as_str();
        let of_category = rule.targets.iter().position(|target| target.data_category == category);
        let found = match (&draft.key, of_category) {
            (Some(key), _) => rule.targets.iter().position(|target| target.key == key.as_str()),
            // Neither key nor name: the target of this category, whichever it is.
            (None, Some(at)) if draft.name.is_none() => Some(at),
            (None, _) => None,
        };
        if of_category.is_some() && of_category != found {
            return Err(PolicyError::CategoryTwice { category: category.to_owned(), rule: rule.key.clone() });
        }
        if let Some(target) = found.and_then(|found| rule.targets.get_mut(found)) {
            category.clone_into(&mut target.data_category);
            if let Some(name) = &draft.name {
                target.name.clone_from(name);
            }
            return Ok(target.clone());
        }
        let derived = format!("{}-{category}", rule.key);
        let key = draft.key.as_ref().map_or_else(|| derived.clone(), |key| key.as_str().to_owned());
        let elsewhere = rule.targets.iter().any(|target| target.key == key);
        if elsewhere || self.store.policy_rule_of_target(&key).await?.is_some() {
            return Err(PolicyError::TargetElsewhere { target: key });
        }
        let name = draft.name.clone().unwrap_or(derived);
        let target = PolicyTarget { key, name, data_category: category.to_owned() };
        rule.targets.push(target.clone());
        Ok(target)
    }

    /// Refuses categories that the taxonomy of the store does not have, and names all of them.
    pub(super) async fn known<'a>(
        &self,
        drafts: impl IntoIterator<Item = &'a TargetDraft> + Send,
    ) -> Result<(), PolicyError> {
        let categories = drafts.into_iter().map(|target| target.data_category.as_str());
        let mut unknown: Vec<&str> = categories.filter(|key| !categories::is_known(key)).collect();
        if !unknown.is_empty() {
            let own = self.store.taxonomy_keys(TaxonomyKind::DataCategory).await?;
            unknown.retain(|key| !own.iter().any(|own| own == key));
        }
        if unknown.is_empty() {
            return Ok(());
        }
        Err(PolicyError::UnknownCategories { categories: unknown.into_iter().map(str::to_owned).collect() })
    }
}

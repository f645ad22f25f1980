//! Policies of a project file (privacy-requests 13).

use super::dataset_file::masking_strategy;
use super::{Finding, Lowering};
use crate::categories;
use crate::dataset_file::MaskingStrategy;
use crate::diagnostic::nearest_of;
use crate::project_file::{ActionType, Policy, Rule, StorageDestination};
use crate::raw::{self, ActionWord};

impl Lowering<'_> {
    /// `storage` holds the places that rules may name.
    pub(super) fn policies(
        &mut self,
        sections: Vec<raw::PolicySection>,
        storage: &[StorageDestination],
    ) -> Vec<Policy> {
        let mut policies: Vec<Policy> = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let place = format!("policies[{index}]");
            let key = section.key.unwrap_or_default();
            if !key.is_empty() && policies.iter().any(|known| known.key == key) {
                let message = format!("policy key `{key}` stands here for the second time");
                self.error(
                    &format!("{place}.key"),
                    Finding::new("spec::duplicate_policy", message, "give each policy its own key"),
                );
            }
            let place = format!("{place}.rules");
            let sections = section.rules.unwrap_or_default();
            if sections.is_empty() && self.is_written(&place) {
                let message = format!("policy `{key}` must contain at least one rule");
                let help = "add a rule, as in `{ key: all, action_type: access, targets: [{ data_category: user }] }`";
                self.key_error(&place, Finding::new("spec::no_rules", message, help));
            }
            let rules = self.rules(&place, sections, storage);
            policies.push(Policy { key, rules });
        }
        policies
    }

    fn rules(
        &mut self,
        place: &str,
        sections: Vec<raw::RuleSection>,
        storage: &[StorageDestination],
    ) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut erased: Vec<String> = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let place = format!("{place}[{index}]");
            let key = section.key.unwrap_or_default();
            if !key.is_empty() && rules.iter().any(|known| known.key == key) {
                let message = format!("rule key `{key}` stands here for the second time");
                self.error(
                    &format!("{place}.key"),
                    Finding::new("spec::duplicate_rule", message, "give each rule its own key"),
                );
            }
            let targets: Vec<String> = section
                .targets
                .unwrap_or_default()
                .into_iter()
                .map(|target| target.data_category.unwrap_or_default())
                .collect();
            self.targets(&format!("{place}.targets"), &targets);
            let action = match section.action_type {
                Some(ActionWord::Access) => ActionType::Access,
                Some(ActionWord::Erasure) => ActionType::Erasure,
                Some(ActionWord::Rectification) => ActionType::Rectification,
                None => continue,
            };
            if action == ActionType::Erasure {
                self.overlaps(&format!("{place}.targets"), &targets, &mut erased);
            }
            let masking_strategy = section.masking_strategy.and_then(masking_strategy);
            self.rule_masking(&place, action, masking_strategy.as_ref());
            if let Some(destination) = &section.storage_destination {
                let known = (action == ActionType::Access).then_some(storage);
                self.rule_storage(&format!("{place}.storage_destination"), destination, known);
            }
            rules.push(Rule {
                key,
                action,
                targets,
                masking_strategy,
                storage_destination: section.storage_destination,
            });
        }
        rules
    }

    /// An erasure rule needs a strategy, and the others take none (privacy-requests POL-4).
    fn rule_masking(&mut self, place: &str, action: ActionType, masking: Option<&MaskingStrategy>) {
        let inner = format!("{place}.masking_strategy");
        match (action, masking) {
            (ActionType::Erasure, Some(masking)) => self.masking(&inner, masking),
            (ActionType::Erasure, None) => {
                if !self.was_reported(place, "masking_strategy") {
                    let message = "Erasure Rules must have masking strategies.";
                    let help = "add `masking_strategy: { strategy: null_rewrite }`, or another strategy";
                    let place = if self.is_written(&inner) { inner } else { format!("{place}.action_type") };
                    self.error(&place, Finding::new("spec::no_masking", message, help));
                }
            }
            (ActionType::Access | ActionType::Rectification, Some(_)) => {
                let message = "only an erasure rule masks, and this is none";
                let help = "remove `masking_strategy`, or write `action_type: erasure`";
                self.key_error(&inner, Finding::new("spec::needless_masking", message, help));
            }
            (ActionType::Access | ActionType::Rectification, None) => {}
        }
    }

    /// Only an access rule makes a package (privacy-requests POL-4); for another rule `storage` is
    /// `None`.
    fn rule_storage(&mut self, place: &str, destination: &str, storage: Option<&[StorageDestination]>) {
        let Some(storage) = storage else {
            let message = "only access rules have storage destinations: the others make no package";
            let finding = Finding::new("spec::needless_storage", message, "remove it here");
            self.key_error(place, finding);
            return;
        };
        if !storage.iter().any(|known| known.key == destination) {
            let message = format!("`{destination}` is no entry of `storage`");
            let known = storage.iter().map(|known| known.key.as_str());
            let help = match nearest_of(destination, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add an entry of this key to `storage`, at the top of the file".to_owned(),
            };
            self.error(place, Finding::new("spec::unknown_storage", message, help));
        }
    }

    /// Erasure targets of one policy must not cover each other, also across its rules
    /// (privacy-requests POL-9). `erased` collects them.
    fn overlaps(&mut self, place: &str, targets: &[String], erased: &mut Vec<String>) {
        for (index, target) in targets.iter().enumerate().filter(|(_, target)| !target.is_empty()) {
            if let Some(other) = erased.iter().find(|other| covers(other, target) || covers(target, other)) {
                let message = format!(
                    "Policy rules are invalid, action conflict in erasure rules detected for categories {other} and \
                     {target}"
                );
                let help = "a category stands for everything below it: keep one of the two";
                self.error(
                    &format!("{place}[{index}].data_category"),
                    Finding::new("spec::overlapping_targets", message, help),
                );
            }
            erased.push(target.clone());
        }
    }

    fn targets(&mut self, place: &str, targets: &[String]) {
        if targets.is_empty() && self.is_written(place) {
            self.key_error(
                place,
                Finding::new(
                    "spec::no_targets",
                    "the rule targets no data category",
                    "add categories, as in `[{ data_category: user }]`",
                ),
            );
        }
        for (index, category) in targets.iter().enumerate() {
            if !category.is_empty() && !categories::is_known(category) {
                let message = format!("data category `{category}` is not in the taxonomy");
                let help = match categories::nearest(category) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "see the list of data categories in the reference".to_owned(),
                };
                self.warning(
                    &format!("{place}[{index}].data_category"),
                    Finding::new("spec::lint_unknown_category", message, &help),
                );
            }
        }
    }
}

/// Whether `category` is `target` or below it, segment by segment.
fn covers(target: &str, category: &str) -> bool {
    category.strip_prefix(target).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

use graph::{ErasureRule, Graph, GraphCollection, GraphField, convert, covers, erasure_rules};
use model::CollectionAddress;
use serde_json::Value;
use spec::{ActionType, Policy};

use super::PlanningError;
use crate::plan::{Correction, PlanAction};

/// What is to become of the data, with everything checked that needs no reading.
#[derive(Debug)]
pub(super) enum Goal {
    /// It goes, under these rules.
    Erasure(Vec<ErasureRule>),
    /// These fields get their right values.
    Rectification(Vec<Fix>),
}

/// One field that gets its right value.
pub(super) struct Fix {
    pub(super) address: CollectionAddress,
    pub(super) path: Vec<String>,
    pub(super) value: Value,
    /// The rule that allows it, and the category that it targets.
    pub(super) rule: String,
    pub(super) category: String,
    pub(super) read_only: bool,
}

impl Goal {
    /// What `policy` makes of a request: an erasure, unless there is something to correct.
    pub(super) fn new(
        policy: &Policy,
        corrections: &[Correction],
        graph: &Graph,
    ) -> Result<Self, PlanningError> {
        let action = if corrections.is_empty() { ActionType::Erasure } else { ActionType::Rectification };
        let mut rules = policy.rules.iter().filter(|rule| rule.action == action);
        if rules.next().is_none() {
            let action = if corrections.is_empty() { "erasure" } else { "rectification" };
            return Err(PlanningError::NoRule { key: policy.key.clone(), action });
        }
        if corrections.is_empty() {
            let rules = erasure_rules(policy)
                .map_err(|source| PlanningError::Strategy { key: policy.key.clone(), source })?;
            return Ok(Self::Erasure(rules));
        }
        let mut fixes = Vec::new();
        for correction in corrections {
            fixes.extend(fixes_of(correction, policy, graph)?);
        }
        Ok(Self::Rectification(fixes))
    }

    /// Categories that the goal is about.
    pub(super) fn targets(&self) -> Vec<String> {
        match self {
            Self::Erasure(rules) => rules.iter().flat_map(|rule| rule.targets.iter().cloned()).collect(),
            Self::Rectification(fixes) => fixes.iter().map(|fix| fix.category.clone()).collect(),
        }
    }

    /// What the plan is for.
    pub(super) fn action(&self) -> PlanAction {
        match self {
            Self::Erasure(_) => PlanAction::Erasure,
            Self::Rectification(_) => PlanAction::Rectification,
        }
    }
}

/// A field that corrections give this value.
pub(crate) struct Corrected {
    pub(crate) address: CollectionAddress,
    /// Declared path, with dots.
    pub(crate) field: String,
    pub(crate) value: Value,
}

/// What `corrections` give, for whoever looks whether it is there.
pub(crate) fn corrected(
    policy: &Policy,
    corrections: &[Correction],
    graph: &Graph,
) -> Result<Vec<Corrected>, PlanningError> {
    let mut found = Vec::new();
    for correction in corrections {
        let fixes = fixes_of(correction, policy, graph)?.into_iter().filter(|fix| !fix.read_only);
        found.extend(fixes.map(|fix| Corrected {
            field: fix.path.join("."),
            address: fix.address,
            value: fix.value,
        }));
    }
    Ok(found)
}

/// Every field that `correction` means and the policy allows to correct.
fn fixes_of(correction: &Correction, policy: &Policy, graph: &Graph) -> Result<Vec<Fix>, PlanningError> {
    let field = correction.field.as_str();
    let found = meant(field, graph);
    if found.is_empty() {
        return Err(PlanningError::UnknownField { field: field.to_owned() });
    }
    let allowed = found.into_iter().filter_map(|(collection, path, declared)| {
        let (rule, category) = allowing(policy, &declared.data_categories)?;
        Some(Fix {
            address: collection.address.clone(),
            path,
            value: convert(&correction.value, declared.data_type).unwrap_or_else(|| correction.value.clone()),
            rule,
            category,
            read_only: declared.read_only,
        })
    });
    let allowed: Vec<Fix> = allowed.collect();
    if allowed.is_empty() {
        return Err(PlanningError::FieldNotTargeted { policy: policy.key.clone(), field: field.to_owned() });
    }
    Ok(allowed)
}

/// A field of a collection, with its path.
type Meant<'a> = (&'a GraphCollection, Vec<String>, &'a GraphField);

/// The fields that `text` may mean, by the first form that fits: a field of a collection
/// (`customers.email`, `shop:customers.email`, `shop.customers.email`), a data category, a field of
/// whatever collection has one of this name.
fn meant<'a>(text: &str, graph: &'a Graph) -> Vec<Meant<'a>> {
    let of_collection = fields(graph, |collection, path, _| {
        let (dataset, name) = (collection.address.dataset(), collection.address.collection());
        let path = path.join(".");
        [
            format!("{dataset}:{name}.{path}"),
            format!("{dataset}:{name}:{path}"),
            format!("{dataset}.{name}.{path}"),
            format!("{name}.{path}"),
        ]
        .contains(&text.to_owned())
    });
    if !of_collection.is_empty() {
        return of_collection;
    }
    let of_category = fields(graph, |_, _, field| field.data_categories.iter().any(|one| covers(text, one)));
    if !of_category.is_empty() {
        return of_category;
    }
    fields(graph, |_, path, _| path.join(".") == text)
}

/// The leaves of all collections for which `fits` holds.
fn fields(graph: &Graph, fits: impl Fn(&GraphCollection, &[&str], &GraphField) -> bool) -> Vec<Meant<'_>> {
    let mut found = Vec::new();
    for collection in graph.collections() {
        for (path, field) in collection.all_fields() {
            if field.fields.is_empty() && fits(collection, &path, field) {
                found.push((&**collection, path.into_iter().map(str::to_owned).collect(), field));
            }
        }
    }
    found
}

/// The rule that allows to correct a field of these categories, and the category.
fn allowing(policy: &Policy, categories: &[String]) -> Option<(String, String)> {
    let rules = policy.rules.iter().filter(|rule| rule.action == ActionType::Rectification);
    rules.flat_map(|rule| rule.targets.iter().map(move |target| (rule, target))).find_map(|(rule, target)| {
        let category = categories.iter().find(|category| covers(target, category))?;
        Some((rule.key.clone(), category.clone()))
    })
}

impl std::fmt::Debug for Corrected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Corrected({}, {})", self.address, self.field)
    }
}

impl std::fmt::Debug for Fix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fix({}, {})", self.address, self.path.join("."))
    }
}

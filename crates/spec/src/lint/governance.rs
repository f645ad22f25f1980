//! What the sections `governance` and `activity` get wrong although they break no rule.

mod names;

use model::Effect;

use super::visit::{self, Role};
use super::{Finding, listed};
use crate::connector_file::governance::{
    EntitlementSource, Governance, GrantTarget, HeldGrants, ListedResources, ResourceSource, ResourceType,
    Slug, Trait,
};
use crate::connector_file::{ConnectorFile, Request};

pub(super) use self::names::variables;

/// Ids that say what a kind is, each with its trait.
const TELLING_IDS: &[(&str, Trait, &str)] = &[
    ("user", Trait::User, "user"),
    ("account", Trait::User, "user"),
    ("group", Trait::Group, "group"),
    ("team", Trait::Group, "group"),
    ("role", Trait::Role, "role"),
];

/// The requests of both sections, with what they are for.
pub(super) fn requests(file: &ConnectorFile) -> Vec<(&Request, Role)> {
    let governance = file.governance.iter().flat_map(|section| section.requests());
    let activity = file.activity.iter().map(|section| &section.request);
    governance
        .chain(activity)
        .map(|request| match request.effect {
            Effect::Read => (request, Role::Listing),
            Effect::Write => (request, Role::Access),
        })
        .collect()
}

pub(super) fn lint(file: &ConnectorFile, findings: &mut Vec<Finding>) {
    let Some(governance) = &file.governance else { return };
    for (index, kind) in governance.resource_types.iter().enumerate() {
        let place = format!("governance.resource_types[{index}]");
        lint_traits(governance, kind, &place, findings);
        lint_grants(governance, kind, &place, findings);
        if let ResourceSource::Listed(listed) = &kind.source {
            lint_list(kind, listed, &format!("{place}.list"), findings);
        }
    }
}

/// Without its trait a kind is not shown as what it is, and nobody inherits through a group.
fn lint_traits(governance: &Governance, kind: &ResourceType, place: &str, findings: &mut Vec<Finding>) {
    let told = TELLING_IDS.iter().find(|(id, ..)| *id == kind.id.as_str());
    let told = told.filter(|_| kind.traits.is_empty()).map(|(_, _, word)| *word);
    let passes_on = !kind.traits.contains(&Trait::Group) && passes_on(governance, &kind.id);
    let Some(word) = told.or(passes_on.then_some("group")) else { return };
    let message = if passes_on {
        format!("what a `{}` holds reaches others by `expand`, and it is no group", kind.id)
    } else {
        format!("`{}` has no trait, so it is shown as a plain resource", kind.id)
    };
    findings.push(
        Finding::value(format!("{place}.id"), "spec::lint_kind_without_trait", message)
            .help(format!("add `traits: [{word}]`")),
    );
}

fn passes_on(governance: &Governance, id: &str) -> bool {
    let held = governance.find_type(id).into_iter().flat_map(|kind| &kind.grants);
    let lists = governance.resource_types.iter().flat_map(|kind| &kind.entitlements);
    let mut lists = lists.flat_map(|entitlements| &entitlements.grants);
    held.into_iter().any(|held| !held.expand.is_empty())
        || lists.any(|list| !list.expand.is_empty() && list.principal.types == [id.to_owned()])
}

/// An entitlement that nothing ever says to be held looks as if nobody held it.
fn lint_grants(governance: &Governance, kind: &ResourceType, place: &str, findings: &mut Vec<Finding>) {
    let held: Vec<&HeldGrants> = governance
        .resource_types
        .iter()
        .flat_map(|other| &other.grants)
        .filter(|held| held.resource.types.contains(&kind.id))
        .collect();
    for (index, entitlements) in kind.entitlements.iter().enumerate() {
        if !entitlements.grants.is_empty() {
            continue;
        }
        let is_held =
            held.iter().any(|held| match (&held.target, &entitlements.source, &entitlements.slug) {
                (GrantTarget::From(_), EntitlementSource::Derived { .. }, _) => true,
                (GrantTarget::From(_), EntitlementSource::Static | EntitlementSource::Listed { .. }, _) => {
                    false
                }
                (GrantTarget::Slug(held), _, Slug::Text(own)) => {
                    held.literal_text().is_none_or(|held| held == own)
                }
                (GrantTarget::Slug(_), _, Slug::Computed(_)) => true,
            });
        if !is_held {
            let message = format!("nothing says who holds this entitlement of `{}`", kind.id);
            findings.push(
                Finding::value(format!("{place}.entitlements[{index}].slug"), "spec::lint_never_granted", message)
                    .help("add `grants` to it, or to the kind of its holders; without, it looks as if nobody held it"),
            );
        }
    }
}

fn lint_list(kind: &ResourceType, list: &ListedResources, place: &str, findings: &mut Vec<Finding>) {
    let texts = visit::texts(&list.request);
    let mut placeholders = texts.iter().flat_map(|text| text.template.placeholders());
    if !list.values.is_empty() && !placeholders.any(|placeholder| placeholder.name == "value") {
        let message = format!("the request has no `<value>`, so {} list the same", listed(&list.values));
        findings.push(
            Finding::key(format!("{place}.values"), "spec::lint_unused_values", message)
                .help("write `<value>` where the value belongs, or remove `values`"),
        );
    }
    if !list.profile.is_empty() && kind.traits.is_empty() {
        let message = format!("a profile belongs to a trait, and `{}` has none, so it is not kept", kind.id);
        findings.push(
            Finding::key(format!("{place}.profile"), "spec::lint_profile_without_trait", message)
                .help("add `traits` to the kind, or remove `profile`"),
        );
    }
}

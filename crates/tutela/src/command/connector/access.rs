//! What `show` says about the section `governance`.

use serde::Serialize;
use spec::connector_file::ConnectorFile;
use spec::connector_file::governance::{
    EntitlementSource, Entitlements, Governance, GovernanceWrite, GrantTarget, HeldGrants, ResourceSource,
    ResourceType, Slug,
};

use super::show::line;
use crate::output;
use crate::table::table;

/// Who has access: kinds, entitlements, writes, requirements.
#[derive(Debug, Serialize)]
pub(super) struct AccessShown {
    /// For which connections.
    when: Option<String>,
    /// What the credentials must be allowed to do.
    requires: Option<String>,
    kinds: Vec<KindShown>,
    guards: Vec<String>,
    /// Where events of use are listed.
    activity: Option<String>,
}

#[derive(Debug, Serialize)]
struct KindShown {
    id: String,
    name: String,
    /// Without all of it nothing is shown.
    required: bool,
    read: Vec<String>,
    entitlements: Vec<String>,
    changes: Vec<ChangeShown>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct ChangeShown {
    what: String,
    request: String,
}

pub(super) fn shown(file: &ConnectorFile) -> Option<AccessShown> {
    let governance = file.governance.as_ref()?;
    Some(AccessShown {
        when: governance.when.as_ref().map(|when| when.source().to_owned()),
        requires: governance.requires.clone(),
        kinds: governance.resource_types.iter().map(kind).collect(),
        guards: guards(governance),
        activity: file.activity.as_ref().map(|activity| line(&activity.request)),
    })
}

fn kind(kind: &ResourceType) -> KindShown {
    let mut read = match &kind.source {
        ResourceSource::Listed(listed) => vec![line(&listed.request)],
        ResourceSource::Static(resources) => vec![format!("{} named in the file", resources.len())],
    };
    for entitlements in &kind.entitlements {
        if let EntitlementSource::Listed { request, .. } = &entitlements.source {
            read.push(line(request));
        }
        let lists = entitlements.grants.iter().filter(|list| list.same_list.is_none());
        read.extend(lists.map(|list| line(&list.request)));
    }
    KindShown {
        id: kind.id.clone(),
        name: kind.name.clone(),
        required: kind.required,
        read,
        entitlements: kind.entitlements.iter().map(entitlement).collect(),
        changes: changes(kind),
    }
}

fn entitlement(entitlements: &Entitlements) -> String {
    match (&entitlements.source, &entitlements.slug) {
        (EntitlementSource::Derived { of, .. }, _) => format!("one for each {of}"),
        (EntitlementSource::Listed { .. }, _) => "as listed".to_owned(),
        (EntitlementSource::Static, Slug::Text(slug)) => slug.clone(),
        (EntitlementSource::Static, Slug::Computed(slug)) => slug.source().to_owned(),
    }
}

/// Each change once: `revoke member` by `DELETE /group/<resource.id>/users`.
fn changes(kind: &ResourceType) -> Vec<ChangeShown> {
    let mut changes: Vec<ChangeShown> = Vec::new();
    let mut add = |what: String, write: &GovernanceWrite| {
        let change = ChangeShown { what, request: line(&write.request) };
        if !changes.contains(&change) {
            changes.push(change);
        }
    };
    for entitlements in &kind.entitlements {
        let what = entitlement(entitlements);
        entitlements.grant.iter().for_each(|write| add(format!("grant {what}"), write));
        entitlements.revoke.iter().for_each(|write| add(format!("revoke {what}"), write));
    }
    for held in &kind.grants {
        let what = target(held);
        held.grant.iter().for_each(|write| add(format!("be granted {what}"), write));
        held.revoke.iter().for_each(|write| add(format!("lose {what}"), write));
    }
    if let Some(create) = &kind.create {
        let what = if create.is_account { "create an account" } else { "create" };
        add(what.to_owned(), &create.write);
    }
    kind.delete.iter().for_each(|write| add("delete".to_owned(), write));
    changes
}

fn target(held: &HeldGrants) -> String {
    let on = held.resource.types.join(", ");
    match &held.target {
        GrantTarget::Slug(slug) => match slug.literal_text() {
            Some(slug) => format!("{slug} of {on}"),
            None => format!("entitlements of {on}"),
        },
        GrantTarget::From(_) => format!("entitlements of {on}"),
    }
}

fn guards(governance: &Governance) -> Vec<String> {
    let said = |guard: &spec::connector_file::governance::Guard| format!("{}: {}", guard.id, guard.message);
    governance.guards.iter().map(said).collect()
}

pub(super) fn draw(access: &AccessShown) {
    let kinds = access.kinds.iter().map(|kind| {
        let required = if kind.required { "yes" } else { "no" };
        [kind.id.clone(), required.to_owned(), kind.read.join("\n"), kind.entitlements.join("\n")]
    });
    output::text("\nAccess");
    output::text(&table(["kind", "required", "read", "entitlements"], kinds, &[]));
    let changes = access.kinds.iter().flat_map(|kind| {
        kind.changes.iter().map(|change| [kind.id.clone(), change.what.clone(), change.request.clone()])
    });
    output::text("\nChanges of access");
    output::text(&table(["kind", "change", "request"], changes, &[]));
    if let Some(when) = &access.when {
        output::text(&format!("\naccess where:  {when}"));
    }
    if let Some(requires) = &access.requires {
        output::text(&format!("access needs:  {requires}"));
    }
    for guard in &access.guards {
        output::text(&format!("guard:         {guard}"));
    }
    if let Some(activity) = &access.activity {
        output::text(&format!("activity:      {activity}"));
    }
}

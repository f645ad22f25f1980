use std::collections::{BTreeSet, HashMap};

use spec::Condition;
use spec::connector_file::ConnectorFile;
use spec::connector_file::governance::{
    EntitlementSource, Entitlements, Governance, GrantTarget, HeldGrants, ListedResources, ResourceSource,
    ResourceType, Slug, Trait, TypedId,
};
use spec::expression::Expression;

use crate::recording::place_of_rows;

/// A variable and the keys selected from it.
type Keys = Vec<String>;

/// Place of a list → paths of an answer that a recording keeps as they are (architecture §13.20): what decides which
/// rows there are (conditions, kinds, slugs, statuses), and the names of what is nobody's account. Ids, names of
/// people and everything else that an answer holds is replaced.
pub(crate) fn kept_paths(file: &ConnectorFile) -> HashMap<String, Vec<String>> {
    let Some(governance) = &file.governance else { return HashMap::new() };
    let mut kept: HashMap<String, BTreeSet<String>> = HashMap::new();
    for kind in &governance.resource_types {
        let places = Places { governance, kind };
        let mut add = |place: String, rows: &str, paths: Vec<Keys>| {
            let whole = paths.into_iter().map(|path| joined(rows, &path));
            kept.entry(place).or_default().extend(whole);
        };
        if let ResourceSource::Listed(listed) = &kind.source {
            let paths = places.of_items(listed);
            if let Some(get) = &kind.get {
                add(format!("governance.{}.get", kind.id), &place_of_rows(&get.request), paths.clone());
            }
            add(format!("governance.{}", kind.id), &place_of_rows(&listed.request), paths);
        }
        for entitlements in &kind.entitlements {
            if let EntitlementSource::Listed { request, .. } = &entitlements.source {
                let place = format!("governance.{}.entitlements", kind.id);
                add(place, &place_of_rows(request), of_listed(entitlements));
            }
            for grants in &entitlements.grants {
                let mut paths = item_paths(grants.when.iter().flat_map(Condition::paths));
                paths.extend(
                    places.of_typed(&grants.principal).into_iter().filter_map(|path| below("item", &path)),
                );
                add(format!("governance.{}.grants", kind.id), &place_of_rows(&grants.request), paths);
            }
        }
    }
    kept.into_iter().map(|(place, paths)| (place, paths.into_iter().collect())).collect()
}

/// A kind, among the others.
#[derive(Clone, Copy)]
struct Places<'a> {
    governance: &'a Governance,
    kind: &'a ResourceType,
}

impl Places<'_> {
    /// What is kept of an item of the kind's list.
    fn of_items(self, listed: &ListedResources) -> Vec<Keys> {
        let get = self.kind.get.as_ref().and_then(|get| get.when.as_ref());
        let mut paths = item_paths(listed.when.iter().chain(get).flat_map(Condition::paths));
        if let Some(user) = &listed.user {
            paths.extend(of_expressions([&user.status, &user.account_type]));
        }
        if let Some(parent) = &listed.parent {
            paths.extend(item_paths(parent.resource_type.paths()));
        }
        if !self.is_about_people() {
            paths.extend(of_expressions([&listed.display_name, &listed.description]));
        }
        paths.extend(self.kind.grants.iter().flat_map(|grants| self.of_held(grants)));
        paths
    }

    /// What is kept of the lists in an item that say what it holds.
    fn of_held(self, grants: &HeldGrants) -> Vec<Keys> {
        let each = grants.each.as_ref().and_then(path_of).and_then(|path| below("item", &path));
        let inner = grants.inner.as_ref().and_then(path_of);
        let inner =
            inner.zip(each.clone()).and_then(|(path, each)| Some([each, below("each", &path)?].concat()));
        let mut looked_at: Vec<Keys> = grants.when.iter().flat_map(Condition::paths).collect();
        looked_at.extend(self.of_typed(&grants.resource));
        if let GrantTarget::Slug(slug) = &grants.target {
            looked_at.extend(slug.paths());
        }
        let in_item = looked_at.into_iter().filter_map(|path| {
            let within =
                |name: &str, base: &Option<Keys>| Some([base.clone()?, below(name, &path)?].concat());
            below("item", &path).or_else(|| within("each", &each)).or_else(|| within("inner", &inner))
        });
        in_item.collect()
    }

    /// The kind, and the id if it can only be that of a resource which the file names.
    fn of_typed(self, typed: &TypedId) -> Vec<Keys> {
        let mut paths = typed.resource_type.paths();
        let is_named = |id: &String| {
            let source = self.governance.find_type(id).map(|kind| &kind.source);
            matches!(source, Some(ResourceSource::Static(_)))
        };
        if !typed.types.is_empty() && typed.types.iter().all(is_named) {
            paths.extend(typed.id.paths());
        }
        paths
    }

    /// Accounts, and what becomes one.
    fn is_about_people(self) -> bool {
        let invites = self.kind.create.as_ref().is_some_and(|create| create.is_account);
        invites || self.kind.traits.contains(&Trait::User)
    }
}

/// What is kept of an entitlement that is listed.
fn of_listed(entitlements: &Entitlements) -> Vec<Keys> {
    let mut paths = match &entitlements.slug {
        Slug::Computed(slug) => item_paths(slug.paths()),
        Slug::Text(_) => Vec::new(),
    };
    paths.extend(of_expressions([&entitlements.text.display_name, &entitlements.text.description]));
    paths
}

fn of_expressions<const N: usize>(expressions: [&Option<Expression>; N]) -> Vec<Keys> {
    item_paths(expressions.into_iter().flatten().flat_map(Expression::paths))
}

fn item_paths(paths: impl IntoIterator<Item = Keys>) -> Vec<Keys> {
    paths.into_iter().filter_map(|path| below("item", &path)).collect()
}

/// What is selected from a variable, if it is that one.
fn below(name: &str, path: &[String]) -> Option<Keys> {
    path.split_first().filter(|(root, _)| *root == name).map(|(_, keys)| keys.to_vec())
}

/// The one path that an expression is about.
fn path_of(expression: &Expression) -> Option<Keys> {
    match expression.paths().as_slice() {
        [path] => Some(path.clone()),
        _ => None,
    }
}

/// A path as recordings write it: a dot within a key has a backslash before it.
fn joined(rows: &str, path: &[String]) -> String {
    let keys = path.iter().map(|key| key.replace('\\', "\\\\").replace('.', "\\."));
    let keys: Vec<String> = (!rows.is_empty()).then(|| rows.to_owned()).into_iter().chain(keys).collect();
    keys.join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(connector: &str) -> HashMap<String, Vec<String>> {
        let source = spec::library::find(connector).unwrap().connector;
        kept_paths(&spec::check_connector(&source, &spec::CheckOptions::default()).value.unwrap())
    }

    #[test]
    fn words_that_decide_are_kept_and_nothing_of_people() {
        let segment = kept("segment");
        let of = |place: &str| segment[place].iter().map(String::as_str).collect::<Vec<_>>();

        assert_eq!(
            of("governance.user"),
            [
                "data.users.permissions.resources.labels.key",
                "data.users.permissions.resources.labels.value",
                "data.users.permissions.resources.type",
            ]
        );
        assert_eq!(of("governance.role"), ["data.roles.description", "data.roles.name"]);
        assert_eq!(of("governance.invite"), Vec::<&str>::new());
    }

    #[test]
    fn ids_are_kept_only_where_the_file_names_what_they_are_of() {
        let pagerduty = kept("pagerduty");

        assert_eq!(pagerduty["governance.user"], ["users.invitation_sent", "users.role"]);
        assert_eq!(pagerduty["governance.team.grants"], ["members.role"]);
        assert!(pagerduty["governance.team"].contains(&"teams.name".to_owned()));
        let github = kept("github");
        assert_eq!(github["governance.user"], ["type"]);
        assert_eq!(github["governance.team.grants"], ["inherited"]);
        assert_eq!(github["governance.invitation"], Vec::<String>::new());
    }
}

use std::collections::HashSet;

use serde::Serialize;

use super::Explorer;
use crate::ReadError;
use crate::layout::Table;

/// What rows of a run name and the run does not hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Resources whose type or parent is missing.
    pub resources: Vec<Finding>,
    /// Entitlements whose resource or its type is missing.
    pub entitlements: Vec<Finding>,
    /// Grants that name something missing: they dangle.
    pub grants: Vec<Finding>,
}

/// A row that names something missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the row.
    pub id: String,
    /// What is missing, in words.
    pub cause: String,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// Something that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What it would be.
    pub kind: MissingKind,
    /// Its id, as the row names it.
    pub id: String,
}

/// What something missing would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingKind {
    /// The entitlement of a grant.
    Entitlement,
    /// The resource of a grant or entitlement.
    Resource,
    /// The type of a resource.
    ResourceType,
    /// Who holds a grant.
    Principal,
    /// The type of who holds a grant.
    PrincipalType,
    /// The parent of a resource.
    Parent,
}

impl MissingKind {
    fn words(self) -> &'static str {
        match self {
            Self::Entitlement => "entitlement missing",
            Self::Resource => "resource missing",
            Self::ResourceType => "resource type missing",
            Self::Principal => "principal missing",
            Self::PrincipalType => "principal type missing",
            Self::Parent => "parent missing",
        }
    }
}

impl Findings {
    /// Whether nothing is missing.
    pub fn is_clean(&self) -> bool {
        self.resources.is_empty() && self.entitlements.is_empty() && self.grants.is_empty()
    }
}

impl Explorer<'_> {
    /// Looks whether everything that rows name is there. Ids of types, resources and entitlements are in memory
    /// meanwhile.
    pub fn check(&self) -> Result<Findings, ReadError> {
        let mut known = Known::default();
        self.reader.columns(self.run, (Table::ResourceTypes, "external_id"), &mut |[id]| {
            known.types.insert(id.to_owned());
        })?;
        self.reader.columns(self.run, (Table::Entitlements, "external_id"), &mut |[id]| {
            known.entitlements.insert(id.to_owned());
        })?;
        let columns = "resource_type_id, external_id";
        self.reader.columns(self.run, (Table::Resources, columns), &mut |[kind, id]| {
            known.resources.insert((kind.len(), id.to_owned()));
        })?;
        let mut findings = Findings::default();
        let columns = "external_id, resource_type_id, parent_resource_type_id, parent_resource_id";
        self.reader.columns(self.run, (Table::Resources, columns), &mut |[
            id,
            kind,
            parent_type,
            parent,
        ]| {
            let mut row = Looked::at(&known);
            row.resource_type(kind, MissingKind::ResourceType);
            if !parent.is_empty() {
                row.resource(parent_type, parent, MissingKind::Parent);
            }
            findings.resources.extend(row.finding(id));
        })?;
        let columns = "external_id, resource_type_id, resource_id";
        self.reader.columns(self.run, (Table::Entitlements, columns), &mut |[id, kind, resource]| {
            let mut row = Looked::at(&known);
            row.resource(kind, resource, MissingKind::Resource);
            row.resource_type(kind, MissingKind::ResourceType);
            findings.entitlements.extend(row.finding(id));
        })?;
        let columns = "external_id, entitlement_id, resource_type_id, resource_id, \
                       principal_resource_type_id, principal_resource_id";
        self.reader.columns(self.run, (Table::Grants, columns), &mut |[
            id,
            entitlement,
            kind,
            resource,
            principal_type,
            principal,
        ]| {
            let mut row = Looked::at(&known);
            row.entitlement(entitlement);
            row.resource(kind, resource, MissingKind::Resource);
            row.resource_type(kind, MissingKind::ResourceType);
            row.resource(principal_type, principal, MissingKind::Principal);
            row.resource_type(principal_type, MissingKind::PrincipalType);
            findings.grants.extend(row.finding(id));
        })?;
        Ok(findings)
    }
}

/// Ids of a run.
#[derive(Default)]
struct Known {
    types: HashSet<String>,
    /// Length of the type, and type and id joined by a colon: without it they may name another pair.
    resources: HashSet<(usize, String)>,
    entitlements: HashSet<String>,
}

/// A row and what of it was missing so far.
struct Looked<'a> {
    known: &'a Known,
    missing: Vec<Missing>,
}

impl<'a> Looked<'a> {
    fn at(known: &'a Known) -> Self {
        Self { known, missing: Vec::new() }
    }

    fn entitlement(&mut self, id: &str) {
        if !self.known.entitlements.contains(id) {
            self.missing.push(Missing { kind: MissingKind::Entitlement, id: id.to_owned() });
        }
    }

    fn resource(&mut self, resource_type: &str, id: &str, kind: MissingKind) {
        let resource = (resource_type.len(), format!("{resource_type}:{id}"));
        if !self.known.resources.contains(&resource) {
            self.missing.push(Missing { kind, id: resource.1 });
        }
    }

    fn resource_type(&mut self, id: &str, kind: MissingKind) {
        if !self.known.types.contains(id) {
            self.missing.push(Missing { kind, id: id.to_owned() });
        }
    }

    fn finding(self, id: &str) -> Option<Finding> {
        let words: Vec<_> = self.missing.iter().map(|missing| missing.kind.words()).collect();
        let cause = words.join(", ");
        (!cause.is_empty()).then(|| Finding { id: id.to_owned(), cause, missing: self.missing })
    }
}

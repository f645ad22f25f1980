//! Edges between fields (privacy-requests G-4, G-5).

use std::collections::BTreeSet;

use model::{CollectionAddress, FieldAddress};
use spec::reference::{Direction, FieldReference};

use crate::error::BadReference;
use crate::{GraphCollection, GraphError};

/// Where the values of an edge come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// An identity of the person, by kind.
    Identity(String),
    /// A field of another collection.
    Field(FieldAddress),
}

/// Values flow from `source` to the field `target`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Edge {
    /// Where values come from.
    pub source: Source,
    /// The field that receives them.
    pub target: FieldAddress,
}

impl Edge {
    /// The collection that gives the values; `None` for an identity.
    pub fn parent(&self) -> Option<&CollectionAddress> {
        match &self.source {
            Source::Identity(_) => None,
            Source::Field(field) => Some(&field.collection),
        }
    }
}

/// A reference between two collections before its direction is fixed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Link {
    pub(crate) from: FieldAddress,
    pub(crate) to: FieldAddress,
    /// May be used either way; `from` is then the smaller address.
    pub(crate) undirected: bool,
}

/// The seeds of all fields, as (identity kind, field).
pub(crate) fn seeds(collections: &[&GraphCollection]) -> BTreeSet<(String, FieldAddress)> {
    let mut seeds = BTreeSet::new();
    for collection in collections {
        for (path, field) in collection.all_fields() {
            let address = collection.address.field(path.join("."));
            seeds.extend(field.identities.iter().map(|kind| (kind.clone(), address.clone())));
        }
    }
    seeds
}

/// The links of all fields, each once, in a fixed order.
pub(crate) fn links(collections: &[&GraphCollection]) -> Result<BTreeSet<Link>, GraphError> {
    let known: BTreeSet<_> = collections.iter().map(|collection| &collection.address).collect();
    let mut links = BTreeSet::new();
    let mut missing = Vec::new();
    for collection in collections {
        for (path, field) in collection.all_fields() {
            let own = collection.address.field(path.join("."));
            for reference in &field.references {
                let target = address_of(reference);
                if target.collection == own.collection {
                    return Err(GraphError::SelfReference(Box::new(BadReference { from: own, target })));
                }
                if !known.contains(&target.collection) {
                    missing.push(BadReference { from: own.clone(), target });
                    continue;
                }
                links.insert(link(own.clone(), target, reference.direction));
            }
        }
    }
    if missing.is_empty() { Ok(links) } else { Err(GraphError::ReferencesMissing(missing)) }
}

pub(crate) fn address_of(reference: &FieldReference) -> FieldAddress {
    CollectionAddress::new(&reference.dataset, &reference.collection).field(reference.path.join("."))
}

fn link(own: FieldAddress, target: FieldAddress, direction: Direction) -> Link {
    match direction {
        Direction::From => Link { from: target, to: own, undirected: false },
        Direction::To => Link { from: own, to: target, undirected: false },
        Direction::Either => {
            let (from, to) = if own < target { (own, target) } else { (target, own) };
            Link { from, to, undirected: true }
        }
    }
}

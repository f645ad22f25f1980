use std::fmt;

use model::{CollectionAddress, FieldAddress};
use thiserror::Error;

/// Why no graph can be built from connector files, secrets and datasets.
///
/// Every variant is a mistake in files or settings: trying again does not help.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum GraphError {
    /// A param names an external reference that the secrets do not hold (saas-config A46).
    #[error(
        "external reference `{reference}` of `{connector}` not found in connector's secrets; add a secret \
         `{reference}` of the form {{\"dataset\": …, \"field\": …, \"direction\": \"from\"}}"
    )]
    ExternalReferenceMissing {
        /// Key of the connector file.
        connector: String,
        /// Name of the external reference.
        reference: String,
    },
    /// References that point at collections outside the graph (saas-config A47).
    #[error("{}", MissingReferences(.0))]
    ReferencesMissing(Vec<BadReference>),
    /// A collection takes values from itself (saas-config A48).
    #[error("collection self-reference not allowed: `{}` refers to `{}` of its own collection", .0.from, .0.target)]
    SelfReference(Box<BadReference>),
    /// Collections that wait for each other's erasure (saas-config A50).
    #[error(
        "the values for the `erase_after` fields created a cycle in the DAG: {}; remove one of them",
        Names(.members)
    )]
    EraseAfterCycle {
        /// The members of the cycle, sorted.
        members: Vec<CollectionAddress>,
    },
    /// `erase_after` names a collection outside the graph (privacy-requests X-7).
    #[error("`erase_after` of `{collection}` names `{missing}`, which does not exist; correct or remove it")]
    EraseAfterMissing {
        /// The collection that waits.
        collection: CollectionAddress,
        /// What it waits for.
        missing: CollectionAddress,
    },
    /// Two datasets of one key.
    #[error("two datasets have the key `{key}`; give each connection its own key")]
    DuplicateDataset {
        /// The key.
        key: String,
    },
}

/// One reference that cannot be an edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadReference {
    /// The field that refers.
    pub from: FieldAddress,
    /// What it refers to.
    pub target: FieldAddress,
}

struct MissingReferences<'a>(&'a [BadReference]);

impl fmt::Display for MissingReferences<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, missing) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            let dataset = missing.from.collection.dataset();
            write!(f, "Referenced object {} from dataset {dataset} does not exist", missing.target)?;
        }
        f.write_str(" (misspelt, skipped, or of a connection that is not part of the project)")
    }
}

/// Why the graph cannot be walked for a person.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum TraversalError {
    /// `after` can never be satisfied (saas-config A49).
    #[error("Node could not be reached given the specified ordering: [{}]; correct their `after`", Names(.collections))]
    Ordering {
        /// The collections that wait, sorted.
        collections: Vec<CollectionAddress>,
    },
    /// Collections that the policy targets and nothing leads to (privacy-requests T-9).
    #[error("Some nodes were not reachable: {}; give their read requests an identity or a reference", Names(.collections))]
    Unreachable {
        /// The collections, sorted.
        collections: Vec<CollectionAddress>,
    },
}

/// Addresses, separated by commas.
pub(crate) struct Names<'a>(pub(crate) &'a [CollectionAddress]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, address) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            address.fmt(f)?;
        }
        Ok(())
    }
}

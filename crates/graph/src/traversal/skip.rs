use std::collections::BTreeSet;
use std::fmt;

use model::CollectionAddress;

use super::visit;
use crate::Graph;

/// One collection that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its address.
    pub address: CollectionAddress,
    /// Why.
    pub reason: SkipReason,
}

/// Why a collection is not read; neither is an error without a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// Only identities that were not provided lead to it.
    OtherIdentity {
        /// The kinds that would lead there.
        reachable_by: Vec<String>,
        /// The kinds that were provided.
        provided: Vec<String>,
    },
    /// Its rows are found by custom fields of requests, for other ends than reading them
    /// (privacy-requests T-9.2).
    CustomRequestField,
    /// No identity kind and no chain of references leads to it.
    NothingLeadsThere,
}

/// The sentence that logs and reports show; kinds and addresses only.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = &self.address;
        match &self.reason {
            SkipReason::OtherIdentity { reachable_by, provided } => {
                let leading = quoted(reachable_by);
                let noun = if reachable_by.len() == 1 { "identity" } else { "identities" };
                write!(
                    f,
                    "Skipping the \"{address}\" collection, it is reachable by the {leading} {noun} but "
                )?;
                match provided.len() {
                    0 => f.write_str("no identity was provided"),
                    1 => write!(f, "only the {} identity was provided", quoted(provided)),
                    _ => write!(f, "only the {} identities were provided", quoted(provided)),
                }
            }
            SkipReason::CustomRequestField => {
                write!(
                    f,
                    "no identity and no reference leads to \"{address}\", whose rows are looked up by custom \
                     fields of requests, so nothing of it was read"
                )
            }
            SkipReason::NothingLeadsThere => {
                write!(f, "no identity and no reference leads to \"{address}\", so nothing of it was read")
            }
        }
    }
}

fn quoted(kinds: &[String]) -> String {
    let quoted: Vec<_> = kinds.iter().map(|kind| format!("\"{kind}\"")).collect();
    quoted.join(", ")
}

/// What was not visited, with the kinds that alone would lead there (privacy-requests T-9.3).
pub(super) fn skipped(
    graph: &Graph,
    provided: &BTreeSet<&str>,
    visited: &[CollectionAddress],
) -> Vec<Skipped> {
    let visited: BTreeSet<_> = visited.iter().collect();
    let unvisited: Vec<_> = graph.collections.keys().filter(|address| !visited.contains(address)).collect();
    if unvisited.is_empty() {
        return Vec::new();
    }
    // A trial that fails for an ordering reason reaches nothing.
    let trials: Vec<(&str, BTreeSet<CollectionAddress>)> = graph
        .identity_kinds()
        .into_iter()
        .map(|kind| {
            (kind, visit::order(graph, &BTreeSet::from([kind])).unwrap_or_default().into_iter().collect())
        })
        .collect();
    let reason = |address: &CollectionAddress| {
        let leading = trials.iter().filter(|(_, reached)| reached.contains(address));
        let reachable_by: Vec<String> = leading.map(|(kind, _)| (*kind).to_owned()).collect();
        if !reachable_by.is_empty() {
            let provided = provided.iter().map(|kind| (*kind).to_owned()).collect();
            return SkipReason::OtherIdentity { reachable_by, provided };
        }
        let collection = graph.find(address);
        let is_looked_up = collection.is_some_and(|collection| collection.has_custom_request_field());
        if is_looked_up { SkipReason::CustomRequestField } else { SkipReason::NothingLeadsThere }
    };
    unvisited
        .into_iter()
        .map(|address| Skipped { address: address.clone(), reason: reason(address) })
        .collect()
}

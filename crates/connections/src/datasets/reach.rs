//! What identities lead to: in one dataset, and in all of the server.

use std::collections::BTreeSet;

use graph::{Graph, GraphDataset, GraphError, SkipReason, Targets, TraversalError};
use model::{CollectionAddress, Identities};
use store::{ConnectionFilter, Window};

use super::protection::protected_fields;
use super::{DatasetOwner, DatasetRefused, ProtectedField};
use crate::{Connections, DatasetDocument};

/// Whether all of a dataset can be reached, taken by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traversable {
    /// What stands in the way; none: nothing.
    pub obstacle: Option<String>,
}

/// Whether all of a dataset can be reached, in all that the server has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reachability {
    /// Yes.
    Reachable,
    /// No graph can be made of all datasets.
    Broken(String),
    /// These collections of the dataset cannot be reached.
    Unreachable(Vec<CollectionAddress>),
}

/// What a dataset is read with, by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInputs {
    /// Key of the dataset, however the connection calls it.
    pub dataset: String,
    /// Identity kinds, and addresses of fields of other datasets.
    pub names: Vec<String>,
}

/// Stands for the value of an identity: which values there are does not matter here.
const SOME_VALUE: &str = "something";

impl DatasetOwner {
    /// Whether everything of a dataset can be reached from the identities that it uses
    /// (privacy-requests C-15).
    pub fn traversable(&self, document: &DatasetDocument) -> Traversable {
        Traversable { obstacle: self.obstacle(document) }
    }

    /// The fields that an edit of its dataset may not remove.
    pub fn protected_fields(&self) -> Vec<ProtectedField> {
        self.file.as_ref().map(protected_fields).unwrap_or_default()
    }

    fn obstacle(&self, document: &DatasetDocument) -> Option<String> {
        let graph = match self.merged(Some(document)).and_then(|dataset| Graph::build(&[dataset])) {
            Ok(graph) => graph,
            Err(error) => return Some(error.to_string()),
        };
        match graph.traverse(&all_identities(&graph), Targets::Everything) {
            Err(error) => Some(error.to_string()),
            Ok(traversal) => {
                // What custom fields of requests lead to is left out of every graph (privacy-requests T-9).
                let unread = traversal.skipped().iter();
                let unread = unread.filter(|skipped| skipped.reason != SkipReason::CustomRequestField);
                let addresses: Vec<String> = unread.map(|skipped| skipped.address.to_string()).collect();
                (!addresses.is_empty())
                    .then(|| format!("Some nodes were not reachable: {}", addresses.join(", ")))
            }
        }
    }

    /// A dataset with the edges that the connector file adds.
    fn merged(&self, document: Option<&DatasetDocument>) -> Result<GraphDataset, GraphError> {
        let dataset = document.map(|document| &document.dataset);
        match (&self.file, dataset) {
            (Some(file), dataset) => graph::merge(file, dataset, &self.references),
            (None, Some(dataset)) => Ok(GraphDataset::from_dataset(dataset)),
            (None, None) => {
                let fides_key = self.key().to_string();
                Ok(GraphDataset { fides_key, after: Vec::new(), collections: Vec::new() })
            }
        }
    }
}

impl Connections {
    /// Whether all of a connection's dataset can be reached in all that the server has; with a policy,
    /// only what it is about has to be.
    pub async fn dataset_reachability(
        &self,
        owner: &DatasetOwner,
        key: &str,
        policy: Option<&str>,
    ) -> Result<Reachability, DatasetRefused> {
        let dataset = self.dataset_of_link(owner, key).await?;
        let categories = match policy {
            Some(policy) => Some(self.categories_of(policy).await?),
            None => None,
        };
        let graph = match self.all_datasets(owner).await?.and_then(|all| Graph::build(&all)) {
            Ok(graph) => graph,
            Err(error) => return Ok(Reachability::Broken(error.to_string())),
        };
        let targets = categories.as_deref().map_or(Targets::Everything, Targets::Categories);
        let unreachable: Vec<CollectionAddress> = match graph.traverse(&all_identities(&graph), targets) {
            Ok(_) if policy.is_some() => Vec::new(),
            Ok(traversal) => traversal
                .skipped()
                .iter()
                .filter(|skipped| skipped.reason == SkipReason::NothingLeadsThere)
                .map(|skipped| skipped.address.clone())
                .collect(),
            Err(TraversalError::Unreachable { collections }) => collections,
            Err(error) => return Ok(Reachability::Broken(error.to_string())),
        };
        let own: Vec<_> =
            unreachable.into_iter().filter(|address| address.dataset() == dataset.key).collect();
        Ok(if own.is_empty() { Reachability::Reachable } else { Reachability::Unreachable(own) })
    }

    /// What must be given to read a connection's dataset by itself: identity kinds, and fields of other
    /// datasets.
    pub async fn dataset_inputs(
        &self,
        owner: &DatasetOwner,
        key: &str,
    ) -> Result<Result<DatasetInputs, String>, DatasetRefused> {
        let dataset = self.dataset_of_link(owner, key).await?;
        let merged = match owner.merged(DatasetDocument::of_kept(&dataset.body).as_ref()) {
            Ok(merged) => merged,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut inputs = BTreeSet::new();
        for collection in &merged.collections {
            for (_, field) in collection.all_fields() {
                inputs.extend(field.identities.iter().cloned());
                let outside = field.outside_input(&merged.fides_key);
                inputs.extend(outside.map(|field| field.to_string()));
            }
        }
        Ok(Ok(DatasetInputs { dataset: dataset.key, names: inputs.into_iter().collect() }))
    }

    /// The datasets of all connections that are switched on, and of `owner`.
    async fn all_datasets(
        &self,
        owner: &DatasetOwner,
    ) -> Result<Result<Vec<GraphDataset>, GraphError>, DatasetRefused> {
        let all = self.store().connection_list(&ConnectionFilter::default(), Window::ALL).await?;
        let mut datasets = Vec::new();
        for connection in all.items {
            if connection.disabled && connection.key != *owner.key() {
                continue;
            }
            let other = self.owner_of(connection).await?;
            match self.datasets_in_graph(&other).await? {
                Ok(some) => datasets.extend(some),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(Ok(datasets))
    }

    async fn datasets_in_graph(
        &self,
        owner: &DatasetOwner,
    ) -> Result<Result<Vec<GraphDataset>, GraphError>, DatasetRefused> {
        let links = self.store().dataset_link_list(owner.key()).await?;
        let documents: Vec<DatasetDocument> =
            links.iter().filter_map(|(_, dataset)| DatasetDocument::of_kept(&dataset.body)).collect();
        if documents.is_empty() && owner.file.is_some() {
            return Ok(owner.merged(None).map(|dataset| vec![dataset]));
        }
        Ok(documents.iter().map(|document| owner.merged(Some(document))).collect())
    }

    async fn categories_of(&self, policy: &str) -> Result<Vec<String>, DatasetRefused> {
        let absent = || DatasetRefused::NoPolicy { key: policy.to_owned() };
        let policy = self.store().policy_find(policy).await?.ok_or_else(absent)?;
        let rules = policy.rules.into_iter();
        Ok(rules.flat_map(|rule| rule.targets).map(|target| target.data_category).collect())
    }
}

fn all_identities(graph: &Graph) -> Identities {
    let mut identities = Identities::default();
    for kind in graph.identity_kinds() {
        // A text without control characters is never refused.
        let _ = identities.insert(kind, SOME_VALUE.into());
    }
    identities
}

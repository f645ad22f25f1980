//! Joins a connector file with its dataset (saas-config 16).

use std::collections::HashMap;

use model::CollectionAddress;
use spec::connector_file::{ConnectorFile, Endpoint, ParamSource, Postprocessor, Request, Wanted};
use spec::dataset_file::Dataset;
use spec::reference::{FieldReference, ReferenceSource};

use crate::{GraphCollection, GraphDataset, GraphError, GraphField};

/// Joins what a connector file says about edges with what its dataset says about fields.
///
/// `external` holds the fields that the operator chose among the secrets, by name. A dataset of another
/// key is not touched by the file (saas-config 16.4). Without a dataset the collections have param fields only.
///
/// # Errors
/// [`GraphError::ExternalReferenceMissing`] if a read request uses an external reference that is not
/// in `external`.
#[expect(clippy::implicit_hasher, reason = "the map is that of a connection")]
pub fn merge(
    connector: &ConnectorFile,
    dataset: Option<&Dataset>,
    external: &HashMap<String, FieldReference>,
) -> Result<GraphDataset, GraphError> {
    if let Some(other) = dataset.filter(|dataset| dataset.fides_key != connector.fides_key) {
        return Ok(GraphDataset::from_dataset(other));
    }
    let mut merged = dataset.map_or_else(
        || GraphDataset {
            fides_key: connector.fides_key.clone(),
            after: Vec::new(),
            collections: Vec::new(),
        },
        GraphDataset::from_dataset,
    );
    for endpoint in &connector.endpoints {
        let params = ParamFields::of(connector, endpoint, external)?;
        if !params.fields.is_empty() {
            merge_endpoint(&mut merged, connector, endpoint, params);
        }
    }
    Ok(merged)
}

fn merge_endpoint(
    merged: &mut GraphDataset,
    connector: &ConnectorFile,
    endpoint: &Endpoint,
    params: ParamFields,
) {
    let address = CollectionAddress::new(&connector.fides_key, &endpoint.name);
    let known = merged.collections.iter().position(|collection| collection.address == address);
    if endpoint.skip_processing {
        if let Some(position) = known {
            merged.collections.remove(position);
        }
        return;
    }
    let mut collection = match known {
        Some(position) => merged.collections.remove(position),
        None => GraphCollection::empty(address),
    };
    for field in params.fields {
        add_param(&mut collection.fields, field);
    }
    collection.grouped_inputs =
        endpoint.read.first().map(|read| read.grouped_inputs.clone()).unwrap_or_default();
    unite(&mut collection.after, endpoint.after.iter().map(named));
    unite(&mut collection.erase_after, endpoint.erase_after.iter().map(named));
    unite(&mut collection.filter_references, endpoint.read.iter().flat_map(filter_references));
    // Where it stood: the dataset's order first, endpoints without a dataset collection at the end.
    let position = known.unwrap_or(merged.collections.len());
    merged.collections.insert(position, collection);
}

/// The fields that an endpoint's params make, one for each name (saas-config 16.1, 16.3).
struct ParamFields {
    fields: Vec<GraphField>,
}

impl ParamFields {
    fn of(
        connector: &ConnectorFile,
        endpoint: &Endpoint,
        external: &HashMap<String, FieldReference>,
    ) -> Result<Self, GraphError> {
        let only_delete = if endpoint.read.is_empty() { endpoint.delete.as_slice() } else { &[] };
        let mut fields: Vec<GraphField> = Vec::new();
        for param in endpoint.read.iter().chain(only_delete).flat_map(|request| &request.param_values) {
            let mut field = GraphField::named(&param.name);
            match &param.source {
                ParamSource::Identity(kind) => field.identities.push(kind.clone()),
                ParamSource::References(sources) => {
                    field.references = resolve(connector, sources, external)?;
                }
                ParamSource::ConnectorParam(_) => continue,
            }
            add_param(&mut fields, field);
        }
        if let (false, Some(first)) = (only_delete.is_empty(), fields.first_mut()) {
            first.primary_key = true;
        }
        Ok(Self { fields })
    }
}

fn resolve(
    connector: &ConnectorFile,
    sources: &[ReferenceSource],
    external: &HashMap<String, FieldReference>,
) -> Result<Vec<FieldReference>, GraphError> {
    let resolve_one = |source: &ReferenceSource| match source {
        ReferenceSource::Field(reference) => Ok(reference.clone()),
        ReferenceSource::External(name) => {
            external.get(name).cloned().ok_or_else(|| GraphError::ExternalReferenceMissing {
                connector: connector.fides_key.clone(),
                reference: name.clone(),
            })
        }
    };
    sources.iter().map(resolve_one).collect()
}

/// Adds a param's field, or unites its sources and its key mark with the field of that name.
fn add_param(fields: &mut Vec<GraphField>, param: GraphField) {
    match fields.iter_mut().find(|field| field.name == param.name) {
        Some(field) => {
            unite(&mut field.references, param.references);
            unite(&mut field.identities, param.identities);
            field.primary_key |= param.primary_key;
        }
        None => fields.push(param),
    }
}

fn filter_references(request: &Request) -> impl Iterator<Item = FieldReference> {
    request.postprocessors.iter().filter_map(|postprocessor| match postprocessor {
        Postprocessor::Filter(filter) => match &filter.wanted {
            Wanted::DatasetReference(reference) => reference.clone(),
            Wanted::Text(_) | Wanted::Identity(_) => None,
        },
        Postprocessor::Unwrap { .. } | Postprocessor::ExtractForExecutionLog { .. } => None,
    })
}

fn named((dataset, collection): &(String, String)) -> CollectionAddress {
    CollectionAddress::new(dataset, collection)
}

fn unite<T: PartialEq>(list: &mut Vec<T>, more: impl IntoIterator<Item = T>) {
    for item in more {
        if !list.contains(&item) {
            list.push(item);
        }
    }
}

#[cfg(test)]
mod tests;

//! Values out of rows, for requests.

use std::collections::{BTreeMap, HashMap};

use engine::{Gathered, RowsError, SealedRows};
use graph::{DistinctValues, TraversalNode, collect_values};
use model::CollectionAddress;
use serde_json::Value;
use spec::reference::FieldReference;

use super::PlanningError;
use super::deciding::Deciding;
use super::rows::RowStream;

/// What `node` was read with.
pub(super) async fn gathered(
    deciding: &Deciding<'_>,
    node: &TraversalNode,
) -> Result<Gathered, PlanningError> {
    let mut rows: BTreeMap<CollectionAddress, SealedRows> = BTreeMap::new();
    for first in &node.waits_for {
        if let Some(read) = deciding.read(first) {
            rows.insert(first.clone(), read.sealed.clone());
        }
    }
    let (node, identities) = (node.clone(), deciding.person.identities.clone());
    let gathered = tokio::task::spawn_blocking(move || engine::gather(&node, &identities, &rows)).await;
    match gathered {
        Ok(gathered) => Ok(gathered?),
        Err(stopped) => match stopped.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is going down and takes this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

/// All values of `fields` in the rows that were read, each once, in the order read. A field of a
/// collection that was not read has no entry.
pub(super) async fn values_of(
    deciding: &Deciding<'_>,
    fields: &[FieldReference],
) -> Result<HashMap<FieldReference, Vec<Value>>, RowsError> {
    let mut found = HashMap::new();
    for field in fields {
        let Some(read) = deciding.read(&address_of(field)) else { continue };
        let mut values = DistinctValues::default();
        let mut rows = RowStream::new(read.sealed.clone());
        while let Some(page) = rows.next_kept().await? {
            for row in page {
                collect_values(&Value::Object(row), &field.path, &mut |value| values.add(value));
            }
        }
        found.insert(field.clone(), values.into_values());
    }
    Ok(found)
}

/// The collection that a field belongs to.
pub(super) fn address_of(field: &FieldReference) -> CollectionAddress {
    CollectionAddress::new(&field.dataset, &field.collection)
}

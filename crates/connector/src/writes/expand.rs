use model::Row;
use serde_json::Value;
use spec::connector_file::Request;

use crate::inputs::Inputs;
use crate::person::Person;
use crate::postprocessor::{self, PostprocessorContext};
use crate::reading::ReadError;
use crate::response::{Found, look_up, rows as rows_of};

/// A row that a write request is sent for.
#[derive(Clone)]
pub struct SourceRow {
    /// Position of the row of the collection that it comes from; `None` if postprocessors mixed them.
    pub source: Option<usize>,
    /// The row.
    pub row: Row,
}

impl std::fmt::Debug for SourceRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceRow").field("source", &self.source).finish_non_exhaustive()
    }
}

/// The rows that `request` is sent for: with a `data_path` the elements of the array found there, then
/// what its postprocessors make of the list (saas-config 20.6, 20.7). They are masked afterwards.
///
/// A row without the array has no elements: it adds nothing.
///
/// # Errors
/// [`ReadError`] if a postprocessor cannot be applied, or makes something else than rows.
pub fn write_rows(
    request: &Request,
    endpoint: &str,
    rows: Vec<Row>,
    (person, inputs): (&Person, &Inputs),
) -> Result<Vec<SourceRow>, ReadError> {
    let mut expanded = Vec::new();
    for (source, row) in rows.into_iter().enumerate() {
        let Some(path) = &request.data_path else {
            expanded.push(SourceRow { source: Some(source), row });
            continue;
        };
        if let Found::Value(Value::Array(items)) = look_up(path, &Value::Object(row)) {
            let objects = items.iter().filter_map(Value::as_object);
            expanded.extend(objects.map(|row| SourceRow { source: Some(source), row: row.clone() }));
        }
    }
    if request.postprocessors.is_empty() {
        return Ok(expanded);
    }
    let before: Vec<Row> = expanded.iter().map(|row| row.row.clone()).collect();
    let context = PostprocessorContext {
        place: &request.place,
        collection: endpoint,
        identities: &person.identities,
        filter_values: &inputs.filter_values,
    };
    let list = before.iter().cloned().map(Value::Object).collect();
    let data = postprocessor::apply(&request.postprocessors, Value::Array(list), context)?;
    let after =
        rows_of(data).map_err(|source| ReadError::Response { place: request.place.clone(), source })?;
    let source = |row: &Row| {
        let position = before.iter().position(|known| known == row)?;
        expanded.get(position).and_then(|row| row.source)
    };
    Ok(after.into_iter().map(|row| SourceRow { source: source(&row), row }).collect())
}

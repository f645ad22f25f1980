use std::collections::HashMap;

use spec::connector_file::{ConnectorFile, Postprocessor, Request};
use spec::dataset_file::{Dataset, Field};

/// Endpoint → paths of an answer that a recording keeps as they are: fields whose categories are all
/// `system.…` (architecture §13.20). What pages are found by is kept by the connector itself.
pub(crate) fn kept_paths(file: &ConnectorFile, dataset: Option<&Dataset>) -> HashMap<String, Vec<String>> {
    let Some(dataset) = dataset else { return HashMap::new() };
    let of_endpoint = file.endpoints.iter().filter_map(|endpoint| {
        let collection = dataset.collections.iter().find(|collection| collection.name == endpoint.name)?;
        let mut fields = Vec::new();
        collect(&collection.fields, "", &mut fields);
        let kept = endpoint.read.iter().flat_map(|request| {
            let rows = place_of_rows(request);
            fields
                .iter()
                .map(move |field| if rows.is_empty() { field.clone() } else { format!("{rows}.{field}") })
        });
        Some((endpoint.name.clone(), kept.collect()))
    });
    of_endpoint.collect()
}

/// Where the rows of a request are in its answer: `data_path`, then each `unwrap`.
pub(crate) fn place_of_rows(request: &Request) -> String {
    let unwrapped = request.postprocessors.iter().filter_map(|postprocessor| match postprocessor {
        Postprocessor::Unwrap { data_path } => Some(data_path),
        Postprocessor::Filter(_) | Postprocessor::ExtractForExecutionLog { .. } => None,
    });
    let steps: Vec<&str> =
        request.data_path.iter().chain(unwrapped).flat_map(model::Path::segments).collect();
    steps.join(".")
}

fn collect(fields: &[Field], above: &str, kept: &mut Vec<String>) {
    for field in fields {
        let path = if above.is_empty() { field.name.clone() } else { format!("{above}.{}", field.name) };
        let of_system = |category: &String| category == "system" || category.starts_with("system.");
        if !field.fields.is_empty() {
            collect(&field.fields, &path, kept);
        } else if !field.data_categories.is_empty() && field.data_categories.iter().all(of_system) {
            kept.push(path);
        }
    }
}

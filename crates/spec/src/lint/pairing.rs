//! What only shows when connector and dataset are seen together (saas-config 16.9, 20.2, 25.14).

use super::visit::{self, Position};
use super::{Finding, listed};
use crate::categories;
use crate::connector_file::{ConnectorFile, Endpoint, ParamSource, Postprocessor, Request, Wanted};
use crate::dataset_file::{Collection, Dataset, Field};
use crate::source::SourceFile;
use crate::span_index::SpanIndex;

/// Where the collections of a dataset stand in its file, which the checked form has sorted.
pub(super) struct Places {
    dataset: String,
    collections: Vec<(String, String)>,
}

impl Places {
    pub(super) fn of(dataset: &Dataset, source: &SourceFile, spans: &SpanIndex) -> Self {
        let text = |place: &str| {
            spans.find_value(place).map(|span| source.slice(&span).trim_matches(['"', '\'']).to_owned())
        };
        let at = super::items(spans, "dataset")
            .into_iter()
            .find(|place| text(&format!("{place}.fides_key")).as_deref() == Some(&dataset.fides_key))
            .unwrap_or_else(|| "dataset[0]".to_owned());
        let collections = super::items(spans, &format!("{at}.collections"))
            .into_iter()
            .filter_map(|place| Some((text(&format!("{place}.name"))?, place)))
            .collect();
        Self { dataset: at, collections }
    }

    /// The place of a collection's name.
    fn name_of(&self, collection: &str) -> String {
        let found = self.collections.iter().find(|(name, _)| name == collection);
        found.map_or_else(|| format!("{}.collections", self.dataset), |(_, place)| format!("{place}.name"))
    }
}

pub(super) fn lint(file: &ConnectorFile, dataset: &Dataset, places: &Places) -> Vec<Finding> {
    let mut findings = Vec::new();
    for endpoint in file.endpoints.iter().filter(|endpoint| !endpoint.skip_processing) {
        match dataset.collections.iter().find(|collection| collection.name == endpoint.name) {
            Some(collection) => {
                let place = places.name_of(&collection.name);
                findings.extend(lint_erasure(file, endpoint, collection, &place));
                findings.extend(lint_narrowing(endpoint, collection, &place));
            }
            None if feeds_others_only(endpoint) => {}
            None => {
                let message = format!(
                    "no collection describes endpoint `{}`; nothing of it is delivered or masked",
                    endpoint.name
                );
                findings.push(
                    Finding::key(
                        format!("{}.collections", places.dataset),
                        "spec::lint_endpoint_without_collection",
                        message,
                    )
                    .help(format!("add `- name: {}` with the fields that the API returns", endpoint.name)),
                );
            }
        }
    }
    for collection in &dataset.collections {
        if file.find_endpoint(&collection.name).is_none() {
            let message = format!(
                "collection `{}` has no endpoint in the connector file, so nothing reads it",
                collection.name
            );
            let names = file.endpoints.iter().map(|endpoint| endpoint.name.as_str());
            let help = match crate::diagnostic::nearest_of(&collection.name, names) {
                Some(nearest) => format!("did you mean `{nearest}`?"),
                None => "remove it, or add the endpoint".to_owned(),
            };
            findings.push(
                Finding::value(
                    places.name_of(&collection.name),
                    "spec::lint_collection_without_endpoint",
                    message,
                )
                .help(help),
            );
        }
    }
    findings
}

/// An endpoint without any request delivers nothing anyway; the other file says so.
fn feeds_others_only(endpoint: &Endpoint) -> bool {
    endpoint.read.is_empty() && endpoint.delete.is_empty() && endpoint.update.is_empty()
}

fn lint_erasure(
    file: &ConnectorFile,
    endpoint: &Endpoint,
    collection: &Collection,
    place: &str,
) -> Option<Finding> {
    let personal = personal_categories(collection);
    if endpoint.read.is_empty() || personal.is_empty() {
        return None;
    }
    let own = !endpoint.update.is_empty() || !endpoint.delete.is_empty();
    if !own && file.data_protection_request.is_empty() {
        let message = format!(
            "`{}` holds {} and is read, but no request can erase it: its endpoint has neither `update` nor `delete`, \
             and the file no `data_protection_request`",
            collection.name,
            few(&personal),
        );
        let help = "add a request that masks or deletes the rows, or say in the guide why there is none";
        return Some(Finding::value(place, "spec::lint_not_erasable", message).help(help));
    }
    if own && !collection.fields.iter().any(has_primary_key) {
        let message = format!(
            "`{}` has no primary key, so the `update` or `delete` of its endpoint is never sent",
            collection.name
        );
        let help = "mark the field that identifies a row with `fides_meta: {primary_key: true}`";
        return Some(Finding::value(place, "spec::lint_no_primary_key", message).help(help));
    }
    None
}

fn has_primary_key(field: &Field) -> bool {
    field.primary_key || field.fields.iter().any(has_primary_key)
}

/// Categories of a person's data in the collection, each once, in order.
fn personal_categories(collection: &Collection) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut open: Vec<&Field> = collection.fields.iter().rev().collect();
    let mut add = |names: &[String]| {
        for name in names {
            if categories::covers("user", name) && !found.contains(name) {
                found.push(name.clone());
            }
        }
    };
    add(&collection.data_categories);
    while let Some(field) = open.pop() {
        add(&field.data_categories);
        open.extend(field.fields.iter().rev());
    }
    found
}

/// The first three of `names`, and how many there are besides.
fn few(names: &[String]) -> String {
    match names.get(..3).filter(|_| names.len() > 4) {
        Some(first) => {
            let first: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("{} and {} more categories", first.join(", "), names.len() - 3)
        }
        None => listed(names),
    }
}

/// A read that nothing narrows to the person: the rows of everybody would be delivered.
fn lint_narrowing(endpoint: &Endpoint, collection: &Collection, place: &str) -> Option<Finding> {
    let personal = personal_categories(collection);
    if personal.is_empty() || !endpoint.read.iter().any(is_wide) {
        return None;
    }
    let message = format!(
        "`{}` holds {}, but a read request of its endpoint uses no value of the person: the rows of everybody would \
         be delivered",
        collection.name,
        few(&personal),
    );
    let help = "use an identity or a reference in the request, or keep the person's rows with a `filter` postprocessor";
    Some(Finding::value(place, "spec::lint_unnarrowed_read", message).help(help))
}

fn is_wide(request: &Request) -> bool {
    if visit::is_opaque(request) || request.target.is_none() || request.async_config.is_some() {
        return false;
    }
    let personal = |name: &str| {
        request.param_values.iter().any(|value| {
            value.name == name
                && matches!(value.source, ParamSource::Identity(_) | ParamSource::References(_))
        })
    };
    let used = visit::texts(request).iter().any(|text| {
        text.position != Position::Output
            && text.template.placeholders().any(|placeholder| personal(visit::root(placeholder)))
    });
    let filtered = request.postprocessors.iter().any(|postprocessor| match postprocessor {
        Postprocessor::Filter(filter) => match filter.wanted {
            Wanted::Identity(_) | Wanted::DatasetReference(_) => true,
            Wanted::Text(_) => false,
        },
        Postprocessor::Unwrap { .. } | Postprocessor::ExtractForExecutionLog { .. } => false,
    });
    !used && !filtered
}

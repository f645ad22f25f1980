use std::collections::BTreeSet;

use spec::connector_file::{ConnectorFile, ConnectorParam};
use spec::dataset_file::{Dataset, Field};
use spec::template::Template;

/// What a connector can do: for a privacy request (saas-config 3.5), and about who has access.
pub(crate) fn actions(file: &ConnectorFile) -> Vec<&'static str> {
    let access = file.endpoints.iter().any(|endpoint| !endpoint.read.is_empty());
    let erasure = !file.data_protection_request.is_empty()
        || file.endpoints.iter().any(|endpoint| !endpoint.update.is_empty() || !endpoint.delete.is_empty());
    let actions = [
        (access, "access"),
        (erasure, "erasure"),
        (file.consent_requests.is_some(), "consent"),
        (file.governance.is_some(), "governance"),
    ];
    actions.into_iter().filter_map(|(has, action)| has.then_some(action)).collect()
}

/// The hosts that a connector may call: defaults and allowed values in the place of params.
pub(crate) fn hosts(file: &ConnectorFile) -> Vec<String> {
    let of_requests = file.requests().into_iter().filter_map(|request| request.client_config.as_ref());
    let configs = std::iter::once(&file.client_config).chain(of_requests);
    let names: BTreeSet<String> = configs.flat_map(|config| possible(&config.host, file)).collect();
    names.into_iter().collect()
}

fn possible(host: &Template, file: &ConnectorFile) -> Vec<String> {
    let mut placeholders = host.placeholders();
    let only = placeholders
        .next()
        .filter(|first| placeholders.next().is_none() && host.source() == format!("<{}>", first.name));
    let Some(param) = only.and_then(|placeholder| file.find_param(&placeholder.name)) else {
        return vec![host.source().to_owned()];
    };
    values(param).unwrap_or_else(|| vec![host.source().to_owned()])
}

fn values(param: &ConnectorParam) -> Option<Vec<String>> {
    let allowed = param.allowed_values.clone().filter(|allowed| !allowed.is_empty());
    allowed.or_else(|| {
        param.default_value.as_ref().and_then(|value| value.as_str()).map(|text| vec![text.to_owned()])
    })
}

/// The data categories of a dataset, sorted.
pub(crate) fn categories(dataset: &Dataset) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for collection in &dataset.collections {
        all.extend(collection.data_categories.iter().cloned());
        collect(&collection.fields, &mut all);
    }
    all
}

fn collect(fields: &[Field], all: &mut BTreeSet<String>) {
    for field in fields {
        all.extend(field.data_categories.iter().cloned());
        collect(&field.fields, all);
    }
}

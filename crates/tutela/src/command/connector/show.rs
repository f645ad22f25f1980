use std::path::Path;

use serde::Serialize;
use spec::CheckOptions;
use spec::connector_file::{ConnectorFile, ConnectorParam, Endpoint, Request, Required};
use spec::dataset_file::Dataset;

use super::access::{self, AccessShown};
use super::server;
use crate::arguments::Format;
use crate::diagnostics::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::files::{self, ConnectorSources};
use crate::on_server::ServerOption;
use crate::output::{self, Output};
use crate::summary::{actions, categories, hosts};
use crate::table::table;

/// What to show.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  tutela connector show segment_unify
  tutela connector show ./acme/connector.yml --format json
  tutela connector show segment_unify --server https://tutela.example.com")]
pub(crate) struct Show {
    /// Name of a connector in the library, or path of a file or folder; with --server the type of one that the
    /// server offers.
    connector: String,
    #[command(flatten)]
    server: ServerOption,
}

#[derive(Debug, Serialize)]
struct Shown {
    name: String,
    r#type: String,
    version: String,
    description: String,
    guide: Option<String>,
    actions: Vec<&'static str>,
    hosts: Vec<String>,
    params: Vec<Param>,
    endpoints: Vec<Shape>,
    /// Requests that stand for the whole person.
    data_protection_request: Vec<String>,
    /// Who has access, if the file says how that is read.
    access: Option<AccessShown>,
    categories: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Param {
    name: String,
    required: &'static str,
    sensitive: bool,
    default: Option<serde_json::Value>,
    description: Option<String>,
}

#[derive(Debug, Serialize)]
struct Shape {
    name: String,
    read: Vec<String>,
    update: Vec<String>,
    delete: Vec<String>,
}

/// Shows one connector.
pub(crate) fn run(show: &Show, output: Output) -> Result<Exit, Failure> {
    let sources = match show.server.address()? {
        Some(address) => server::template(&show.connector, &address, output)?,
        None => files::find_connector(&show.connector, Path::new(""))?
            .ok_or_else(|| files::no_connector(&show.connector))?,
    };
    let (file, dataset) = check(&sources, output)?;
    let shown = shown(file, dataset.as_ref());
    match output.format() {
        Format::Json => output::json(&shown),
        Format::Table => draw(&shown),
    }
    Ok(Exit::Done)
}

fn check(pair: &ConnectorSources, output: Output) -> Result<(ConnectorFile, Option<Dataset>), Failure> {
    let options = CheckOptions::default();
    let mut checked = spec::check_connector(&pair.connector, &options);
    let mut dataset = None;
    if let Some(source) = &pair.dataset {
        let datasets = spec::check_datasets(source, &options);
        checked.diagnostics.extend(datasets.diagnostics);
        dataset = datasets.value.and_then(|datasets| datasets.into_iter().next());
    }
    match checked.value {
        Some(file) if !checked.diagnostics.has_errors() => Ok((file, dataset)),
        Some(_) | None => {
            let mut sources = Sources::default();
            sources.add(pair.connector.clone());
            pair.dataset.iter().for_each(|dataset| sources.add(dataset.clone()));
            output.diagnostics(&checked.diagnostics, &sources);
            Err(Failure::Shown(Exit::BadInput))
        }
    }
}

fn shown(file: ConnectorFile, dataset: Option<&Dataset>) -> Shown {
    Shown {
        actions: actions(&file),
        hosts: hosts(&file),
        params: file.connector_params.iter().map(|one| param(&file, one)).collect(),
        endpoints: file.endpoints.iter().map(shape).collect(),
        data_protection_request: file.data_protection_request.iter().map(line).collect(),
        access: access::shown(&file),
        categories: dataset.map(categories).unwrap_or_default().into_iter().collect(),
        name: file.name,
        r#type: file.connector_type.to_string(),
        version: file.version,
        description: file.description,
        guide: file.user_guide,
    }
}

fn param(file: &ConnectorFile, param: &ConnectorParam) -> Param {
    let has_default = param.default_value.is_some();
    Param {
        name: param.name.clone(),
        required: match &param.required {
            _ if has_default => "no",
            _ if param.required_for.is_some() => "sometimes",
            Required::Always => "yes",
            Required::Never => "no",
            Required::When(_) => "sometimes",
        },
        sensitive: file.is_secret(&param.name),
        default: param.default_value.clone(),
        description: param.description.clone().or_else(|| param.label.clone()),
    }
}

fn shape(endpoint: &Endpoint) -> Shape {
    Shape {
        name: endpoint.name.clone(),
        read: endpoint.read.iter().map(line).collect(),
        update: endpoint.update.iter().map(line).collect(),
        delete: endpoint.delete.iter().map(line).collect(),
    }
}

/// `GET /v1/people`, or what stands in the place of a call.
pub(super) fn line(request: &Request) -> String {
    match (&request.target, &request.request_override, &request.script) {
        (Some(target), ..) => format!("{} {}", target.method.as_str(), target.path),
        (None, Some(name), _) => format!("override {name}"),
        (None, None, Some(name)) => format!("script {name}"),
        (None, None, None) => "made from its inputs".to_owned(),
    }
}

fn draw(shown: &Shown) {
    output::text(&format!("{} ({}, version {})", shown.name, shown.r#type, shown.version));
    output::text(&shown.description);
    output::text(&format!("\nactions: {}\nhosts:   {}", shown.actions.join(", "), shown.hosts.join(", ")));
    if let Some(guide) = &shown.guide {
        output::text(&format!("guide:   {guide}"));
    }
    let params = shown.params.iter().map(|param| {
        let default = param.default.as_ref().map(plain).unwrap_or_default();
        let secret = if param.sensitive { "yes" } else { "no" };
        [
            param.name.clone(),
            param.required.to_owned(),
            secret.to_owned(),
            default,
            param.description.clone().unwrap_or_default(),
        ]
    });
    output::text("\nWhat a connection supplies");
    output::text(&table(["name", "required", "secret", "default", "meaning"], params, &[]));
    let endpoints = shown.endpoints.iter().map(|shape| {
        let writes: Vec<&str> = shape.update.iter().chain(&shape.delete).map(String::as_str).collect();
        [shape.name.clone(), shape.read.join("\n"), writes.join("\n")]
    });
    output::text("\nCollections");
    output::text(&table(["name", "read", "write"], endpoints, &[]));
    if !shown.data_protection_request.is_empty() {
        output::text(&format!("\nfor the whole person: {}", shown.data_protection_request.join(", ")));
    }
    if let Some(access) = &shown.access {
        access::draw(access);
    }
    if !shown.categories.is_empty() {
        output::text(&format!("\ndata categories: {}", shown.categories.join(", ")));
    }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use model::ConnectionKey;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::connector_file::ConnectorFile;
use crate::dataset_file::Dataset;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lint;
use crate::lower::{self, INSTANCE_KEY, Lowering};
use crate::project_file::Project;
use crate::raw;
use crate::server_file::Server;
use crate::shape::{self, Schema};
use crate::source::SourceFile;
use crate::span_index::SpanIndex;
use crate::yaml::{self, Node};

/// What a check found, and the checked value if it can be used.
#[derive(Debug, Clone)]
#[must_use = "the diagnostics must be shown"]
pub struct Checked<T> {
    /// The value; `Some` only if no diagnostic is an error.
    pub value: Option<T>,
    /// Everything found, sorted by place.
    pub diagnostics: Diagnostics,
}

/// How values are compared with `allowed_values` (saas-config 4.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DomainValidation {
    /// A mismatch is an error.
    Enabled,
    /// A mismatch is a warning.
    #[default]
    Monitor,
    /// Nothing is compared.
    Disabled,
}

/// Settings of a check.
#[derive(Debug, Clone, Default)]
pub struct CheckOptions {
    /// Replaces `<instance_fides_key>`; without it the placeholder stays.
    pub instance_key: Option<ConnectionKey>,
    /// How defaults are compared with host patterns.
    pub domain_validation: DomainValidation,
}

static CONNECTOR_SCHEMA: LazyLock<Schema> = LazyLock::new(compiled::<raw::ConnectorDocument>);
static DATASET_SCHEMA: LazyLock<Schema> = LazyLock::new(compiled::<raw::DatasetDocument>);
static SERVER_SCHEMA: LazyLock<Schema> = LazyLock::new(compiled::<raw::ServerDocument>);
static PROJECT_SCHEMA: LazyLock<Schema> = LazyLock::new(compiled::<raw::ProjectDocument>);

fn compiled<T: JsonSchema>() -> Schema {
    Schema::compile(&raw::schema_of::<T>())
}

/// Checks a connector file: its shape, every rule for such files, and static analysis.
///
/// `<instance_fides_key>` becomes [`CheckOptions::instance_key`] wherever it stands.
pub fn check_connector(source: &SourceFile, options: &CheckOptions) -> Checked<ConnectorFile> {
    let root = match read(source, options) {
        Ok(root) => root,
        Err(diagnostics) => return Checked { value: None, diagnostics },
    };
    if root.tree.find_entry("saas_config").is_none() {
        let message = "the contents of this file do not contain a 'saas_config' key at the top";
        let found = Diagnostic::error(source, root.start(), "spec::no_saas_config", message);
        return root.refused(found.with_help("start the file with `saas_config:`"));
    }
    let spans = SpanIndex::new(Arc::clone(&root.tree), "saas_config");
    let (document, found): (raw::ConnectorDocument, _) = root.fill(source, &CONNECTOR_SCHEMA);
    let mut lowering = Lowering::new(source, &spans, options, found);
    let mut file = lower::lower_connector(&mut lowering, document.saas_config.unwrap_or_default());
    let mut diagnostics = lowering.finish();
    if !diagnostics.has_errors() {
        diagnostics.extend(lint::lint_connector(&file, source, &spans));
    }
    if let Some(governance) = &mut file.governance {
        governance.hand_down_client();
    }
    checked(file, diagnostics)
}

/// Checks a dataset file.
///
/// `<instance_fides_key>` becomes [`CheckOptions::instance_key`] wherever it stands.
pub fn check_datasets(source: &SourceFile, options: &CheckOptions) -> Checked<Vec<Dataset>> {
    let root = match read(source, options) {
        Ok(root) => root,
        Err(diagnostics) => return Checked { value: None, diagnostics },
    };
    let entry = root.tree.find_entry("dataset");
    let empty_list = |node: &Node| node.is_null() || (node.is_list() && node.items().is_empty());
    if entry.is_none_or(|entry| empty_list(&entry.value)) {
        let message = "the contents of this file do not contain a 'dataset' key with a list of datasets";
        let found = Diagnostic::error(source, root.start(), "spec::no_dataset", message);
        return root.refused(found.with_help("start the file with `dataset:` and `- fides_key: …`"));
    }
    let spans = SpanIndex::new(Arc::clone(&root.tree), "");
    let (document, found): (raw::DatasetDocument, _) = root.fill(source, &DATASET_SCHEMA);
    let mut lowering = Lowering::new(source, &spans, options, found);
    let datasets = lower::lower_datasets(&mut lowering, document);
    let mut diagnostics = lowering.finish();
    if !diagnostics.has_errors() {
        diagnostics.extend(lint::lint_datasets(source, &spans));
    }
    checked(datasets, diagnostics)
}

/// Checks what only shows when connector and dataset are seen together (saas-config 25.11, 25.12).
///
/// `source_of_dataset` is the text that `dataset` was read from; places in it are found again.
pub fn check_pair(
    connector: &ConnectorFile,
    dataset: &Dataset,
    source_of_dataset: &SourceFile,
) -> Diagnostics {
    let Some(root) = yaml::parse(source_of_dataset, None).root else { return Diagnostics::default() };
    let mut diagnostics = lower::check_attached(connector, dataset, source_of_dataset, &root);
    if !diagnostics.has_errors() {
        let spans = SpanIndex::new(Arc::new(root), "");
        diagnostics.extend(lint::lint_pair(connector, dataset, source_of_dataset, &spans));
    }
    diagnostics.sort();
    diagnostics
}

/// Checks a project file.
///
/// No message holds a value that stands below `secrets`; draw excerpts from
/// [`SourceFile::redacted`].
pub fn check_project(source: &SourceFile) -> Checked<Project> {
    let options = CheckOptions::default();
    let root = match read(source, &options) {
        Ok(root) => root,
        Err(diagnostics) => return Checked { value: None, diagnostics },
    };
    let spans = SpanIndex::new(Arc::clone(&root.tree), "");
    let (document, found): (raw::ProjectDocument, _) = root.fill(source, &PROJECT_SCHEMA);
    let mut lowering = Lowering::new(source, &spans, &options, found);
    let project = lower::lower_project(&mut lowering, document);
    checked(project, lowering.finish())
}

/// Settings of a server from one place, before they are put together with those of the others.
pub(crate) struct ServerLayer {
    /// What fits, in the types of the format.
    pub(crate) values: Value,
    /// Where it stands; `None` if the text is no YAML.
    pub(crate) spans: Option<SpanIndex>,
    /// The whole, if no key that the server needs is missing.
    pub(crate) server: Option<Server>,
    /// What does not fit.
    pub(crate) diagnostics: Diagnostics,
}

/// Checks the settings of a server that `source` holds; none of them has to be there.
pub(crate) fn check_server_layer(source: &SourceFile) -> ServerLayer {
    let options = CheckOptions::default();
    let root = match read(source, &options) {
        Ok(root) => root,
        Err(diagnostics) => {
            return ServerLayer { values: Value::Null, spans: None, server: None, diagnostics };
        }
    };
    let spans = SpanIndex::new(Arc::clone(&root.tree), "");
    if root.tree.is_null() {
        // Only comments: everything is left to others.
        let diagnostics = root.diagnostics;
        return ServerLayer { values: Value::Null, spans: Some(spans), server: None, diagnostics };
    }
    let values = shape::fit(source, &root.tree, &SERVER_SCHEMA).value;
    let (document, found): (raw::ServerDocument, _) = root.fill(source, &SERVER_SCHEMA);
    let mut lowering = Lowering::new(source, &spans, &options, found);
    let server = lower::lower_server(&mut lowering, document);
    let mut diagnostics = lowering.finish();
    diagnostics.sort();
    ServerLayer { values, spans: Some(spans), server, diagnostics }
}

/// A document that is YAML, with what was found while reading it.
struct Root {
    tree: Arc<Node>,
    diagnostics: Diagnostics,
}

impl Root {
    /// Where the first key stands.
    fn start(&self) -> Range<usize> {
        self.tree.span.start..self.tree.span.start
    }

    fn refused<T>(self, found: Diagnostic) -> Checked<T> {
        let mut diagnostics = self.diagnostics;
        diagnostics.push(found);
        diagnostics.sort();
        Checked { value: None, diagnostics }
    }

    fn fill<T: DeserializeOwned + Default>(self, source: &SourceFile, schema: &Schema) -> (T, Diagnostics) {
        let fitted = shape::fit(source, &self.tree, schema);
        let mut diagnostics = self.diagnostics;
        diagnostics.extend(fitted.diagnostics);
        if let Ok(document) = serde_json::from_value(fitted.value) {
            return (document, diagnostics);
        }
        // Only if schema and type disagree. Saying so beats running half a file.
        let message = "this file cannot be read, although its shape is right: a defect of Tutela";
        let found = Diagnostic::error(source, 0..0, "spec::defect", message);
        diagnostics.push(found.with_help("please report it together with the file"));
        (T::default(), diagnostics)
    }
}

fn read(source: &SourceFile, options: &CheckOptions) -> Result<Root, Diagnostics> {
    let placeholder = options.instance_key.as_ref().map(|key| (INSTANCE_KEY, key.as_str()));
    let parsed = yaml::parse(source, placeholder);
    match parsed.root {
        Some(root) => Ok(Root { tree: Arc::new(root), diagnostics: parsed.diagnostics }),
        None => Err(parsed.diagnostics),
    }
}

fn checked<T>(value: T, mut diagnostics: Diagnostics) -> Checked<T> {
    diagnostics.sort();
    Checked { value: (!diagnostics.has_errors()).then_some(value), diagnostics }
}

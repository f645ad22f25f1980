//! Connector files of the library, from which connections are made.

mod archive;
mod brought;
mod instances;
mod merge;
mod upkeep;
mod version;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use model::ConnectionKey;
use serde_json::Value;
use spec::connector_file::Authentication;
use spec::library::{self, LibraryEntry};
use spec::{CheckOptions, ConnectorFile, DomainValidation, SourceFile, check_connector};
use store::StoredConnector;

use crate::catalogue::{CatalogueEntry, SupportedAction, SystemType};
use crate::{Categories, DatasetDocument};

pub use self::archive::ArchiveError;
pub(crate) use self::archive::Unpacked;
pub use self::brought::TemplateFault;
pub use self::upkeep::{BroughtUp, NotBroughtUp};

/// What stands for the key of the connection in a template.
const PLACEHOLDER: &str = "<instance_fides_key>";

/// One connector of the library.
#[derive(Debug, Clone)]
pub struct Template {
    file: ConnectorFile,
    config: SourceFile,
    dataset: SourceFile,
}

/// A template with the key of a connection filled in.
#[derive(Debug, Clone)]
pub struct Instance {
    /// The checked file.
    pub file: ConnectorFile,
    /// The file as it is kept.
    pub connector: StoredConnector,
    /// Its dataset.
    pub dataset: DatasetDocument,
}

/// Type and version of a template of the library: what is known of it before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateHead {
    pub(crate) connector_type: String,
    pub(crate) version: String,
}

static TEMPLATES: LazyLock<Vec<Template>> =
    LazyLock::new(|| library::library().into_iter().filter_map(Template::of_entry).collect());

impl Template {
    /// All of them, by type.
    pub fn list() -> &'static [Self] {
        &TEMPLATES
    }

    /// Types and versions of all of them, read without checking the files: checks compile scripts and
    /// conditions, and a server that starts wants none of these.
    pub(crate) fn heads() -> Vec<TemplateHead> {
        library::library().iter().filter_map(TemplateHead::of_entry).collect()
    }

    /// The template of a type.
    pub fn find(connector_type: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.connector_type() == connector_type)
    }

    /// The kind of application.
    pub fn connector_type(&self) -> &str {
        self.file.connector_type.as_str()
    }

    /// The checked file; its key is still the placeholder.
    pub fn file(&self) -> &ConnectorFile {
        &self.file
    }

    /// Text of the connector file, YAML.
    pub fn config_text(&self) -> &str {
        self.config.text()
    }

    /// Text of the dataset file, YAML.
    pub fn dataset_text(&self) -> &str {
        self.dataset.text()
    }

    /// The file as data, as [`StoredConnector::document`] holds it.
    pub fn document(&self) -> Option<Value> {
        connector_document(&self.config, &CheckOptions::default(), &self.file)
    }

    /// Scripts that lie beside the file.
    pub fn scripts(&self) -> BTreeMap<String, String> {
        let scripts = self.config.scripts().iter();
        scripts.map(|script| (script.file_name().to_owned(), script.text().to_owned())).collect()
    }

    /// How the catalogue shows it.
    pub fn catalogue_entry(&self) -> CatalogueEntry {
        let authentication = self.file.client_config.authentication.as_ref();
        CatalogueEntry {
            identifier: self.connector_type().to_owned(),
            system_type: SystemType::Saas,
            human_readable: self.file.name.clone(),
            supported_actions: supported_actions(&self.file),
            authorization_required: matches!(
                authentication,
                Some(Authentication::OAuth2AuthorizationCode { .. })
            ),
            user_guide: self.file.user_guide.clone(),
            category: self.file.display.category.clone(),
            tags: self.file.display.tags.clone(),
            is_connector: true,
            is_custom: false,
            has_default: true,
            icon: None,
        }
    }

    /// The template for one connection: both documents with its key. `None` if they do not pass the
    /// checks with it, which the tests of the library rule out.
    pub fn instance(&self, key: &ConnectionKey, domain_validation: DomainValidation) -> Option<Instance> {
        let options = CheckOptions { instance_key: Some(key.clone()), domain_validation };
        let file = check_connector(&self.config, &options).value?;
        let document = connector_document(&self.config, &options, &file)?;
        // Only the first dataset belongs to the instance (saas-config 2.4).
        let dataset =
            DatasetDocument::check(&first_dataset(&self.dataset, &options)?, &Categories::Any).ok()?;
        let connector = stored(&file, document, self.scripts());
        Some(Instance { file, connector, dataset })
    }

    /// `None`, with a line in the log, for a file that no connection can be made from (24.4, 24.5).
    fn of_entry(entry: LibraryEntry) -> Option<Self> {
        let file = check_connector(&entry.connector, &CheckOptions::default()).value;
        let usable = file.filter(|file| file.fides_key == PLACEHOLDER).zip(entry.dataset);
        if usable.is_none() {
            tracing::warn!(connector = entry.name, "connector of the library left out of the templates");
        }
        let (file, dataset) = usable?;
        Some(Self { file, config: entry.connector, dataset })
    }
}

impl TemplateHead {
    fn of_entry(entry: &LibraryEntry) -> Option<Self> {
        entry.dataset.as_ref()?;
        let root = spec::document(&entry.connector, &CheckOptions::default())?;
        let text = |key| root.get("saas_config")?.get(key)?.as_str();
        if text("fides_key")? != PLACEHOLDER {
            return None;
        }
        Some(Self { connector_type: text("type")?.to_owned(), version: text("version")?.to_owned() })
    }
}

/// What the format derives from the content of a file (saas-config 3.5).
pub fn supported_actions(file: &ConnectorFile) -> Vec<SupportedAction> {
    let reads = file.endpoints.iter().any(|endpoint| !endpoint.read.is_empty());
    let writes = !file.data_protection_request.is_empty()
        || file.endpoints.iter().any(|endpoint| !endpoint.update.is_empty() || !endpoint.delete.is_empty());
    let derived = [
        (SupportedAction::Access, reads),
        (SupportedAction::Erasure, writes),
        (SupportedAction::Consent, file.consent_requests.is_some()),
    ];
    derived.into_iter().filter(|(_, holds)| *holds).map(|(action, _)| action).collect()
}

/// A checked file as it is kept.
pub(crate) fn stored(
    file: &ConnectorFile,
    document: Value,
    scripts: BTreeMap<String, String>,
) -> StoredConnector {
    StoredConnector {
        fides_key: file.fides_key.clone(),
        name: file.name.clone(),
        connector_type: file.connector_type.as_str().to_owned(),
        version: file.version.clone(),
        document,
        scripts,
    }
}

/// What stands below `saas_config`, with the type as it counts and every optional key at the top.
pub(crate) fn connector_document(
    source: &SourceFile,
    options: &CheckOptions,
    file: &ConnectorFile,
) -> Option<Value> {
    let Some(Value::Object(mut root)) = spec::document(source, options) else { return None };
    let Some(Value::Object(mut document)) = root.remove("saas_config") else { return None };
    document.insert("type".to_owned(), file.connector_type.as_str().into());
    for key in OPTIONAL_KEYS {
        document.entry(*key).or_insert(Value::Null);
    }
    Some(Value::Object(document))
}

/// A connector file with this key filled in, checked, and as a server keeps it; `None` if it does not
/// pass.
pub fn kept_form(
    source: &SourceFile,
    key: &ConnectionKey,
    domain_validation: DomainValidation,
) -> Option<(ConnectorFile, Value)> {
    let options = CheckOptions { instance_key: Some(key.clone()), domain_validation };
    let file = check_connector(source, &options).value?;
    let document = connector_document(source, &options, &file)?;
    Some((file, document))
}

/// Keys that clients expect even where a file leaves them out.
const OPTIONAL_KEYS: &[&str] = &[
    "external_references",
    "data_protection_request",
    "rate_limit_config",
    "consent_requests",
    "user_guide",
    "display_info",
];

fn first_dataset(source: &SourceFile, options: &CheckOptions) -> Option<Value> {
    let Some(Value::Object(mut root)) = spec::document(source, options) else { return None };
    match root.remove("dataset")? {
        Value::Array(datasets) => datasets.into_iter().next(),
        one => Some(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connector_of_the_library_is_a_template() {
        let missing: Vec<&str> = library::library()
            .iter()
            .filter(|entry| {
                !Template::list().iter().any(|known| known.config_text() == entry.connector.text())
            })
            .map(|entry| entry.name)
            .collect();

        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn heads_are_those_of_the_checked_templates() {
        let checked = Template::list().iter().map(|template| TemplateHead {
            connector_type: template.connector_type().to_owned(),
            version: template.file().version.clone(),
        });

        assert_eq!(Template::heads(), checked.collect::<Vec<_>>());
    }

    #[test]
    fn an_instance_has_the_key_in_both_documents_and_nowhere_the_placeholder() {
        let key: ConnectionKey = "primary_mailchimp".parse().unwrap();

        for template in Template::list() {
            let instance = template.instance(&key, DomainValidation::Enabled).unwrap();

            assert_eq!(instance.connector.fides_key, "primary_mailchimp");
            assert_eq!(instance.dataset.document["fides_key"], "primary_mailchimp");
            assert!(instance.dataset.refused_overrides.is_empty());
            let kept = instance.connector.document.to_string() + &instance.dataset.to_kept().body;
            assert!(!kept.contains(PLACEHOLDER));
        }
    }

    #[test]
    fn what_is_kept_of_an_instance_reads_again_as_the_same_connector() {
        let key: ConnectionKey = "okta_1".parse().unwrap();
        let template = Template::find("okta").unwrap();
        let instance = template.instance(&key, DomainValidation::Enabled).unwrap();

        let again = crate::read_connector(&key, &instance.connector, DomainValidation::Enabled).unwrap();

        assert!(!instance.connector.scripts.is_empty());
        assert_eq!(format!("{:?}", again.endpoints), format!("{:?}", instance.file.endpoints));
        assert_eq!(again.connector_type, instance.file.connector_type);
    }

    // rule: saas-config 3.5
    #[test]
    fn actions_come_from_the_content() {
        let actions = |name| supported_actions(Template::find(name).unwrap().file());

        assert!(actions("stripe").contains(&SupportedAction::Access));
        assert!(actions("segment").contains(&SupportedAction::Erasure));
        assert!(!actions("segment").contains(&SupportedAction::Consent));
    }
}

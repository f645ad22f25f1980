use baton::description;
use baton::flag::ConnectorFields;
use connections::{connector_source, read_connector};
use model::ConnectionKey;
use spec::connector_file::ConnectorFile;
use spec::{CheckOptions, DomainValidation};
use store::{StoredConnection, StoredConnector};

/// Where the connector file of a connection lies, if the program does not bring it along.
pub(super) const FOLDER: &str = "/etc/tutela/connector";

/// How the connector of a connection is started.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Started {
    /// The words of the command line after `baton`.
    pub(super) words: Vec<String>,
    /// What it needs to reach its application: name of a variable, and what it is.
    pub(super) variables: Vec<(String, String)>,
    /// Files that lie in [`FOLDER`]: name and text.
    pub(super) files: Vec<(String, String)>,
}

impl Started {
    /// By the connector file that the connection has, or by its key; one that is not known is left to be named.
    pub(super) fn of(connection: &StoredConnection) -> Self {
        let key = &connection.key;
        let name = connection.connector.as_ref().map_or(key.as_str(), |own| own.connector_type.as_str());
        if let Some(file) = of_library(name, key) {
            return Self { words: vec![name.to_owned()], variables: variables(&file), files: Vec::new() };
        }
        match &connection.connector {
            Some(own) => Self {
                words: vec!["--connector".to_owned(), format!("{FOLDER}/connector.yml")],
                variables: read_connector(key, own, DomainValidation::Disabled)
                    .map(|file| variables(&file))
                    .unwrap_or_default(),
                files: files(own),
            },
            None => Self { words: vec!["<name of a connector>".to_owned()], ..Self::default() },
        }
    }
}

/// The file of the library, if it says who has access.
fn of_library(name: &str, key: &ConnectionKey) -> Option<ConnectorFile> {
    let options =
        CheckOptions { instance_key: Some(key.clone()), domain_validation: DomainValidation::Disabled };
    let checked = spec::check_connector(&spec::library::find(name)?.connector, &options);
    checked.value.filter(|file| file.governance.is_some())
}

/// Those that it cannot do without, under the oldest of their names: it is the one in use.
fn variables(file: &ConnectorFile) -> Vec<(String, String)> {
    let Ok(fields) = ConnectorFields::of(file) else { return Vec::new() };
    let asked = description::configuration(&fields).fields;
    let needed = asked.iter().filter(|field| field.is_required);
    let variable = |name: &str| {
        let flag = fields.fields.iter().map(|field| &field.flag).find(|flag| flag.name == name)?;
        flag.variables().pop()
    };
    needed.filter_map(|field| Some((variable(&field.name)?, field.display_name.clone()))).collect()
}

fn files(own: &StoredConnector) -> Vec<(String, String)> {
    let text = connector_source(own).text().to_owned();
    let scripts = own.scripts.iter().map(|(name, text)| (name.clone(), text.clone()));
    std::iter::once(("connector.yml".to_owned(), text)).chain(scripts).collect()
}

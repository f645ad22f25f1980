//! Every type of connection that can be made: what comes with the program, and the connector library.

use spec::DatabaseKind;

use crate::connection_type::ConnectionType;

/// What kind of thing a type of connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SystemType {
    DataCatalog,
    Database,
    Email,
    Manual,
    Saas,
    Service,
    System,
    Website,
}

/// What can be done for a person through a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SupportedAction {
    /// Their data is collected.
    Access,
    /// Their data is erased.
    Erasure,
    /// Their consent is carried over.
    Consent,
}

/// One type of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts that have nothing to do with each other")]
pub struct CatalogueEntry {
    /// Name of the type: of a built-in one, or of a connector.
    pub identifier: String,
    /// Its kind.
    pub system_type: SystemType,
    /// Its name for people.
    pub human_readable: String,
    /// What this version can do through it.
    pub supported_actions: Vec<SupportedAction>,
    /// Whether a person must agree at the vendor's site before it works.
    pub authorization_required: bool,
    /// A page that explains how to set it up.
    pub user_guide: Option<String>,
    /// Shelf of the catalogue.
    pub category: Option<String>,
    /// Words to search by.
    pub tags: Vec<String>,
    /// Whether it comes from a connector file.
    pub is_connector: bool,
    /// Whether the customer brought that file.
    pub is_custom: bool,
    /// Whether the program has one of its own.
    pub has_default: bool,
    /// Its icon, SVG.
    pub icon: Option<String>,
}

/// Which types are asked for.
#[derive(Debug, Clone, Default)]
pub struct CatalogueFilter {
    /// A part of the identifier or of the name, in any case.
    pub search: Option<String>,
    /// Of this kind only.
    pub system_type: Option<SystemType>,
    /// That do at least one of these; empty asks for nothing.
    pub actions: Vec<SupportedAction>,
}

/// The built-in types and these connectors, as far as they fit, by their names for people.
pub(crate) fn catalogue(
    templates: impl IntoIterator<Item = CatalogueEntry>,
    filter: &CatalogueFilter,
) -> Vec<CatalogueEntry> {
    let mut entries: Vec<CatalogueEntry> = templates.into_iter().collect();
    let offered = ConnectionType::ALL.iter().copied().filter(|kind| kind.is_offered()).map(built_in);
    for entry in offered {
        // A connector stands before a built-in type of its name.
        if !entries.iter().any(|known| known.identifier == entry.identifier) {
            entries.push(entry);
        }
    }
    entries.retain(|entry| filter.takes(entry));
    entries.sort_by_cached_key(|entry| (entry.human_readable.to_lowercase(), entry.identifier.clone()));
    entries
}

fn built_in(kind: ConnectionType) -> CatalogueEntry {
    CatalogueEntry {
        identifier: kind.as_str().to_owned(),
        system_type: kind.system_type(),
        human_readable: kind.human_readable().to_owned(),
        supported_actions: kind.supported_actions().to_vec(),
        authorization_required: false,
        user_guide: None,
        category: None,
        tags: Vec::new(),
        is_connector: false,
        is_custom: false,
        has_default: true,
        icon: None,
    }
}

impl CatalogueFilter {
    fn takes(&self, entry: &CatalogueEntry) -> bool {
        let found = self.search.as_ref().is_none_or(|text| {
            let text = text.to_lowercase();
            entry.identifier.to_lowercase().contains(&text)
                || entry.human_readable.to_lowercase().contains(&text)
        });
        let does = || entry.supported_actions.iter().any(|action| self.actions.contains(action));
        found
            && self.system_type.is_none_or(|kind| kind == entry.system_type)
            && (self.actions.is_empty() || does())
    }
}

impl ConnectionType {
    /// Its name for people.
    pub fn human_readable(self) -> &'static str {
        self.described().0
    }

    /// Its kind.
    pub fn system_type(self) -> SystemType {
        self.described().1
    }

    /// What this version can do through it by itself; for `saas` its connector file says it.
    pub fn supported_actions(self) -> &'static [SupportedAction] {
        if self.database().is_some() { &[SupportedAction::Access, SupportedAction::Erasure] } else { &[] }
    }

    /// The database that `datastore` has a driver for.
    pub fn database(self) -> Option<DatabaseKind> {
        match self {
            Self::Postgres | Self::Timescale => Some(DatabaseKind::Postgres),
            Self::MySql | Self::MariaDb => Some(DatabaseKind::MySql),
            Self::Sqlite => Some(DatabaseKind::Sqlite),
            _ => None,
        }
    }

    /// Whether data is read from it by a program, in this version or another: not by a person, not by
    /// mail, not for a catalogue of what there is.
    pub fn is_read_by_program(self) -> bool {
        matches!(self.system_type(), SystemType::Database | SystemType::Saas) && self != Self::TestDatastore
    }

    /// Whether the catalogue offers it: not `saas`, whose templates stand for it, and not what is set up
    /// by other means, lies in a folder of the server, or is for tests.
    pub fn is_offered(self) -> bool {
        let set_up_elsewhere = matches!(
            self,
            Self::Baton
                | Self::Fides
                | Self::Https
                | Self::Manual
                | Self::Saas
                | Self::Sqlite
                | Self::TestDatastore
                | Self::TestWebsite
        );
        !set_up_elsewhere
    }

    fn described(self) -> (&'static str, SystemType) {
        use SystemType::{DataCatalog, Database, Email, Manual, Saas, Service, System, Website};
        match self {
            Self::AttentiveEmail => ("Attentive", Email),
            Self::Aws => ("Amazon Web Services", Service),
            Self::Baton => ("Baton connector", System),
            Self::BigQuery => ("BigQuery", Database),
            Self::DataHub => ("DataHub", DataCatalog),
            Self::DynamicErasureEmail => ("Erasure by e-mail, address from a dataset", Email),
            Self::DynamoDb => ("Amazon DynamoDB", Database),
            Self::Entra => ("Microsoft Entra ID", System),
            Self::Fides => ("Fides", Service),
            Self::GenericConsentEmail => ("Consent by e-mail", Email),
            Self::GenericErasureEmail => ("Erasure by e-mail", Email),
            Self::GoogleCloudSqlMySql => ("Google Cloud SQL for MySQL", Database),
            Self::GoogleCloudSqlPostgres => ("Google Cloud SQL for PostgreSQL", Database),
            Self::GoogleWorkspace => ("Google Workspace", System),
            Self::Https => ("Webhook", Service),
            Self::JiraTicket => ("Jira ticket", Manual),
            Self::Manual => ("Manual", Manual),
            Self::ManualTask => ("Manual task", Manual),
            Self::ManualWebhook => ("Manual form", Manual),
            Self::MariaDb => ("MariaDB", Database),
            Self::MongoDb => ("MongoDB", Database),
            Self::Mssql => ("Microsoft SQL Server", Database),
            Self::MySql => ("MySQL", Database),
            Self::Okta => ("Okta directory", System),
            Self::Postgres => ("PostgreSQL", Database),
            Self::RdsMySql => ("Amazon RDS for MySQL", Database),
            Self::RdsPostgres => ("Amazon RDS for PostgreSQL", Database),
            Self::Redshift => ("Amazon Redshift", Database),
            Self::S3 => ("Amazon S3", Database),
            Self::Saas => ("Application behind a connector file", Saas),
            Self::Scylla => ("ScyllaDB", Database),
            Self::Snowflake => ("Snowflake", Database),
            Self::Sovrn => ("Sovrn", Email),
            Self::Sqlite => ("SQLite", Database),
            Self::TestDatastore => ("Test database", Database),
            Self::TestWebsite => ("Test website", Website),
            Self::Timescale => ("TimescaleDB", Database),
            Self::Website => ("Website", Website),
        }
    }
}

impl SystemType {
    /// All of them, by name.
    pub const ALL: &[Self] = &[
        Self::DataCatalog,
        Self::Database,
        Self::Email,
        Self::Manual,
        Self::Saas,
        Self::Service,
        Self::System,
        Self::Website,
    ];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DataCatalog => "data_catalog",
            Self::Database => "database",
            Self::Email => "email",
            Self::Manual => "manual",
            Self::Saas => "saas",
            Self::Service => "service",
            Self::System => "system",
            Self::Website => "website",
        }
    }
}

impl SupportedAction {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Erasure => "erasure",
            Self::Consent => "consent",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Template;

    fn catalogue(filter: &CatalogueFilter) -> Vec<CatalogueEntry> {
        super::catalogue(Template::list().iter().map(Template::catalogue_entry), filter)
    }

    fn identifiers(filter: &CatalogueFilter) -> Vec<String> {
        catalogue(filter).into_iter().map(|entry| entry.identifier).collect()
    }

    #[test]
    fn catalogue_holds_databases_mail_manual_work_and_the_library() {
        let all = identifiers(&CatalogueFilter::default());

        for name in ["postgres", "generic_erasure_email", "manual_task", "mailchimp", "segment_unify"] {
            assert!(all.iter().any(|known| known == name), "{name}");
        }
        assert!(!all.iter().any(|known| known == "saas" || known == "test_datastore"));
    }

    #[test]
    fn search_and_kind_narrow_and_actions_widen() {
        let search = CatalogueFilter { search: Some("MAILCH".to_owned()), ..CatalogueFilter::default() };
        let saas = CatalogueFilter { system_type: Some(SystemType::Saas), ..CatalogueFilter::default() };
        let erasure =
            CatalogueFilter { actions: vec![SupportedAction::Erasure], ..CatalogueFilter::default() };
        let either = CatalogueFilter {
            actions: vec![SupportedAction::Access, SupportedAction::Erasure],
            ..CatalogueFilter::default()
        };

        assert_eq!(identifiers(&search), ["mailchimp"]);
        assert!(catalogue(&saas).iter().all(|entry| entry.is_connector));
        assert!(!identifiers(&erasure).contains(&"redshift".to_owned()), "no driver for it yet");
        assert!(identifiers(&either).len() >= identifiers(&erasure).len());
    }

    #[test]
    fn no_two_types_share_an_identifier_or_a_name() {
        let all = catalogue(&CatalogueFilter::default());
        let mut names: Vec<&str> = all.iter().map(|entry| entry.human_readable.as_str()).collect();
        names.sort_unstable();
        names.dedup();

        assert_eq!(names.len(), all.len());
    }
}

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// What a connection leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionType {
    /// Erasure by e-mail to Attentive.
    AttentiveEmail,
    /// An AWS account.
    Aws,
    /// A Baton connector of somebody else, which the server's own configuration names.
    Baton,
    /// BigQuery.
    BigQuery,
    /// A DataHub catalogue.
    DataHub,
    /// Erasure by e-mail to an address that stands in a dataset.
    DynamicErasureEmail,
    /// DynamoDB.
    DynamoDb,
    /// Microsoft Entra ID.
    Entra,
    /// Another server of the same API.
    Fides,
    /// Consent by e-mail.
    GenericConsentEmail,
    /// Erasure by e-mail.
    GenericErasureEmail,
    /// MySQL in Google Cloud SQL.
    GoogleCloudSqlMySql,
    /// PostgreSQL in Google Cloud SQL.
    GoogleCloudSqlPostgres,
    /// Google Workspace.
    GoogleWorkspace,
    /// A web hook.
    Https,
    /// Tickets in Jira.
    JiraTicket,
    /// Manual work, the older way.
    Manual,
    /// Manual tasks.
    ManualTask,
    /// A form that people fill in.
    ManualWebhook,
    /// MariaDB.
    MariaDb,
    /// MongoDB.
    MongoDb,
    /// Microsoft SQL Server.
    Mssql,
    /// MySQL.
    MySql,
    /// Okta.
    Okta,
    /// PostgreSQL.
    Postgres,
    /// MySQL in Amazon RDS.
    RdsMySql,
    /// PostgreSQL in Amazon RDS.
    RdsPostgres,
    /// Amazon Redshift.
    Redshift,
    /// Amazon S3.
    S3,
    /// An application behind a connector file.
    Saas,
    /// ScyllaDB.
    Scylla,
    /// Snowflake.
    Snowflake,
    /// Consent by e-mail to Sovrn.
    Sovrn,
    /// A SQLite file in a folder that the server's settings name.
    Sqlite,
    /// A database that is none, for tests.
    TestDatastore,
    /// A website that is none, for tests.
    TestWebsite,
    /// TimescaleDB.
    Timescale,
    /// A website.
    Website,
}

impl ConnectionType {
    /// Every one, by name.
    pub const ALL: &[Self] = &[
        Self::AttentiveEmail,
        Self::Aws,
        Self::Baton,
        Self::BigQuery,
        Self::DataHub,
        Self::DynamicErasureEmail,
        Self::DynamoDb,
        Self::Entra,
        Self::Fides,
        Self::GenericConsentEmail,
        Self::GenericErasureEmail,
        Self::GoogleCloudSqlMySql,
        Self::GoogleCloudSqlPostgres,
        Self::GoogleWorkspace,
        Self::Https,
        Self::JiraTicket,
        Self::Manual,
        Self::ManualTask,
        Self::ManualWebhook,
        Self::MariaDb,
        Self::MongoDb,
        Self::Mssql,
        Self::MySql,
        Self::Okta,
        Self::Postgres,
        Self::RdsMySql,
        Self::RdsPostgres,
        Self::Redshift,
        Self::S3,
        Self::Saas,
        Self::Scylla,
        Self::Snowflake,
        Self::Sovrn,
        Self::Sqlite,
        Self::TestDatastore,
        Self::TestWebsite,
        Self::Timescale,
        Self::Website,
    ];

    /// The names of all of them, in the same order.
    pub const NAMES: &[&str] = &[
        "attentive_email",
        "aws",
        "baton",
        "bigquery",
        "datahub",
        "dynamic_erasure_email",
        "dynamodb",
        "entra",
        "fides",
        "generic_consent_email",
        "generic_erasure_email",
        "google_cloud_sql_mysql",
        "google_cloud_sql_postgres",
        "google_workspace",
        "https",
        "jira_ticket",
        "manual",
        "manual_task",
        "manual_webhook",
        "mariadb",
        "mongodb",
        "mssql",
        "mysql",
        "okta",
        "postgres",
        "rds_mysql",
        "rds_postgres",
        "redshift",
        "s3",
        "saas",
        "scylla",
        "snowflake",
        "sovrn",
        "sqlite",
        "test_datastore",
        "test_website",
        "timescale",
        "website",
    ];

    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttentiveEmail => "attentive_email",
            Self::Aws => "aws",
            Self::Baton => "baton",
            Self::BigQuery => "bigquery",
            Self::DataHub => "datahub",
            Self::DynamicErasureEmail => "dynamic_erasure_email",
            Self::DynamoDb => "dynamodb",
            Self::Entra => "entra",
            Self::Fides => "fides",
            Self::GenericConsentEmail => "generic_consent_email",
            Self::GenericErasureEmail => "generic_erasure_email",
            Self::GoogleCloudSqlMySql => "google_cloud_sql_mysql",
            Self::GoogleCloudSqlPostgres => "google_cloud_sql_postgres",
            Self::GoogleWorkspace => "google_workspace",
            Self::Https => "https",
            Self::JiraTicket => "jira_ticket",
            Self::Manual => "manual",
            Self::ManualTask => "manual_task",
            Self::ManualWebhook => "manual_webhook",
            Self::MariaDb => "mariadb",
            Self::MongoDb => "mongodb",
            Self::Mssql => "mssql",
            Self::MySql => "mysql",
            Self::Okta => "okta",
            Self::Postgres => "postgres",
            Self::RdsMySql => "rds_mysql",
            Self::RdsPostgres => "rds_postgres",
            Self::Redshift => "redshift",
            Self::S3 => "s3",
            Self::Saas => "saas",
            Self::Scylla => "scylla",
            Self::Snowflake => "snowflake",
            Self::Sovrn => "sovrn",
            Self::Sqlite => "sqlite",
            Self::TestDatastore => "test_datastore",
            Self::TestWebsite => "test_website",
            Self::Timescale => "timescale",
            Self::Website => "website",
        }
    }
}

impl FromStr for ConnectionType {
    type Err = UnknownConnectionType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.iter().copied().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| UnknownConnectionType { name: text.to_owned() })
    }
}

impl<'de> Deserialize<'de> for ConnectionType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::unknown_variant(&text, Self::NAMES))
    }
}

impl fmt::Display for ConnectionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that should have been a connection type.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{name}` is not a connection type; see /connection_type for those there are")]
pub struct UnknownConnectionType {
    name: String,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_type_is_found_by_its_name_and_no_two_share_one() {
        for (kind, name) in ConnectionType::ALL.iter().zip(ConnectionType::NAMES) {
            assert_eq!(kind.as_str(), *name);
            assert_eq!(name.parse(), Ok(*kind));
        }

        let names: HashSet<&str> = ConnectionType::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!((names.len(), ConnectionType::NAMES.len()), (ConnectionType::ALL.len(), names.len()));
    }
}

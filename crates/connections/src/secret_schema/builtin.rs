//! The secrets of the types that come with the program (fides-api 4).

use serde_json::Value;

use super::FieldKind::{Boolean, Integer, Object, Text};
use super::{Others, SecretField, SecretSchema};
use crate::connection_type::ConnectionType;

pub(super) fn schema(kind: ConnectionType) -> Option<SecretSchema> {
    let (title, fields) = match kind {
        ConnectionType::Postgres => ("PostgreSQLSchema", postgres()),
        ConnectionType::Timescale => ("TimescaleSchema", postgres()),
        ConnectionType::MySql => ("MySQLSchema", mysql()),
        ConnectionType::MariaDb => (
            "MariaDBSchema",
            vec![host(), port(3306), text("username"), password(), text("dbname").required(), url()],
        ),
        ConnectionType::Sqlite => ("SQLiteSchema", vec![text("url").required()]),
        ConnectionType::Mssql => (
            "MicrosoftSQLServerSchema",
            vec![
                host(),
                port(1433),
                text("username").required(),
                password().required(),
                text("dbname"),
                flag("read_only_connection", false),
                url(),
            ],
        ),
        ConnectionType::MongoDb => (
            "MongoDBSchema",
            vec![
                host(),
                port(27017),
                text("username").required(),
                password().required(),
                text("defaultauthdb").required(),
                flag("use_srv", false),
                flag("ssl_enabled", false),
                url(),
            ],
        ),
        ConnectionType::Redshift => (
            "RedshiftSchema",
            vec![
                host(),
                port(5439),
                text("user").required(),
                password().required(),
                text("database").required(),
                text("db_schema"),
                flag("ssh_required", false),
                url(),
            ],
        ),
        ConnectionType::Snowflake => ("SnowflakeSchema", snowflake()),
        ConnectionType::BigQuery => ("BigQuerySchema", vec![keyfile(), text("dataset")]),
        ConnectionType::DynamoDb => {
            let own = vec![auth_method(), text("region_name").required()];
            ("DynamoDBSchema", [own, aws_keys()].concat())
        }
        ConnectionType::S3 => ("S3Schema", [vec![auth_method()], aws_keys()].concat()),
        ConnectionType::Scylla => (
            "ScyllaSchema",
            vec![host(), port(9042), text("username").required(), password().required(), text("keyspace")],
        ),
        ConnectionType::GoogleCloudSqlMySql => {
            ("GoogleCloudSQLMySQLSchema", [cloud_sql(), vec![text("dbname").required()]].concat())
        }
        ConnectionType::GoogleCloudSqlPostgres => {
            let own = vec![text("dbname"), text("db_schema")];
            ("GoogleCloudSQLPostgresSchema", [cloud_sql(), own].concat())
        }
        ConnectionType::RdsMySql => ("RDSMySQLSchema", rds()),
        ConnectionType::RdsPostgres => ("RDSPostgresSchema", rds()),
        ConnectionType::Https => (
            "HttpsSchema",
            vec![
                text("url").required(),
                text("authorization").required().sensitive(),
                SecretField::new("headers", Object).sensitive(),
            ],
        ),
        ConnectionType::Fides => (
            "FidesConnectorSchema",
            vec![
                text("uri").required(),
                text("username").required(),
                password().required(),
                SecretField::new("polling_timeout", Integer),
                SecretField::new("polling_interval", Integer),
            ],
        ),
        ConnectionType::GenericErasureEmail | ConnectionType::GenericConsentEmail => (
            "EmailSchema",
            email(text("third_party_vendor_name").required(), text("recipient_email_address").required()),
        ),
        ConnectionType::AttentiveEmail => (
            "AttentiveSchema",
            email(
                text("third_party_vendor_name").defaulting("Attentive"),
                text("recipient_email_address").defaulting("privacy@attentive.com"),
            ),
        ),
        ConnectionType::Sovrn => (
            "SovrnSchema",
            email(
                text("third_party_vendor_name").defaulting("Sovrn"),
                text("recipient_email_address").defaulting("privacy@sovrn.com"),
            ),
        ),
        ConnectionType::DynamicErasureEmail => (
            "DynamicErasureEmailSchema",
            email(
                reference("third_party_vendor_name").required(),
                reference("recipient_email_address").required(),
            ),
        ),
        ConnectionType::ManualTask => ("ManualTaskSchema", Vec::new()),
        ConnectionType::ManualWebhook => ("ManualWebhookSchema", Vec::new()),
        ConnectionType::Aws
        | ConnectionType::Baton
        | ConnectionType::DataHub
        | ConnectionType::Entra
        | ConnectionType::GoogleWorkspace
        | ConnectionType::JiraTicket
        | ConnectionType::Manual
        | ConnectionType::Okta
        | ConnectionType::Saas
        | ConnectionType::TestDatastore
        | ConnectionType::TestWebsite
        | ConnectionType::Website => return None,
    };
    let description = Some(format!("Secrets of a connection to {}", kind.human_readable()));
    Some(SecretSchema { title: title.to_owned(), description, fields, others: Others::Dropped })
}

impl SecretField {
    fn required(self) -> Self {
        Self { required: true, ..self }
    }

    fn sensitive(self) -> Self {
        Self { sensitive: true, ..self }
    }

    fn defaulting(self, value: impl Into<Value>) -> Self {
        Self { default: Some(value.into()), ..self }
    }

    fn one_of(self, options: &[&str]) -> Self {
        Self { options: options.iter().map(|option| (*option).to_owned()).collect(), ..self }
    }
}

fn text(name: &str) -> SecretField {
    SecretField::new(name, Text)
}

fn reference(name: &str) -> SecretField {
    SecretField::new(name, super::FieldKind::Reference)
}

fn flag(name: &str, default: bool) -> SecretField {
    SecretField::new(name, Boolean).defaulting(default)
}

fn host() -> SecretField {
    text("host").required()
}

fn port(default: u16) -> SecretField {
    SecretField::new("port", Integer).defaulting(default)
}

fn password() -> SecretField {
    text("password").sensitive()
}

/// The whole address at once, with the password in it; stands for all other parts (C-4).
fn url() -> SecretField {
    SecretField { offered: false, ..text("url").sensitive() }
}

fn keyfile() -> SecretField {
    SecretField::new("keyfile_creds", Object).required().sensitive()
}

fn postgres() -> Vec<SecretField> {
    vec![
        host(),
        port(5432),
        text("username"),
        password(),
        text("dbname"),
        text("db_schema"),
        text("ssl_mode"),
        flag("ssh_required", false),
        url(),
    ]
}

fn mysql() -> Vec<SecretField> {
    vec![
        host(),
        port(3306),
        text("username"),
        password(),
        text("dbname").required(),
        flag("ssh_required", false),
        text("ssl_mode").one_of(&["preferred", "required", "disabled"]),
        url(),
    ]
}

fn snowflake() -> Vec<SecretField> {
    vec![
        text("account_identifier").required(),
        text("user_login_name").required(),
        password(),
        text("private_key").sensitive(),
        text("private_key_passphrase").sensitive(),
        text("warehouse_name").required(),
        text("database_name"),
        text("schema_name"),
        text("role_name"),
    ]
}

fn auth_method() -> SecretField {
    text("auth_method").required().one_of(&["automatic", "secret_keys"])
}

fn aws_keys() -> Vec<SecretField> {
    vec![
        text("aws_access_key_id").sensitive(),
        text("aws_secret_access_key").sensitive(),
        text("aws_assume_role_arn"),
    ]
}

fn cloud_sql() -> Vec<SecretField> {
    vec![
        text("db_iam_user").required(),
        text("instance_connection_name").required(),
        keyfile(),
        text("ip_type").one_of(&["public", "private", "psc"]),
    ]
}

fn rds() -> Vec<SecretField> {
    let own = vec![auth_method(), text("db_username").required(), text("region").required()];
    [own, aws_keys()].concat()
}

fn email(vendor: SecretField, recipient: SecretField) -> Vec<SecretField> {
    vec![vendor, recipient, text("test_email_address"), SecretField::new("advanced_settings", Object)]
}

//! Where the secrets of a connection may be sent (architecture §13.19).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use connector::{Connection, Secrets};
use model::{ConnectionKey, text_form};
use spec::ConnectorFile;
use url::Url;

use crate::SecretValues;

/// Hosts with port, and protocol where one is known, that a connection reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(BTreeSet<String>);

/// Secrets of built-in types that say where the other side is.
const ADDRESSES: &[&str] =
    &["host", "uri", "account_identifier", "instance_connection_name", "region", "region_name"];

impl Hosts {
    /// Where the requests of a connector file go with these secrets.
    pub fn of_connector(key: &ConnectionKey, file: &Arc<ConnectorFile>, secrets: &SecretValues) -> Self {
        let connection = Connection {
            key: key.clone(),
            file: Arc::clone(file),
            secrets: Arc::new(Secrets::new(secrets.clone().into_entries())),
            references: HashMap::new(),
            recording_keep: HashMap::new(),
        };
        Self(connection.origins())
    }

    /// Where a connection of a built-in type goes with these secrets.
    pub fn of_built_in(secrets: &SecretValues) -> Self {
        let text = |name: &str| secrets.find(name).and_then(text_form).filter(|text| !text.is_empty());
        let port = text("port").unwrap_or_default();
        let mut hosts = BTreeSet::new();
        match text("url") {
            // It stands for all other parts.
            Some(url) => {
                let parsed = Url::parse(&url).ok();
                let host = parsed.as_ref().and_then(Url::host_str).unwrap_or(&url).to_lowercase();
                let port = parsed.as_ref().and_then(Url::port).map_or(port, |port| port.to_string());
                hosts.insert(format!("host {host}:{port}"));
            }
            None => {
                for name in ADDRESSES {
                    hosts.extend(text(name).map(|text| format!("{name} {}:{port}", text.to_lowercase())));
                }
            }
        }
        Self(hosts)
    }

    /// Whether there are some that `before` has not.
    pub fn add_to(&self, before: &Self) -> bool {
        !self.0.is_subset(&before.0)
    }
}

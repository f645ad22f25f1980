//! Connections that a server's own configuration names: Baton connectors of somebody else.

use std::path::Path;
use std::sync::Arc;

use ::baton::foreign::{ForeignConnector, ForeignParts};
use connections::ConfiguredConnection;
use crypto::Secret;
use model::ConnectionKey;
use serde_json::json;
use spec::server_file::ServerBaton;
use spec::{Access, BatonConnector, Server};
use store::{ConnectionAccess, Store};

use crate::failure::Failure;
use crate::project::foreign;

/// Those of one server, by key.
#[derive(Debug)]
pub(crate) struct ServerPrograms(Vec<(ConnectionKey, Result<Arc<ForeignConnector>, String>)>);

impl ServerPrograms {
    /// As the settings say, with secrets of the environment.
    ///
    /// # Errors
    /// Bad input if settings cannot be used. What one of them lacks is said of that one.
    pub(crate) fn open(
        server: &Server,
        store: &Store,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let parts = foreign::parts(&server.egress)?;
        let opened = server.baton.iter().map(|one| {
            let connector = connector((one, parts.clone()), store, &variable);
            (one.key.clone(), connector.map(Arc::new))
        });
        Ok(Self(opened.collect()))
    }

    /// What tells about a connection, or what it lacks; none if it is not one of these.
    pub(crate) fn find(&self, key: &ConnectionKey) -> Option<&Result<Arc<ForeignConnector>, String>> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, connector)| connector)
    }

    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<Item = &(ConnectionKey, Result<Arc<ForeignConnector>, String>)> {
        self.0.iter()
    }
}

/// The connections that a server shows for them.
pub(crate) fn configured(server: &Server) -> Vec<ConfiguredConnection> {
    let connections = server.baton.iter().map(|one| ConfiguredConnection {
        key: one.key.clone(),
        access: match one.access {
            Access::Read => ConnectionAccess::Read,
            Access::Write => ConnectionAccess::Write,
        },
    });
    connections.collect()
}

fn connector(
    (one, parts): (&ServerBaton, ForeignParts),
    store: &Store,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<ForeignConnector, String> {
    let mut secrets = Vec::new();
    for (name, from) in &one.secrets {
        let text = variable(from).ok_or_else(|| {
            format!("secret `{name}` is the variable `{from}` of the server's environment, which is not set")
        })?;
        secrets.push((name.clone(), Secret::new(text)));
    }
    let basis = basis(one, &secrets, store);
    let source =
        foreign::source(Path::new(""), &one.connector, secrets).map_err(|failure| match failure {
            Failure::BadInput(reason) | Failure::Failed(reason) | Failure::Refused(reason) => reason,
            Failure::Shown(_) => "its configuration is not right".to_owned(),
        })?;
    Ok(ForeignConnector {
        key: one.key.clone(),
        basis,
        source,
        access: foreign::access(&one.connector, one.access),
        parts,
    })
}

/// Stands for all of it by a keyed hash: another program, setting or secret is another basis.
fn basis(one: &ServerBaton, secrets: &[(String, Secret<String>)], store: &Store) -> String {
    let secrets = secrets.iter().map(|(name, value)| json!([name, value.expose()])).collect::<Vec<_>>();
    let what = match &one.connector {
        BatonConnector::File { file } => json!({ "file": file }),
        BatonConnector::Program { program, sha256, user, settings, delete: _ } => json!({
            "program": program,
            "sha256": crypto::hex(sha256),
            "user": user,
            "settings": settings,
            "secrets": secrets,
        }),
    };
    crypto::hex(&store.keyed_hash(&crypto::canonical_json(&what)))
}

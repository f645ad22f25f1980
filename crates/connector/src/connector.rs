use std::sync::Arc;
use std::time::Duration;

use egress::{AllowedHosts, Door, HostRule};
use model::{Clock, Effect, IdSource};
use spec::connector_file::Request;

use crate::client::{self, Client};
use crate::connection::Connection;
use crate::reading::Definitions;
use crate::settings::Settings;
use crate::token::TokenStore;

/// A connection ready to be called. Cheap to clone; clones share door, tokens and budgets.
#[derive(Debug, Clone)]
pub struct Connector {
    parts: Arc<ConnectorParts>,
    /// Hosts of the file's own client configs: where a redirect may lead.
    own_hosts: HostRule,
    /// Hosts that `allowed_values` permit.
    allowed_hosts: AllowedHosts,
    /// How its collections are read.
    definitions: Arc<Definitions>,
}

/// What a [`Connector`] is made of.
#[derive(Debug)]
pub struct ConnectorParts {
    /// File, key and secrets.
    pub connection: Connection,
    /// The one way out.
    pub door: Door,
    /// Where access tokens are kept.
    pub tokens: Arc<dyn TokenStore>,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where `<uuid>` comes from.
    pub ids: Arc<dyn IdSource>,
    /// Attempts, waits, caps.
    pub settings: Settings,
}

impl Connector {
    /// A connector from its parts; nothing is sent yet.
    pub fn new(parts: ConnectorParts) -> Self {
        let file = &parts.connection.file;
        let allowed_hosts = client::allowed_hosts(file, parts.settings.domain_validation);
        let reads = file.endpoints.iter().flat_map(|endpoint| &endpoint.read);
        let lists = file.governance.iter().flat_map(|section| section.requests());
        let lists = lists.chain(file.activity.iter().map(|section| &section.request));
        let reads = reads.chain(&file.test_request).chain(lists.filter(|request| !is_write(request)));
        let configs = reads.filter_map(|request| request.client_config.as_ref());
        // A host that cannot be filled in fails when its request is built, with a message.
        let hosts: Vec<String> = configs
            .chain([&file.client_config])
            .filter_map(|config| Client::new(config, parts.connection.secrets.as_values()).ok())
            .map(|client| client.host())
            .collect();
        let definitions = Arc::new(Definitions::of(file));
        Self { own_hosts: HostRule::only(hosts), allowed_hosts, definitions, parts: Arc::new(parts) }
    }

    /// The connection it calls.
    pub fn connection(&self) -> &Connection {
        &self.parts.connection
    }

    /// How long an answer is waited for while nothing of it arrives.
    pub fn read_timeout(&self) -> Duration {
        self.door().read_timeout()
    }

    /// Whether calls are recorded.
    pub(crate) fn records(&self) -> bool {
        self.door().records()
    }

    pub(crate) fn door(&self) -> &Door {
        &self.parts.door
    }

    pub(crate) fn tokens(&self) -> &dyn TokenStore {
        &*self.parts.tokens
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.parts.clock
    }

    pub(crate) fn ids(&self) -> &dyn IdSource {
        &*self.parts.ids
    }

    pub(crate) fn own_hosts(&self) -> &HostRule {
        &self.own_hosts
    }

    pub(crate) fn allowed_hosts(&self) -> &AllowedHosts {
        &self.allowed_hosts
    }

    pub(crate) fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.parts.settings
    }
}

fn is_write(request: &Request) -> bool {
    request.effect == Effect::Write
}

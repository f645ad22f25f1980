//! The checked form of a connector file: what the rest of the program runs.
//!
//! Both dialects of the format end here (saas-config 2–15, architecture §5). Everything that can be
//! decided when the file is read is decided: templates are cut into pieces, paths are parsed,
//! strategies are enums, the effect of each request is fixed. Code that holds a [`ConnectorFile`]
//! checks nothing again.

mod authentication;
pub mod governance;
mod job;
mod polling;
mod request;
mod rows;
mod script_hook;

use model::ConnectorType;
use serde_json::Value;

use crate::condition::Condition;

pub use authentication::{Authentication, ClientConfig, OAuth2};
pub use job::{Destinations, Rectify, Same, Track, Verify};
pub use polling::{Polling, PollingState};
pub use request::{
    Batch, IgnoreErrors, Method, NameTemplate, ParamSource, ParamValue, Per, Period, QueryParam, QueryValue,
    RateLimit, Request, Retry, Target,
};
pub use rows::{Filter, LinkSource, OffsetLimit, Pagination, Postprocessor, Wanted};
pub use script_hook::ScriptHook;

/// One connector file, checked.
#[derive(Debug, Clone)]
pub struct ConnectorFile {
    /// Key of the instance: the connection's key, after `<instance_fides_key>` was replaced.
    pub fides_key: String,
    /// Name for people.
    pub name: String,
    /// Kind of application, lower case; `fides_key` in files of the older dialect.
    pub connector_type: ConnectorType,
    /// Free text.
    pub description: String,
    /// Version of the file's content, as written.
    pub version: String,
    /// Link to documentation.
    pub user_guide: Option<String>,
    /// Declared secrets of a connection.
    pub connector_params: Vec<ConnectorParam>,
    /// Dataset fields that the operator chooses (saas-config 4.12).
    pub external_references: Vec<ExternalReference>,
    /// Base URL and authentication of requests that bring none of their own.
    pub client_config: ClientConfig,
    /// The connection test: variants, of which the first whose `when` holds is sent. Never empty.
    pub test_request: Vec<Request>,
    /// One collection each.
    pub endpoints: Vec<Endpoint>,
    /// Erases a person in one call: variants, of which the first whose `when` holds is sent.
    pub data_protection_request: Vec<Request>,
    /// Limits for all requests that bring none of their own.
    pub rate_limits: Vec<RateLimit>,
    /// Consent propagation; checked here, run in a later version.
    pub consent_requests: Option<ConsentRequests>,
    /// Who has access.
    pub governance: Option<Box<governance::Governance>>,
    /// Events of use.
    pub activity: Option<Box<governance::Activity>>,
    /// Catalogue category and tags.
    pub display: DisplayInfo,
}

impl ConnectorFile {
    /// The endpoint called `name`.
    pub fn find_endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name == name)
    }

    /// Every request of the file, those inside of others included (token requests, states and
    /// results of jobs).
    pub fn requests(&self) -> Vec<&Request> {
        crate::lint::requests(self)
    }

    /// The connector param called `name`.
    pub fn find_param(&self, name: &str) -> Option<&ConnectorParam> {
        self.connector_params.iter().find(|param| param.name == name)
    }

    /// Whether the secret called `name` must never be shown: the file calls it sensitive, OAuth2 does,
    /// or an authentication proves with it who asks. Many files forget the first.
    ///
    /// `name` may lead into the value: `login.password` is secret if `login` is.
    pub fn is_secret(&self, name: &str) -> bool {
        let root = name.split(['.', '[']).next().unwrap_or(name);
        let is_it = |known: &str| known == name || known == root;
        if self.connector_params.iter().any(|param| param.sensitive && is_it(&param.name)) {
            return true;
        }
        let of_governance = self.governance.as_ref().and_then(|section| section.client_config.as_ref());
        let clients = self.requests().into_iter().filter_map(|request| request.client_config.as_ref());
        let clients = clients.chain(of_governance);
        OAUTH2_SECRETS.iter().copied().any(is_it)
            || std::iter::once(&self.client_config)
                .chain(clients)
                .filter_map(|client| client.authentication.as_ref())
                .any(|authentication| authentication.proofs().into_iter().any(is_it))
    }
}

/// Names that OAuth2 and service accounts give to secrets, whatever the params say.
const OAUTH2_SECRETS: &[&str] = &["client_secret", "access_token", "refresh_token", "private_key"];

/// One secret of a connection, declared (saas-config 4.1).
#[derive(Debug, Clone)]
pub struct ConnectorParam {
    /// Key in the secrets map.
    pub name: String,
    /// Form label.
    pub label: Option<String>,
    /// Form help.
    pub description: Option<String>,
    /// Text, integer, or a list of either.
    pub default_value: Option<Value>,
    /// Allowed values; empty means any.
    pub options: Vec<String>,
    /// Several options may be chosen.
    pub multiselect: bool,
    /// Masked wherever settings are shown.
    pub sensitive: bool,
    /// `type: endpoint`: the value is a host.
    pub is_endpoint: bool,
    /// Host patterns (saas-config 4.8); `None` = not restricted, empty = restricted to anything.
    pub allowed_values: Option<Vec<String>>,
    /// Whether a value must be supplied.
    pub required: Required,
    /// The only use of a connection that needs it; `None` = every use.
    pub required_for: Option<Service>,
}

/// What a connection is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Privacy requests: endpoints, `data_protection_request`, `consent_requests`.
    Privacy,
    /// Who has access: `governance` and `activity`.
    Governance,
}

/// When a connector param must be supplied (architecture §5: `required`, `required_when`).
#[derive(Debug, Clone)]
pub enum Required {
    /// As in the contract: required unless it has a truthy default (saas-config 4.3).
    Always,
    /// Never required.
    Never,
    /// Required where the condition on the other params holds.
    When(Condition),
}

/// A dataset field that the operator chooses.
#[derive(Debug, Clone)]
pub struct ExternalReference {
    /// Key in the secrets map.
    pub name: String,
    /// Form label.
    pub label: Option<String>,
    /// Form help.
    pub description: Option<String>,
    /// The only use of a connection that needs it; `None` = every use.
    pub required_for: Option<Service>,
}

/// One collection of an application.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Collection name.
    pub name: String,
    /// Read requests, in order of definition.
    pub read: Vec<Request>,
    /// Masks rows in place: variants, of which the first whose `when` holds is sent.
    pub update: Vec<Request>,
    /// Deletes rows: variants, of which the first whose `when` holds is sent.
    pub delete: Vec<Request>,
    /// Remove the collection from the graph.
    pub skip_processing: bool,
    /// Collections that are read first, as (dataset, collection).
    pub after: Vec<(String, String)>,
    /// Collections that are erased first, as (dataset, collection).
    pub erase_after: Vec<(String, String)>,
    /// The read that proves writes of this endpoint that bring none of their own.
    pub verify: Option<Verify>,
    /// How to correct a field of a row.
    pub rectify: Option<Rectify>,
}

impl Endpoint {
    /// The read that proves `write`, a request of this endpoint: its own, else the endpoint's.
    pub fn verification<'a>(&'a self, write: &'a Request) -> Option<&'a Verify> {
        write.verify.as_ref().or(self.verify.as_ref())
    }
}

/// Asynchronous execution (saas-config 23).
#[derive(Debug, Clone)]
pub enum AsyncConfig {
    /// The service calls back.
    Callback,
    /// We ask until it is done.
    Polling(Box<Polling>),
    /// A strategy nobody knows; fails when it runs.
    Unknown {
        /// The name as written.
        strategy: String,
    },
}

/// Consent propagation.
#[derive(Debug, Clone, Default)]
pub struct ConsentRequests {
    /// Sent when the person agrees.
    pub opt_in: Vec<Request>,
    /// Sent when the person declines.
    pub opt_out: Vec<Request>,
}

/// Presentation hints (saas-config 3.6).
#[derive(Debug, Clone, Default)]
pub struct DisplayInfo {
    /// One of the fixed categories.
    pub category: Option<String>,
    /// Free tags.
    pub tags: Vec<String>,
}

#[cfg(test)]
mod tests;

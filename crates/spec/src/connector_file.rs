//! The checked form of a connector file: what the rest of the program runs.
//!
//! Both dialects of the format end here (saas-config 2–15, architecture §5). Everything that can be
//! decided when the file is read is decided: templates are cut into pieces, paths are parsed,
//! strategies are enums, the effect of each request is fixed. Code that holds a [`ConnectorFile`]
//! checks nothing again.

mod job;

use model::{ConnectorType, Effect, Path};
use serde_json::Value;

use crate::condition::Condition;
use crate::reference::{FieldReference, ReferenceSource};
use crate::template::Template;

pub use job::{Destinations, Rectify, Same, Track, Verify};

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
}

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
}

/// Where requests go and how they prove who asks.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// `https`, or `http` for test systems.
    pub protocol: String,
    /// Host with placeholders from the secrets, optionally with a port.
    pub host: Template,
    /// `None` = sent without authentication.
    pub authentication: Option<Authentication>,
}

/// How a request is authenticated (saas-config 6). Templates take values from the secrets.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// `Authorization: Basic …`.
    Basic {
        /// User name; unresolved is a failure.
        username: Template,
        /// Password; absent or unresolved means empty.
        password: Option<Template>,
    },
    /// `Authorization: Bearer …`.
    Bearer {
        /// The token; unresolved is a failure.
        token: Template,
    },
    /// Values in headers, query or a JSON body; at least one list is not empty.
    ApiKey {
        /// Header name → value.
        headers: Vec<NameTemplate>,
        /// Query param name → value.
        query_params: Vec<NameTemplate>,
        /// Members merged over the JSON body.
        body: Option<Template>,
    },
    /// One query param.
    QueryParam {
        /// Its name.
        name: String,
        /// Its value.
        value: Template,
    },
    /// Token from client id and secret.
    OAuth2ClientCredentials(OAuth2),
    /// Token from a person's authorization; here only kept and refreshed.
    OAuth2AuthorizationCode {
        /// Where the person is sent.
        authorization_request: Box<Request>,
        /// The token calls.
        oauth2: OAuth2,
    },
    /// Google service account, RFC 7523.
    GoogleCloudServiceAccount {
        /// Scopes; never empty.
        scopes: Vec<String>,
    },
    /// A strategy that is not part of the core set: the file loads, a call fails (saas-config 6.3).
    Unknown {
        /// The name as written.
        strategy: String,
    },
}

/// Token calls of the OAuth2 strategies (saas-config 6.16).
#[derive(Debug, Clone)]
pub struct OAuth2 {
    /// Gets the first token.
    pub token_request: Box<Request>,
    /// Gets the next one from the refresh token.
    pub refresh_request: Option<Box<Request>>,
    /// Lifetime in seconds, wins over the answer's.
    pub expires_in: Option<u64>,
}

/// A name and a template.
#[derive(Debug, Clone)]
pub struct NameTemplate {
    /// Name as written.
    pub name: String,
    /// Value with placeholders.
    pub value: Template,
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

/// One HTTP request, or a computation without one (`output` without `path`).
#[derive(Debug, Clone)]
pub struct Request {
    /// Where it stands in the file, for messages: `endpoints.traits.read[0]`.
    pub place: String,
    /// What it does to the other side; fixed by method, place and `effect`.
    pub effect: Effect,
    /// Method and path; `None` only for a read request with `output` alone, or an override.
    pub target: Option<Target>,
    /// Headers, in order.
    pub headers: Vec<NameTemplate>,
    /// Query params, in order.
    pub query_params: Vec<QueryParam>,
    /// Body template.
    pub body: Option<Template>,
    /// Sources of placeholders.
    pub param_values: Vec<ParamValue>,
    /// Own base URL and authentication; replaces the file's as a whole.
    pub client_config: Option<ClientConfig>,
    /// Where the rows are; `None` = the whole answer.
    pub data_path: Option<Path>,
    /// Applied to the rows, in order.
    pub postprocessors: Vec<Postprocessor>,
    /// How to get the next page.
    pub pagination: Option<Pagination>,
    /// Names of params whose values belong together.
    pub grouped_inputs: Vec<String>,
    /// Failing statuses that are not errors.
    pub ignore_errors: IgnoreErrors,
    /// Statuses that mean "not there": a complete and empty answer.
    pub gone: Vec<u16>,
    /// Own limits; `None` = the file's, empty = unlimited.
    pub rate_limits: Option<Vec<RateLimit>>,
    /// A missing value drops this request instead of failing it.
    pub skip_missing_param_values: bool,
    /// Template for each row; read requests only.
    pub output: Option<Template>,
    /// Which variant applies, over connector params.
    pub when: Option<Condition>,
    /// When to try again, over `status`, `body`, `headers`.
    pub retry: Option<Retry>,
    /// Named function of another engine; the request fails when it runs (saas-config 21.3).
    pub request_override: Option<String>,
    /// Starlark hook: file and function, as in `people.star:delete`.
    pub script: Option<String>,
    /// Asynchronous execution; checked here, run in a later version.
    pub async_config: Option<AsyncConfig>,
    /// The same write may be sent twice without harm.
    pub repeatable: bool,
    /// Once per row or once per person; write requests.
    pub per: Per,
    /// Many values in one call; write requests.
    pub batch: Option<Batch>,
    /// The read that proves the write; write requests.
    pub verify: Option<Verify>,
    /// How to follow the job that the write starts; write requests.
    pub track: Option<Box<Track>>,
}

/// Method and path of a request.
#[derive(Debug, Clone)]
pub struct Target {
    /// HTTP method, upper case.
    pub method: Method,
    /// Path with placeholders, appended to the base URL as it is.
    pub path: Template,
}

/// The methods that the format knows (saas-config 9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Head,
}

impl Method {
    /// The method's name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Head => "HEAD",
        }
    }
}

/// One query param: text with placeholders, or an integer that stays one (saas-config 12.4).
#[derive(Debug, Clone)]
pub struct QueryParam {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: QueryValue,
}

/// Value of a query param.
#[derive(Debug, Clone)]
pub enum QueryValue {
    /// Text with placeholders.
    Text(Template),
    /// An integer.
    Integer(i64),
}

/// Where the value of one placeholder comes from (saas-config 10).
#[derive(Debug, Clone)]
pub struct ParamValue {
    /// Name of the placeholder.
    pub name: String,
    /// Its source.
    pub source: ParamSource,
    /// Flatten the input list by one level.
    pub unpack: bool,
}

/// Exactly one source.
#[derive(Debug, Clone)]
pub enum ParamSource {
    /// An identity of the person.
    Identity(String),
    /// Fields of other collections, or names of external references; never empty.
    References(Vec<ReferenceSource>),
    /// A secret of the connection.
    ConnectorParam(String),
}

/// A step between the answer and the rows (saas-config 15).
#[derive(Debug, Clone)]
pub enum Postprocessor {
    /// Takes the value at a path out of each element.
    Unwrap {
        /// The path.
        data_path: Path,
    },
    /// Keeps the elements that match.
    Filter(Filter),
    /// Adds a text of the answer to the task's message; data pass unchanged.
    ExtractForExecutionLog {
        /// Where the text is; `None` = the whole body.
        path: Option<Path>,
    },
}

/// The `filter` postprocessor.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Dotted path into each element; arrays are mapped over (saas-config 15.6).
    pub field: Vec<String>,
    /// What to look for.
    pub wanted: Wanted,
    /// Whole value, else substring.
    pub exact: bool,
    /// Else full Unicode case folding.
    pub case_sensitive: bool,
}

/// What a filter looks for.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// This text.
    Text(String),
    /// The person's identity of this kind.
    Identity(String),
    /// All values of a field in rows read before; `None` if the reference does not have three
    /// parts, which yields nothing (saas-config 15.5).
    DatasetReference(Option<FieldReference>),
}

/// How the next page is found (saas-config 18).
#[derive(Debug, Clone)]
pub enum Pagination {
    /// A counter in a query param.
    Offset {
        /// The param; among the request's query params.
        incremental_param: String,
        /// Step, at least 1.
        increment_by: i64,
        /// Last value that may be asked for.
        limit: Option<OffsetLimit>,
    },
    /// A link in a header or in the body.
    Link {
        /// Where.
        source: LinkSource,
        /// Must be the text `true` to go on.
        has_next: Option<Path>,
        /// Ours: an answer without the object that holds it is the last page. Otherwise an answer
        /// that lacks what earlier pages had is broken, and the reading incomplete.
        absent_is_end: bool,
    },
    /// A value of the last element, or of the answer, in a query param.
    Cursor {
        /// The query param to set.
        cursor_param: String,
        /// Where the cursor is.
        field: Path,
        /// Must be the text `true` to go on.
        has_next: Option<Path>,
        /// Ours: an answer without the object that holds it is the last page. Otherwise an answer
        /// that lacks what earlier pages had is broken, and the reading incomplete.
        absent_is_end: bool,
    },
}

/// Bound of the offset strategy.
#[derive(Debug, Clone)]
pub enum OffsetLimit {
    /// A number.
    Value(i64),
    /// The secret of this name.
    ConnectorParam(String),
}

/// Where the link strategy looks.
#[derive(Debug, Clone)]
pub enum LinkSource {
    /// The entry of the `Link` header with this `rel`.
    Headers {
        /// The relation, compared exactly.
        rel: String,
    },
    /// The value at this path of the body.
    Body {
        /// The path.
        path: Path,
    },
}

/// Which failing statuses are not errors (saas-config 9.6, 13.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IgnoreErrors {
    /// None.
    Never,
    /// All.
    Always,
    /// These.
    Statuses(Vec<u16>),
}

impl IgnoreErrors {
    /// Whether `status` is covered.
    pub fn covers(&self, status: u16) -> bool {
        match self {
            Self::Never => false,
            Self::Always => status >= 400,
            Self::Statuses(statuses) => status >= 400 && statuses.contains(&status),
        }
    }
}

/// One limit: at most `rate` calls per window (saas-config 13.17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls per window, at least 1.
    pub rate: u64,
    /// Length of the window, aligned to the epoch.
    pub period: Period,
    /// Counts together with every other limit of this key; `None` = the connection's.
    pub custom_key: Option<String>,
}

/// Length of a rate window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Period {
    Second,
    Minute,
    Hour,
    Day,
}

impl Period {
    /// The window's length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
        }
    }
}

/// When an answer means "try again" (architecture §5).
#[derive(Debug, Clone)]
pub struct Retry {
    /// Statuses besides those that are always tried again.
    pub statuses: Vec<u16>,
    /// A condition over `status`, `headers` and `body`.
    pub when: Option<Condition>,
}

/// How often a write is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Per {
    /// Once for each row.
    #[default]
    Row,
    /// Once for each person.
    Person,
}

/// Many values in one write.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The param that takes a list.
    pub param: String,
    /// Most values in one call, at least 1.
    pub max: u64,
}

/// Asynchronous execution (saas-config 23).
#[derive(Debug, Clone)]
pub enum AsyncConfig {
    /// The service calls back.
    Callback,
    /// We ask until it is done.
    Polling {
        /// Asks for the state.
        status_request: Box<Request>,
        /// Where the state is.
        status_path: Option<Path>,
        /// The state that means done.
        status_completed_value: Option<Value>,
        /// Fetches the result.
        result_request: Option<Box<Request>>,
        /// Where the rows are in the result.
        result_path: Option<Path>,
        /// Where the job's id is in the first answer.
        correlation_id_path: Option<Path>,
    },
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

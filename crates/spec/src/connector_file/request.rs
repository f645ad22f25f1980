//! One request, and what its placeholders are filled from (saas-config 9–13).

use model::{Effect, Path};

use super::{AsyncConfig, ClientConfig, Pagination, Postprocessor, ScriptHook, Track, Verify};
use crate::condition::Condition;
use crate::reference::ReferenceSource;
use crate::template::Template;

/// A name and a template.
#[derive(Debug, Clone)]
pub struct NameTemplate {
    /// Name as written.
    pub name: String,
    /// Value with placeholders.
    pub value: Template,
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
    /// Starlark function in place of a request.
    pub script: Option<ScriptHook>,
    /// Asynchronous execution.
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

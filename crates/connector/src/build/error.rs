use egress::Retry;
use thiserror::Error;

use crate::client::ClientError;
use crate::fill::{FillError, names_text};

/// Why a request cannot be built. Nothing was sent. Names places and placeholders, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BuildError {
    /// The path lacks a value.
    #[error(
        "param_values reference invalid fields for the path of {place}: nothing is known for {}; set \
         `skip_missing_param_values` if the call may be left out then",
        names_text(.names)
    )]
    MissingInPath {
        /// The request's place in the file.
        place: String,
        /// Placeholders without value.
        names: Vec<String>,
    },
    /// The body lacks a value.
    #[error(
        "Unable to replace placeholders in body of {place}: nothing is known for {}; write `<name?>` if it may be \
         missing",
        names_text(.names)
    )]
    MissingInBody {
        /// The request's place in the file.
        place: String,
        /// Placeholders without value.
        names: Vec<String>,
    },
    /// A query param that narrows the answer, to the person or to what was bound, lacks a value.
    #[error(
        "query param `{param}` of {place} has no value: nothing is known for {}; without it the answer would be \
         about more than was asked for",
        names_text(.names)
    )]
    MissingInQuery {
        /// The request's place in the file.
        place: String,
        /// The query param.
        param: String,
        /// Placeholders without value.
        names: Vec<String>,
    },
    /// A value that may not stand where it would.
    #[error("{part} of {place}: {source}")]
    Value {
        /// The request's place in the file.
        place: String,
        /// Which part of the request.
        part: String,
        /// What is wrong with the value.
        #[source]
        source: FillError,
    },
    /// A header that HTTP does not allow.
    #[error("header `{name}` of {place} cannot be sent; check its name and value for spaces and line breaks")]
    Header {
        /// The request's place in the file.
        place: String,
        /// The header.
        name: String,
    },
    /// A body of a kind that is not supported.
    #[error(
        "Unsupported Content-Type `{content_type}` in {place}; use `application/json`, \
         `application/x-www-form-urlencoded` or `text/plain`"
    )]
    ContentType {
        /// The request's place in the file.
        place: String,
        /// The header's value.
        content_type: String,
    },
    /// A form body that is not a JSON object.
    #[error("the form body of {place} must be a JSON object once its placeholders are filled in, and is not")]
    FormBody {
        /// The request's place in the file.
        place: String,
    },
    /// No base URL.
    #[error("{place}: {source}")]
    Client {
        /// The request's place in the file.
        place: String,
        /// What is wrong.
        #[source]
        source: ClientError,
    },
    /// Base URL and path do not make a URL of the same host.
    #[error("host and path of {place} do not make an address of that host; let the path begin with `/`")]
    Url {
        /// The request's place in the file.
        place: String,
    },
    /// A request without method and path.
    #[error("{place} has no `path`, so there is nothing to send")]
    NoTarget {
        /// The request's place in the file.
        place: String,
    },
    /// A write that was kept and does not fit the file any more.
    #[error("the write for {place} is not one that the connector file makes now; make a new plan")]
    Changed {
        /// The request's place in the file.
        place: String,
    },
    /// A JSON body that is none.
    #[error("the body of {place} is no JSON; return data, or say another `content-type`")]
    BodyNotJson {
        /// The request's place in the file.
        place: String,
    },
    /// The stand-in of a secret that there is not.
    #[error(
        "a request for {place} names a secret that the connection does not have; use those in `ctx[\"secrets\"]`"
    )]
    UnknownSecret {
        /// The request's place in the file.
        place: String,
    },
    /// A function stands where a request is needed.
    #[error(
        "{place} is the function `{hook}`, and a request is needed here; describe it with `method` and `path`"
    )]
    Script {
        /// The request's place in the file.
        place: String,
        /// File and function.
        hook: String,
    },
    /// A request that runs a function of another engine instead.
    #[error(
        "{place} runs the function `{name}` of another engine, which cannot be run; describe the request with \
         `method` and `path`, or write the function as a `script`"
    )]
    Override {
        /// The request's place in the file.
        place: String,
        /// Name of the function.
        name: String,
    },
}

impl BuildError {
    /// Whether `skip_missing_param_values` drops the request instead (saas-config 11.9).
    pub fn is_skippable(&self) -> bool {
        match self {
            Self::MissingInPath { .. }
            | Self::MissingInBody { .. }
            | Self::MissingInQuery { .. }
            | Self::FormBody { .. } => true,
            Self::Value { .. }
            | Self::Header { .. }
            | Self::ContentType { .. }
            | Self::Client { .. }
            | Self::Url { .. }
            | Self::NoTarget { .. }
            | Self::Changed { .. }
            | Self::BodyNotJson { .. }
            | Self::UnknownSecret { .. }
            | Self::Script { .. }
            | Self::Override { .. } => false,
        }
    }

    /// Trying again never helps: the same values build the same request.
    pub fn retry(&self) -> Retry {
        Retry::No
    }
}

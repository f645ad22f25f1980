use std::error::Error;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{ALLOW, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use serde::Serialize;
use serde_json::{Value, json};
use store::StoreError;
use utoipa::ToSchema;

use crate::Scope;

/// Why a call was not done, as its caller is told.
#[derive(Debug)]
pub enum ApiError {
    /// 400.
    BadRequest(String),
    /// 401: no token, or no Bearer token.
    Unauthenticated,
    /// 401 of signing in, with a text of its own.
    NotSignedIn(String),
    /// 403: the token is unknown or expired, or lacks these scopes.
    Forbidden(Vec<Scope>),
    /// 403 with a text of its own.
    Refused(String),
    /// 404.
    NotFound(String),
    /// 405, with what is allowed.
    MethodNotAllowed(String),
    /// 408: the body did not arrive, or the work was not done in time.
    TimedOut,
    /// 409.
    Conflict(String),
    /// 403, 404 or 409 about a resource that is kept as a document: what, and which.
    Resource(StatusCode, Value),
    /// 413.
    TooLarge,
    /// 415.
    UnsupportedMedia(String),
    /// 422 with a list.
    Invalid(Vec<Invalid>),
    /// 422 with a text.
    Unprocessable(String),
    /// 424.
    FailedDependency(String),
    /// 429, with the seconds to wait.
    TooManyRequests(u64),
    /// 501.
    NotImplemented(String),
    /// 503: the same call may succeed later.
    Unavailable(Box<dyn Error + Send + Sync>),
    /// 500: what it was stands in the log only.
    Private(Box<dyn Error + Send + Sync>),
    /// 500 with a text for the caller; why stands in the log only.
    Failed {
        /// What the caller reads.
        text: String,
        /// What goes to the log.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Invalid {
    /// Which kind of wrong (`missing`, `string_type`).
    #[serde(rename = "type")]
    pub kind: String,
    /// The way to it: `body`, then keys and positions.
    pub loc: Vec<Value>,
    /// What would be right.
    pub msg: String,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Box<Value>>,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Box<Value>>,
}

impl Invalid {
    /// Something wrong at `loc`.
    pub fn new(kind: &str, loc: Vec<Value>, msg: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), loc, msg: msg.into(), input: None, ctx: None }
    }
}

impl ApiError {
    /// 422 for one thing.
    pub fn invalid(kind: &str, loc: Vec<Value>, msg: impl Into<String>) -> Self {
        Self::Invalid(vec![Invalid::new(kind, loc, msg)])
    }

    /// The status it is sent with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthenticated | Self::NotSignedIn(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) | Self::Refused(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Resource(status, _) => *status,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMedia(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::Unprocessable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::FailedDependency(_) => StatusCode::FAILED_DEPENDENCY,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Private(_) | Self::Failed { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the caller reads: a text, or a list of what is wrong.
    pub fn detail(&self) -> Value {
        match self {
            Self::Unauthenticated => json!("Failed to authenticate"),
            Self::Forbidden(scopes) => json!(forbidden(scopes)),
            Self::MethodNotAllowed(_) => json!("Method Not Allowed"),
            Self::TimedOut => json!("the call took too long and was given up; send it again"),
            Self::TooLarge => json!("the body is larger than this server takes; send less at once"),
            Self::Resource(_, detail) => detail.clone(),
            Self::Invalid(list) => json!(list),
            Self::TooManyRequests(seconds) => {
                json!(format!("too many calls; wait {seconds} seconds"))
            }
            Self::Unavailable(_) => json!("the server's database does not answer; send the call again"),
            Self::Private(_) => {
                json!("the server could not do this; its log says why, under the id in X-Request-Id")
            }
            Self::BadRequest(text)
            | Self::NotSignedIn(text)
            | Self::Refused(text)
            | Self::NotFound(text)
            | Self::Conflict(text)
            | Self::UnsupportedMedia(text)
            | Self::Unprocessable(text)
            | Self::FailedDependency(text)
            | Self::NotImplemented(text)
            | Self::Failed { text, .. } => json!(text),
        }
    }
}

fn forbidden(scopes: &[Scope]) -> String {
    const TEXT: &str = "Not Authorized for this action";
    if scopes.is_empty() {
        return TEXT.to_owned();
    }
    let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    format!("{TEXT}. Required scope(s): [{}]", names.join(", "))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        if let Self::Private(source) | Self::Unavailable(source) | Self::Failed { source, .. } = &self {
            tracing::error!(error = %chain(source.as_ref()), "call failed");
        }
        let body = Json(json!({ "detail": self.detail() }));
        let mut response = (self.status(), body).into_response();
        let header = match &self {
            Self::Unauthenticated => Some((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
            Self::TooManyRequests(seconds) => Some((RETRY_AFTER, HeaderValue::from(*seconds))),
            Self::MethodNotAllowed(allowed) => {
                HeaderValue::from_str(allowed).ok().map(|value| (ALLOW, value))
            }
            _ => None,
        };
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

/// What the store says of ids is for the caller, all else for the log.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::NotFound(error.to_string()),
            StoreError::TooMany { .. } => Self::BadRequest(error.to_string()),
            StoreError::Conflict { .. } | StoreError::Forgotten { .. } => Self::Conflict(error.to_string()),
            StoreError::Unavailable { .. } | StoreError::Busy { .. } | StoreError::DiskFull { .. } => {
                Self::Unavailable(Box::new(error))
            }
            StoreError::Place { .. }
            | StoreError::File { .. }
            | StoreError::Schema { .. }
            | StoreError::NotDurable { .. }
            | StoreError::ReadOnly { .. }
            | StoreError::Fenced { .. }
            | StoreError::Sealed { .. }
            | StoreError::Damaged { .. }
            | StoreError::Database { .. } => Self::Private(Box::new(error)),
        }
    }
}

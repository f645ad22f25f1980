use axum::extract::{FromRequest, Request};
use connections::{Categories, DatasetDocument, DatasetFailure, DatasetRefused, LinkRefused};
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use spec::{CheckOptions, Severity, SourceFile, check_datasets};

use super::MOST;
use crate::body::body_bytes;
use crate::problems::invalid_list;
use crate::state::ApiState;
use crate::{ApiError, Invalid};

/// Datasets of a YAML body, below the key `dataset`.
#[derive(Debug)]
pub(super) struct YamlDatasets(pub(super) Vec<Value>);

impl FromRequest<ApiState> for YamlDatasets {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let media = request.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
        let essence = media.and_then(|media| media.split(';').next()).unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-yaml") {
            return Err(ApiError::UnsupportedMedia("Content type must be application/x-yaml".to_owned()));
        }
        let bytes = body_bytes(request, state).await?;
        let text = std::str::from_utf8(&bytes).map_err(|_| bad_yaml("the body is not UTF-8"))?;
        datasets_of(text).map(Self)
    }
}

fn datasets_of(text: &str) -> Result<Vec<Value>, ApiError> {
    let source = SourceFile::new("body", text);
    let Some(mut document) = spec::document(&source, &CheckOptions::default()) else {
        let found = check_datasets(&source, &CheckOptions::default()).diagnostics;
        let first = found.iter().find(|found| found.severity == Severity::Error);
        return Err(first.map_or_else(
            || bad_yaml("the body cannot be read"),
            |first| bad_yaml(&format!("{} in line {}", first.message, first.line)),
        ));
    };
    let loc = vec![json!("body"), json!("dataset")];
    match document.get_mut("dataset").map(Value::take) {
        Some(Value::Array(datasets)) if datasets.len() <= MOST => Ok(datasets),
        Some(Value::Array(_)) => Err(ApiError::invalid("too_long", loc, format!("at most {MOST} datasets"))),
        Some(_) => Err(ApiError::invalid("list_type", loc, "expected a list of datasets")),
        None => Err(ApiError::invalid("missing", loc, "Field required")),
    }
}

fn bad_yaml(why: &str) -> ApiError {
    ApiError::BadRequest(format!("Invalid YAML format: {why}"))
}

/// The dataset at `base` in the body, in which these categories may stand.
pub(in crate::routes) fn one_document(
    (base, document): (&[Value], &Value),
    categories: &Categories,
) -> Result<DatasetDocument, ApiError> {
    DatasetDocument::check(document, categories).map_err(|problems| invalid_list(base, &problems))
}

/// The datasets of the list at `base`: all of them, or everything that is wrong with any.
pub(in crate::routes) fn documents(
    (base, sent): (&[Value], &[Value]),
    categories: &Categories,
) -> Result<Vec<DatasetDocument>, ApiError> {
    let mut documents = Vec::with_capacity(sent.len());
    let mut wrong: Vec<Invalid> = Vec::new();
    for (position, document) in sent.iter().enumerate() {
        let place: Vec<Value> = base.iter().cloned().chain([json!(position)]).collect();
        match one_document((&place, document), categories) {
            Ok(document) => documents.push(document),
            Err(ApiError::Invalid(list)) => wrong.extend(list),
            Err(error) => return Err(error),
        }
    }
    if wrong.is_empty() { Ok(documents) } else { Err(ApiError::Invalid(wrong)) }
}

/// A dataset that does not fit, where it is the only one.
pub(super) fn unfit(failure: &DatasetFailure) -> ApiError {
    let mut loc = vec![json!("body")];
    loc.extend(match failure {
        DatasetFailure::OtherKey { .. } => Some(json!("fides_key")),
        DatasetFailure::BadNamespace { .. } | DatasetFailure::NoNamespace { .. } => Some(json!("fides_meta")),
        DatasetFailure::ReferencesOfApplication
        | DatasetFailure::NoConnectorFile { .. }
        | DatasetFailure::SecretOverride { .. }
        | DatasetFailure::NotKept => None,
    });
    ApiError::invalid("value_error", loc, failure.to_string())
}

impl From<DatasetRefused> for ApiError {
    fn from(error: DatasetRefused) -> Self {
        match error {
            DatasetRefused::NoConnection { .. }
            | DatasetRefused::NoDataset { .. }
            | DatasetRefused::NoPolicy { .. } => Self::NotFound(error.to_string()),
            DatasetRefused::Invalid(problems) => invalid_list(&[json!("body")], &problems),
            DatasetRefused::Unfit(failure) => unfit(&failure),
            DatasetRefused::Stale(_) => Self::Unprocessable(error.to_string()),
            DatasetRefused::Store(error) => error.into(),
        }
    }
}

impl From<LinkRefused> for ApiError {
    fn from(error: LinkRefused) -> Self {
        match error {
            LinkRefused::NoDataset { .. } => Self::NotFound(error.to_string()),
            LinkRefused::Other(error) => error.into(),
        }
    }
}

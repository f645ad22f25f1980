use std::fmt::Display;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::ApiError;
use crate::body::reason;

/// The query of a call; a name may come several times where a list is meant.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let pairs = parts.uri.query().unwrap_or_default().as_bytes();
        let reader = serde_html_form::Deserializer::from_bytes(pairs);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let path = error.path().to_string();
            let loc = if path == "." { vec![json!("query")] } else { vec![json!("query"), json!(path)] };
            ApiError::Invalid(vec![reason(loc, &text(error.inner()))])
        })
    }
}

fn text(error: &impl Display) -> String {
    error.to_string()
}

use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::Browser;
use crate::ApiError;
use crate::body::body_bytes;
use crate::session::is_of_another_site;
use crate::state::ApiState;

/// What a form of the portal sent, from a page that the portal gave to the same browser.
pub(super) struct Form<T> {
    pub(super) browser: Browser,
    pub(super) sent: T,
}

impl<T: DeserializeOwned> FromRequest<ApiState> for Form<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let headers = request.headers().clone();
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            let text = "send the form as `Content-Type: application/x-www-form-urlencoded`";
            return Err(ApiError::UnsupportedMedia(text.to_owned()));
        }
        let browser = Browser::of(&headers, state);
        let bytes = body_bytes(request, state).await?;
        let pairs: Vec<(String, String)> = serde_html_form::from_bytes(&bytes).map_err(|_| unreadable())?;
        let token = pairs.iter().find(|(name, _)| name == "form").map(|(_, value)| value.as_bytes());
        let is_ours = crypto::constant_time_eq(token.unwrap_or_default(), browser.form().as_bytes());
        if !is_ours || browser.is_new || is_of_another_site(&headers) {
            let text = "this form is too old or was not made here; open the page again";
            return Err(ApiError::Refused(text.to_owned()));
        }
        if pairs.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
            return Err(unreadable());
        }
        let sent = serde_html_form::from_bytes(&bytes).map_err(|_| unreadable())?;
        Ok(Self { browser, sent })
    }
}

fn unreadable() -> ApiError {
    ApiError::invalid("value_error", vec![json!("body")], "expected the fields of the form, as text")
}

//! Putting data of a privacy request into a storage destination by hand.

use axum::Json;
use axum::extract::{Path, State};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::{Secret, TextKey};
use http::StatusCode;
use model::PrivacyRequestId;
use privacy::request::RequestError;
use privacy::storage_book::StorageBook;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::caller::Caller;
use crate::documented::{OpenApiRouter, routes};
use crate::routes::storage::LOCAL_FOLDER;
use crate::state::ApiState;
use crate::text::Text;

pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(upload))
}

/// What is put, and where.
#[derive(Deserialize, ToSchema)]
struct UploadInput {
    /// Key of the destination.
    #[schema(value_type = String)]
    storage_key: Text,
    /// The data, as in `{"shop:orders": [{…}]}`.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
}

/// Where it is.
#[derive(Debug, Serialize, ToSchema)]
struct UploadReply {
    /// A link, good for a time; in place of one to a folder of the server, words.
    location: String,
}

/// Put data of a privacy request into a storage destination, as `<id>.json`. If the request has a key,
/// the file is encrypted with it. It is removed when its time is over, as packages are.
#[utoipa::path(
    post,
    path = "/storage/{privacy_request_id}",
    tag = "Storage",
    params(("privacy_request_id" = String, Path)),
    security(("oauth2" = ["storage:create_or_update"])),
    request_body = UploadInput,
    responses((status = 201, body = UploadReply), (status = 404), (status = 422))
)]
async fn upload(
    State(state): State<ApiState>,
    caller: Caller,
    Path(id): Path<String>,
    Body(input): Body<UploadInput>,
) -> Result<(StatusCode, Json<UploadReply>), ApiError> {
    let missing = || ApiError::NotFound(format!("No privacy with id {id}."));
    let parsed: PrivacyRequestId = id.parse().map_err(|_| missing())?;
    let request = state.requests().get_live(&parsed).await.map_err(|error| match error {
        RequestError::NotFound { .. } => missing(),
        other => other.into(),
    })?;
    let book = StorageBook::new(state.store().clone());
    let destination = book.get(&input.storage_key.0).await?;
    let storage = book.open(&destination, state.packages(), state.clock()).await?;
    let text = serde_json::to_string_pretty(&input.data);
    let text = Secret::new(text.map_err(|error| ApiError::Private(Box::new(error)))?);
    let bytes = match state.store().privacy_request_encryption_key(&request.id).await? {
        Some(key) => sealed(&key, text.expose())?,
        None => text.expose().clone().into_bytes(),
    };
    // Taken down first: nothing lies anywhere that the log does not know of.
    state.requests().uploaded(&request.id, &caller.by(), (&destination.key, false)).await?;
    let delivered = storage.put_file(&format!("{}.json", request.id), bytes).await;
    let delivered = delivered.map_err(|error| ApiError::Private(Box::new(error)))?;
    state.requests().uploaded(&request.id, &caller.by(), (&destination.key, true)).await?;
    let location = delivered.link.map_or_else(|| LOCAL_FOLDER.to_owned(), |link| link.url.expose().clone());
    Ok((StatusCode::CREATED, Json(UploadReply { location })))
}

/// Nonce and cipher text, as one text (privacy-requests PK-6).
fn sealed(key: &Secret<String>, text: &str) -> Result<Vec<u8>, ApiError> {
    let key = TextKey::parse(key).map_err(|error| ApiError::Private(Box::new(error)))?;
    let encrypted = key.encrypt(text);
    let decoded = |text: &str| STANDARD.decode(text).map_err(|error| ApiError::Private(Box::new(error)));
    let whole = [decoded(&encrypted.nonce)?, decoded(&encrypted.value)?].concat();
    Ok(STANDARD.encode(whole).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: privacy-requests PK-6
    #[test]
    fn a_file_under_a_key_is_nonce_and_cipher_text_and_opens_with_it() {
        let key = Secret::new("canary-canary-16".to_owned());

        let sealed = sealed(&key, "{\"a\": 1}").unwrap();

        let whole = STANDARD.decode(sealed).unwrap();
        let (nonce, value) = whole.split_at(12);
        let text = crypto::EncryptedText { value: STANDARD.encode(value), nonce: STANDARD.encode(nonce) };
        let opened = TextKey::parse(&key).unwrap().decrypt(&text).unwrap();
        assert_eq!(opened.expose(), "{\"a\": 1}");
    }
}

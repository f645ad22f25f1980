//! Encryption of values under a key that the caller keeps. The server keeps neither.

use axum::Json;
use crypto::{EncryptedText, Secret, TextKey, TextKeyError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::ApiError;
use crate::body::Body;
use crate::documented::{OpenApiRouter, routes};
use crate::state::ApiState;

pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(key)).routes(routes!(encrypt)).routes(routes!(decrypt))
}

/// A value to be encrypted.
#[derive(Deserialize, ToSchema)]
struct EncryptRequest {
    /// The value.
    value: String,
    /// The key: a text of 16 bytes.
    key: String,
}

/// An encrypted value.
#[derive(Serialize, ToSchema)]
struct EncryptReply {
    /// The value, AES-GCM, in base64.
    encrypted_value: String,
    /// What opens it besides the key, in base64.
    nonce: String,
}

/// A value to be decrypted.
#[derive(Deserialize, ToSchema)]
struct DecryptRequest {
    /// The encrypted value, in base64.
    value: String,
    /// The key: a text of 16 bytes.
    key: String,
    /// What came with it.
    nonce: String,
}

/// A value.
#[derive(Serialize, ToSchema)]
struct DecryptReply {
    /// The value.
    decrypted_value: String,
}

/// Makes a key.
#[utoipa::path(
    get,
    path = "/cryptography/encryption/key",
    tag = "Encryption",
    security(("oauth2" = ["encryption:exec"])),
    responses((status = 200, description = "16 random characters", body = String))
)]
async fn key() -> Json<String> {
    Json(TextKey::random_text().expose().clone())
}

/// Encrypts a value.
#[utoipa::path(
    put,
    path = "/cryptography/encryption/aes/encrypt",
    tag = "Encryption",
    security(("oauth2" = ["encryption:exec"])),
    request_body = EncryptRequest,
    responses((status = 200, description = "The encrypted value", body = EncryptReply))
)]
async fn encrypt(Body(request): Body<EncryptRequest>) -> Result<Json<EncryptReply>, ApiError> {
    let EncryptedText { value, nonce } = parse(request.key)?.encrypt(&request.value);
    Ok(Json(EncryptReply { encrypted_value: value, nonce }))
}

/// Decrypts a value.
#[utoipa::path(
    put,
    path = "/cryptography/encryption/aes/decrypt",
    tag = "Encryption",
    security(("oauth2" = ["encryption:exec"])),
    request_body = DecryptRequest,
    responses(
        (status = 200, description = "The value", body = DecryptReply),
        (status = 400, description = "It does not open")
    )
)]
async fn decrypt(Body(request): Body<DecryptRequest>) -> Result<Json<DecryptReply>, ApiError> {
    let DecryptRequest { value, key, nonce } = request;
    let opened = parse(key)?.decrypt(&EncryptedText { value, nonce });
    let plain = opened.map_err(|error| ApiError::BadRequest(error.to_string()))?;
    Ok(Json(DecryptReply { decrypted_value: plain.expose().clone() }))
}

fn parse(key: String) -> Result<TextKey, ApiError> {
    TextKey::parse(&Secret::new(key)).map_err(|error: TextKeyError| {
        ApiError::invalid("value_error", vec![json!("body"), json!("key")], error.to_string())
    })
}

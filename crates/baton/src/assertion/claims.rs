use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The first part.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nonce: Option<String>,
    /// What must be understood besides; nothing of it is (RFC 7515 §4.1.11).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) crit: Option<serde_json::Value>,
}

/// The second part. Times are seconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: Audience,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
}

/// To whom it is addressed: one text or several (RFC 7519 §4.1.3).
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    pub(super) fn holds(&self, name: &str) -> bool {
        match self {
            Self::One(one) => one.eq_ignore_ascii_case(name),
            Self::Several(all) => all.iter().any(|one| one.eq_ignore_ascii_case(name)),
        }
    }
}

/// Bytes as they stand in a part.
pub(super) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A part as it is written.
pub(super) fn part(value: &impl Serialize) -> String {
    text(&serde_json::to_vec(value).expect("texts and numbers are JSON"))
}

/// The bytes of a part.
pub(super) fn bytes(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// What a part says.
pub(super) fn read<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&bytes(part)?).ok()
}

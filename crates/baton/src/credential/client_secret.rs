use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::{PublicKey, Secret, SigningKey};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::CredentialError;

/// What the third part of a client secret is.
const VERSION: &str = "v1";
/// The two labels in front, which nobody checks (baton P-2).
const LABELS: &str = "secret-token:tutela";

/// The private key of a self-hosted connector: four parts with `:` between them, of which the last is an
/// Ed25519 key as a JSON web key in base64url (baton P-2).
pub struct ClientSecret {
    key: SigningKey,
    key_id: Option<String>,
}

/// The key as it is written (RFC 8037 §2).
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
struct WrittenKey {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    d: Option<String>,
    #[serde(default)]
    x: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

impl ClientSecret {
    /// Reads a secret as it is handed out.
    ///
    /// # Errors
    /// [`CredentialError`], which says what is wrong and shows nothing of it.
    pub fn parse(text: &Secret<String>) -> Result<Self, CredentialError> {
        let parts: Vec<&str> = text.expose().trim().split(':').collect();
        let [_, _, version, key] = parts.as_slice() else {
            return Err(CredentialError::SecretParts { parts: parts.len() });
        };
        if *version != VERSION {
            return Err(CredentialError::SecretVersion);
        }
        let json = URL_SAFE_NO_PAD.decode(key).map(Secret::new).map_err(|_| CredentialError::SecretText)?;
        let written: WrittenKey =
            serde_json::from_slice(json.expose()).map_err(|_| CredentialError::SecretShape)?;
        if written.kty != "OKP" || written.crv != "Ed25519" {
            return Err(CredentialError::SecretKind);
        }
        let seed = seed(written.d.as_deref().ok_or(CredentialError::SecretPublic)?)?;
        let key = SigningKey::of_seed(&seed);
        let public = URL_SAFE_NO_PAD.decode(&written.x).map_err(|_| CredentialError::SecretHalves)?;
        // A seed of one key and the public half of another sign what nobody can check.
        if public != key.public().bytes() {
            return Err(CredentialError::SecretHalves);
        }
        Ok(Self { key, key_id: written.kid.clone() })
    }

    /// A fresh one; its key has `key_id` as its name.
    pub(super) fn random(key_id: String) -> Self {
        Self { key: SigningKey::random(), key_id: Some(key_id) }
    }

    /// The secret as it is handed out, once.
    pub(super) fn text(&self) -> Secret<String> {
        let written = WrittenKey {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            d: Some(URL_SAFE_NO_PAD.encode(self.key.seed().expose())),
            x: URL_SAFE_NO_PAD.encode(self.key.public().bytes()),
            kid: self.key_id.clone(),
        };
        let json = Secret::new(serde_json::to_string(&written).expect("texts are JSON"));
        let key = Secret::new(URL_SAFE_NO_PAD.encode(json.expose()));
        Secret::new(format!("{LABELS}:{VERSION}:{}", key.expose()))
    }

    /// The name of the key, if it has one.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The half that the control plane keeps.
    pub fn public(&self) -> PublicKey {
        self.key.public()
    }

    /// Signs `message`.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.key.sign(message)
    }
}

fn seed(text: &str) -> Result<Secret<[u8; 32]>, CredentialError> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map(Secret::new).map_err(|_| CredentialError::SecretShape)?;
    let seed: [u8; 32] = bytes.expose().as_slice().try_into().map_err(|_| CredentialError::SecretShape)?;
    Ok(Secret::new(seed))
}

/// Shows the short name of the public half.
impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientSecret({})", self.public().id())
    }
}

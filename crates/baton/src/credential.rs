//! The credentials of a self-hosted connector (baton P-1 to P-4).

mod client_id;
mod client_secret;
mod fresh;
mod host;
mod host_id;

use thiserror::Error;

pub use client_id::ClientId;
pub use client_secret::ClientSecret;
pub use fresh::FreshCredential;
pub use host::{ApiHost, ApiHostError};
pub use host_id::{HostId, HostIdError};

/// What a connector shows to its control plane: who it is, and the key that proves it.
#[derive(Debug)]
pub struct Credential {
    /// Who it is.
    pub client_id: ClientId,
    /// What proves it.
    pub client_secret: ClientSecret,
}

/// A credential that cannot be used. No text shows any of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CredentialError {
    /// No `@`.
    #[error("the client id has no `@`; {CLIENT_ID_FORM}")]
    IdWithoutHost,
    /// No `/`.
    #[error("the client id has no `/` behind its host; {CLIENT_ID_FORM}")]
    IdWithoutEnd,
    /// Nothing before the `@`, or characters that no client id has.
    #[error("the name at the beginning of the client id is empty or has blanks; {CLIENT_ID_FORM}")]
    IdName,
    /// The middle is no host.
    #[error("the client id has no host between `@` and `/`; {CLIENT_ID_FORM}")]
    IdHost,
    /// Longer than anybody makes them.
    #[error("the client id is longer than {MAX_CLIENT_ID} bytes; {CLIENT_ID_FORM}")]
    IdLength,
    /// Not four parts.
    #[error(
        "the client secret has {parts} parts and not four with `:` between them; copy it whole, as Rotate shows it"
    )]
    SecretParts {
        /// How many it has.
        parts: usize,
    },
    /// Another version.
    #[error("the third part of the client secret is not `v1`; this version of Tutela knows no other")]
    SecretVersion,
    /// Not base64.
    #[error("the key in the client secret is not base64url; was it cut when it was copied?")]
    SecretText,
    /// Not a key.
    #[error("the key in the client secret is not a JSON web key; was it cut when it was copied?")]
    SecretShape,
    /// A key of another kind.
    #[error("the key in the client secret is not an Ed25519 key (`kty` OKP, `crv` Ed25519)")]
    SecretKind,
    /// Only the half that proves nothing.
    #[error("the key in the client secret is a public key; the private one (`d`) is needed")]
    SecretPublic,
    /// The two halves are of two keys.
    #[error(
        "the two halves of the key in the client secret do not belong together; ask for a new one with Rotate"
    )]
    SecretHalves,
}

const CLIENT_ID_FORM: &str = "it looks like `brave-otter-1234@tenant.example.com/spc`";

/// Longest client id that is read.
const MAX_CLIENT_ID: usize = 1024;

#[cfg(test)]
mod tests;

use crypto::{Envelope, EnvelopeError, PublicKey, SigningKey};
use serde_json::Value;
use store::{AuditError, Store};
use thiserror::Error;

use super::{Certificate, Conclusion, LOG_KEY};

/// Media type of a signed certificate.
pub const CERTIFICATE_TYPE: &str = "application/vnd.tutela.certificate+json";

impl Certificate {
    /// The certificate as a file: a DSSE envelope, byte for byte the same for the same contents.
    pub fn sign(&self, key: &SigningKey) -> Vec<u8> {
        Envelope::sign(CERTIFICATE_TYPE, &self.canonical(), key).to_bytes()
    }

    /// The same, signed as the installation of `store`.
    pub fn sign_as(&self, store: &Store) -> Vec<u8> {
        store.sign(CERTIFICATE_TYPE, &self.canonical()).to_bytes()
    }

    /// Reads a file and checks it with public keys alone: no network, no database, nothing that
    /// stands in the file is trusted.
    ///
    /// What is signed must also be what this version would have signed, to the byte; it must
    /// conclude what follows from its parts; and the log must hold an entry that names it.
    ///
    /// # Errors
    /// [`CertificateError`] says which of these does not hold.
    pub fn verify(file: &[u8], keys: &[PublicKey]) -> Result<Self, CertificateError> {
        let payload = Envelope::parse(file)?.verify(CERTIFICATE_TYPE, keys)?;
        let certificate: Self =
            serde_json::from_slice(&payload).map_err(|_| CertificateError::NotACertificate)?;
        if certificate.canonical() != payload {
            return Err(CertificateError::NotCanonical);
        }
        if certificate.conclusion != Conclusion::of(&certificate) {
            return Err(CertificateError::WrongConclusion);
        }
        let log = certificate.log.as_ref().ok_or(CertificateError::NotInLog)?;
        log.verify(keys)?;
        if named_in(&log.entry).as_deref() != Some(certificate.digest().as_str()) {
            return Err(CertificateError::OtherLogEntry);
        }
        Ok(certificate)
    }
}

/// The certificate that an entry of the log names.
fn named_in(entry: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(entry).ok()?;
    entry.get("details")?.get(LOG_KEY)?.as_str().map(str::to_owned)
}

/// A file that proves nothing.
#[derive(Debug, Error)]
pub enum CertificateError {
    /// Not signed by a key that is trusted, or not in the exact form.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Signed, but no certificate of a form that this version knows.
    #[error("the signed statement is no certificate that this version knows; use the version that made it")]
    NotACertificate,
    /// Signed in another form than this version writes.
    #[error("the signed certificate is not in its exact form; use the version that made it")]
    NotCanonical,
    /// It claims more or less than its parts say.
    #[error("the certificate concludes something else than follows from its parts; do not rely on it")]
    WrongConclusion,
    /// It carries no proof of the log.
    #[error(
        "the certificate carries no proof that the audit log names it; run `tutela privacy verify` again"
    )]
    NotInLog,
    /// The proof does not hold.
    #[error("the proof of the audit log does not hold")]
    Log(#[from] AuditError),
    /// The proof is one of another entry.
    #[error("the certificate carries the proof of another entry of the audit log; do not rely on it")]
    OtherLogEntry,
}

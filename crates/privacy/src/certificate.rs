//! What was proven about an erasure or rectification, signed, without personal data.

use graph::MaskingGrade;
use jiff::Timestamp;
use model::{CollectionAddress, Outcome, RunId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::AuditProof;

use crate::as_text;
use crate::plan::{NotCovered, PlanAction, PlanDigest, Reason};

mod conclusion;
mod page;
mod signed;

pub use conclusion::Conclusion;
pub use signed::{CERTIFICATE_TYPE, CertificateError};

/// A certificate. Its file is a DSSE envelope around the canonical form of this
/// ([`Certificate::sign`]); only [`Certificate::verify`] says whether a file can be believed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Form of the document.
    pub format: CertificateFormat,
    /// The run.
    #[serde(with = "as_text")]
    pub run: RunId,
    /// When it was issued.
    #[serde(with = "as_text")]
    pub issued_at: Timestamp,
    /// What was done.
    pub action: PlanAction,
    /// Digest of the plan that was approved.
    #[serde(with = "as_text")]
    pub plan_digest: PlanDigest,
    /// Key of the policy.
    pub policy: String,
    /// Digest of the policy, as it was.
    pub policy_sha256: String,
    /// Keyed hash of the person's identities: equal for equal requests of one installation.
    pub subject: String,
    /// What it all amounts to; follows from the rest.
    pub conclusion: Conclusion,
    /// What became of each operation.
    pub operations: Vec<CertifiedOperation>,
    /// What reading again found.
    pub verification: CertifiedVerification,
    /// Targeted data that stay because a rule says so.
    pub exemptions: Vec<NotCovered>,
    /// Targeted data that stay although they should not.
    pub not_covered: Vec<NotCovered>,
    /// Proof that the log holds the entry of this certificate; absent until it is sequenced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<AuditProof>,
}

/// Form of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CertificateFormat {
    /// The first and only one.
    #[default]
    #[serde(rename = "tutela.certificate/1")]
    V1,
}

/// What a certificate is made of.
#[derive(Debug, Clone)]
pub struct CertificateParts {
    /// The run.
    pub run: RunId,
    /// When it is issued.
    pub issued_at: Timestamp,
    /// What was done.
    pub action: PlanAction,
    /// Digest of the plan that was approved.
    pub plan_digest: PlanDigest,
    /// Key of the policy.
    pub policy: String,
    /// Digest of the policy, as it was.
    pub policy_sha256: String,
    /// Keyed hash of the person's identities.
    pub subject: String,
    /// What became of each operation.
    pub operations: Vec<CertifiedOperation>,
    /// What reading again found.
    pub verification: CertifiedVerification,
    /// Everything the plan did not cover, exempt or not.
    pub not_covered: Vec<NotCovered>,
}

/// One operation and its end. No URL, body or statement: those hold personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedOperation {
    /// Its number in the plan.
    pub order: u64,
    /// Key of the connection.
    pub connection: String,
    /// What it erased or corrected.
    pub collections: Vec<CollectionAddress>,
    /// Why.
    pub reason: Vec<Reason>,
    /// Rows that it was to change.
    pub rows: u64,
    /// Its end.
    pub outcome: Outcome,
    /// How well the old values are gone, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<MaskingGrade>,
    /// Each destination of an asynchronous job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<CertifiedDestination>,
}

/// One destination of an asynchronous job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedDestination {
    /// Its name.
    pub name: String,
    /// The application's word for its state.
    pub status: String,
    /// What that means.
    pub outcome: Outcome,
}

/// What reading again found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedVerification {
    /// How long nothing was written before.
    pub quiet_period_s: u64,
    /// Each collection from which something had to go.
    pub reads: Vec<VerifiedRead>,
}

/// One collection, read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifiedRead {
    /// Its address.
    pub address: CollectionAddress,
    /// What was found.
    pub state: VerificationState,
    /// Where that is known from.
    pub evidence: Evidence,
    /// Why it was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// Rows with targeted data when the plan was made.
    pub rows_before: u64,
    /// Rows with targeted data that are still there.
    pub rows_left: u64,
    /// When it was read.
    #[serde(with = "as_text")]
    pub checked_at: Timestamp,
}

/// What reading again found, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerificationState {
    /// Something is still there.
    StillPresent,
    /// It was not read again, or not to its end.
    NotChecked,
    /// Nothing is there any more.
    Gone,
}

/// Where it is known from what became of data, weaker first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Nowhere: nothing was checked.
    Nothing,
    /// The application's word: it offers nothing that could be read again, and was seen to say of its
    /// job and of each destination that they ended well.
    Application,
    /// The application finds nothing any more by what led there. Masks replaced just that, so the masked
    /// rows themselves were not seen.
    Lookup,
    /// Reading again.
    Reading,
}

impl Certificate {
    /// Draws the conclusion and divides what stays into exempt and not covered.
    pub fn new(parts: CertificateParts) -> Self {
        let is_exempt = |one: &NotCovered| matches!(one.outcome, Outcome::Exempt | Outcome::Suppressed);
        let (exemptions, not_covered) = parts.not_covered.into_iter().partition(is_exempt);
        let mut certificate = Self {
            format: CertificateFormat::V1,
            run: parts.run,
            issued_at: parts.issued_at,
            action: parts.action,
            plan_digest: parts.plan_digest,
            policy: parts.policy,
            policy_sha256: parts.policy_sha256,
            subject: parts.subject,
            conclusion: Conclusion::default(),
            operations: parts.operations,
            verification: parts.verification,
            exemptions,
            not_covered,
            log: None,
        };
        certificate.conclusion = Conclusion::of(&certificate);
        certificate
    }

    /// Digest over everything but the proof of the log: what the log's entry has to name.
    ///
    /// Enter it in the details of an audit event as [`Certificate::log_details`], let it be
    /// sequenced, and put its proof in with [`Certificate::with_log`].
    pub fn digest(&self) -> String {
        let without_log = Self { log: None, ..self.clone() };
        format!("sha256:{}", crypto::hex(&crypto::sha256(&without_log.canonical())))
    }

    /// The details of the audit event that a certificate needs.
    pub fn log_details(&self) -> Value {
        serde_json::json!({ LOG_KEY: self.digest() })
    }

    /// With the proof that the log holds its entry.
    #[must_use]
    pub fn with_log(self, log: AuditProof) -> Self {
        Self { log: Some(log), ..self }
    }

    fn canonical(&self) -> Vec<u8> {
        let value = serde_json::to_value(self).expect("keys are texts, and nothing else can fail");
        crypto::canonical_json(&value)
    }
}

/// Under which key the details of the log's entry name a certificate.
const LOG_KEY: &str = "certificate";

impl CertifiedVerification {
    /// The worst of all collections; if there are none, nothing was checked.
    pub fn state(&self) -> VerificationState {
        self.reads.iter().map(|read| read.state).min().unwrap_or(VerificationState::NotChecked)
    }

    /// The weakest evidence of all collections; `None` if there are none.
    pub fn evidence(&self) -> Option<Evidence> {
        self.reads.iter().map(|read| read.evidence).min()
    }
}

#[cfg(test)]
mod tests;

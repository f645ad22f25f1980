//! From what was found to a signed certificate that the audit log names.

use std::time::Duration;

use model::{Outcome, kill_point};
use store::{Actor, AuditEvent, KeptCertificate};

use super::{Verified, VerifyError};
use crate::PrivacyService;
use crate::certificate::{
    Certificate, CertificateParts, CertifiedDestination, CertifiedOperation, CertifiedVerification,
};
use crate::outline::Known;
use crate::published::sequence;
use crate::status::OperationStatus;

/// Between two looks whether somebody else numbered our entry.
const LOOK: Duration = Duration::from_millis(200);
/// How often that is looked for.
const LOOKS: u32 = 100;

/// Everything that a certificate is made of.
pub(super) struct Findings<'a> {
    pub(super) known: &'a Known,
    pub(super) operations: &'a [OperationStatus],
    pub(super) verification: CertifiedVerification,
    pub(super) problems: Vec<String>,
}

impl PrivacyService {
    /// Issues a certificate: it stands in the audit log and in the store when this returns. If it
    /// proves everything, the personal data of the run is gone then.
    pub(super) async fn certify(
        &self,
        findings: Findings<'_>,
        actor: &Actor,
    ) -> Result<Verified, VerifyError> {
        let Findings { known, operations, verification, problems } = findings;
        let (store, outline) = (&self.parts().store, &known.outline);
        let certificate = Certificate::new(CertificateParts {
            run: known.head.run.clone(),
            issued_at: self.parts().clock.now(),
            action: outline.action,
            plan_digest: known.head.digest.clone(),
            policy: outline.policy.clone(),
            policy_sha256: outline.policy_sha256.clone(),
            subject: outline.subject.clone(),
            operations: self.certified(known, operations),
            verification,
            not_covered: outline.stays(),
        });
        let certificate = self.log(certificate, actor).await?;
        let file = certificate.sign_as(store);
        let kept = KeptCertificate {
            run: known.head.run.clone(),
            digest: certificate.digest(),
            issued_at: certificate.issued_at,
            is_proven: certificate.conclusion.proven,
            envelope: file.clone(),
        };
        store.certificate_put(&kept).await?;
        kill_point!("verify.certified");
        let html = certificate.to_html().map_err(VerifyError::Page)?;
        let mut verified = Verified { certificate, file, html, problems };
        self.end_if_proven(&mut verified, actor).await?;
        Ok(verified)
    }

    /// A certificate that was issued before, with what has to follow if that was cut off.
    pub(super) async fn issued(&self, kept: KeptCertificate, actor: &Actor) -> Result<Verified, VerifyError> {
        let run = kept.run.clone();
        let key = self.parts().store.public_key();
        let certificate =
            Certificate::verify(&kept.envelope, &[key]).map_err(|_| VerifyError::Damaged { run })?;
        let html = certificate.to_html().map_err(VerifyError::Page)?;
        let mut verified = Verified { certificate, file: kept.envelope, html, problems: Vec::new() };
        self.end_if_proven(&mut verified, actor).await?;
        Ok(verified)
    }

    /// Rows, plan and identities die with the certificate that proves that they are gone.
    async fn end_if_proven(&self, verified: &mut Verified, actor: &Actor) -> Result<(), VerifyError> {
        let store = &self.parts().store;
        if verified.is_proven() {
            let run = &verified.certificate.run;
            store.run_finish(run, verified.certificate.conclusion.outcome).await?;
            store.run_forget(run, actor.clone()).await?;
        }
        self.publish_or_say(&mut verified.problems).await;
        Ok(())
    }

    /// Enters the certificate into the audit log and waits until it is numbered and signed there.
    async fn log(&self, certificate: Certificate, actor: &Actor) -> Result<Certificate, VerifyError> {
        let parts = self.parts();
        let event = AuditEvent::new(actor.clone(), "certificate.issued", certificate.run.as_str())
            .with(certificate.log_details());
        let entered = parts.store.audit_enter(&[event]).await?;
        let Some(entry) = entered.first() else { return Err(VerifyError::NotSequenced) };
        let holder = format!("{}/{}", parts.worker, parts.ids.next_uuid());
        for _ in 0..LOOKS {
            sequence(&parts.store, &holder).await?;
            if let Some(proof) = parts.store.audit_proof(entry).await? {
                return Ok(certificate.with_log(proof));
            }
            parts.clock.sleep(LOOK).await;
        }
        Err(VerifyError::NotSequenced)
    }

    fn certified(&self, known: &Known, operations: &[OperationStatus]) -> Vec<CertifiedOperation> {
        let one = |(planned, status): (&crate::outline::OutlinedOperation, &OperationStatus)| {
            // What was never sent did nothing for the person, whatever the reason.
            let outcome = status.outcome.unwrap_or(Outcome::Failed);
            CertifiedOperation {
                order: planned.order,
                connection: planned.connection.clone(),
                collections: planned.collections.clone(),
                reason: planned.reason.clone(),
                rows: planned.rows,
                outcome,
                grade: planned.grade,
                destinations: status
                    .destinations
                    .iter()
                    .map(|destination| CertifiedDestination {
                        name: destination.name.clone(),
                        status: destination.status.clone(),
                        outcome: self.meaning(planned, &destination.status).unwrap_or_else(|| {
                            if outcome == Outcome::Accepted { outcome } else { Outcome::Unknown }
                        }),
                    })
                    .collect(),
            }
        };
        known.outline.operations.iter().zip(operations).map(one).collect()
    }

    /// What an application's word for the state of a destination means, as the connector file says.
    fn meaning(&self, planned: &crate::outline::OutlinedOperation, status: &str) -> Option<Outcome> {
        let file = self.find_facts(&planned.connection)?.file.as_ref()?;
        let place = planned.place.as_deref()?;
        let request = file.requests().into_iter().find(|request| request.place == place)?;
        request.track.as_ref()?.outcome(status)
    }
}

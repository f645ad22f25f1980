//! Packages, on their way to where the policy's rules want them.

use std::sync::Arc;

use model::{RunId, kill_point};
use spec::{ActionType, Rule};
use store::{ManualTask, NewRequestLog, RequestStep};

use super::access_step::Read;
use super::halt::Halt;
use super::journey::Journey;
use super::log;
use super::means::Means;
use crate::access::{self, Destination, Package};
use crate::manual_task;
use crate::package::{NamePatterns, PackageError, Redaction};
use crate::storage::{Storage, StorageError};
use crate::storage_book::{RuleStorageError, StorageBookError};

/// Name of this step in a request's log (privacy-requests PK-3).
const UPLOAD: &str = "Access package upload";
const STEP: RequestStep = RequestStep::UploadAccess;

impl Journey<'_> {
    /// Delivers one package for each access rule, with what people did by hand; gives the run, which is
    /// over with it.
    pub(super) async fn upload(
        &mut self,
        means: &Means,
        read: Read,
        tasks: &[ManualTask],
    ) -> Result<RunId, Halt> {
        let Read { run, subject, outcome } = read;
        let policy = &means.policy.policy;
        let mut places = Vec::new();
        for rule in Package::access_rules(policy) {
            places.push((rule, self.storage(rule, means).await?));
        }
        let (store, id) = (self.store(), &self.request.id);
        let forms = means.configuration.forms().await.map_err(|error| Halt::of_store(&error, STEP))?;
        let brought = manual_task::brought_by(store, id, (forms, tasks)).await;
        let brought = brought.map_err(|error| Halt::of_store(&error, STEP))?;
        let files = brought.open(store, id).await.map_err(|error| Halt::of_store(&error, STEP))?;
        let outcome = outcome.in_hand(store, &run).await.map_err(|error| Halt::of_store(&error, STEP))?;
        let (outcome, left_out) = access::delivered(&means.service, outcome);
        for address in &left_out {
            self.hold.tell(log::of_not_served(&means.service, address, ActionType::Access));
        }
        let password = store.privacy_request_encryption_key(id).await;
        let password = password.map_err(|error| Halt::of_store(&error, STEP))?;
        let package = Arc::new(Package {
            graph: Arc::clone(&means.service.parts().graph),
            policy: Some(policy.clone()),
            outcome,
            identities: subject.identities,
            made_at: self.clock().now(),
            brought: brought.rows,
            files,
            not_brought: brought.not_brought,
            password,
            redaction: self.redaction(means).await?,
        });
        let destinations: Vec<Destination<'_>> =
            places.iter().map(|(rule, storage)| Destination { rule, storage }).collect();
        let name = self.request.id.to_string();
        match package.deliver(&name, &destinations).await {
            Ok(_) => {
                kill_point!("request.uploaded");
                let text = "Access package upload successful for privacy request.";
                self.hold.tell(NewRequestLog::of_work(UPLOAD, "complete", text));
            }
            Err(error) => return Err(self.not_uploaded(&error)),
        }
        Ok(run)
    }

    /// Names that packages for people do not show, as datasets and settings say now.
    async fn redaction(&self, means: &Means) -> Result<Redaction, Halt> {
        let patterns = means.configuration.redaction_patterns().await;
        let patterns = patterns.map_err(|error| Halt::of_store(&error, STEP))?;
        let patterns = NamePatterns::parse(patterns).map_err(|error| {
            Halt::failed_with(STEP, "redaction", NewRequestLog::of_work(UPLOAD, "error", &error.to_string()))
        })?;
        Ok(Redaction::of(&means.service.parts().graph, patterns))
    }

    /// The place of a rule's packages, open.
    async fn storage(&self, rule: &Rule, means: &Means) -> Result<Storage, Halt> {
        let parts = self.parts();
        let with = (&parts.packages, &parts.clock);
        match self.worker.storages.of_rule_at(rule, &means.configuration, with).await {
            Ok(storage) => Ok(storage),
            Err(RuleStorageError::Store(error) | RuleStorageError::Book(StorageBookError::Store(error))) => {
                Err(Halt::of_store(&error, STEP))
            }
            Err(RuleStorageError::Storage(error)) => Err(self.not_uploaded(&error)),
            Err(error @ (RuleStorageError::NoDefault { .. } | RuleStorageError::Book(_))) => {
                let log = NewRequestLog::of_work(UPLOAD, "error", &error.to_string());
                Err(Halt::failed_with(STEP, "storage", log))
            }
        }
    }

    fn not_uploaded(&self, error: &StorageError) -> Halt {
        if let StorageError::Package(PackageError::Rows(error)) = error {
            return Halt::of_rows(error, STEP);
        }
        tracing::warn!(request = %self.request.id, %error, "a package was not delivered");
        Halt::failed_with(STEP, "upload", NewRequestLog::of_work(UPLOAD, "error", &error.to_string()))
    }
}

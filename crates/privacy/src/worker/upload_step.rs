//! Packages, on their way to where the policy's rules want them.

use std::sync::Arc;

use spec::Rule;
use store::{NewRequestLog, RequestStep};

use super::access_step::Read;
use super::halt::Halt;
use super::journey::{Journey, Means};
use crate::access::{Destination, Package};
use crate::manual;
use crate::storage::{Storage, StorageError};
use crate::storage_book::{RuleStorageError, StorageBookError};

/// Name of this step in a request's log (privacy-requests PK-3).
const UPLOAD: &str = "Access package upload";
const STEP: RequestStep = RequestStep::UploadAccess;

impl Journey<'_> {
    /// Delivers one package for each access rule.
    pub(super) async fn upload(&mut self, means: &Means, read: Read) -> Result<(), Halt> {
        let Read { run, subject, outcome } = read;
        let policy = &means.policy.policy;
        let mut places = Vec::new();
        for rule in Package::access_rules(policy) {
            places.push((rule, self.storage(rule).await?));
        }
        let (store, id) = (self.store(), &self.request.id);
        let brought = manual::rows(store, id).await.map_err(|error| Halt::of_store(&error, STEP))?;
        let brought = brought.into_iter().map(|(key, row)| (key.as_str().to_owned(), row)).collect();
        let password = store.privacy_request_encryption_key(id).await;
        let password = password.map_err(|error| Halt::of_store(&error, STEP))?;
        let package = Arc::new(Package {
            graph: Arc::clone(&means.service.parts().graph),
            policy: Some(policy.clone()),
            outcome,
            identities: subject.identities,
            made_at: self.clock().now(),
            brought,
            password,
        });
        let destinations: Vec<Destination<'_>> =
            places.iter().map(|(rule, storage)| Destination { rule, storage }).collect();
        let name = self.request.id.to_string();
        match package.deliver(&name, &destinations).await {
            Ok(_) => {
                let text = "Access package upload successful for privacy request.";
                self.hold.tell(NewRequestLog::of_work(UPLOAD, "complete", text));
            }
            Err(error) => return Err(self.not_uploaded(&error)),
        }
        // Its rows stay for as long as packages do.
        let finished = self.store().run_finish(&run, None).await;
        finished.map_err(|error| Halt::of_store(&error, STEP))
    }

    /// The place of a rule's packages, open.
    async fn storage(&self, rule: &Rule) -> Result<Storage, Halt> {
        let parts = self.parts();
        match self.worker.storages.of_rule(rule, &parts.packages, &parts.clock).await {
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
        tracing::warn!(request = %self.request.id, %error, "a package was not delivered");
        Halt::failed_with(STEP, "upload", NewRequestLog::of_work(UPLOAD, "error", &error.to_string()))
    }
}

//! One change of access: what it is about is looked up in the file, what is so now in the application.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use c1z::{Limits, Reader, RunChoice};
use governance::change::{
    AccessChange, AccessChanges, Approval, ChangeParts, ChangeReport, ChangeResult, ResourceName,
};
use jiff::Timestamp;
use model::RandomIds;
use protos::annotations;
use protos::c1::connector::v2::{BatonId, Entitlement, Grant, GrantImmutable, Resource, ResourceId};
use serde_json::Value;
use spec::connector_file::governance::{CreateParam, ResourceType};
use store::Actor;

use super::folder::JobFolder;
use super::{OneShot, OneShotError};
use crate::command_line::{AccountRequest, ResourceRef};

/// How long another change through the same file is waited for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

impl OneShot<'_> {
    /// Grants what the file has (baton C-9).
    pub(super) async fn grant(&self, entitlement: &str, principal: &ResourceRef) -> Result<(), OneShotError> {
        self.known().grant(entitlement, principal)?;
        let principal = ResourceName::new(&principal.resource_type, &principal.id);
        self.change(AccessChange::Grant { entitlement: entitlement.to_owned(), principal }).await
    }

    /// Takes back a grant that the file has (baton C-10).
    pub(super) async fn revoke(&self, grant: &str) -> Result<(), OneShotError> {
        let (entitlement, principal) = self.known().revoke(grant)?;
        self.change(AccessChange::Revoke { entitlement, principal }).await
    }

    /// Removes a resource. The file need not know it: it may have been made since.
    pub(super) async fn delete(&self, resource: &ResourceRef) -> Result<(), OneShotError> {
        let resource = ResourceName::new(&resource.resource_type, &resource.id);
        self.change(AccessChange::Delete { resource }).await
    }

    /// Makes an account (baton C-11).
    pub(super) async fn create(&self, account: &AccountRequest) -> Result<(), OneShotError> {
        let governance = self.connector.connection().file.governance.as_deref();
        let kinds = governance.map(|section| section.resource_types.as_slice()).unwrap_or_default();
        let wanted = |kind: &&ResourceType| match &account.resource_type {
            Some(wanted) => kind.id == *wanted,
            None => kind.create.as_ref().is_some_and(|create| create.is_account),
        };
        let kind = kinds.iter().find(wanted);
        let Some((kind, create)) = kind.and_then(|kind| Some((kind, kind.create.as_ref()?))) else {
            return Err(OneShotError::NoAccounts { kind: account.resource_type.clone() });
        };
        let unused = account.profile.keys().filter(|name| {
            !matches!(name.as_str(), "login" | "email")
                && create.params.iter().all(|param| param.name != **name)
        });
        for name in unused {
            tracing::warn!(name, "the application has no place for this value of the account");
        }
        let params =
            create.params.iter().filter_map(|param| Some((param.name.clone(), said(account, param)?)));
        let change = AccessChange::Create { kind: kind.id.clone(), params: params.collect() };
        self.change(change).await
    }

    fn known(&self) -> Known<'_> {
        Known {
            file: &self.settings.file,
            folder: self.settings.sync.temp_folder.as_deref(),
            now: self.clock.now(),
        }
    }

    async fn change(&self, change: AccessChange) -> Result<(), OneShotError> {
        let folder = JobFolder::take(&self.settings.file, ("change", LONGEST_WAIT), &*self.clock).await?;
        let store = folder.open(Arc::clone(&self.clock)).await?;
        let changes = AccessChanges::new(ChangeParts {
            connector: self.connector.clone(),
            store: store.clone(),
            limits: self.concurrency(),
            clock: Arc::clone(&self.clock),
            ids: Arc::new(RandomIds),
            worker: self.worker.clone(),
        });
        let applied = match changes {
            Ok(changes) => Box::pin(changes.apply(&change, Approval::Given, &Actor::system())).await,
            Err(error) => Err(error),
        };
        store.close().await;
        let done = match applied {
            Ok(report) => settled(&report),
            Err(error) => Err(error.into()),
        };
        // What was sent without a known end is found out by the same command again.
        if !matches!(&done, Err(error) if error.leaves_open()) {
            folder.remove();
        }
        done
    }
}

/// A value of an account. Somebody signs in with an address more often than not: either stands for the other.
fn said(account: &AccountRequest, param: &CreateParam) -> Option<String> {
    let other = match param.name.as_str() {
        "email" => Some("login"),
        "login" => Some("email"),
        _ => None,
    };
    let value = account.profile.get(&param.name).or_else(|| account.profile.get(other?))?;
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn settled(report: &ChangeReport) -> Result<(), OneShotError> {
    let (run, attempts) = (&report.run, report.attempts);
    match report.result {
        ChangeResult::Already => tracing::info!(%run, "it is so already; nothing was sent"),
        ChangeResult::Confirmed => tracing::info!(%run, attempts, "done, and confirmed by reading"),
        ChangeResult::StillReachable => {
            let ways = report.through.len();
            tracing::warn!(%run, attempts, ways, "done, and the same access is still reached in other ways");
        }
        ChangeResult::DoneButNotVisible | ChangeResult::Failed | ChangeResult::Unknown => {
            return Err(OneShotError::Unsettled {
                result: report.result,
                detail: report.detail.clone().unwrap_or_default(),
                note: report.note.clone().unwrap_or_default(),
            });
        }
    }
    Ok(())
}

/// What the file knows: ids are taken from its newest run.
struct Known<'a> {
    file: &'a Path,
    folder: Option<&'a Path>,
    now: Timestamp,
}

impl Known<'_> {
    fn open(&self) -> Result<Reader, OneShotError> {
        Ok(Reader::open(self.file, self.folder, &Limits::default())?)
    }

    fn grant(&self, entitlement: &str, principal: &ResourceRef) -> Result<(), OneShotError> {
        let reader = self.open()?;
        let run = reader.run(&RunChoice::Newest { now: self.now })?;
        let found = reader
            .find::<Entitlement>(run, entitlement)?
            .ok_or_else(|| not_found("entitlement", entitlement))?;
        let on = found.resource.and_then(|on| on.id).ok_or_else(|| not_found("entitlement", entitlement))?;
        let on = reader.find_resource(run, &on)?.ok_or_else(|| not_found("resource", &on.resource))?;
        if is_of_another(&on) {
            return Err(OneShotError::OfAnother);
        }
        let id = ResourceId {
            resource_type: principal.resource_type.clone(),
            resource: principal.id.clone(),
            ..ResourceId::default()
        };
        reader.find_resource(run, &id)?.map(drop).ok_or_else(|| not_found("principal", &principal.id))
    }

    /// Entitlement and principal of a grant.
    fn revoke(&self, grant: &str) -> Result<(String, ResourceName), OneShotError> {
        let reader = self.open()?;
        let run = reader.run(&RunChoice::Newest { now: self.now })?;
        let missing = || not_found("grant", grant);
        let found = reader.find::<Grant>(run, grant)?.ok_or_else(missing)?;
        if annotations::contains::<GrantImmutable>(&found.annotations) {
            return Err(OneShotError::Inherited { grant: grant.to_owned() });
        }
        let entitlement = found.entitlement.ok_or_else(missing)?.id;
        let principal = found.principal.and_then(|principal| principal.id).ok_or_else(missing)?;
        let known = reader.find::<Entitlement>(run, &entitlement)?;
        let known = known.ok_or_else(|| not_found("entitlement", &entitlement))?;
        let on = known.resource.and_then(|on| on.id).ok_or_else(missing)?;
        reader.find_resource(run, &on)?.ok_or_else(|| not_found("resource", &on.resource))?;
        reader.find_resource(run, &principal)?.ok_or_else(|| not_found("principal", &principal.resource))?;
        Ok((entitlement, ResourceName::new(principal.resource_type, principal.resource)))
    }
}

/// A resource that another system brought in cannot be granted here (baton C-9).
fn is_of_another(resource: &Resource) -> bool {
    annotations::contains::<BatonId>(&resource.annotations)
}

fn not_found(what: &'static str, id: &str) -> OneShotError {
    OneShotError::NotInFile { what, id: id.to_owned() }
}

//! The places for packages that a project names.

use std::sync::Arc;

use crypto::Secret;
use model::Clock;
use privacy::package::Drafts;
use privacy::storage::{Storage, StorageParts};
use spec::{Policy, SecretValue, StorageDestination, StoragePlace};

use super::ProjectFile;
use crate::data_request::{PackageForm, Packing};
use crate::failure::Failure;
use crate::state::StateSettings;

impl ProjectFile {
    /// How packages are written, with the places that `policy` names.
    ///
    /// # Errors
    /// Bad input if a place cannot be used as the file describes it.
    pub(crate) fn packing(
        &self,
        state: &StateSettings,
        (policy, form): (Option<&Policy>, PackageForm),
        clock: &Arc<dyn Clock>,
    ) -> Result<Packing, Failure> {
        let named = |destination: &&StorageDestination| {
            let mut rules = policy.into_iter().flat_map(|policy| &policy.rules);
            rules.any(|rule| rule.storage_destination.as_ref() == Some(&destination.key))
        };
        let drafts = drafts(state)?;
        let storages = self.project.storage.iter().filter(named);
        let storages: Result<Vec<Storage>, Failure> =
            storages.map(|destination| self.storage_with((destination, &drafts), state, clock)).collect();
        Ok(Packing { form, drafts: Some(drafts), storages: storages? })
    }

    /// One place for packages, open; nothing is called.
    ///
    /// # Errors
    /// Bad input if it cannot be used as the file describes it.
    pub(crate) fn storage(
        &self,
        destination: &StorageDestination,
        state: &StateSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Storage, Failure> {
        self.storage_with((destination, &drafts(state)?), state, clock)
    }

    fn storage_with(
        &self,
        (destination, drafts): (&StorageDestination, &Drafts),
        state: &StateSettings,
        clock: &Arc<dyn Clock>,
    ) -> Result<Storage, Failure> {
        Storage::open(StorageParts {
            destination,
            base: self.folder(),
            secrets: secrets(destination)?,
            egress: self.door_settings()?,
            data: &state.folder,
            drafts: drafts.clone(),
            clock: Arc::clone(clock),
        })
        .map_err(|error| Failure::BadInput(format!("{}: {error}", self.name())))
    }
}

fn drafts(state: &StateSettings) -> Result<Drafts, Failure> {
    Drafts::open(&state.folder).map_err(|error| Failure::unwritable(&state.folder, &error))
}

fn secrets(destination: &StorageDestination) -> Result<Vec<(String, Secret<String>)>, Failure> {
    let StoragePlace::S3 { secrets, .. } = &destination.place else {
        return Ok(Vec::new());
    };
    let value = |(name, value): &(String, SecretValue)| match value {
        SecretValue::Literal(value) => {
            let text = model::text_form(value).unwrap_or_default();
            Ok((name.clone(), Secret::new(text)))
        }
        SecretValue::Environment(variable) => match std::env::var(variable) {
            Ok(text) => Ok((name.clone(), Secret::new(text))),
            Err(_) => Err(Failure::BadInput(format!(
                "secret `{name}` of storage `{}` comes from the environment variable `{variable}`, which is not set; \
                 set it first, as in `export {variable}=…`",
                destination.key
            ))),
        },
    };
    secrets.iter().map(value).collect()
}

//! The reads that connector files name under `verify`.

use std::collections::BTreeMap;

use connector::{Connector, Inputs, ReadError, Reading};
use engine::{RunOutcome, Source};
use model::CollectionAddress;
use spec::connector_file::{ParamSource, Request, Verify};
use store::StoreError;

use crate::PrivacyService;
use crate::certificate::VerificationState;
use crate::outline::{Known, OutlinedOperation};
use crate::plan::Verification;

impl PrivacyService {
    /// What those reads find, by the number of the operation that they prove.
    pub(super) async fn proofs(
        &self,
        known: &Known,
        now: &RunOutcome,
    ) -> Result<BTreeMap<u64, VerificationState>, StoreError> {
        let mut found = BTreeMap::new();
        for operation in &known.outline.operations {
            let named = self.named(operation);
            let state = match (operation.verification, named) {
                (Verification::ReadAgain, Some((connector, Verify::Endpoint(name))))
                    if !operation.collections.contains(&address(connector, name)) =>
                {
                    self.of_endpoint(known, now, (connector, name, operation)).await?
                }
                (Verification::Request, Some((connector, Verify::Endpoint(name)))) => {
                    self.of_endpoint(known, now, (connector, name, operation)).await?
                }
                (Verification::Request, Some((connector, verify))) => {
                    self.asked(known, (connector, verify), operation).await?
                }
                (Verification::Request, None) => VerificationState::NotChecked,
                (Verification::ReadAgain | Verification::JobOnly | Verification::None, _) => continue,
            };
            found.insert(operation.order, state);
        }
        Ok(found)
    }

    /// What another collection shows: read again anyway, or asked now.
    async fn of_endpoint(
        &self,
        known: &Known,
        now: &RunOutcome,
        (connector, name, operation): (&Connector, &str, &OutlinedOperation),
    ) -> Result<VerificationState, StoreError> {
        if now.collections.contains_key(&address(connector, name)) {
            return Ok(of_collection(now, connector, name));
        }
        self.asked(known, (connector, &Verify::Endpoint(name.to_owned())), operation).await
    }

    /// The read that the file names for an operation.
    fn named(&self, operation: &OutlinedOperation) -> Option<(&Connector, &Verify)> {
        let key = operation.connection.parse().ok()?;
        let Source::Connector(connector) = self.parts().sources.get(&key)? else { return None };
        let (file, place) = (&connector.connection().file, operation.place.as_deref()?);
        let own = |request: &&Request| request.place == place;
        let of_endpoint = file.endpoints.iter().find_map(|endpoint| {
            let write = endpoint.update.iter().chain(&endpoint.delete).find(own)?;
            Some(endpoint.verification(write))
        });
        let verify = if let Some(verify) = of_endpoint {
            verify
        } else {
            let write = file.data_protection_request.iter().find(own)?;
            let mut endpoints = operation.collections.iter().map(CollectionAddress::collection);
            let of_collection = || endpoints.find_map(|name| file.find_endpoint(name)?.verify.as_ref());
            write.verify.as_ref().or_else(of_collection)
        };
        Some((connector, verify?))
    }

    /// Asks, if that needs nothing but the person's identities: values of rows are gone by now.
    async fn asked(
        &self,
        known: &Known,
        (connector, verify): (&Connector, &Verify),
        operation: &OutlinedOperation,
    ) -> Result<VerificationState, StoreError> {
        let person = self.subject(&known.head.run).await?.person;
        let reading = match verify {
            Verify::Request(request) if takes_no_rows(request) => {
                let endpoint = operation.collections.first().map_or("verify", CollectionAddress::collection);
                connector.read_request((request, endpoint), &person, Inputs::default())
            }
            Verify::Endpoint(name) => {
                let endpoint = connector.connection().file.find_endpoint(name);
                if !endpoint.is_some_and(|endpoint| endpoint.read.iter().all(takes_no_rows)) {
                    return Ok(VerificationState::NotChecked);
                }
                connector.read(name, &person, Inputs::default())
            }
            Verify::Request(_) => return Ok(VerificationState::NotChecked),
        };
        Ok(rows_of(reading).await.unwrap_or_else(|error| {
            tracing::warn!(operation = operation.order, reason = ?error.reason(), "the read that proves a write went wrong");
            VerificationState::NotChecked
        }))
    }
}

async fn rows_of(reading: Result<Reading, ReadError>) -> Result<VerificationState, ReadError> {
    let reading = reading?;
    let mut state = VerificationState::Gone;
    if reading.units() == 0 {
        return Ok(VerificationState::NotChecked);
    }
    for unit in 0..reading.units() {
        let mut pages = reading.open(unit);
        while let Some(page) = pages.next_page().await? {
            if !page.rows.is_empty() {
                return Ok(VerificationState::StillPresent);
            }
        }
        if !pages.completeness().is_complete() {
            state = VerificationState::NotChecked;
        }
    }
    Ok(state)
}

fn address(connector: &Connector, name: &str) -> CollectionAddress {
    CollectionAddress::new(connector.connection().key.as_str(), name)
}

/// The endpoint is a collection that was read again anyway.
fn of_collection(now: &RunOutcome, connector: &Connector, name: &str) -> VerificationState {
    match now.collections.get(&address(connector, name)) {
        Some(read) if read.rows > 0 => VerificationState::StillPresent,
        Some(read) if read.status == engine::Status::Complete && read.completeness.is_complete() => {
            VerificationState::Gone
        }
        Some(_) | None => VerificationState::NotChecked,
    }
}

fn takes_no_rows(request: &Request) -> bool {
    request.param_values.iter().all(|param| match param.source {
        ParamSource::Identity(_) | ParamSource::ConnectorParam(_) => true,
        ParamSource::References(_) => false,
    })
}

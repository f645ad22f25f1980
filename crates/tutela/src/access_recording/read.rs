//! One sync whose rows are kept to compare them.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector::Connector;
use crypto::{KeyRing, MasterKey};
use engine::{Cancellation, Concurrency, Limits};
use governance::{KindStatus, Sync, SyncError, SyncParts, SyncReport, SyncRequest};
use model::{Clock, RandomIds};
use serde::{Deserialize, Serialize};
use store::{Access, Actor, Store, StoreParts, StorePlace};

use super::rows::RowTexts;
use crate::data_request::private_folder;
use crate::failure::Failure;
use crate::recording::Difference;

/// What a sync read.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadAccess {
    kinds: Vec<ReadKind>,
    rows: RowTexts,
}

/// How the list of a kind ended, and how much came of it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadKind {
    kind: String,
    status: String,
    resources: u64,
    entitlements: u64,
    grants: u64,
}

impl ReadAccess {
    fn new(report: &SyncReport, rows: RowTexts) -> Self {
        let kinds = report.kinds.iter().map(|kind| ReadKind {
            kind: kind.kind.clone(),
            status: match kind.status {
                KindStatus::Complete => "complete",
                KindStatus::Incomplete => "incomplete",
                KindStatus::Unavailable => "unavailable",
            }
            .to_owned(),
            resources: kind.resources,
            entitlements: kind.entitlements,
            grants: kind.grants,
        });
        Self { kinds: kinds.collect(), rows }
    }

    /// Kinds that could not be read to their end.
    pub(crate) fn incomplete(&self) -> Vec<&str> {
        self.kinds.iter().filter(|kind| kind.status == "incomplete").map(|kind| kind.kind.as_str()).collect()
    }

    /// Kinds that another sync read otherwise: another end, or another number of rows.
    pub(crate) fn other_kinds(&self, other: &Self) -> Vec<Difference> {
        let of =
            |kinds: &[ReadKind], name: &str| kinds.iter().find(|kind| kind.kind == name).map(ReadKind::text);
        let names = self.kinds.iter().chain(&other.kinds).map(|kind| kind.kind.as_str());
        let names: BTreeSet<&str> = names.collect();
        let different = names.into_iter().filter_map(|name| {
            let (expected, given) = (of(&self.kinds, name), of(&other.kinds, name));
            let text = |side: Option<String>| side.unwrap_or_else(|| "not there".to_owned());
            (expected != given).then(|| Difference {
                collection: format!("governance.{name}"),
                what: format!("{} instead of {}", text(given), text(expected)),
            })
        });
        different.collect()
    }

    /// Everything that another sync read otherwise; of each list of rows the first difference.
    pub(crate) fn differences(&self, other: &Self) -> Vec<Difference> {
        let mut found = self.other_kinds(other);
        found.extend(self.rows.differences(&other.rows));
        found
    }
}

impl ReadKind {
    fn text(&self) -> String {
        let Self { status, resources, entitlements, grants, .. } = self;
        format!("{status} with {resources} resources, {entitlements} entitlements, {grants} grants")
    }
}

/// Reads who has access, in the order of the file, with one call at a time: equal calls of a recording get their
/// answers in the order in which they were made.
///
/// # Errors
/// A failure if it cannot be read, or not without something that the file calls required.
pub(crate) async fn read(connector: Connector, clock: Arc<dyn Clock>) -> Result<ReadAccess, Failure> {
    let folder = private_folder().map_err(|error| Failure::unwritable(&std::env::temp_dir(), &error))?;
    let store = Store::open(StoreParts {
        place: StorePlace::File(folder.path().join("state.db")),
        // Nobody reads it again.
        keys: KeyRing::new(MasterKey::random()),
        clock: Arc::clone(&clock),
        ids: Arc::new(RandomIds),
        access: Access::Write,
        max_bytes: None,
    })
    .await
    .map_err(|error| Failure::failed(&error))?;
    let parts = SyncParts {
        connector,
        store,
        limits: Concurrency::new(Limits { per_connection: 1, total: 1 }),
        clock,
        cancellation: Cancellation::never(),
    };
    let request = SyncRequest {
        basis: "recording".to_owned(),
        worker: "recording".to_owned(),
        wait: None,
        actor: Actor::system(),
    };
    let failed = |error: SyncError| match error {
        SyncError::NoGovernance { .. } | SyncError::NotHere { .. } => Failure::bad_input(&error),
        other => Failure::failed(&other),
    };
    let read = Sync::begin(parts, &request).await.map_err(failed)?.read(&|_| {}).await.map_err(failed)?;
    if let Some((report, error)) = read.unfinished() {
        read.close(&report, Some(&error)).await.map_err(failed)?;
        return Err(Failure::Failed(error));
    }
    let (rows, report) = read.assemble(RowTexts::default()).await.map_err(failed)?;
    read.close(&report, None).await.map_err(failed)?;
    Ok(ReadAccess::new(&report, rows))
}

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{HoldRequest, TaskHold};
use jiff::Timestamp;
use model::{RandomIds, RunId};
use spec::connector_file::governance::Governance;
use store::{Actor, NewSync, SYNC_TASK};

use super::{SyncError, SyncParts};
use crate::listing::Listings;
use crate::mapping::Mapper;
use crate::plan::Plan;
use crate::sync_part::SyncPart;

/// How old an unfinished sync may be to be gone on with (baton R-3).
const RESUME_WITHIN: Duration = Duration::from_hours(7 * 24);

/// A sync that this process works on.
#[derive(Debug)]
pub struct Sync {
    pub(crate) parts: SyncParts,
    pub(crate) hold: TaskHold,
    pub(crate) mapper: Mapper,
    pub(crate) listings: Listings,
    pub(crate) part: SyncPart,
    pub(crate) plan: Plan,
    pub(crate) started_at: Timestamp,
}

/// Who begins a sync, and with what.
#[derive(Debug, Clone)]
pub struct SyncRequest {
    /// Stands for the connector file and the settings: pages that were read with others are of no use.
    pub basis: String,
    /// Name of the process.
    pub worker: String,
    /// How long to wait for another process that works on it.
    pub wait: Option<Duration>,
    /// Who asked for it.
    pub actor: Actor,
}

impl Sync {
    /// Begins a sync of the connection, or goes on with the one that is unfinished.
    ///
    /// # Errors
    /// [`SyncError`] if it cannot begin: another process works on it, or the file has no section
    /// `governance`.
    pub async fn begin(parts: SyncParts, request: &SyncRequest) -> Result<Self, SyncError> {
        Self::begin_part(parts, request, SyncPart::default()).await
    }

    /// The same of a part of the connection: what does not belong to it is not read. Kinds that the file does not have
    /// are no part of anything.
    ///
    /// # Errors
    /// As [`Sync::begin`].
    pub async fn begin_part(
        parts: SyncParts,
        request: &SyncRequest,
        part: SyncPart,
    ) -> Result<Self, SyncError> {
        let connection = parts.connector.connection();
        let Some(governance) = connection.file.governance.as_deref() else {
            return Err(SyncError::NoGovernance { connection: connection.key.clone() });
        };
        let listings = Listings::of(governance);
        let plan = Plan::of(governance, &listings, &part);
        let mapper = Mapper::of(connection);
        if let Some(when) = mapper.unmet()? {
            let (connection, when) = (connection.key.clone(), when.to_owned());
            return Err(SyncError::NotHere { connection, when });
        }
        // Pages of another part are of no use. Ids of resources may be addresses: what is kept of them is a hash.
        let of_part = part.basis().map(|of| parts.store.keyed_hash(&crypto::canonical_json(&of)));
        let basis = match of_part {
            Some(hash) => format!("{}|{}", request.basis, crypto::hex(&hash)),
            None => request.basis.clone(),
        };
        let new = NewSync {
            connection: &connection.key,
            basis: &basis,
            resume_within: RESUME_WITHIN,
            actor: request.actor.clone(),
        };
        let begun = parts.store.sync_begin(&new, &RandomIds).await?;
        let hold = HoldRequest {
            run: begun.run,
            kind: SYNC_TASK.0.to_owned(),
            name: SYNC_TASK.1.to_owned(),
            worker: request.worker.clone(),
            wait: request.wait,
        };
        let hold = TaskHold::claim(&parts.store, &hold).await?;
        Ok(Self { parts, hold, mapper, listings, part, plan, started_at: begun.started_at })
    }

    /// Kinds of the file that do not belong to what is read.
    pub(crate) fn kinds_left_out(&self) -> BTreeSet<String> {
        let all = self.governance().resource_types.iter().map(|kind| &kind.id);
        all.filter(|kind| !self.part.has_kind(kind)).cloned().collect()
    }

    /// Its run.
    pub fn id(&self) -> &RunId {
        &self.hold.lease().run
    }

    /// When it began, earlier attempts included.
    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// Where time comes from.
    pub(crate) fn clock(&self) -> &dyn model::Clock {
        &*self.parts.clock
    }

    /// Whether somebody has worked on it before.
    pub fn is_resumed(&self) -> bool {
        self.hold.claimed().attempt > 1
    }

    pub(crate) fn governance(&self) -> &Governance {
        self.mapper.governance().expect("a sync begins only with a file that has one")
    }
}

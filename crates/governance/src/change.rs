//! Changes of access: giving, taking, removing and making, each by one write.
//!
//! Before a write the application is asked whether it is so already, and after it whether it is so now; a lost
//! answer is decided by that read. What a write is made of is read while nobody else here changes the same
//! principal. Guards are computed from what is held now. Nothing here names a product: what there is to change,
//! and how, stands in the connector file.

mod apply;
mod candidate;
mod derived;
mod error;
mod guard;
mod left_behind;
mod live;
mod name;
mod plan;
mod prepare;
mod reach;
mod ready;
mod report;
mod request;
mod settle;
mod target;
mod through_source;
mod timed;

use std::sync::Arc;

use connector::Connector;
use engine::Concurrency;
use futures::FutureExt as _;
use model::{Clock, ConnectionKey, IdSource, RunId};
use serde::{Deserialize, Serialize};
use store::Store;

pub use error::{ChangeError, ChangeErrorKind};
pub use name::{ResourceName, ResourceNameError};
pub use plan::{AccessPlan, AccessPlanContents, Besides, PlannedChange};
pub use reach::Through;
pub use report::{ChangeReport, ChangeResult};
pub use timed::{TimedEnd, TimedGrant};

use self::live::Live;
use self::ready::Ready;
use crate::mapping::Mapper;
use crate::source::{Source, Way};

/// One change of access. Ids of entitlements and grants are taken as they are, never apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessChange {
    /// Gives somebody an entitlement.
    Grant {
        /// Its id.
        entitlement: String,
        /// Who gets it.
        principal: ResourceName,
    },
    /// Takes it from somebody.
    Revoke {
        /// Its id.
        entitlement: String,
        /// Who loses it.
        principal: ResourceName,
    },
    /// The same by the id of the grant.
    RevokeGrant {
        /// Id of the grant.
        grant: String,
    },
    /// Removes a resource: an account, an invitation.
    Delete {
        /// Which.
        resource: ResourceName,
    },
    /// Makes a resource: invites somebody.
    Create {
        /// Its kind.
        kind: String,
        /// What is said about it, by the names of the file's params.
        params: Vec<(String, String)>,
    },
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// An entitlement is given.
    Grant,
    /// An entitlement is taken.
    Revoke,
    /// A resource is removed.
    Delete,
    /// A resource is made.
    Create,
}

impl Action {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::Delete => "delete",
            Self::Create => "create",
        }
    }
}

impl AccessChange {
    /// The change that a plan is of.
    fn planned(change: &PlannedChange) -> Option<Self> {
        let (entitlement, principal) = (change.entitlement.clone(), change.principal.clone());
        Some(match change.action {
            Action::Grant => Self::Grant { entitlement: entitlement?, principal: principal? },
            Action::Revoke => Self::Revoke { entitlement: entitlement?, principal: principal? },
            Action::Delete => Self::Delete { resource: change.resource.clone() },
            Action::Create => {
                Self::Create { kind: change.resource.kind.clone(), params: change.params.clone() }
            }
        })
    }
}

/// Who said yes, and to what.
#[derive(Debug, Clone, Copy)]
pub enum Approval<'a> {
    /// Exactly this plan; if what is held changes meanwhile, nothing is sent.
    Plan(&'a AccessPlan),
    /// The change, however it has to be written by the time it is its turn.
    Given,
}

/// What changes are made with, for a connection with a connector file.
#[derive(Debug, Clone)]
pub struct ChangeParts {
    /// The connection; its file has a section `governance`.
    pub connector: Connector,
    /// Where plans, ledger and audit log are.
    pub store: Store,
    /// Calls in flight, shared with whatever else calls the connection.
    pub limits: Concurrency,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Name of the process.
    pub worker: String,
}

/// What changes are made with, whatever the connection is changed by.
#[derive(Debug, Clone)]
pub struct ChangePlace {
    /// Where plans, ledger and audit log are.
    pub store: Store,
    /// Where time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where ids come from.
    pub ids: Arc<dyn IdSource>,
    /// Name of the process.
    pub worker: String,
}

/// Changes access to the application behind one connection.
#[derive(Debug, Clone)]
pub struct AccessChanges {
    place: ChangePlace,
    connection: ConnectionKey,
    hand: Hand,
}

/// Who writes, and who reads back.
#[derive(Debug, Clone)]
enum Hand {
    /// A connector file.
    File(Box<FileHand>),
    /// Something that runs a job.
    Source(Arc<dyn Source>),
}

#[derive(Debug, Clone)]
struct FileHand {
    parts: ChangeParts,
    mapper: Mapper,
}

impl AccessChanges {
    /// For a connection.
    ///
    /// # Errors
    /// [`ChangeError`] if its file says nothing about access, or not for its settings.
    pub fn new(parts: ChangeParts) -> Result<Self, ChangeError> {
        let connection = parts.connector.connection();
        let place = ChangePlace {
            store: parts.store.clone(),
            clock: Arc::clone(&parts.clock),
            ids: Arc::clone(&parts.ids),
            worker: parts.worker.clone(),
        };
        let key = || connection.key.clone();
        if connection.file.governance.is_none() {
            return Err(ChangeError::NoGovernance { connection: key() });
        }
        let mapper = Mapper::of(connection);
        let unmet = mapper.unmet().map_err(|source| ChangeError::Expression {
            kind: "governance".to_owned(),
            key: "when".to_owned(),
            source,
        })?;
        if let Some(when) = unmet {
            return Err(ChangeError::NotHere { connection: key(), when: when.to_owned() });
        }
        let connection = key();
        Ok(Self { place, connection, hand: Hand::File(Box::new(FileHand { parts, mapper })) })
    }

    /// For a connection, whatever it is changed by.
    ///
    /// # Errors
    /// [`ChangeError`] if nothing is changed through it.
    pub fn of(way: Way, place: ChangePlace) -> Result<Self, ChangeError> {
        match way {
            Way::File { connector, limits } => {
                let ChangePlace { store, clock, ids, worker } = place;
                Self::new(ChangeParts { connector, store, limits, clock, ids, worker })
            }
            Way::Source(source) => {
                let connection = source.connection().clone();
                if let Err(why) = source.provision() {
                    return Err(ChangeError::ReadOnly { connection, why });
                }
                Ok(Self { place, connection, hand: Hand::Source(source) })
            }
        }
    }

    /// The plan of a change by what is held now; `None` if it is so already. Nothing is sent or kept, but where a job
    /// does it, what became of one that a crash left behind: it may still be at work.
    ///
    /// # Errors
    /// [`ChangeError`] if it cannot be, must not be, or if what is held now is not known.
    pub async fn plan(&self, change: &AccessChange) -> Result<Option<AccessPlan>, ChangeError> {
        // Of one type for whoever awaits it: what it is made of is deeper than the compiler looks from outside.
        self.plan_in(change).boxed().await
    }

    async fn plan_in(&self, change: &AccessChange) -> Result<Option<AccessPlan>, ChangeError> {
        let Some(change) = Box::pin(self.named(change)).await? else { return Ok(None) };
        let run = RunId::new(&*self.place.ids);
        if let Hand::Source(_) = &self.hand {
            Box::pin(self.find_out_left_behind(&run, &self.subject(&change))).await?;
        }
        Ok(Box::pin(self.ready(&change, &run)).await?.map(Ready::into_plan))
    }

    /// A grant by its entitlement and principal; `None` if nobody holds what the id can mean.
    async fn named(&self, change: &AccessChange) -> Result<Option<AccessChange>, ChangeError> {
        let AccessChange::RevokeGrant { grant } = change else { return Ok(Some(change.clone())) };
        let live = match &self.hand {
            Hand::File(file) => Live::new(&file.parts, &file.mapper),
            Hand::Source(source) => return through_source::named(&**source, grant).await,
        };
        let candidates = candidate::grants(&live, grant);
        if candidates.is_empty() {
            return Err(ChangeError::UnknownEntitlement { id: grant.clone() });
        }
        for (entitlement, principal) in candidates {
            let revoke = AccessChange::Revoke { entitlement, principal };
            if let target::Need::Write(_) = live.need(&revoke).await? {
                return Ok(Some(revoke));
            }
        }
        Ok(None)
    }
}

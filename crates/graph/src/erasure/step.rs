use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::{CollectionAddress, Outcome};
use serde::{Deserialize, Serialize};
use spec::connector_file::{ConnectorFile, Per, Request};
use spec::{Access, ConditionError};
use thiserror::Error;

use super::arrange::Made;
use super::choice::{Applies, Choice, choose};
use super::order::deletes_rows;
use super::{MaskingMode, RequestKind, RequestRef};
use crate::category::is_targeted;
use crate::{ErasureRule, Graph, GraphCollection};

/// What erases the collections of one dataset.
pub enum ErasureSource<'a> {
    /// An application.
    Connector {
        /// Its file.
        file: &'a ConnectorFile,
        /// What `masking_strict` says for the connection.
        mode: MaskingMode,
        /// What may be done through the connection.
        access: Access,
        /// Decides whether a variant of a request applies to the connection.
        applies: &'a dyn Fn(&Request) -> Result<bool, ConditionError>,
    },
    /// A database.
    Database {
        /// What may be done through the connection.
        access: Access,
        /// What it can do.
        rules: DatabaseRules,
    },
    /// A connection that serves no erasures, because somebody decided it.
    NotServed,
    /// A connection that is switched off, or not part of the run.
    Disabled,
}

/// What a database can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseRules {
    /// It changes rows by their primary key only.
    KeyNeeded,
    /// It also changes rows by the values they were found with (privacy-requests Q-8).
    KeyOptional,
}

/// Everything that is erased, and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErasureSteps {
    /// In order: each behind all that it waits for.
    pub steps: Vec<ErasureStep>,
    /// Collections that stay, by address.
    pub not_erased: Vec<NotErased>,
}

/// One thing to do: for each row of a collection, or once for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureStep {
    /// Key of the dataset, which is the connection's.
    pub dataset: String,
    /// What it erases: one collection, or all that a request for the whole person stands for.
    pub collections: Vec<CollectionAddress>,
    /// What is done.
    pub action: ErasureAction,
    /// How often.
    pub per: Per,
    /// Positions in the list of steps that must have ended before.
    pub waits_for: BTreeSet<usize>,
}

/// What is done to erase.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErasureAction {
    /// A request is sent.
    Request(RequestRef),
    /// Columns are overwritten.
    MaskRows,
    /// Rows are deleted.
    DeleteRows,
}

impl ErasureAction {
    /// The outcome if all goes well.
    pub fn expected(&self) -> Outcome {
        match self {
            Self::Request(RequestRef { kind: RequestKind::Update, .. }) | Self::MaskRows => Outcome::Masked,
            Self::Request(RequestRef { kind: RequestKind::Delete | RequestKind::DataProtection, .. })
            | Self::DeleteRows => Outcome::Erased,
        }
    }

    /// Whether single values are overwritten, so that rows have to be masked first.
    pub fn is_masking(&self) -> bool {
        self.expected() == Outcome::Masked
    }
}

/// A collection that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotErased {
    /// The collection.
    pub collection: CollectionAddress,
    /// Why.
    pub reason: NotErasedReason,
}

/// Why a collection stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotErasedReason {
    /// The policy does not target it.
    NotTargeted,
    /// The application offers no request for it.
    NoRequest,
    /// It offers one that deletes, and `masking_strict` allows only updates.
    MaskingStrict,
    /// No field is a primary key.
    NoPrimaryKey,
    /// The connection may only read.
    NoWriteAccess,
    /// The connection serves no erasures.
    ActionDisabled,
    /// The connection is switched off, or not part of the run.
    Disabled,
}

impl NotErasedReason {
    /// What it means for the person's data; `None` if they are none of the policy's business.
    pub fn outcome(self) -> Option<Outcome> {
        match self {
            Self::NotTargeted => None,
            Self::NoRequest | Self::MaskingStrict | Self::NoPrimaryKey | Self::Disabled => {
                Some(Outcome::Unsupported)
            }
            Self::NoWriteAccess => Some(Outcome::Failed),
            // Somebody decided it.
            Self::ActionDisabled => Some(Outcome::Exempt),
        }
    }
}

impl fmt::Display for NotErasedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotTargeted => "the policy targets nothing in it",
            Self::NoRequest => {
                "the connector file has neither `update` nor `delete` for it, and no `data_protection_request`"
            }
            Self::MaskingStrict => {
                "`masking_strict` allows only masking updates and the connector file has none for it; set \
                 `masking_strict: false` to use its requests that delete"
            }
            Self::NoPrimaryKey => {
                "No values were erased since no primary key was defined in any of the fields for this \
                 collection"
            }
            Self::NoWriteAccess => {
                "No values were erased since this connection has not been given write access; set `access: write`"
            }
            Self::ActionDisabled => {
                "the erasure action is disabled for its connection (`enabled_actions`), so nothing of it is erased"
            }
            Self::Disabled => "its connection is switched off",
        })
    }
}

/// A condition that has no result.
#[derive(Debug, Error)]
#[error("condition of a write request of `{collection}` has no result; check its `when`")]
pub struct ErasureError {
    /// The collection.
    pub collection: CollectionAddress,
    /// What went wrong.
    #[source]
    pub source: ConditionError,
}

impl Graph {
    /// What has to be done to erase `read`, the collections that were read, under `rules`.
    ///
    /// A request for the whole person stands for every collection that has no `update`, and is done
    /// once, not once per row of each (the better side of saas-config 20.4).
    ///
    /// # Errors
    /// [`ErasureError`] if a variant's condition has no result.
    pub fn erasure_steps(
        &self,
        read: &BTreeSet<CollectionAddress>,
        rules: &[ErasureRule],
        sources: &BTreeMap<String, ErasureSource<'_>>,
    ) -> Result<ErasureSteps, ErasureError> {
        let targets: Vec<String> = rules.iter().flat_map(|rule| rule.targets.iter().cloned()).collect();
        let order = self.erasure_order(read);
        let mut made = Made::default();
        for address in order.collections() {
            let Some(collection) = self.find(address) else { continue };
            let source = sources.get(address.dataset()).unwrap_or(&ErasureSource::Disabled);
            match decide(collection, source, &targets)? {
                Ok(decision) => made.add(address, decision),
                Err(reason) => made.not_erased.push(NotErased { collection: address.clone(), reason }),
            }
        }
        made.not_erased.sort_by(|left, right| left.collection.cmp(&right.collection));
        Ok(made.ordered(&order))
    }
}

/// What is done with one collection.
pub(super) struct Decision {
    pub(super) action: ErasureAction,
    pub(super) per: Per,
}

impl Decision {
    /// Whether it erases the person in the whole application.
    pub(super) fn is_for_person(&self) -> bool {
        matches!(self.action, ErasureAction::Request(RequestRef { kind: RequestKind::DataProtection, .. }))
    }
}

fn decide(
    collection: &GraphCollection,
    source: &ErasureSource<'_>,
    targets: &[String],
) -> Result<Result<Decision, NotErasedReason>, ErasureError> {
    let (access, needs_key) = match source {
        ErasureSource::NotServed => (Access::Write, false),
        ErasureSource::Disabled => return Ok(Err(NotErasedReason::Disabled)),
        // A request for the whole person names no row.
        ErasureSource::Connector { access, file, applies, .. } => {
            (*access, !is_for_person(collection, file, *applies)?)
        }
        ErasureSource::Database { access, rules } => (*access, *rules == DatabaseRules::KeyNeeded),
    };
    // Deletion takes rows as they are; a collection of which nothing is known is not spared by it.
    let is_described = collection.all_fields().iter().any(|(_, field)| !field.data_categories.is_empty())
        || !collection.data_categories.is_empty();
    let targeted = is_targeted(collection, targets);
    if is_described && !targeted {
        return Ok(Err(NotErasedReason::NotTargeted));
    }
    if needs_key && !collection.all_fields().iter().any(|(_, field)| field.primary_key) {
        return Ok(Err(NotErasedReason::NoPrimaryKey));
    }
    let decision = match source {
        ErasureSource::NotServed => Err(NotErasedReason::ActionDisabled),
        ErasureSource::Disabled => Err(NotErasedReason::Disabled),
        ErasureSource::Database { .. } => match (deletes_rows(collection), targeted) {
            (true, _) => Ok(Decision { action: ErasureAction::DeleteRows, per: Per::Row }),
            (false, true) => Ok(Decision { action: ErasureAction::MaskRows, per: Per::Row }),
            (false, false) => Err(NotErasedReason::NotTargeted),
        },
        ErasureSource::Connector { file, mode, applies, .. } => {
            let endpoint = file.find_endpoint(collection.address.collection());
            let chosen = choose(file, endpoint, *mode, applies)
                .map_err(|source| ErasureError { collection: collection.address.clone(), source })?;
            match chosen {
                Choice::Nothing => Err(NotErasedReason::NoRequest),
                Choice::OnlyIfNotStrict(_) => Err(NotErasedReason::MaskingStrict),
                Choice::Request(request) => request_decision(file, request, targeted),
            }
        }
    };
    // Said last, so that a connection without write access is named only where it would be used.
    Ok(match (decision, access) {
        (Ok(_), Access::Read) => Err(NotErasedReason::NoWriteAccess),
        (decision, Access::Read | Access::Write) => decision,
    })
}

/// Whether the request that would erase `collection` erases the person in the whole application.
fn is_for_person(
    collection: &GraphCollection,
    file: &ConnectorFile,
    applies: Applies<'_>,
) -> Result<bool, ErasureError> {
    let endpoint = file.find_endpoint(collection.address.collection());
    let chosen = choose(file, endpoint, MaskingMode::Any, applies)
        .map_err(|source| ErasureError { collection: collection.address.clone(), source })?;
    Ok(match chosen {
        Choice::Request(request) | Choice::OnlyIfNotStrict(request) => {
            request.kind == RequestKind::DataProtection
        }
        Choice::Nothing => false,
    })
}

fn request_decision(
    file: &ConnectorFile,
    request: RequestRef,
    targeted: bool,
) -> Result<Decision, NotErasedReason> {
    if request.kind == RequestKind::Update && !targeted {
        return Err(NotErasedReason::NotTargeted);
    }
    let per = match request.kind {
        RequestKind::DataProtection => Per::Person,
        RequestKind::Update | RequestKind::Delete => {
            request.find(file).map_or(Per::Row, |request| request.per)
        }
    };
    Ok(Decision { action: ErasureAction::Request(request), per })
}

#[cfg(test)]
mod tests;

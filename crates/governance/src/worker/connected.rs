use std::fmt;

use futures::future::BoxFuture;
use model::ConnectionKey;
use store::StoreError;
use thiserror::Error;

use crate::source::Way;

/// The connections of a store, as they are now: what they are read and changed with.
pub trait Connected: Send + Sync + fmt::Debug {
    /// Those that say who has access, whether they can be read or not. Calls nobody.
    fn known(&self) -> BoxFuture<'_, Result<Vec<Known>, StoreError>>;

    /// Makes one ready to be called. Calls nobody.
    fn open<'a>(&'a self, connection: &'a ConnectionKey) -> BoxFuture<'a, Result<Opened, OpenError>>;
}

/// A connection that says who has access.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its key.
    pub connection: ConnectionKey,
    /// Whether it can be read.
    pub state: KnownState,
}

/// Whether a connection can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownState {
    /// It can.
    Ready {
        /// Stands for file, settings and secrets.
        basis: String,
    },
    /// It cannot.
    Lacking {
        /// Why; names settings, never their values.
        reason: String,
    },
}

/// A connection that is ready to be called.
#[derive(Debug, Clone)]
pub struct Opened {
    /// What it is read with, and changed.
    pub way: Way,
    /// Stands for file, settings and secrets.
    pub basis: String,
}

/// Why a connection cannot be called.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Something has to be done about it first.
    #[error("{reason}")]
    Lacking {
        /// What; names settings, never their values.
        reason: String,
    },
    /// The state database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

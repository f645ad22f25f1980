use std::path::Path;

use futures::future::BoxFuture;
use store::BatonConnector;
use thiserror::Error;

/// Who takes over the files that connectors bring.
pub trait Intake: Send + Sync {
    /// Takes over a checked file, which goes when this ends. It may be called twice with one file.
    fn accept<'a>(
        &'a self,
        connector: &'a BatonConnector,
        file: &'a Path,
    ) -> BoxFuture<'a, Result<(), IntakeError>>;
}

/// Why a file was not taken over; for the connector's log, without values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the file was not taken over: {why}")]
pub struct IntakeError {
    /// Why.
    pub why: String,
}

use model::ConnectionKey;
use store::{Retry, StoreError};
use thiserror::Error;
use tonic::Status;

/// What the control plane cannot do for the API.
#[derive(Debug, Error)]
pub enum ControlError {
    /// The state does not answer, or is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such connector.
    #[error("there is no self-hosted connector `{id}`; register one for its connection first")]
    NoConnector {
        /// Its id.
        id: String,
    },
    /// It did not say that it can.
    #[error(
        "the connector did not say that it can carry out `{kind}`; start it with `--provisioning`, in a version that writes"
    )]
    NotCapable {
        /// The kind of task.
        kind: &'static str,
    },
    /// Nobody said where connectors reach it.
    #[error(
        "it is not known where connectors reach this server; set `self_hosted.host`, or `server.public_url` with `https`"
    )]
    NoHost,
    /// It gets no work.
    #[error("the connector is paused; resume it, or confirm what it was paused for")]
    Paused,
    /// Its connection may not change anything.
    #[error(
        "the connection `{connection}` is for reading only; give it the access `write` to change anything"
    )]
    ForReading {
        /// The connection.
        connection: ConnectionKey,
    },
    /// Its connection is switched off.
    #[error("the connection `{connection}` is switched off; switch it on")]
    SwitchedOff {
        /// The connection.
        connection: ConnectionKey,
    },
    /// What it answered is no message.
    #[error("the answer to task `{id}` cannot be read; the state is damaged")]
    Answer {
        /// The task.
        id: String,
    },
    /// No id can be made.
    #[error("the clock of this host is outside 2014 to 2150; set it")]
    Clock,
}

/// What a connector learns of trouble with the state; the log has the rest.
pub(super) fn status(error: StoreError) -> Status {
    match error {
        StoreError::Fenced { .. } => Status::failed_precondition("the task is in other hands by now"),
        error => {
            tracing::warn!(error = &error as &dyn std::error::Error, "a call of a connector failed");
            match error.retry() {
                Retry::Yes => Status::unavailable("the control plane cannot answer now; ask again"),
                Retry::No => Status::internal("the control plane failed; its log says why"),
            }
        }
    }
}

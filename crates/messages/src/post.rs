use crate::carrier::{Carrier, CarrierError};
use crate::mail::{Letter, MailError, MailServer};

/// How mail leaves.
#[derive(Debug)]
pub(crate) enum Post {
    /// By a mail server.
    Server(MailServer),
    /// By a service that is called.
    Carrier(Box<Carrier>),
}

/// Why mail did not leave.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum PostError {
    /// The mail server did not take it.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// The service did not take it.
    #[error(transparent)]
    Carrier(#[from] CarrierError),
}

impl Post {
    /// Hands a letter over.
    pub(crate) async fn send(&self, letter: &Letter<'_>) -> Result<(), PostError> {
        match self {
            Self::Server(server) => Ok(server.send(letter).await?),
            Self::Carrier(carrier) => Ok(carrier.send(letter).await?),
        }
    }
}

impl PostError {
    /// A fixed word for the store.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Mail(error) => error.class(),
            Self::Carrier(error) => error.class(),
        }
    }

    /// Whether the same message may be taken later.
    pub(crate) fn may_help_again(&self) -> bool {
        match self {
            Self::Mail(error) => error.may_help_again(),
            Self::Carrier(error) => error.may_help_again(),
        }
    }
}

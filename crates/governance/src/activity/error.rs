use connector::ReadError;
use model::ConnectionKey;
use spec::expression::ExpressionError;
use thiserror::Error;

/// Why there are no events.
#[derive(Debug, Error)]
pub enum ActivityError {
    /// The file lists none.
    #[error(
        "the connector file of `{connection}` has no section `activity`; add one, or choose a connector that has one"
    )]
    NoActivity {
        /// The connection.
        connection: ConnectionKey,
    },
    /// The file says that it lists none for a connection with these settings.
    #[error(
        "events cannot be read for `{connection}` with its settings: the connector file says `when: {when}`"
    )]
    NotHere {
        /// The connection.
        connection: ConnectionKey,
        /// The condition.
        when: String,
    },
    /// Nothing lies between the two times.
    #[error("the end of the time to look at is before its beginning; exchange them")]
    EndBeforeBeginning,
    /// The condition has no result.
    #[error(transparent)]
    Expression(ExpressionError),
    /// The application did not answer, or not as the file says.
    #[error("events cannot be read: {0}")]
    Read(#[source] Box<ReadError>),
}

impl ActivityError {
    /// Whether the same may succeed later, with nothing changed by a person.
    pub fn retry(&self) -> store::Retry {
        match self {
            Self::Read(source) => match source.retry() {
                egress::Retry::Yes => store::Retry::Yes,
                egress::Retry::No => store::Retry::No,
            },
            Self::NoActivity { .. }
            | Self::NotHere { .. }
            | Self::EndBeforeBeginning
            | Self::Expression(_) => store::Retry::No,
        }
    }
}

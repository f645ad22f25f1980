//! What people are asked to do by hand, for connections of the types `manual_task` and `jira_ticket`: what
//! is configured, what fits as an answer, and what it adds to a package (privacy-requests 15.5).

mod answer;
mod files;
mod settings;

pub(crate) use answer::entry;
pub use answer::{Answer, AnswerFault, AnswerPlace, Ended, TaskError, complete, skip};
pub(crate) use files::brought_by;
pub use files::{Brought, BroughtFile, FileFault, LIMITS, NotBrought, brought, checked_name};
pub use settings::{AskedAction, FieldKind, SettingsFault, TaskField, TaskSettings, TaskSnapshot};

use model::{CollectionAddress, ConnectionKey};
use store::{ManualAction, ManualTask, ManualTaskState, StoredConnection};

/// The types of connections that people stand for.
pub const CONNECTION_TYPES: [&str; 2] = ["manual_task", EXTERNAL];
/// The type whose requests wait for somebody outside.
const EXTERNAL: &str = "jira_ticket";
/// The collection that a connection of these types has.
const COLLECTION: &str = "manual_data";
/// What the note of a task begins with that nobody was asked to do because there is no need to.
pub(crate) const NOT_MET: &str = "the conditions of the task are not met";

/// Where what people bring for a connection stands in packages and logs.
pub(crate) fn address(connection: &ConnectionKey) -> String {
    collection(connection).to_string()
}

/// The same as an address of the graph.
fn collection(connection: &ConnectionKey) -> CollectionAddress {
    CollectionAddress::new(connection.as_str(), COLLECTION)
}

/// Whether people are asked for a connection, for requests of this action.
pub(crate) fn serves(connection: &StoredConnection, action: ManualAction) -> bool {
    let enabled = connection.enabled_actions.as_ref();
    !connection.disabled
        && CONNECTION_TYPES.contains(&connection.connection_type.as_str())
        && enabled.is_none_or(|actions| actions.iter().any(|one| one == action.as_str()))
}

/// Whether somebody outside has to do it, not somebody here.
pub(crate) fn is_external(task: &ManualTask) -> bool {
    task.connection_type == EXTERNAL
}

/// Whether a person still has to do it.
pub(crate) fn is_open(task: &ManualTask) -> bool {
    match task.state {
        ManualTaskState::Open => true,
        ManualTaskState::Complete | ManualTaskState::Skipped => false,
    }
}

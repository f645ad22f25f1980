//! What the control plane is told of a failure: no path of this machine, and nothing of its state.

use tonic::Code;

use crate::one_shot::{FolderError, OneShotError};
use crate::service::TaskFailure;

/// What stands in place of what only the process's own log says.
const OWN_STATE: &str = "the connector's own state cannot be used now; its log says why";

/// The failure of a task, with the code that a process for one job would end with.
pub(super) fn failure(error: &OneShotError) -> TaskFailure {
    let code = error.exit().code();
    match error {
        OneShotError::Folder(source) => own_state(source),
        OneShotError::File(governance::FileError::Write(source)) => {
            tracing::error!(error = %source, "the file of a sync cannot be written");
            TaskFailure::new(code, "the connector cannot write the file of the sync; its log says why")
        }
        OneShotError::Unsupported { .. }
        | OneShotError::UnknownKind { .. }
        | OneShotError::Sync(_)
        | OneShotError::File(_)
        | OneShotError::Call(_)
        | OneShotError::Read(_)
        | OneShotError::NotInFile { .. }
        | OneShotError::OfAnother
        | OneShotError::Inherited { .. }
        | OneShotError::NoAccounts { .. }
        | OneShotError::Change(_)
        | OneShotError::Unsettled { .. } => TaskFailure::new(code, error.to_string()),
        // Their texts speak of a file that stays, and of the same command.
        OneShotError::Unfinished { detail, .. } => TaskFailure::new(code, detail.as_str()),
        OneShotError::Incomplete { kinds, .. } => TaskFailure::new(
            code,
            format!(
                "{kinds} could not be read to the end, so nothing was uploaded; the next sync reads all anew"
            ),
        ),
    }
}

/// The same of a folder.
pub(super) fn own_state(error: &FolderError) -> TaskFailure {
    tracing::error!(%error, "the state of the connector cannot be used");
    TaskFailure::new(Code::Unavailable, OWN_STATE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    // rule: architecture law 8
    #[test]
    fn paths_of_the_machine_stay_in_its_log() {
        let folder = FolderError::Busy { path: "/home/ana.planted/sync".into() };

        let told = failure(&OneShotError::from(folder));

        assert!(!told.message().contains("planted"), "{told}");
        assert_eq!(told.code(), Code::Unavailable);
    }

    // rule: baton P-27
    #[test]
    fn a_sync_that_lacks_kinds_says_that_nothing_was_uploaded() {
        let exit = Exit::of(Code::Unavailable);

        let told = failure(&OneShotError::Incomplete { kinds: "`group`".to_owned(), exit });

        assert!(told.message().contains("`group`") && told.message().contains("nothing was uploaded"));
        assert_eq!(told.code(), Code::Unavailable);
    }
}

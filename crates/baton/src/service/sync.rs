//! A task that reads everything and uploads it (baton §13.6).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tonic::Code;

use super::connector::TaskContext;
use super::finish::TaskEnd;
use super::order::SyncOrder;
use super::task::Shared;
use super::{CallError, TaskFailure};

/// What is waited before each attempt to upload (baton P-26).
const ATTEMPTS: [Duration; 3] = [Duration::ZERO, Duration::ZERO, Duration::from_secs(1)];

/// Reads into a temporary file and uploads that. Whatever fails, the file is gone after it (P-27).
///
/// One sync at a time: a second one waits for its turn, with its heart beating.
pub(super) async fn sync(shared: &Arc<Shared>, order: &SyncOrder, context: &TaskContext) -> TaskEnd {
    let _turn = shared.syncing.lock().await;
    let failed = |code, text: String| TaskEnd::sync(&TaskFailure::new(code, text));
    let folder = match folder(shared.temp_folder.as_deref()) {
        Ok(folder) => folder,
        Err(error) => {
            return failed(Code::Internal, format!("there is no temporary folder: {}", error.kind()));
        }
    };
    let file = folder.path().join("sync.c1z");
    context.log.note(format_args!("sync begins"));
    match timeout(shared.times.sync, shared.connector.sync(order, &file, context)).await {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => {
            context.log.note(format_args!("sync failed: {failure}"));
            debug_asset(shared, (folder.path(), context)).await;
            return TaskEnd::sync(&failure);
        }
        Err(_) => return failed(Code::DeadlineExceeded, "the sync took too long".to_owned()),
    }
    context.log.note(format_args!("sync ended"));
    if let Err(error) = upload(shared, (&context.task_id, &file)).await {
        return failed(error.code(), format!("the sync could not be uploaded: {error}"));
    }
    context.log.note(format_args!("file uploaded"));
    debug_asset(shared, (folder.path(), context)).await;
    TaskEnd::empty()
}

fn folder(parent: Option<&Path>) -> std::io::Result<tempfile::TempDir> {
    let mut named = tempfile::Builder::new();
    named.prefix("baton-sync-");
    #[cfg(unix)]
    named.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    match parent {
        Some(parent) => named.tempdir_in(parent),
        None => named.tempdir(),
    }
}

async fn upload(shared: &Shared, (task_id, file): (&str, &Path)) -> Result<(), CallError> {
    let mut last = Err(CallError::File { kind: std::io::ErrorKind::NotFound });
    for wait in ATTEMPTS {
        if !wait.is_zero() {
            shared.clock.sleep(wait).await;
        }
        last = shared.control.upload(task_id, file).await;
        match &last {
            Ok(()) => break,
            Err(error) => tracing::warn!(task = %task_id, %error, "upload failed"),
        }
    }
    last
}

/// Uploads what was recorded of a task as a second asset (baton P-28). Its failure is not the task's.
async fn debug_asset(shared: &Shared, (folder, context): (&Path, &TaskContext)) {
    let Some(text) = context.log.text() else { return };
    let file = folder.join("debug.log");
    if let Err(error) = tokio::fs::write(&file, text).await {
        tracing::warn!(task = %context.task_id, kind = %error.kind(), "debug log not written");
        return;
    }
    if let Err(error) = upload(shared, (&context.task_id, &file)).await {
        tracing::warn!(task = %context.task_id, %error, "debug log not uploaded");
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    // rule: architecture law 8
    #[test]
    fn a_file_on_its_way_is_in_a_folder_of_its_owner_alone() {
        let parent = tempfile::tempdir().unwrap();

        let made = folder(Some(parent.path())).unwrap();

        assert_eq!(made.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
}

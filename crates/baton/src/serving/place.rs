use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use model::Clock;

use crate::one_shot::{FolderError, JobFolder};

/// As many processes with one client id have a place on one machine.
const MOST: usize = 16;
/// How long a sync waits for one of this process that is still letting go.
const WAIT: Duration = Duration::from_secs(10);

/// Where a process keeps what has to survive it: a state of changes, and the checkpoints of a sync. Beside them are
/// the files that are on their way to the control plane, which do not have to.
///
/// Held for as long as the process lives. One that was killed lets go at once, and the next one takes its place.
#[derive(Debug)]
pub(super) struct ServicePlace {
    /// What the names of its folders begin with.
    base: PathBuf,
    files: PathBuf,
    state: Arc<JobFolder>,
}

impl ServicePlace {
    /// The first place below `temp` that nobody has. Files that a killed process left in it are removed.
    pub(super) async fn take(
        temp: &Path,
        (program, client_id): (&str, &str),
        clock: &dyn Clock,
    ) -> Result<Self, FolderError> {
        let digest = crypto::sha256(client_id.as_bytes());
        let name = format!("{program}-{}", crypto::hex(&digest[..8]));
        let mut number = 0;
        loop {
            let own = format!("{name}-{number}");
            let (base, files) = (temp.join(&own), temp.join(format!("{own}.files")));
            number += 1;
            match JobFolder::take(&base, ("service", Duration::ZERO), clock).await {
                Err(FolderError::Busy { .. }) if number < MOST => {}
                Err(error) => return Err(error),
                Ok(state) => {
                    let unusable = |source| FolderError::Unusable { path: files.clone(), source };
                    renew(&files).map_err(unusable)?;
                    return Ok(Self { base, files, state: Arc::new(state) });
                }
            }
        }
    }

    /// Where files are until they are uploaded.
    pub(super) fn files(&self) -> &Path {
        &self.files
    }

    /// What changes are kept in.
    pub(super) fn state(&self) -> &Arc<JobFolder> {
        &self.state
    }

    /// What the checkpoints of the sync of a task are kept in; those of another task are gone.
    pub(super) async fn checkpoints(&self, task: &str, clock: &dyn Clock) -> Result<JobFolder, FolderError> {
        let folder = JobFolder::take(&self.base, ("sync", WAIT), clock).await?;
        folder.keep_for(task)?;
        Ok(folder)
    }

    /// Gives it back; `is_over` says that nobody has to know what changes were made.
    pub(super) fn leave(self, is_over: IsOver) {
        if let Err(error) = fs::remove_dir_all(&self.files) {
            tracing::warn!(folder = %self.files.display(), %error, "files of syncs cannot be removed");
        }
        // Whoever else has it gives it back with the process.
        if let (IsOver::Yes, Some(state)) = (is_over, Arc::into_inner(self.state)) {
            state.remove();
        }
    }
}

/// Whether what was kept has done its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IsOver {
    Yes,
    No,
}

/// An empty folder of its owner alone.
fn renew(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        removed => removed?,
    }
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use model::SystemClock;

    use super::*;

    // A name with a dot is no name with an ending.
    const OWN: (&str, &str) = ("baton-segment.test", "crm@tenant.example.test/1");

    async fn take(temp: &Path) -> ServicePlace {
        ServicePlace::take(temp, OWN, &SystemClock).await.unwrap()
    }

    fn names(temp: &Path) -> Vec<String> {
        let entry = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(temp).unwrap().map(entry).collect();
        names.sort();
        names
    }

    // rule: baton P-22: several processes of one connector; issue 6, service mode
    #[tokio::test]
    async fn each_process_has_a_place_and_the_next_one_takes_that_of_a_killed_one() {
        let temp = tempfile::tempdir().unwrap();
        let first = take(temp.path()).await;
        let second = take(temp.path()).await;
        fs::write(first.files().join("sync.c1z"), "half a file").unwrap();
        let path = first.files().to_owned();
        // Killed: locks are let go, and nothing is cleaned.
        drop(first);

        let third = take(temp.path()).await;

        assert_eq!(third.files(), path);
        assert_ne!(second.files(), path);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "files of the killed process are left");
        // Another connector has another place.
        let other = ("baton-segment", "erp@tenant.example.test/2");
        let other = ServicePlace::take(temp.path(), other, &SystemClock).await.unwrap();
        assert!(other.files() != path && other.files() != second.files());
        for place in [second, third, other] {
            place.leave(IsOver::Yes);
        }
        assert_eq!(names(temp.path()), Vec::<String>::new());
    }

    // rule: baton P-27
    #[tokio::test]
    async fn checkpoints_are_kept_for_the_same_task_and_gone_for_another() {
        let temp = tempfile::tempdir().unwrap();
        let place = take(temp.path()).await;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let open = async |task: &str| {
            let folder = place.checkpoints(task, &SystemClock).await.unwrap();
            let bytes = folder.state_bytes();
            folder.open(Arc::clone(&clock)).await.unwrap().close().await;
            bytes
        };

        let first = open("task-1").await;
        let again = open("task-1").await;
        let other = open("task-2").await;

        assert!(first == 0 && again > 0, "{first} {again}");
        assert_eq!(other, 0);
    }

    // rule: architecture law 8
    #[cfg(unix)]
    #[tokio::test]
    async fn folders_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        let place = take(temp.path()).await;
        let _checkpoints = place.checkpoints("task-1", &SystemClock).await.unwrap();

        let names = names(temp.path());

        assert_eq!(names.len(), 3, "{names:?}");
        for name in names {
            let mode = fs::metadata(temp.path().join(&name)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o700, "{name}");
            assert!(!name.contains("crm"), "the client id stands in `{name}`");
        }
    }
}

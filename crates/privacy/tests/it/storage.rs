//! Places for packages: a folder, and a real S3 server.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crypto::Secret;
use egress::DoorSettings;
use engine::RunOutcome;
use model::Clock as _;
use privacy::Report;
use privacy::package::{Contents, Drafts, PackageError, PackageOptions, write_zip};
use privacy::storage::{self, Delivered, RecordedPlace, Storage, StorageError, StorageParts};
use spec::{PackageFormat, StorageDestination, StoragePlace};
use tempfile::TempDir;
use testkit::{Canary, TestClock};

use crate::stage::Stage;

#[cfg(feature = "s3")]
mod s3;

/// A project folder with its data folder, and a clock.
struct Project {
    base: TempDir,
    data: TempDir,
    clock: Arc<TestClock>,
}

impl Project {
    fn new() -> Self {
        Self {
            base: tempfile::tempdir().unwrap(),
            data: tempfile::tempdir().unwrap(),
            clock: Arc::new(TestClock::new()),
        }
    }

    fn open(&self, destination: &StorageDestination) -> Result<Storage, StorageError> {
        self.open_with(destination, Vec::new(), DoorSettings::default())
    }

    fn open_with(
        &self,
        destination: &StorageDestination,
        secrets: Vec<(String, Secret<String>)>,
        egress: DoorSettings,
    ) -> Result<Storage, StorageError> {
        Storage::open(StorageParts {
            destination,
            base: self.base.path(),
            secrets,
            egress,
            data: self.data.path(),
            drafts: Drafts::open(self.data.path()).unwrap(),
            clock: self.clock.clone(),
        })
    }

    fn notes(&self, kind: &str) -> usize {
        fs::read_dir(self.data.path().join(kind)).map_or(0, Iterator::count)
    }
}

fn local(format: PackageFormat) -> StorageDestination {
    StorageDestination {
        key: "shelf".into(),
        place: StoragePlace::Local { folder: "packages".into() },
        format,
        expires_after: Duration::from_hours(48),
    }
}

fn names<R: std::io::Read + std::io::Seek>(archive: &zip::ZipArchive<R>) -> Vec<String> {
    archive.file_names().map(|name| name.unwrap().into_owned()).collect()
}

fn no_report() -> Report {
    Report::of(&RunOutcome { collections: std::collections::BTreeMap::new() })
}

/// Delivers these bytes as if they were an archive.
async fn deliver_bytes(storage: &Storage, name: &str, bytes: Vec<u8>) -> Result<Delivered, StorageError> {
    let write = move |out: &mut dyn Write, _: &[PackageFormat]| {
        out.write_all(&bytes).map_err(PackageError::Stream)?;
        Ok(no_report())
    };
    storage.deliver(name, write).await
}

fn file_of(delivered: &Delivered) -> &Path {
    match &delivered.record.place {
        RecordedPlace::File { file } => file,
        RecordedPlace::Object { .. } => panic!("no file"),
    }
}

// rule: privacy-requests ST-4
#[tokio::test]
async fn a_package_lies_in_the_folder_of_the_project_in_the_format_that_was_chosen() {
    let (project, stage) = (Project::new(), Stage::large(1, 3).await);
    let storage = project.open(&local(PackageFormat::Csv)).unwrap();
    let run = stage.run().await;

    let write = move |out: &mut dyn Write, formats: &[PackageFormat]| {
        write_zip(out, &run, &PackageOptions::new(Contents::Everything), formats)
    };
    let delivered = storage.deliver("run_1-contacts", write).await.unwrap();

    let file = project.base.path().join("packages").join("run_1-contacts.zip");
    assert_eq!(file_of(&delivered), file);
    let archive = zip::ZipArchive::new(fs::File::open(&file).unwrap()).unwrap();
    assert_eq!(names(&archive), ["report.json", "csv/acme/events.csv"]);
    assert_eq!(delivered.record.bytes, fs::metadata(&file).unwrap().len());
    assert!(delivered.link.is_none());
    assert_eq!(storage::list(project.data.path()).unwrap(), [delivered.record]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_package_in_a_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    let storage = project.open(&local(PackageFormat::Json)).unwrap();

    let delivered = deliver_bytes(&storage, "run_1", vec![1, 2, 3]).await.unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file_of(&delivered)), 0o600);
    assert_eq!(mode(file_of(&delivered).parent().unwrap()), 0o700);
}

#[tokio::test]
async fn a_package_that_cannot_be_made_leaves_neither_file_nor_note() {
    let project = Project::new();
    let storage = project.open(&local(PackageFormat::Json)).unwrap();

    let write = |out: &mut dyn Write, _: &[PackageFormat]| {
        out.write_all(b"half of a pack").map_err(PackageError::Stream)?;
        Err(PackageError::Stream(std::io::ErrorKind::StorageFull.into()))
    };
    let error = storage.deliver("run_1", write).await.unwrap_err();

    assert!(error.to_string().contains("run_1.zip"), "{error}");
    assert_eq!(fs::read_dir(project.base.path().join("packages")).unwrap().count(), 0);
    // An empty note is kept for the next package, as long as there may be one.
    drop(storage);
    assert_eq!((project.notes("packages"), project.notes("drafts")), (0, 0));
}

#[tokio::test]
async fn a_package_is_removed_when_its_time_is_over_and_not_before() {
    let project = Project::new();
    let storage = project.open(&local(PackageFormat::Json)).unwrap();
    let delivered = deliver_bytes(&storage, "run_1", vec![1, 2, 3]).await.unwrap();
    let clean = || storage::clean(project.data.path(), project.clock.now()).unwrap();

    project.clock.advance(Duration::from_hours(47));
    assert!(clean().expired.is_empty());
    assert!(file_of(&delivered).exists());

    project.clock.advance(Duration::from_hours(1));
    assert_eq!(clean().expired, std::slice::from_ref(&delivered.record));
    assert!(!file_of(&delivered).exists());
    assert_eq!(project.notes("packages"), 0);
    assert!(clean().expired.is_empty(), "once is enough");
}

#[tokio::test]
async fn a_file_that_took_the_place_of_a_package_is_not_removed() {
    let project = Project::new();
    let storage = project.open(&local(PackageFormat::Json)).unwrap();
    let delivered = deliver_bytes(&storage, "run_1", vec![1, 2, 3]).await.unwrap();
    fs::write(file_of(&delivered), "somebody's own notes").unwrap();
    project.clock.advance(Duration::from_hours(100));

    let removed = storage.delete_expired().await.unwrap();

    assert!(removed.is_empty());
    assert!(file_of(&delivered).exists());
    assert_eq!(project.notes("packages"), 0, "but it is a package no longer");
}

#[test]
fn cleaning_makes_no_data_folder() {
    let project = Project::new();
    let data = project.data.path().join("none");

    let cleaned = storage::clean(&data, project.clock.now()).unwrap();

    assert!(cleaned.drafts.is_empty() && cleaned.expired.is_empty() && !data.exists());
}

#[tokio::test]
async fn a_name_leads_nowhere_else() {
    let project = Project::new();
    let storage = project.open(&local(PackageFormat::Json)).unwrap();

    for name in ["../run_1", "a/b", ".hidden", "a b", "ana@example.com"] {
        let error = deliver_bytes(&storage, name, vec![1]).await.unwrap_err();

        assert!(matches!(error, StorageError::Name { .. }), "{error}");
        assert!(!error.to_string().contains(name), "a name may be anything: {error}");
    }
}

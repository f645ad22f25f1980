//! Packages in buckets, read where they lie.

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Mutex;

use privacy::storage::{PackageReader, StoredPackage};
use tokio::runtime::Handle;

use super::*;

/// What is read of a bucket at once.
const BLOCK: usize = 4 * 1024 * 1024;

/// Does something with a package on a thread for blocking work, as its readers do.
async fn reading<T: Send + 'static>(
    package: StoredPackage,
    work: impl FnOnce(&mut PackageReader) -> T + Send + 'static,
) -> T {
    let (handle, wanted) = (Handle::current(), Arc::new(()));
    let is_wanted = Arc::downgrade(&wanted);
    tokio::task::spawn_blocking(move || work(&mut package.reader(handle, is_wanted))).await.unwrap()
}

#[tokio::test]
async fn package_is_read_from_any_place_as_if_it_were_a_file() {
    let Some(archive) = Archive::new() else { return };
    let whole = pattern(2 * BLOCK + 17);
    deliver_bytes(&archive.storage, "run_1", whole.clone()).await.unwrap();
    let package = archive.storage.find("run_1.zip").await.unwrap().unwrap();
    assert_eq!(package.bytes(), whole.len() as u64);
    assert_eq!(
        package.expires_at().as_second(),
        (archive.project.clock.now() + Duration::from_hours(48)).as_second()
    );

    let (all, end, across, beyond) = reading(package, |reader| {
        let (mut all, mut end, mut across) = (Vec::new(), Vec::new(), vec![0; 40]);
        reader.read_to_end(&mut all).unwrap();
        reader.seek(SeekFrom::End(-5)).unwrap();
        reader.read_to_end(&mut end).unwrap();
        reader.seek(SeekFrom::Start(BLOCK as u64 - 20)).unwrap();
        reader.read_exact(&mut across).unwrap();
        reader.seek(SeekFrom::Current(1 << 40)).unwrap();
        let beyond = reader.read(&mut [0; 8]).unwrap();
        assert!(reader.seek(SeekFrom::End(-(1 << 50))).is_err());
        (all, end, across, beyond)
    })
    .await;

    assert!(all == whole);
    assert_eq!(end, whole[whole.len() - 5..]);
    assert_eq!(across, whole[BLOCK - 20..BLOCK + 20]);
    assert_eq!(beyond, 0);
}

#[tokio::test]
async fn what_is_not_there_or_has_expired_is_not_found() {
    let Some(archive) = Archive::new() else { return };
    deliver_bytes(&archive.storage, "run_1", vec![1]).await.unwrap();
    let is_found = async |name| archive.storage.find(name).await.unwrap().is_some();

    let (there, absent, foreign) =
        (is_found("run_1.zip").await, is_found("run_2.zip").await, is_found("../run_1.zip").await);
    archive.project.clock.advance(Duration::from_hours(48));

    assert_eq!((there, absent, foreign), (true, false, false));
    assert!(!is_found("run_1.zip").await, "it has expired");
}

// The following need no server that stores anything.

/// A server whose one package is `bytes`; gives the ranges that are asked for.
fn serve(saas: &FakeSaas, bytes: &[u8], expires_at: jiff::Timestamp) -> Arc<Mutex<Vec<String>>> {
    let mark = expires_at.as_second().to_string();
    let head = Answer::status(200).body(bytes.to_vec()).header("etag", "\"one\"");
    saas.on("HEAD", "/b/run_1.zip").then(head.header("x-amz-meta-tutela-expires-at", mark));
    let (ranges, whole) = (Arc::new(Mutex::new(Vec::new())), bytes.to_vec());
    let asked = Arc::clone(&ranges);
    saas.on("GET", "/b/run_1.zip").with(move |call| {
        assert_eq!(call.header("if-match"), Some("\"one\""));
        let range = call.header("range").unwrap().strip_prefix("bytes=").unwrap().to_owned();
        let (start, end) = range.split_once('-').unwrap();
        let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
        let answer =
            Answer::status(206).body(whole.get(start..=end).unwrap().to_vec()).header("etag", "\"one\"");
        asked.lock().unwrap().push(range.clone());
        answer.header("content-range", format!("bytes {range}/{}", whole.len()))
    });
    ranges
}

fn scripted(saas: &FakeSaas, project: &Project, egress: DoorSettings) -> Storage {
    project
        .open_with(&bucket(&saas.base_url(), "b", ""), secrets("account", "canary-secret"), egress)
        .unwrap()
}

#[tokio::test]
async fn no_more_is_asked_for_at_once_than_an_answer_may_hold() {
    let (saas, project) = (FakeSaas::start().await, Project::new());
    let ranges = serve(&saas, &pattern(2_500), project.clock.now() + Duration::from_hours(1));
    let storage = scripted(&saas, &project, DoorSettings { max_response_bytes: 1_000, ..opened() });
    let package = storage.find("run_1.zip").await.unwrap().unwrap();
    assert!(!format!("{package:?} {storage:?}").contains("canary"), "{package:?}");

    let bytes = reading(package, |reader| {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        // The block that is in memory is not asked for again.
        reader.seek(SeekFrom::End(-500)).unwrap();
        reader.read_exact(&mut [0; 500]).unwrap();
        bytes
    })
    .await;

    assert!(bytes == pattern(2_500));
    assert_eq!(*ranges.lock().unwrap(), ["0-999", "1000-1999", "2000-2499"]);
}

#[tokio::test]
async fn reading_ends_when_nobody_wants_the_package_any_more() {
    let (saas, project) = (FakeSaas::start().await, Project::new());
    let ranges = serve(&saas, &pattern(2_500), project.clock.now() + Duration::from_hours(1));
    let storage = scripted(&saas, &project, DoorSettings { max_response_bytes: 1_000, ..opened() });
    let package = storage.find("run_1.zip").await.unwrap().unwrap();
    let (handle, wanted) = (Handle::current(), Arc::new(()));
    let is_wanted = Arc::downgrade(&wanted);

    let (first, second) = tokio::task::spawn_blocking(move || {
        let mut reader = package.reader(handle, is_wanted);
        let first = reader.read_exact(&mut [0; 1_000]);
        drop(wanted);
        (first, reader.read_exact(&mut [0; 1_000]))
    })
    .await
    .unwrap();

    assert!(first.is_ok());
    assert_eq!(second.unwrap_err().kind(), std::io::ErrorKind::ConnectionAborted);
    assert_eq!(ranges.lock().unwrap().len(), 1);
}

/// An answer that is not what was asked for gives no bytes, and what it said is not repeated.
#[rstest::rstest]
#[case::replaced(
    Answer::text(412, "<Error><Code>PreconditionFailed</Code><X>canary</X></Error>"),
    "412 PreconditionFailed"
)]
#[case::whole(Answer::text(200, "canary"), "not one of S3")]
#[case::other_part(Answer::text(206, "canary").header("content-range", "bytes 1-6/10"), "not one of S3")]
#[case::short(Answer::text(206, "canary").header("content-range", "bytes 0-5/10"), "not one of S3")]
#[case::refused(
    Answer::text(403, "<Error><Code>AccessDenied</Code><X>canary</X></Error>"),
    "403 AccessDenied"
)]
#[tokio::test]
async fn answer_that_was_not_asked_for_ends_the_reading(#[case] answer: Answer, #[case] says: &str) {
    let (saas, project) = (FakeSaas::start().await, Project::new());
    serve(&saas, &pattern(10), project.clock.now() + Duration::from_hours(1));
    saas.on("GET", "/b/run_1.zip").then(answer);
    let storage = scripted(&saas, &project, opened());
    let package = storage.find("run_1.zip").await.unwrap().unwrap();

    let error = reading(package, |reader| reader.read_to_end(&mut Vec::new()).unwrap_err()).await;

    let text = error.to_string();
    assert!(text.contains("cannot read a package in bucket `b`") && text.contains(says), "{text}");
    assert!(!format!("{error:?}").contains("canary"), "{error:?}");
}

#[tokio::test]
async fn object_without_the_mark_is_no_package() {
    let (saas, project) = (FakeSaas::start().await, Project::new());
    saas.on("HEAD", "/b/run_1.zip").then(Answer::text(200, "somebody's own notes").header("etag", "\"1\""));

    let found = scripted(&saas, &project, opened()).find("run_1.zip").await.unwrap();

    assert!(found.is_none());
}

use std::sync::atomic::Ordering;

use crypto::sha256;
use tonic::Code;

use super::plane::{Bench, bench, bench_with, pat};
use crate::control::{ConnectorLabel, ShrinkGuard};

fn taken(bench: &Bench) -> usize {
    bench.taken.0.lock().unwrap().len()
}

async fn sync_task(bench: &Bench, process: &super::plane::Process<'_>) -> String {
    bench.plane.queue_sync(&bench.connector, pat()).await.unwrap();
    process.ask().await.unwrap().id
}

// rule: baton P-26
#[tokio::test]
async fn wrong_checksum_is_refused_and_the_next_try_is_taken() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;
    let task = sync_task(&bench, &process).await;
    let file = bench.file(20);

    let status = process.upload_as(&task, &file, sha256(b"other")).await.unwrap_err();

    assert_eq!((status.code(), taken(&bench)), (Code::DataLoss, 0));
    assert!(bench.lines().await.contains("refused: the checksum"));
    process.upload(&task, &file).await.unwrap();
    process.upload(&task, &file).await.unwrap();
    process.upload(&task, b"a log").await.unwrap();
    assert_eq!(taken(&bench), 1, "a second try is no second file, and a log is none");
    assert!(bench.lines().await.contains("debug"));
}

/// The twin: whoever believes checksums takes a file that lost something on its way.
#[tokio::test]
async fn planted_defect_without_the_checksum_a_changed_file_is_taken() {
    let bench = bench().await;
    bench.plane.inner.believes_checksums.store(true, Ordering::Relaxed);
    let process = bench.process("pod-1").await;
    let task = sync_task(&bench, &process).await;

    process.upload_as(&task, &bench.file(20), sha256(b"other")).await.unwrap();

    assert_eq!(taken(&bench), 1);
}

// rule: baton S-24
// rule: baton P-27
#[tokio::test]
async fn empty_foreign_and_newer_files_are_refused_by_name() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;
    let newer = b"C1Z3\0\0\0\0\x0b\x0a\x07pebble3\x10\x18".to_vec();
    for (file, why) in [
        (bench.file(0), "the sync run is empty"),
        (b"something else".to_vec(), "no .c1z file"),
        (newer, "version 3 (engine `pebble3`"),
    ] {
        bench.clock.advance(std::time::Duration::from_secs(1));
        let status = process.sync(&file).await.unwrap_err();

        assert_eq!(status.code(), Code::FailedPrecondition);
        assert!(status.message().contains(why), "{}", status.message());
        let shown = bench.plane.status(&bench.connector).await.unwrap();
        assert_eq!(shown.label, ConnectorLabel::Error);
    }
    assert_eq!(taken(&bench), 0);
    bench.clock.advance(std::time::Duration::from_secs(1));
    let task = sync_task(&bench, &process).await;
    process.done(&task, None).await.unwrap();
    let shown = bench.plane.status(&bench.connector).await.unwrap();
    assert!(shown.last_error.unwrap().contains("without a file"));
}

// rule: governance CON-24
#[tokio::test]
async fn shrunken_sync_is_held_until_a_person_confirms_and_the_next_one_is_taken() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;
    process.sync(&bench.file(20)).await.unwrap();
    bench.clock.advance(std::time::Duration::from_mins(1));

    process.sync(&bench.file(10)).await.unwrap();

    let shown = bench.plane.status(&bench.connector).await.unwrap();
    assert_eq!((shown.label, taken(&bench)), (ConnectorLabel::Paused, 1));
    let reason = shown.connector.paused_reason.unwrap();
    assert!(reason.contains("10 resources where the one before had 20"), "{reason}");
    assert!(bench.plane.queue_sync(&bench.connector, pat()).await.is_err());
    assert!(bench.plane.confirm_shrink(&bench.connector, pat()).await.unwrap().is_some());
    assert!(bench.plane.confirm_shrink(&bench.connector, pat()).await.unwrap().is_none());
    bench.clock.advance(std::time::Duration::from_mins(1));
    process.sync(&bench.file(10)).await.unwrap();
    assert_eq!(taken(&bench), 2);
}

/// The twin: without the guard half of everything is gone and nobody is asked.
#[tokio::test]
async fn planted_defect_without_the_guard_a_shrunken_sync_is_taken() {
    let bench = bench_with(|settings| settings.shrink_guard = ShrinkGuard::Off).await;
    let process = bench.process("pod-1").await;
    process.sync(&bench.file(20)).await.unwrap();
    bench.clock.advance(std::time::Duration::from_mins(1));

    process.sync(&bench.file(10)).await.unwrap();

    assert_eq!(taken(&bench), 2);
}

#[tokio::test]
async fn upload_beyond_its_size_without_end_or_beginning_leaves_nothing() {
    let bench = bench_with(|settings| settings.upload_bytes = 600).await;
    let process = bench.process("pod-1").await;
    let task = sync_task(&bench, &process).await;

    let large = process.upload(&task, &[1; 1000]).await.unwrap_err();
    let nothing = process.send(Vec::new()).await.unwrap_err();

    assert_eq!((large.code(), nothing.code()), (Code::ResourceExhausted, Code::InvalidArgument));
    assert_eq!(std::fs::read_dir(bench.folder.path().join("uploads")).unwrap().count(), 0);
}

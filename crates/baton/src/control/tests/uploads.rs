use std::sync::atomic::Ordering;

use crypto::sha256;
use protos::c1::connectorapi::baton::v1 as wire;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use wire::baton_service_upload_asset_request::{Msg, UploadData, UploadEof, UploadMetadata};

use super::plane::{Bench, SILENCE, bench, bench_with, client, pat};
use crate::control::{ConnectorLabel, ShrinkGuard};

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

    assert_eq!((status.code(), bench.taken().await), (Code::DataLoss, 0));
    assert!(bench.lines().await.contains("refused: the checksum"));
    process.upload(&task, &file).await.unwrap();
    process.upload(&task, &file).await.unwrap();
    process.upload(&task, b"a log").await.unwrap();
    assert_eq!(bench.taken().await, 1, "a second try is no second file, and a log is none");
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

    assert_eq!(bench.taken().await, 1);
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
    assert_eq!(bench.taken().await, 0);
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
    assert_eq!((shown.label, bench.taken().await), (ConnectorLabel::Paused, 1));
    let reason = shown.connector.paused_reason.unwrap();
    assert!(reason.contains("10") && reason.contains("20"), "{reason}");
    assert!(bench.plane.queue_sync(&bench.connector, pat()).await.is_err());
    assert!(bench.plane.confirm_shrink(&bench.connector, pat()).await.unwrap().is_some());
    assert!(bench.plane.confirm_shrink(&bench.connector, pat()).await.unwrap().is_none());
    bench.clock.advance(std::time::Duration::from_mins(1));
    process.sync(&bench.file(9)).await.unwrap();
    assert_eq!(bench.taken().await, 3, "measured by what was confirmed");
}

/// The twin: without the guard half of everything is gone and nobody is asked.
#[tokio::test]
async fn planted_defect_without_the_guard_a_shrunken_sync_is_taken() {
    let bench = bench_with(|settings| settings.shrink_guard = ShrinkGuard::Off).await;
    let process = bench.process("pod-1").await;
    process.sync(&bench.file(20)).await.unwrap();
    bench.clock.advance(std::time::Duration::from_mins(1));

    process.sync(&bench.file(10)).await.unwrap();

    assert_eq!(bench.taken().await, 2);
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

#[tokio::test]
async fn files_that_a_killed_process_left_are_removed_and_those_under_way_are_not() {
    let bench = bench().await;
    let folder = bench.folder.path().join("uploads");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("left.upload"), b"rows of people").unwrap();
    let left = || std::fs::read_dir(&folder).unwrap().count();
    let written = std::fs::metadata(folder.join("left.upload")).unwrap().modified().unwrap();
    let written = jiff::Timestamp::try_from(written).unwrap();

    bench.clock.set(written + super::plane::seconds(3600));
    bench.plane.remove_left_files().unwrap();
    let under_way = left();
    bench.clock.set(written + super::plane::seconds(3602));
    bench.plane.remove_left_files().unwrap();

    assert_eq!((under_way, left()), (1, 0));
}

// rule: baton P-22
// rule: baton P-26
#[tokio::test]
async fn file_of_a_process_that_lost_its_task_meanwhile_does_not_replace_a_newer_one() {
    let bench = bench().await;
    let (slow, other) = (bench.process("pod-1").await, bench.process("pod-2").await);
    let task = sync_task(&bench, &slow).await;
    let (old, newer) = (bench.file(20), bench.file(21));
    let part = |msg| wire::BatonServiceUploadAssetRequest { msg: Some(msg) };
    let (host_id, task_id) = (slow.host.clone(), task.clone());
    let metadata = UploadMetadata { host_id, task_id, ..UploadMetadata::default() };
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let uploading = slow.call(ReceiverStream::new(receiver)).await;
    let pieces = async {
        sender.send(part(Msg::Metadata(metadata))).await.unwrap();
        sender.send(part(Msg::Data(UploadData { data: old.clone() }))).await.unwrap();
        // It had the task when it began: the file is being written.
        let folder = bench.folder.path().join("uploads");
        while !std::fs::read_dir(&folder).is_ok_and(|mut files| files.next().is_some()) {
            tokio::task::yield_now().await;
        }
        bench.clock.advance(SILENCE * 2);
        let again = other.ask().await.unwrap();
        other.upload(&again.id, &newer).await.unwrap();
        let sum = sha256(&old).to_vec();
        let eof = UploadEof { sha256_checksum: sum, ..UploadEof::default() };
        sender.send(part(Msg::Eof(eof))).await.unwrap();
        drop(sender);
        again.id
    };

    let mut process = client(&bench.plane);
    let (uploaded, again) = tokio::join!(process.upload_asset(uploading), pieces);

    assert_eq!(again, task);
    assert_eq!(uploaded.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(bench.taken().await, 1, "the newer one, and nothing after it");
}

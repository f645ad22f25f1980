//! The twins: what the control plane and the connector of these tests look for is seen when it is there.

use futures::stream;
use protos::c1::connectorapi::baton::v1::BatonServiceUploadAssetRequest;
use protos::c1::connectorapi::baton::v1::baton_service_upload_asset_request::{
    Msg, UploadData, UploadEof, UploadMetadata,
};

use super::fake::Gate;
use super::*;
use crate::service::control::ControlPlane;
use crate::service::{GrantOrder, Provisioner as _, TaskContext, TaskLog};

fn control(bench: &Bench) -> ControlPlane {
    ControlPlane::new(&bench.settings(), &bench.parts().1).unwrap()
}

#[tokio::test]
async fn planted_defect_an_upload_without_a_heartbeat_is_seen() {
    let bench = Bench::new().await;
    let file = bench.folder.path().join("file");
    std::fs::write(&file, b"content").unwrap();
    let control = control(&bench);

    control.upload(&id(1), &file).await.unwrap();
    control.heartbeat(&id(2), Duration::from_secs(5)).await.unwrap();
    control.upload(&id(2), &file).await.unwrap();

    assert_eq!(bench.stub.with(|state| state.broken.clone()), ["upload without a heartbeat"]);
}

#[tokio::test]
async fn planted_defect_a_checksum_of_another_file_is_seen() {
    let bench = Bench::new().await;
    let control = control(&bench);
    control.heartbeat(&id(1), Duration::from_secs(5)).await.unwrap();
    let upload = |hashed: &'static [u8]| {
        let (host_id, task_id) = ("host-1".to_owned(), id(1));
        let pieces = [
            Msg::Metadata(UploadMetadata { host_id, task_id, annotations: Vec::new() }),
            Msg::Data(UploadData { data: b"content".to_vec() }),
            Msg::Eof(UploadEof { sha256_checksum: crypto::sha256(hashed).to_vec(), annotations: Vec::new() }),
        ];
        stream::iter(pieces.map(|msg| BatonServiceUploadAssetRequest { msg: Some(msg) }))
    };

    let wrong = control.upload_pieces(upload(b"another")).await.unwrap_err();
    control.upload_pieces(upload(b"content")).await.unwrap();

    assert_eq!(wrong.code(), tonic::Code::DataLoss);
    assert_eq!(bench.stub.with(|state| state.broken.clone()), ["checksum is that of another file"]);
}

#[tokio::test]
async fn planted_defect_a_task_at_work_twice_at_a_time_is_seen() {
    let bench = Bench::new().await;
    bench.fake.set(Gate::Closed);
    let order =
        GrantOrder { entitlement: entitlement(), principal: resource("user", "u1"), annotations: Vec::new() };
    let context =
        TaskContext { task_id: id(1), cancellation: engine::Cancellation::never(), log: TaskLog::default() };

    let twice =
        async { tokio::join!(bench.fake.grant(&order, &context), bench.fake.grant(&order, &context)) };
    let opens = async { bench.fake.set(Gate::Open) };
    let _ = tokio::join!(twice, opens);

    assert_eq!(bench.fake.broken(), [format!("{} is carried out twice at a time", id(1))]);
}

/// A file that cannot be read has no checksum, so that nobody takes what came of it for whole.
#[tokio::test]
async fn file_that_is_not_there_is_told_as_that_and_never_taken() {
    let bench = Bench::new().await;

    let error = control(&bench).upload(&id(1), &bench.folder.path().join("none")).await.unwrap_err();

    assert!(error.to_string().contains("cannot be read"), "{error}");
    assert!(bench.stub.with(|state| state.uploads.is_empty()));
}

//! Buckets, on a real S3 server: `TUTELA_TEST_S3` is `http://ACCOUNT:SECRET@HOST/BUCKET`, as
//! `cargo xtask test` sets it. Without it these tests fail where `CI` is set, and say that they
//! did nothing elsewhere.

mod reading;

use egress::Mode;
use testkit::{Answer, FakeSaas};
use uuid::Uuid;

use super::*;

/// What one upload is cut into.
const PART: usize = 8 * 1024 * 1024;

/// The server under test.
struct Server {
    endpoint: String,
    bucket: String,
    account: String,
    secret: String,
}

#[expect(clippy::print_stdout, reason = "a test that does nothing says so")]
fn server() -> Option<Server> {
    let Some(url) = std::env::var("TUTELA_TEST_S3").ok().filter(|url| !url.is_empty()) else {
        assert!(std::env::var_os("CI").is_none(), "TUTELA_TEST_S3 is not set; `cargo xtask test` sets it");
        println!("skipped: TUTELA_TEST_S3 is not set; `cargo xtask services COMMAND` sets it");
        return None;
    };
    let url: url::Url = url.parse().unwrap();
    Some(Server {
        endpoint: format!("{}://{}:{}", url.scheme(), url.host_str().unwrap(), url.port().unwrap()),
        bucket: url.path().trim_matches('/').to_owned(),
        account: url.username().to_owned(),
        secret: url.password().unwrap().to_owned(),
    })
}

fn secrets(account: &str, secret: &str) -> Vec<(String, Secret<String>)> {
    vec![
        ("access_key_id".into(), Secret::new(account.into())),
        ("secret_access_key".into(), Secret::new(secret.into())),
    ]
}

fn opened() -> DoorSettings {
    DoorSettings { allow: vec!["127.0.0.1/32@archive".parse().unwrap()], ..DoorSettings::default() }
}

fn bucket(endpoint: &str, bucket: &str, prefix: &str) -> StorageDestination {
    StorageDestination {
        key: "archive".into(),
        place: StoragePlace::S3 {
            bucket: bucket.into(),
            prefix: prefix.into(),
            region: None,
            endpoint: Some(endpoint.into()),
            secrets: Vec::new(),
        },
        format: PackageFormat::Json,
        expires_after: Duration::from_hours(48),
    }
}

/// A project whose storage is below a prefix of its own on the server.
struct Archive {
    project: Project,
    storage: Storage,
    prefix: String,
    server: Server,
}

impl Archive {
    fn new() -> Option<Self> {
        let (server, project) = (server()?, Project::new());
        let prefix = format!("{}/", Uuid::now_v7());
        let storage = project
            .open_with(
                &bucket(&server.endpoint, &server.bucket, &prefix),
                secrets(&server.account, &server.secret),
                opened(),
            )
            .unwrap();
        Some(Self { project, storage, prefix, server })
    }

    /// Fetches what a link leads to, as a browser would: without account.
    async fn fetch(&self, link: &str) -> (u16, Vec<u8>) {
        let settings = DoorSettings { max_response_bytes: 1 << 30, ..opened() };
        let service = egress::OwnService::new(
            settings,
            "archive".parse().unwrap(),
            &self.server.endpoint.parse().unwrap(),
        );
        let call = egress::OwnServiceCall {
            method: http::Method::GET,
            url: link.parse().unwrap(),
            headers: http::HeaderMap::new(),
            body: bytes::Bytes::new(),
        };
        let reply = service.unwrap().send(call).await.unwrap();
        (reply.status, reply.body.to_vec())
    }

    async fn fetch_delivered(&self, delivered: &Delivered) -> (u16, Vec<u8>) {
        self.fetch(delivered.link.as_ref().unwrap().url.expose()).await
    }
}

/// Bytes that differ from place to place.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index / 251 + index % 251) as u8).collect()
}

#[tokio::test]
async fn a_package_streams_into_the_bucket_and_its_link_gives_it_back() {
    let Some(archive) = Archive::new() else { return };
    let stage = Stage::large(3, 50).await;
    let run = stage.run().await;

    let write = move |out: &mut dyn Write, formats: &[PackageFormat]| {
        write_zip(out, &run, &PackageOptions::new(Contents::Everything), formats)
    };
    let delivered = archive.storage.deliver("run_1", write).await.unwrap();

    let (status, bytes) = archive.fetch_delivered(&delivered).await;
    assert_eq!((status, bytes.len() as u64), (200, delivered.record.bytes));
    let package = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    assert_eq!(names(&package), ["report.json", "access.json"]);
    let object = format!("{}run_1.zip", archive.prefix);
    assert_eq!(
        delivered.record.place,
        RecordedPlace::Object { bucket: archive.server.bucket.clone(), object }
    );
    assert_eq!(fs::read_dir(archive.project.base.path()).unwrap().count(), 0, "nothing on this disk");
}

#[tokio::test]
async fn a_package_of_any_size_arrives_whole() {
    let Some(archive) = Archive::new() else { return };
    for (name, length) in [("one", 1), ("part", PART), ("parts", 2 * PART), ("more", 2 * PART + 17)] {
        let delivered = deliver_bytes(&archive.storage, name, pattern(length)).await.unwrap();

        let (status, bytes) = archive.fetch_delivered(&delivered).await;
        assert_eq!(status, 200);
        assert!(bytes == pattern(length), "{name}: {} bytes of {length}", bytes.len());
        assert_eq!(delivered.record.bytes, length as u64);
    }
    assert_eq!(archive.project.notes("uploads"), 0);
}

// rule: privacy-requests ST-6
#[tokio::test]
async fn a_link_opens_one_package_only_and_not_without_its_signature() {
    let Some(archive) = Archive::new() else { return };
    let first = deliver_bytes(&archive.storage, "first", vec![1]).await.unwrap();
    deliver_bytes(&archive.storage, "second", vec![2]).await.unwrap();
    let link = first.link.unwrap().url.expose().clone();

    assert_eq!(archive.fetch(&link).await.0, 200);
    assert_eq!(archive.fetch(&link.replace("first.zip", "second.zip")).await.0, 403);
    assert_eq!(archive.fetch(link.split('?').next().unwrap()).await.0, 403);
    assert!(!link.contains(&archive.server.secret));
}

#[tokio::test]
async fn a_link_ends_with_its_package_and_within_seven_days() {
    let Some(archive) = Archive::new() else { return };
    let now = archive.project.clock.now();
    let valid = async |hours: u64| {
        let expires_at = now + Duration::from_hours(hours);
        archive.storage.link("run_1.zip", expires_at).await.unwrap().unwrap().valid_until - now
    };

    assert_eq!(valid(2).await.as_secs(), 2 * 3600);
    assert_eq!(valid(1000).await.as_secs(), 7 * 24 * 3600);
}

#[tokio::test]
async fn expired_packages_are_removed_from_the_bucket_and_nothing_else_is() {
    let Some(archive) = Archive::new() else { return };
    let old = deliver_bytes(&archive.storage, "old", vec![1]).await.unwrap();
    archive.project.clock.advance(Duration::from_hours(24));
    let young = deliver_bytes(&archive.storage, "young", vec![2]).await.unwrap();
    // The same bucket, another prefix: packages of somebody else, also old.
    let other = Archive::new().unwrap();
    let theirs = deliver_bytes(&other.storage, "theirs", vec![3]).await.unwrap();

    archive.project.clock.advance(Duration::from_hours(24));
    let removed = archive.storage.delete_expired().await.unwrap();

    assert_eq!(removed, ["old.zip"]);
    assert_eq!(archive.fetch_delivered(&old).await.0, 404);
    assert_eq!(archive.fetch_delivered(&young).await.0, 200);
    assert_eq!(other.fetch_delivered(&theirs).await.0, 200);
    let left = storage::list(archive.project.data.path()).unwrap();
    assert_eq!(left.into_iter().map(|record| record.name).collect::<Vec<_>>(), ["young.zip"]);
    assert!(
        storage::clean(archive.project.data.path(), archive.project.clock.now()).unwrap().expired.is_empty()
    );
}

#[tokio::test]
async fn a_package_that_cannot_be_made_is_not_in_the_bucket() {
    let Some(archive) = Archive::new() else { return };
    for length in [10, 3 * PART] {
        let write = move |out: &mut dyn Write, _: &[PackageFormat]| {
            out.write_all(&pattern(length)).map_err(PackageError::Stream)?;
            Err(PackageError::Stream(std::io::ErrorKind::Other.into()))
        };
        let error = archive.storage.deliver("run_1", write).await.unwrap_err();

        assert!(matches!(error, StorageError::Package(_)), "{error}");
        let link =
            archive.storage.link("run_1.zip", archive.project.clock.now() + Duration::from_hours(1)).await;
        assert_eq!(archive.fetch(link.unwrap().unwrap().url.expose()).await.0, 404);
        assert_eq!((archive.project.notes("uploads"), archive.project.notes("packages")), (0, 0));
    }
}

#[tokio::test]
async fn parts_of_a_program_that_was_killed_are_taken_back() {
    let Some(archive) = Archive::new() else { return };
    {
        // A delivery that is dropped in the middle ends like one that was killed.
        let (told, hear) = tokio::sync::oneshot::channel();
        let (_hold, wait) = std::sync::mpsc::channel::<()>();
        let write = move |out: &mut dyn Write, _: &[PackageFormat]| {
            // The fourth part is taken when the first has arrived.
            out.write_all(&pattern(4 * PART)).map_err(PackageError::Stream)?;
            let _ = told.send(());
            let _ = wait.recv();
            Ok(no_report())
        };
        let delivery = archive.storage.deliver("killed", write);
        tokio::pin!(delivery);
        tokio::select! {
            _ = &mut delivery => panic!("it waits"),
            _ = hear => {}
        }
    }
    assert_eq!(archive.project.notes("uploads"), 1);

    let delivered = deliver_bytes(&archive.storage, "next", vec![1]).await.unwrap();

    assert_eq!(archive.project.notes("uploads"), 0);
    assert_eq!(archive.fetch_delivered(&delivered).await.0, 200);
}

#[tokio::test]
async fn what_the_server_refuses_is_said_without_secrets() {
    let Some(server) = server() else { return };
    let canary = Canary::new("bucket");
    let project = Project::new();
    let destination = bucket(&server.endpoint, &server.bucket, "");
    let storage =
        project.open_with(&destination, secrets(&server.account, &canary.secret), opened()).unwrap();

    let error = deliver_bytes(&storage, "run_1", vec![1]).await.unwrap_err();

    let text = error.to_string();
    assert!(text.contains("403 SignatureDoesNotMatch") && text.contains("nothing was left there"), "{text}");
    let shown = [text, format!("{error:?} {storage:?}")];
    canary.assert_absent(&shown);
    assert!(shown.iter().all(|text| !text.contains(&server.account)));
    assert_eq!(project.notes("packages"), 0);
}

// The following need no server that stores anything.

#[tokio::test]
async fn a_private_address_is_refused_unless_it_is_opened_for_the_storage() {
    let saas = FakeSaas::start().await;
    let project = Project::new();
    let closed =
        DoorSettings { allow: vec!["127.0.0.1/32@shop".parse().unwrap()], ..DoorSettings::default() };
    let storage =
        project.open_with(&bucket(&saas.base_url(), "b", ""), secrets("account", "secret"), closed).unwrap();

    let error = deliver_bytes(&storage, "run_1", vec![1]).await.unwrap_err();

    assert!(error.to_string().contains("`egress.allow`"), "{error}");
    assert!(error.to_string().contains("nothing was left there"), "{error}");
    assert!(saas.calls().is_empty());
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_named() {
    let saas = FakeSaas::start().await;
    saas.on("PUT", "/b/run_1.zip").then(Answer::text(404, "<Error><Code>NoSuchBucket</Code></Error>"));
    let project = Project::new();
    let storage = project
        .open_with(&bucket(&saas.base_url(), "b", ""), secrets("account", "secret"), opened())
        .unwrap();

    let error = deliver_bytes(&storage, "run_1", vec![1]).await.unwrap_err();

    assert!(error.to_string().contains("no such bucket"), "{error}");
    assert!(error.to_string().contains("nothing was left there"), "{error}");
}

#[tokio::test]
async fn a_server_that_stumbles_is_asked_again() {
    let saas = FakeSaas::start().await;
    saas.on("PUT", "/b/run_1.zip")
        .then(Answer::status(503))
        .then(Answer::status(200).header("etag", "\"1\""));
    let project = Project::new();
    let storage = project
        .open_with(&bucket(&saas.base_url(), "b", ""), secrets("account", "secret"), opened())
        .unwrap();

    deliver_bytes(&storage, "run_1", vec![1]).await.unwrap();

    let calls = saas.calls_to("/b/run_1.zip");
    assert_eq!(calls.len(), 2);
    assert!(calls[0].header("x-amz-checksum-sha256").is_some(), "the server can check what arrived");
    assert!(calls[0].header("x-amz-meta-tutela-expires-at").is_some());
}

#[tokio::test]
async fn an_upload_that_fails_in_the_middle_is_taken_back() {
    let saas = FakeSaas::start().await;
    let created = "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>run_1.zip</Key><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
    saas.on("POST", "/b/run_1.zip").then(Answer::text(200, created));
    saas.on("PUT", "/b/run_1.zip")
        .then(Answer::text(403, "<Error><Code>QuotaReached</Code><X>canary</X></Error>"));
    for (answer, says, notes) in [
        (Answer::status(204), "nothing was left there", 0),
        (Answer::status(403), "parts of it may lie there", 1),
    ] {
        saas.on("DELETE", "/b/run_1.zip").then(answer);
        let project = Project::new();
        let storage = project
            .open_with(&bucket(&saas.base_url(), "b", ""), secrets("account", "secret"), opened())
            .unwrap();

        let error = deliver_bytes(&storage, "run_1", pattern(3 * PART)).await.unwrap_err();

        let text = error.to_string();
        assert!(text.contains("403 QuotaReached") && text.contains(says), "{text}");
        assert!(!format!("{error:?}").contains("canary"));
        assert_eq!(project.notes("uploads"), notes);
    }
}

#[tokio::test]
async fn a_redirect_to_elsewhere_is_not_followed() {
    let (saas, elsewhere) = (FakeSaas::start().await, FakeSaas::start().await);
    let target = format!("{}/b/run_1.zip", elsewhere.base_url());
    saas.on("PUT", "/b/run_1.zip").then(Answer::status(307).header("location", target));
    saas.on("DELETE", "/b/run_1.zip").then(Answer::status(204));
    let project = Project::new();
    let storage = project
        .open_with(&bucket(&saas.base_url(), "b", ""), secrets("account", "secret"), opened())
        .unwrap();

    let error = deliver_bytes(&storage, "run_1", vec![1]).await.unwrap_err();

    assert!(error.to_string().contains("redirects"), "{error}");
    assert!(elsewhere.calls().is_empty());
}

#[test]
fn what_cannot_work_is_refused_before_any_call() {
    let project = Project::new();
    let open = |destination: &StorageDestination, secrets| {
        project.open_with(destination, secrets, opened()).unwrap_err().to_string()
    };
    let good = || secrets("account", "secret");

    let no_secret = open(&bucket("http://127.0.0.1:1", "b", ""), Vec::new());
    assert!(no_secret.contains("`access_key_id`") && no_secret.contains("${NAME}"), "{no_secret}");
    assert!(open(&bucket("http://127.0.0.1:1", "b/../c", ""), good()).contains("`bucket`"));
    assert!(open(&bucket("nowhere", "b", ""), good()).contains("`endpoint`"));
}

/// Below these the client would put packages where they are not looked for when they have expired.
#[rstest::rstest]
#[case("../")]
#[case("/people/")]
#[case("a~b/")]
#[case("a//b/")]
#[case("a%20b/")]
#[case("åsa/")]
fn a_prefix_that_the_client_writes_otherwise_is_refused(#[case] prefix: &str) {
    let opened = |prefix| {
        Project::new().open_with(
            &bucket("http://127.0.0.1:1", "b", prefix),
            secrets("account", "secret"),
            opened(),
        )
    };

    assert!(opened(prefix).unwrap_err().to_string().contains("`prefix`"));
    for good in ["", "people/", "a-b/c_d.e/", "people-"] {
        assert!(opened(good).is_ok(), "{good}");
    }
}

/// The planted defect: a client of its own would reach the server that the guard refuses.
#[tokio::test]
async fn no_door_for_connections_takes_a_storage_call() {
    let saas = FakeSaas::start().await;
    let clock: Arc<dyn model::Clock> = Arc::new(TestClock::new());
    let budgets = Arc::new(egress::MemoryBudgets::new(Arc::clone(&clock)));
    let door = egress::Door::new(opened(), Mode::Live, budgets, clock).unwrap();
    let url = format!("{}/b/run_1.zip", saas.base_url()).parse().unwrap();
    let mut request = egress::HttpRequest::read("archive".parse().unwrap(), "put", http::Method::PUT, url);
    request.effect = model::Effect::Write;

    assert!(matches!(door.send(request).await, Err(egress::SendError::WriteWithoutPermit { .. })));
    assert!(saas.calls().is_empty());
}

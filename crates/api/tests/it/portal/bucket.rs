//! Packages in buckets, given out by the portal: on a real S3 server if `TUTELA_TEST_S3` names one, as
//! `cargo xtask test` does, and on a scripted one for what a sound server does not do.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use egress::DoorSettings;
use model::Clock;
use privacy::policy_book::PolicyBook;
use privacy::storage_book::{PackageSettings, StorageBook};
use testkit::{Answer, Canary, FakeSaas};
use zip::write::SimpleFileOptions;

use super::*;

const PASSWORD: &str = "correct horse battery";
/// More than what is read of a bucket at once.
const LARGE: usize = 9 * 1024 * 1024;

/// A bucket, and the account to use it.
struct Bucket {
    endpoint: String,
    bucket: String,
    prefix: String,
    account: String,
    secret: String,
}

impl Bucket {
    #[expect(clippy::print_stdout, reason = "a test that does nothing says so")]
    fn real() -> Option<Self> {
        let Some(url) = std::env::var("TUTELA_TEST_S3").ok().filter(|url| !url.is_empty()) else {
            assert!(
                std::env::var_os("CI").is_none(),
                "TUTELA_TEST_S3 is not set; `cargo xtask test` sets it"
            );
            println!("skipped: TUTELA_TEST_S3 is not set; `cargo xtask services COMMAND` sets it");
            return None;
        };
        let url: url::Url = url.parse().unwrap();
        Some(Self {
            endpoint: format!("{}://{}:{}", url.scheme(), url.host_str().unwrap(), url.port().unwrap()),
            bucket: url.path().trim_matches('/').to_owned(),
            prefix: format!("{}/", uuid::Uuid::now_v7()),
            account: url.username().to_owned(),
            secret: url.password().unwrap().to_owned(),
        })
    }

    fn scripted(saas: &FakeSaas, secret: &str) -> Self {
        Self {
            endpoint: saas.base_url(),
            bucket: "exports".to_owned(),
            prefix: String::new(),
            account: "account".to_owned(),
            secret: secret.to_owned(),
        }
    }

    /// Makes it the place of the rule `copy` of the policy `copy_me`.
    async fn set_up(&self, app: &App) {
        let details = json!({"auth_method": "secret_keys", "bucket": self.bucket, "prefix": self.prefix,
            "endpoint": self.endpoint});
        let place = json!([{"name": "Archive", "key": "archive", "type": "s3", "details": details, "format": "json"}]);
        let (_, made) = app.send(Method::PATCH, "/api/v1/storage/config", place).await;
        assert_eq!(made["failed"], json!([]), "{made}");
        let secrets = json!({"aws_access_key_id": self.account, "aws_secret_access_key": self.secret});
        let path = "/api/v1/storage/config/archive/secret?verify=false";
        assert_eq!(app.send(Method::PUT, path, secrets).await.0, StatusCode::OK);
        let rule = json!({"name": "Copy", "key": "copy", "action_type": "access",
            "storage_destination_key": "archive", "targets": [{"data_category": "user.contact"}]});
        let policy = json!([{"name": "Copy me", "key": "copy_me", "rules": [rule]}]);
        let (_, made) = app.send(Method::PATCH, "/api/v1/dsr/policy", policy).await;
        assert_eq!(made["failed"], json!([]), "{made}");
    }
}

/// Bytes that nothing makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

/// A package about [`EMAIL`].
fn package(more: usize) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("access.json", SimpleFileOptions::default()).unwrap();
    zip.write_all(EMAIL.as_bytes()).unwrap();
    zip.start_file("noise", SimpleFileOptions::default()).unwrap();
    zip.write_all(&noise(more)).unwrap();
    zip.finish().unwrap().into_inner()
}

/// A finished request whose package `bytes` is in its bucket, put there by another process: nothing is
/// noted in the data folder of this one.
async fn delivered(app: &App, bytes: Vec<u8>) -> PrivacyRequestId {
    let id = app.enter_request(("copy_me", Intake::Public), PrivacyRequestStatus::Complete).await;
    let policy = PolicyBook::new(app.store().clone()).document("copy_me").await.unwrap().policy;
    let elsewhere = tempfile::tempdir().unwrap();
    let egress = DoorSettings { allow: vec!["127.0.0.1".parse().unwrap()], ..DoorSettings::default() };
    let packages = PackageSettings::open(egress, elsewhere.path().to_owned()).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(app.clock().clone());
    let rule = policy.rules.first().unwrap();
    let storage = StorageBook::new(app.store().clone()).of_rule(rule, &packages, &clock).await.unwrap();
    storage.put_file(&format!("{id}-copy.zip"), bytes).await.unwrap();
    id
}

/// A browser in which the code of a request was given back.
async fn verified(app: &App, id: &PrivacyRequestId) -> Browser {
    let mut browser = Browser::default();
    browser.open(app, "/portal").await;
    let hash = AccessToken::hash_of(browser.cookie.split('=').nth(1).unwrap());
    let life = Duration::from_hours(24 * 30);
    app.store().portal_visit_open((&hash, id), PortalEntry::Verified, life).await.unwrap();
    browser
}

async fn linked(app: &App, id: &PrivacyRequestId) -> String {
    let download = Download { request: id.clone(), rule: None };
    let life = Duration::from_hours(24 * 30);
    let issued = app.store().download_issue(&download, life, Actor::system()).await.unwrap();
    issued.token.text().expose().clone()
}

/// The files of a locked package.
fn opened(locked: Vec<u8>) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(locked)).unwrap();
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index_decrypt(index, PASSWORD.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        files.push((file.name().unwrap().into_owned(), bytes));
    }
    files
}

fn files_below(folder: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(std::fs::read(path).unwrap());
        }
    }
    found
}

// rule: privacy-requests ST-7
#[tokio::test]
async fn package_in_a_bucket_is_given_out_locked_and_once_for_each_code() {
    let Some(bucket) = Bucket::real() else { return };
    let app = app().await;
    bucket.set_up(&app).await;
    let id = delivered(&app, package(LARGE)).await;
    let path = format!("/portal/request/{id}");
    let mut browser = verified(&app, &id).await;

    let page = browser.open(&app, &path).await.text();
    let given = browser.send(&app, &format!("{path}/download"), &[("password", PASSWORD)]).await;
    let again = browser.send(&app, &format!("{path}/download"), &[("password", PASSWORD)]).await;

    assert!(page.contains("Choose a password"), "{page}");
    assert_eq!((given.status, given.header("content-type")), (StatusCode::OK, "application/zip"));
    assert!(!testkit::holds(&given.body, EMAIL));
    let files = opened(given.body);
    assert_eq!(files[0], ("access.json".to_owned(), EMAIL.as_bytes().to_vec()));
    assert!(files[1] == ("noise".to_owned(), noise(LARGE)));
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.text().contains("This code has been used"), "{}", again.text());
    for file in files_below(&app.data()) {
        assert!(!testkit::holds(&file, EMAIL), "nothing of it lies on this machine");
    }
}

// rule: privacy-requests MSG-4
#[tokio::test]
async fn link_to_a_package_in_a_bucket_gives_it_out_once_and_not_past_its_time() {
    let Some(bucket) = Bucket::real() else { return };
    let app = app().await;
    bucket.set_up(&app).await;
    let id = delivered(&app, package(10)).await;
    let (first, late) = (linked(&app, &id).await, linked(&app, &id).await);
    let mut browser = Browser::default();
    browser.open(&app, "/portal").await;
    let mut fetch = async |app: &App, token: &str| {
        browser.send(app, "/portal/package", &[("token", token), ("password", PASSWORD)]).await
    };

    let given = fetch(&app, &first).await;
    let twice = fetch(&app, &first).await;
    app.clock().advance(Duration::from_hours(24 * 7));
    let late = fetch(&app, &late).await;

    assert_eq!(given.status, StatusCode::OK, "{}", given.text());
    assert_eq!(opened(given.body)[0].1, EMAIL.as_bytes());
    for refused in [&twice, &late] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
    }
    assert!(late.text().contains("not kept any more"), "{}", late.text());
}

/// The twin of giving out once: both read the whole package before either counts.
#[tokio::test]
async fn of_two_downloads_at_once_with_one_code_one_is_given() {
    let Some(bucket) = Bucket::real() else { return };
    let app = app().await;
    bucket.set_up(&app).await;
    let id = delivered(&app, package(LARGE)).await;
    let path = format!("/portal/request/{id}/download");
    let one = verified(&app, &id).await;
    let (mut one, mut two) = (Browser { cookie: one.cookie.clone(), form: one.form.clone() }, one);

    let fields = [("password", PASSWORD)];
    let (first, second) = tokio::join!(one.send(&app, &path, &fields), two.send(&app, &path, &fields));

    let mut statuses = [first.status, second.status];
    statuses.sort();
    assert_eq!(statuses, [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY]);
}

/// How a scripted bucket is at a moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// It refuses the account.
    Refuses,
    /// It has the package, and does not give it.
    Keeps,
    /// It gives it.
    Gives,
}

/// A bucket that answers as its mood is.
fn play(saas: &FakeSaas, package: &[u8], marks: i64) -> Arc<Mutex<Mood>> {
    let mood = Arc::new(Mutex::new(Mood::Refuses));
    let (asked, shared, whole) = (Arc::clone(&mood), Arc::new(package.to_vec()), package.len());
    let refused = || Answer::text(403, "<Error><Code>AccessDenied</Code><X>canary-answer</X></Error>");
    let found = move |answer: Answer| {
        answer.header("etag", "\"one\"").header("x-amz-meta-tutela-expires-at", marks.to_string())
    };
    let of_head = Arc::clone(&shared);
    saas.on("HEAD", "/exports/*").with(move |_| match *asked.lock().unwrap() {
        Mood::Refuses => refused(),
        Mood::Keeps | Mood::Gives => found(Answer::status(200).body(of_head.as_ref().clone())),
    });
    let asked = Arc::clone(&mood);
    saas.on("GET", "/exports/*").with(move |call| {
        if *asked.lock().unwrap() != Mood::Gives {
            return refused();
        }
        let range = call.header("range").unwrap().strip_prefix("bytes=").unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let (start, end): (usize, usize) = (start.parse().unwrap(), end.parse().unwrap());
        let part = shared[start..=end].to_vec();
        found(Answer::status(206).body(part)).header("content-range", format!("bytes {start}-{end}/{whole}"))
    });
    mood
}

#[tokio::test]
async fn bucket_that_does_not_answer_uses_up_neither_code_nor_link() {
    let (app, saas, canary) = (app().await, FakeSaas::start().await, Canary::new("bucket"));
    Bucket::scripted(&saas, &canary.secret).set_up(&app).await;
    let id = app.enter_request(("copy_me", Intake::Public), PrivacyRequestStatus::Complete).await;
    let mood = play(&saas, &package(10), app.clock().now().as_second() + 3_600);
    let path = format!("/portal/request/{id}");
    let token = linked(&app, &id).await;
    let mut browser = verified(&app, &id).await;
    let mut said = Vec::new();

    for troubled in [Mood::Refuses, Mood::Keeps] {
        *mood.lock().unwrap() = troubled;
        let fields = [("token", token.as_str()), ("password", PASSWORD)];
        let by_code = browser.send(&app, &format!("{path}/download"), &fields[1..]).await;
        let by_link = browser.send(&app, "/portal/package", &fields).await;
        for reply in [by_code, by_link] {
            assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{}", reply.text());
            assert!(reply.text().contains("cannot be fetched now"), "{}", reply.text());
            said.push(reply.text());
        }
    }
    *mood.lock().unwrap() = Mood::Refuses;
    said.push(browser.open(&app, &path).await.text());
    *mood.lock().unwrap() = Mood::Gives;
    browser.open(&app, &path).await;
    let by_code = browser.send(&app, &format!("{path}/download"), &[("password", PASSWORD)]).await;
    let by_link =
        browser.send(&app, "/portal/package", &[("token", token.as_str()), ("password", PASSWORD)]).await;

    assert!(said.last().unwrap().contains("cannot be fetched now"));
    for given in [by_code, by_link] {
        assert_eq!(given.status, StatusCode::OK, "{}", given.text());
        assert_eq!(opened(given.body)[0].1, EMAIL.as_bytes());
    }
    canary.assert_absent(&said);
    assert!(said.iter().all(|text| !text.contains("canary-answer") && !text.contains("exports")));
}

#[tokio::test]
async fn nothing_of_a_bucket_is_asked_before_a_code_or_after_it_was_used() {
    let (app, saas) = (app().await, FakeSaas::start().await);
    Bucket::scripted(&saas, "secret").set_up(&app).await;
    let id = app.enter_request(("copy_me", Intake::Public), PrivacyRequestStatus::Complete).await;
    *play(&saas, &package(10), app.clock().now().as_second() + 3_600).lock().unwrap() = Mood::Gives;
    let path = format!("/portal/request/{id}");
    let password = [("password", PASSWORD)];
    let mut stranger = Browser::default();
    stranger.open(&app, &path).await;

    let unverified = stranger.send(&app, &format!("{path}/download"), &password).await.status;
    let before = saas.calls().len();
    let mut browser = verified(&app, &id).await;
    let given = browser.send(&app, &format!("{path}/download"), &password).await.status;
    let read = || saas.calls().iter().filter(|call| call.method == Method::GET).count();
    let reads = read();
    browser.send(&app, &format!("{path}/download"), &password).await;

    assert_eq!((unverified, before), (StatusCode::UNPROCESSABLE_ENTITY, 0));
    assert_eq!(given, StatusCode::OK);
    assert_eq!((read(), reads), (1, 1), "one block holds it all");
}

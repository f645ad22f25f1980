//! Vendors that stand in a dataset are looked up for each request, and written to.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datastore::{Boundary, Database, DatabaseKind, DatabaseSettings, ReadLimits};
use engine::{Concurrency, Limits};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use graph::{Graph, GraphDataset};
use model::{ConnectionKey, Identities, PrivacyRequestId, SystemClock};
use privacy::PrivacyService;
use privacy::dataset_trial::Alone;
use privacy::request::{By, NewRequest, RequestSettings, Submitter, VendorMailSent};
use privacy::worker::{Services, ServicesError};
use rstest::rstest;
use serde_json::{Value, json};
use spec::{CheckOptions, SourceFile, check_datasets};
use sqlx::{AnyPool, AssertSqlSafe};
use store::{Actor, MessageTo, NewDataset, PrivacyRequestStatus as Status, PutMode};

use super::office::Office;
use crate::lifecycle::bench::Backend;

const VENDORS: &str = "
dataset:
  - fides_key: partners
    name: Partners
    collections:
      - name: sites
        fields:
          - {name: id, data_categories: [system.operations], fides_meta: {primary_key: true, data_type: integer}}
          - {name: site, data_categories: [system.operations], fides_meta: {data_type: string, custom_request_field: site}}
          - {name: region, data_categories: [system.operations], fides_meta: {data_type: integer, custom_request_field: region}}
          - {name: mail, data_categories: [system.operations], fides_meta: {data_type: string}}
          - {name: firm, data_categories: [system.operations], fides_meta: {data_type: string}}
          - {name: secret, data_categories: [user.name], fides_meta: {data_type: string}}
";

const ROWS: &str = "INSERT INTO sites VALUES
    (1, 'north', 1, 'n1@ads.example.com', 'North One', 'x'), (2, 'north', 2, 'n2@ads.example.com', 'North Two', 'x'),
    (3, 'south', 1, NULL, 'South', 'x'), (4, 'east', 1, 'canary no address', 'East', 'x'),
    (5, 'west', 1, '  ', 'West', 'x'), (6, 'west', 1, 'w@ads.example.com', NULL, 'x'),
    (7, 'again', 1, 'n1@ads.example.com', 'North One', 'x'),
    (8, 'break', 1, 'b@ads.example.com
Bcc: eve@example.com', 'B', 'x')";

/// The database in which the vendors stand.
#[derive(Debug)]
struct Directory {
    folder: PathBuf,
    dataset: &'static str,
}

impl Directory {
    /// With its rows.
    async fn start(office: &Office) -> Self {
        let folder = office.bench.data_folder();
        let pool = Self::pool(&folder).await;
        let table = "CREATE TABLE sites (id INTEGER PRIMARY KEY, site TEXT, region INTEGER, mail TEXT, firm TEXT, secret TEXT)";
        for statement in [table, ROWS] {
            sqlx::query(statement).execute(&pool).await.unwrap();
        }
        let new =
            NewDataset { key: "partners".into(), name: String::new(), body: "{}".into(), categories: vec![] };
        office.vendor("partners", "sqlite", json!({})).await;
        let key = "partners".parse().unwrap();
        office.store.dataset_put((&new, PutMode::Upsert), Some(&key), Actor::system()).await.unwrap();
        let field = |name: &str| json!({"dataset": "partners", "field": name, "direction": "from"});
        let secrets = json!({
            "third_party_vendor_name": field("sites.firm"),
            "recipient_email_address": field("sites.mail"),
        });
        office.vendor("ads", "dynamic_erasure_email", secrets).await;
        Self { folder, dataset: VENDORS }
    }

    async fn pool(folder: &Path) -> AnyPool {
        AnyPool::connect(&format!("sqlite://{}?mode=rwc", folder.join("partners.db").display()))
            .await
            .unwrap()
    }

    async fn run(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(&Self::pool(&self.folder).await).await.unwrap();
    }
}

impl Services for Directory {
    fn current(&self, _: u64) -> BoxFuture<'_, Result<PrivacyService, ServicesError>> {
        async { Err(ServicesError::Setup { reason: "nothing but the vendors".to_owned() }) }.boxed()
    }

    fn alone<'a>(
        &'a self,
        connection: &'a ConnectionKey,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Alone, ServicesError>> {
        let checked =
            check_datasets(&SourceFile::new("partners.yml", self.dataset), &CheckOptions::default());
        let datasets = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let settings = DatabaseSettings {
            connection: connection.clone(),
            kind: DatabaseKind::Sqlite,
            secrets: vec![("url".into(), Value::from("sqlite:partners.db"))],
            access: spec::Access::Read,
            namespace: spec::dataset_file::Namespace::default(),
            boundary: Boundary {
                folders: vec![self.folder.clone()],
                base: self.folder.clone(),
                ..Boundary::default()
            },
            limits: ReadLimits::default(),
        };
        let alone = Alone {
            graph: Graph::build(&[GraphDataset::from_dataset(datasets.first().unwrap()).alone()]).unwrap(),
            source: Database::new(&settings, Arc::new(SystemClock)).unwrap().into(),
            serves_access: true,
            concurrency: Concurrency::new(Limits::default()),
        };
        async { Ok(alone) }.boxed()
    }
}

impl Office {
    async fn with_fields(backend: Backend) -> Option<Self> {
        let open = RequestSettings { allow_custom_fields: true, ..RequestSettings::default() };
        Self::start_with(backend, open).await
    }

    /// An erasure of somebody with these custom fields.
    async fn ask_with(&self, email: &str, fields: Value) -> PrivacyRequestId {
        let mut identities = Identities::default();
        identities.insert("email", email.into()).unwrap();
        let Value::Object(fields) = fields else { panic!("an object") };
        let custom_fields =
            fields.into_iter().map(|(name, value)| (name, json!({"label": "Made up", "value": value})));
        let custom_fields = custom_fields.collect();
        let policy = "erase".to_owned();
        let new = NewRequest { policy, identities, custom_fields, ..NewRequest::default() };
        let by = By { actor: Actor::client("shop"), user: Some("shop".to_owned()) };
        self.requests.create(new, Submitter { caller: Some(by) }).await.unwrap().id
    }

    async fn write(&self, directory: &Directory) -> VendorMailSent {
        self.requests.vendor_mail_send(Some(directory)).await.unwrap()
    }

    /// Receiver, name and people of each letter that waits, in order; all of them leave.
    async fn letters(&self) -> Vec<(String, String, String)> {
        let mut letters = Vec::new();
        while let Some(letter) = self.letter().await {
            let MessageTo::Mailbox(to) = &letter.to else { panic!("{letter:?}") };
            let text =
                |name: &str| letter.values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            letters.push((to.clone(), text("vendor"), text("identities")));
            self.store.message_sent(&letter).await.unwrap();
        }
        letters.sort();
        letters
    }

    /// Why the request is held up, as its log says it last.
    async fn held_up(&self, id: &PrivacyRequestId) -> String {
        self.requests.vendor_mail_settle().await.unwrap();
        let request = self.find(id).await;
        assert_eq!(
            (request.status, request.attention.as_deref()),
            (Status::AwaitingEmailSend, Some("vendor_mail_held_up"))
        );
        self.entries(id).await.into_iter().rfind(|(status, _)| status == "error").unwrap().1
    }
}

fn letter(to: &str, vendor: &str, people: &[&str]) -> (String, String, String) {
    let lines: Vec<String> = people.iter().map(|email| format!("- email {email}")).collect();
    (to.to_owned(), vendor.to_owned(), lines.join("\n"))
}

// rule: privacy-requests W-23
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn each_vendor_gets_one_message_about_all_whose_rows_name_it(#[case] backend: Backend) {
    let Some(office) = Office::with_fields(backend).await else { return };
    let directory = Directory::start(&office).await;
    let both = office.ask_with("ana@example.com", json!({"site": "north"})).await;
    let one = office.ask_with("ben@example.com", json!({"site": ["again", "nowhere"]})).await;
    let narrow =
        office.ask_with("cleo@example.com", json!({"site": "north", "region": 2, "other": "x"})).await;
    office.erase_all().await;

    let sent = office.write(&directory).await;
    let again = office.write(&directory).await;
    let letters = office.letters().await;
    let gone_on = office.requests.vendor_mail_settle().await.unwrap();
    office.work().await;

    assert_eq!(sent, VendorMailSent { messages: 2, requests: 3, held_up: 0 });
    assert_eq!(again, VendorMailSent::default());
    assert_eq!(
        letters,
        [
            letter("n1@ads.example.com", "North One", &["ana@example.com", "ben@example.com"]),
            letter("n2@ads.example.com", "North Two", &["ana@example.com", "cleo@example.com"]),
        ]
    );
    assert_eq!(gone_on, 3);
    for id in [both, one, narrow] {
        assert_eq!(office.find(&id).await.status, Status::Complete);
        let entries = office.entries(&id).await;
        assert!(entries.iter().any(|(status, text)| status == "complete" && text.starts_with("requested:")));
        assert!(!entries.iter().any(|(_, text)| text.contains('@') || text.contains("North")), "{entries:?}");
    }
}

// rule: privacy-requests W-23
// rule: privacy-requests W-24
#[rstest]
#[case::no_row(json!({"site": "nowhere"}), "no row of `partners:sites`", 0)]
#[case::no_row_has_both(json!({"site": "north", "region": 3}), "no row of `partners:sites`", 0)]
#[case::no_address(json!({"site": "south"}), "1 of the rows", 0)]
#[case::no_address_at_all(json!({"site": "east"}), "1 of the rows", 0)]
#[case::another_line(json!({"site": "break"}), "1 of the rows", 0)]
#[case::one_of_two(json!({"site": "west"}), "1 of the rows", 1)]
#[case::nothing_given(json!({}), "none of the custom fields", 0)]
#[case::nothing_in_it(json!({"site": ""}), "none of the custom fields", 0)]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_whose_vendor_cannot_be_made_out_waits_and_says_so(
    #[case] fields: Value,
    #[case] says: &str,
    #[case] messages: usize,
) {
    let Some(office) = Office::with_fields(Backend::Sqlite).await else { return };
    let directory = Directory::start(&office).await;
    let id = office.ask_with("ana@example.com", fields).await;
    office.erase_all().await;

    let sent = office.write(&directory).await;
    let letters = office.letters().await;
    let told = office.held_up(&id).await;

    assert_eq!((sent.messages, sent.held_up, letters.len()), (messages, 1, messages));
    assert!(told.contains(says), "{told}");
    for value in ["canary", "nowhere", "south", "east", "west", "break", "eve", "@"] {
        assert!(!told.contains(value), "{value}: {told}");
    }
}

// rule: privacy-requests W-24
#[tokio::test(flavor = "multi_thread")]
async fn once_the_row_is_corrected_the_next_batch_writes_to_whom_nobody_wrote_yet() {
    let Some(office) = Office::with_fields(Backend::Sqlite).await else { return };
    let directory = Directory::start(&office).await;
    let id = office.ask_with("ana@example.com", json!({"site": "west"})).await;
    office.erase_all().await;

    office.write(&directory).await;
    let first = office.letters().await;
    office.held_up(&id).await;
    directory.run("UPDATE sites SET mail = 'late@ads.example.com' WHERE id = 5").await;
    let sent = office.write(&directory).await;
    let waits = office.find(&id).await;
    let second = office.letters().await;
    office.requests.vendor_mail_settle().await.unwrap();
    office.work().await;

    assert_eq!(first, [letter("w@ads.example.com", "", &["ana@example.com"])]);
    assert_eq!(second, [letter("late@ads.example.com", "West", &["ana@example.com"])]);
    assert_eq!((sent.messages, sent.held_up), (1, 0));
    assert_eq!(waits.attention.as_deref(), Some("vendor_mail"));
    assert_eq!(office.find(&id).await.status, Status::Complete);
}

// rule: privacy-requests W-24
#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_one_vendor_that_does_not_leave_is_tried_again_and_the_other_is_not() {
    let Some(office) = Office::with_fields(Backend::Sqlite).await else { return };
    let directory = Directory::start(&office).await;
    let id = office.ask_with("ana@example.com", json!({"site": "north"})).await;
    office.erase_all().await;

    office.write(&directory).await;
    let lost = office.letter().await.unwrap();
    office.store.message_give_up(&lost, "mail_refused").await.unwrap();
    assert_eq!(office.letters().await.len(), 1);
    office.requests.vendor_mail_settle().await.unwrap();
    let between = office.find(&id).await.status;
    office.write(&directory).await;
    let again = office.letters().await;
    office.requests.vendor_mail_settle().await.unwrap();
    office.work().await;

    assert_eq!(between, Status::AwaitingEmailSend);
    let MessageTo::Mailbox(lost) = lost.to else { panic!("a mailbox") };
    assert_eq!(again.iter().map(|(to, ..)| to).collect::<Vec<_>>(), [&lost]);
    assert_eq!(office.find(&id).await.status, Status::Complete);
}

// rule: privacy-requests W-23
#[rstest]
#[case::a_table_that_is_gone(VENDORS, "DROP TABLE sites", "there is no table")]
#[case::nothing_is_searched(PLAIN, "SELECT 1", "has a `custom_request_field`")]
#[case::no_such_collection(OTHER, "SELECT 1", "has no collection `partners:sites`")]
#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_cannot_be_used_holds_everybody_up(
    #[case] dataset: &'static str,
    #[case] before: &str,
    #[case] says: &str,
) {
    let Some(office) = Office::with_fields(Backend::Sqlite).await else { return };
    let directory = Directory { dataset, ..Directory::start(&office).await };
    directory.run(before).await;
    let id = office.ask_with("ana@example.com", json!({"site": "north"})).await;
    office.erase_all().await;

    let sent = office.write(&directory).await;
    let told = office.held_up(&id).await;
    let nowhere = office.requests.vendor_mail_send(None).await.unwrap();
    let without = office.held_up(&id).await;

    assert_eq!((sent.held_up, sent.messages, nowhere.held_up), (1, 0, 1));
    assert!(told.contains(says), "{told}");
    assert!(without.contains("reads no databases"), "{without}");
}

const PLAIN: &str = "
dataset:
  - fides_key: partners
    name: Partners
    collections:
      - name: sites
        fields: [{name: site, data_categories: [system.operations]}, {name: mail, data_categories: [system.operations]}]
";

const OTHER: &str = "
dataset:
  - fides_key: partners
    name: Partners
    collections:
      - name: places
        fields: [{name: site, data_categories: [system.operations], fides_meta: {custom_request_field: site}}]
";

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_this_server_does_not_keep_lead_to_nobody() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let directory = Directory::start(&office).await;
    let id = office.ask_with("ana@example.com", json!({"site": "north"})).await;
    office.erase_all().await;

    let sent = office.write(&directory).await;

    assert_eq!((sent.messages, sent.held_up), (0, 1));
    assert!(office.held_up(&id).await.contains("allow_custom_privacy_request_field_collection"));
}

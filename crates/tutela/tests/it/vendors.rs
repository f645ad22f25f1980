//! Vendors that stand in a database are written to by a server, over a real mail server.
#![expect(clippy::indexing_slicing, reason = "helpers of tests stop at what is not there")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::AnyPool;

use crate::workers::{Office, Vendor, address, program};

/// How long a request may take: messages that left are looked for every ten seconds.
const LIMIT: Duration = Duration::from_mins(1);
const BATCH: &str = "POST /api/v1/privacy-request/administrate/process-awaiting-email-send";

/// A real mail server.
struct MailServer {
    says: Value,
}

impl MailServer {
    /// `None` without one to test with, which is an error where tests must not be skipped.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    fn find() -> Option<Self> {
        let Ok(says) = std::env::var("TUTELA_TEST_SMTP") else {
            assert!(
                std::env::var_os("CI").is_none(),
                "TUTELA_TEST_SMTP is not set; `cargo xtask test` starts a server"
            );
            println!("skipped: TUTELA_TEST_SMTP is not set; `cargo xtask test` starts a server");
            return None;
        };
        Some(Self { says: serde_json::from_str(&says).unwrap() })
    }

    fn settings(&self) -> String {
        let port = self.says["ports"]["none"].as_u64().unwrap();
        format!(
            "smtp: {{host: localhost, port: {port}, security: none, from: Privacy <privacy@example.com>}}\n"
        )
    }

    /// What it got for this receiver.
    fn mails_for(&self, receiver: &str) -> Vec<String> {
        let folder = PathBuf::from(self.says["mails"].as_str().unwrap());
        let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        let whole = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
        let mails = whole.map(|path| serde_json::from_slice::<Value>(&std::fs::read(path).unwrap()).unwrap());
        let mails = mails.filter(|mail| mail["to"][0] == receiver);
        mails.map(|mail| mail["data"].as_str().unwrap().to_owned()).collect()
    }
}

fn dataset() -> Value {
    let text = |name: &str, category: &str, meta: Value| json!({"name": name, "data_categories": [category], "fides_meta": meta});
    json!([{"fides_key": "partners", "name": "Partners", "collections": [{"name": "sites", "fields": [
        text("id", "system.operations", json!({"primary_key": true, "data_type": "integer"})),
        text("site", "system.operations", json!({"data_type": "string", "custom_request_field": "site"})),
        // What the policy targets: nothing leads there, and that stops no request.
        text("mail", "user.contact.email", json!({"data_type": "string"})),
        text("firm", "user.name", json!({"data_type": "string"})),
    ]}]}])
}

impl Office {
    /// Asks for an erasure, and gives the id.
    async fn erase(&self, number: u32, fields: Value) -> String {
        let body = json!([{
            "policy_key": "default_erasure_policy", "identity": {"email": address(number)},
            "custom_privacy_request_fields": fields,
        }]);
        let reply = self.send("POST /api/v1/privacy-request/authenticated", &body).await;
        reply["succeeded"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn until(&self, id: &str, status: &str) -> Value {
        let since = Instant::now();
        loop {
            let request = self.send(&format!("GET /api/v1/privacy-request/{id}"), &Value::Null).await;
            if request["status"] == status {
                return request;
            }
            assert!(since.elapsed() < LIMIT, "{status}: {request}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

// rule: privacy-requests W-21
// rule: privacy-requests W-23
// rule: privacy-requests T-9
#[tokio::test(flavor = "multi_thread")]
async fn vendors_that_stand_in_a_database_get_mail_and_nobody_else_learns_of_it() {
    let Some(mail) = MailServer::find() else { return };
    sqlx::any::install_default_drivers();
    let program = program()
        .with_environment("TUTELA_EXECUTION_ALLOW_CUSTOM_PRIVACY_REQUEST_FIELD_COLLECTION", "true")
        .with_environment("RUST_LOG", "trace");
    program.file("server.yml", &format!("{}sqlite: {{folders: [.]}}\n", mail.settings()));
    let unique = std::process::id();
    let (north, south) =
        (format!("north-{unique}@ads.example.com"), format!("south-{unique}@ads.example.com"));
    let path = program.folder().join("partners.db");
    let pool = AnyPool::connect(&format!("sqlite://{}?mode=rwc", path.display())).await.unwrap();
    sqlx::query("CREATE TABLE sites (id INTEGER PRIMARY KEY, site TEXT, mail TEXT, firm TEXT)")
        .execute(&pool)
        .await
        .unwrap();
    for (site, address) in [("north", &north), ("both", &north), ("both", &south)] {
        let row = sqlx::query("INSERT INTO sites (site, mail, firm) VALUES ($1, $2, 'Made-Up Ads')");
        row.bind(site).bind(address.as_str()).execute(&pool).await.unwrap();
    }
    let vendor = Vendor::start(4).await;
    let office = Office::open(&program, &vendor, &["--config", "server.yml"]).await;
    let connections = json!([
        {"name": "Partners", "key": "partners", "connection_type": "sqlite", "access": "read"},
        {"name": "Ads", "key": "ads", "connection_type": "dynamic_erasure_email", "access": "write"},
    ]);
    office.send("PATCH /api/v1/connection", &connections).await;
    let secrets = json!({"url": "sqlite:partners.db"});
    office.send("PUT /api/v1/connection/partners/secret?verify=false", &secrets).await;
    office.send("PUT /api/v1/connection/partners/dataset", &dataset()).await;
    let field = |name: &str| json!({"dataset": "partners", "field": name, "direction": "from"});
    let secrets = json!({"third_party_vendor_name": field("sites.firm"), "recipient_email_address": field("sites.mail")});
    office.send("PUT /api/v1/connection/ads/secret?verify=false", &secrets).await;

    let first = office.erase(1, json!({"site": {"label": "Site", "value": "north"}})).await;
    let second = office.erase(2, json!({"site": {"label": "Site", "value": "both"}})).await;
    let lost = office.erase(3, json!({"site": {"label": "Site", "value": "canary-site"}})).await;
    for id in [&first, &second, &lost] {
        office.until(id, "awaiting_email_send").await;
    }
    let sent = office.send(BATCH, &Value::Null).await;
    for id in [&first, &second] {
        office.until(id, "complete").await;
    }
    let held_up = office.send(&format!("GET /api/v1/privacy-request/{lost}"), &Value::Null).await;
    let log = office.send(&format!("GET /api/v1/privacy-request/{lost}/log"), &Value::Null).await;
    let ran = office.running.end().expect(0);

    let text = sent["message"].as_str().unwrap();
    assert!(
        text.starts_with("2 messages to vendors are on their way, about 2 privacy requests; 1 wait"),
        "{text}"
    );
    let (to_north, to_south) = (mail.mails_for(&north), mail.mails_for(&south));
    assert_eq!((to_north.len(), to_south.len()), (1, 1));
    let tells = |mail: &str, number: u32| mail.contains(&address(number));
    assert!(tells(&to_north[0], 1) && tells(&to_north[0], 2) && !tells(&to_north[0], 3), "{}", to_north[0]);
    assert!(!tells(&to_south[0], 1) && tells(&to_south[0], 2), "{}", to_south[0]);
    assert!(to_north[0].contains("Made-Up Ads"), "{}", to_north[0]);
    assert_eq!(held_up["status"], "awaiting_email_send");
    assert_eq!(held_up["progress"]["attention"], "vendor_mail_held_up", "{held_up}");
    assert!(log.to_string().contains("no row of `partners:sites`"), "{log}");
    let said = [ran.stdout.as_str(), ran.stderr.as_str(), &log.to_string()].concat();
    assert!(said.contains("vendors are written to"), "nothing was logged, so nothing was searched");
    for personal in
        [address(1), address(2), address(3), "canary-site".to_owned(), north, south, "Made-Up".to_owned()]
    {
        assert!(!testkit::holds(said.as_bytes(), &personal), "{personal}");
    }
}

//! Messages of a store of its own for each test.

use std::path::PathBuf;
use std::sync::Arc;

use crypto::{KeyRing, MasterKey};
use egress::{DoorSettings, Routes};
use messages::{MessageSecrets, Messages, MessagesParts, Sender, SenderSettings};
use model::{Clock, RandomIds, SystemClock};
use serde_json::Value;
use spec::{ServerInputs, SourceFile, server_settings};
use store::{
    Access, MessageFilter, MessageState, NewMessage, Store, StoreParts, StorePlace, StoredMessage, Window,
};
use tempfile::TempDir;
use testkit::TestClock;

/// The secret of webhooks, and the one before.
pub(crate) const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];

pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) clock: TestClock,
    pub(crate) messages: Messages,
    _folder: TempDir,
}

impl Bench {
    /// With this server file; loopback may be called.
    pub(crate) async fn start(server: &str) -> Self {
        Self::start_with(server, &["127.0.0.1"]).await
    }

    /// The same, with these networks that may be called.
    pub(crate) async fn start_with(server: &str, allow: &[&str]) -> Self {
        let clock = TestClock::new();
        Self::start_at(server, (allow, &[]), (clock.clone(), Arc::new(clock))).await
    }

    /// Calls of these hosts go to these origins on loopback.
    pub(crate) async fn start_routed(routes: &[(&str, &str)]) -> Self {
        let clock = TestClock::new();
        Self::start_at("", (&["127.0.0.1"], routes), (clock.clone(), Arc::new(clock))).await
    }

    /// The same, in the time of the machine.
    pub(crate) async fn start_in_real_time(server: &str) -> Self {
        Self::start_at(server, (&["127.0.0.1"], &[]), (TestClock::new(), Arc::new(SystemClock))).await
    }

    async fn start_at(
        server: &str,
        (allow, routes): (&[&str], &[(&str, &str)]),
        (told, clock): (TestClock, Arc<dyn Clock>),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let parts = StoreParts {
            place: StorePlace::File(folder.path().join("state.db")),
            keys: KeyRing::new(MasterKey::random()),
            clock: Arc::clone(&clock),
            ids: Arc::new(RandomIds),
            access: Access::Write,
            max_bytes: None,
        };
        let store = Store::open(parts).await.unwrap();
        let file = Some(SourceFile::new("server.yml", server));
        let checked = server_settings(&ServerInputs { file, ..ServerInputs::default() });
        let configured = checked.value.unwrap_or_else(|| panic!("{:#?}", checked.diagnostics));
        let secrets = MessageSecrets::read(&configured.server, |name| match name {
            "TUTELA_SMTP_PASSWORD" => Some("canary-smtp-password".to_owned()),
            "NEW_SECRET" => Some(SECRETS[0].to_owned()),
            "OLD_SECRET" => Some(SECRETS[1].to_owned()),
            _ => None,
        });
        let allow = allow.iter().map(|entry| entry.parse().unwrap()).collect();
        let messages = Messages::new(MessagesParts {
            store: store.clone(),
            configured,
            secrets: secrets.unwrap(),
            egress: DoorSettings {
                allow,
                routes: Routes::parse(routes.iter().copied()).unwrap(),
                ..DoorSettings::default()
            },
            clock: Arc::clone(&clock),
        });
        Self { store, clock: told, messages: messages.unwrap(), _folder: folder }
    }

    /// Puts messages and sends all that is due.
    pub(crate) async fn send(&self, messages: &[NewMessage]) {
        self.store.message_put(messages).await.unwrap();
        self.send_due().await;
    }

    pub(crate) async fn send_due(&self) {
        self.sender().send_due().await.unwrap();
    }

    pub(crate) fn sender(&self) -> Sender {
        Sender::new(self.messages.clone(), SenderSettings::named("sender"))
    }

    pub(crate) async fn all(&self) -> Vec<StoredMessage> {
        self.store.message_list(MessageFilter::default(), Window::ALL).await.unwrap().items
    }

    /// State and failure of the message on its last way.
    pub(crate) async fn last(&self) -> (MessageState, Option<String>) {
        let all = self.all().await;
        let last = all.iter().find(|message| message.channel.as_str() != "open").unwrap();
        (last.state, last.failure.clone())
    }
}

/// A real mail server.
pub(crate) struct MailServer {
    says: Value,
}

/// A mail that it got.
#[derive(Debug)]
pub(crate) struct Mail {
    pub(crate) tls: bool,
    pub(crate) account: Option<String>,
    pub(crate) data: String,
}

impl MailServer {
    /// `None` without one to test with, which is an error where tests must not be skipped.
    #[expect(clippy::print_stdout, reason = "a skipped test says so")]
    pub(crate) fn find() -> Option<Self> {
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

    pub(crate) fn port(&self, security: &str) -> u64 {
        self.says["ports"][security].as_u64().unwrap()
    }

    /// The settings that lead to it.
    pub(crate) fn settings(&self, security: &str) -> String {
        let (port, authority) = (self.port(security), self.says["authority"].as_str().unwrap());
        let account = if security == "none" { "" } else { "username: tutela, " };
        format!(
            "smtp: {{host: localhost, port: {port}, security: {security}, {account}\
             from: Privacy team <privacy@example.com>, certificate_authority: {authority}}}\n"
        )
    }

    /// What it got for this receiver.
    pub(crate) fn mails_for(&self, receiver: &str) -> Vec<Mail> {
        let folder = PathBuf::from(self.says["mails"].as_str().unwrap());
        let mut mails = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let mail: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
                if mail["to"][0] == receiver {
                    mails.push(Mail {
                        tls: mail["tls"].as_bool().unwrap(),
                        account: mail["account"].as_str().map(str::to_owned),
                        data: mail["data"].as_str().unwrap().to_owned(),
                    });
                }
            }
        }
        mails
    }
}

/// A receiver that no other test writes to.
pub(crate) fn receiver(name: &str) -> String {
    use model::IdSource as _;
    format!("{name}-{}@example.com", RandomIds.random_uuid().simple())
}

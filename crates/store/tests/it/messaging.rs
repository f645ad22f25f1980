use crypto::Secret;
use jiff::Timestamp;
use rstest::rstest;
use serde_json::json;
use store::{
    Actor, MessageTemplate, MessagingConfig, MessagingSecrets, MessagingService, StoreError, Window,
};

use crate::bench::{Backend, Bench};

pub(crate) fn smtp() -> MessagingConfig {
    MessagingConfig {
        key: "mail".to_owned(),
        name: "Mail".to_owned(),
        service: MessagingService::Smtp,
        details: json!({"host": "mail.example.com", "port": 587}),
        tested: None,
        created_at: Timestamp::UNIX_EPOCH,
    }
}

impl Bench {
    async fn messaging_put(
        &self,
        config: &MessagingConfig,
        secrets: MessagingSecrets<'_>,
    ) -> Result<(), StoreError> {
        self.store.messaging_config_put(config, secrets, Actor::person("pat")).await
    }

    async fn messaging_secrets(&self) -> Option<String> {
        let found = self.again().await.messaging_secrets_find("mail").await.unwrap();
        found.map(|found| found.expose().clone())
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_service_is_kept_with_its_secrets_until_they_are_replaced_or_cleared(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let secret = Secret::new(r#"{"password":"canary"}"#.to_owned());

    bench.messaging_put(&smtp(), MessagingSecrets::Put(&secret)).await.unwrap();
    let changed = MessagingConfig { details: json!({"host": "mail.example.com", "port": 25}), ..smtp() };
    bench.messaging_put(&changed, MessagingSecrets::Keep).await.unwrap();

    let found = bench.store.messaging_config_of(MessagingService::Smtp).await.unwrap().unwrap();
    assert_eq!((&found.details, &found.name), (&changed.details, &changed.name));
    assert_eq!(bench.messaging_secrets().await.as_ref(), Some(secret.expose()));
    bench.messaging_put(&smtp(), MessagingSecrets::Clear).await.unwrap();
    assert_eq!(bench.messaging_secrets().await, None);
    assert!(bench.store.messaging_config_remove("mail", Actor::system()).await.unwrap());
    assert!(!bench.store.messaging_config_remove("mail", Actor::system()).await.unwrap());
    assert_eq!(bench.store.messaging_config_list(Window::ALL).await.unwrap().total, 0);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn there_is_one_of_each_service_and_of_each_name(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.messaging_put(&smtp(), MessagingSecrets::Keep).await.unwrap();

    let service = MessagingConfig { key: "b".to_owned(), name: "B".to_owned(), ..smtp() };
    let service = bench.messaging_put(&service, MessagingSecrets::Keep).await;
    let name = MessagingConfig { key: "b".to_owned(), service: MessagingService::Mailgun, ..smtp() };
    let name = bench.messaging_put(&name, MessagingSecrets::Keep).await;

    assert!(matches!(service, Err(StoreError::Conflict { what: "messaging service", .. })), "{service:?}");
    assert!(matches!(name, Err(StoreError::Conflict { what: "messaging name", .. })), "{name:?}");
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn what_a_trial_found_holds_until_the_settings_change(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.messaging_put(&smtp(), MessagingSecrets::Keep).await.unwrap();

    bench.store.messaging_tested("mail", true).await.unwrap();
    let tested = bench.store.messaging_config_find("mail").await.unwrap().unwrap().tested;
    bench.messaging_put(&smtp(), MessagingSecrets::Keep).await.unwrap();

    assert_eq!(tested.map(|(_, succeeded)| succeeded), Some(true));
    assert_eq!(bench.store.messaging_config_find("mail").await.unwrap().unwrap().tested, None);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn texts_are_put_by_name_and_others_stay(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let text = |name: &str, body: &str| MessageTemplate {
        name: name.to_owned(),
        subject: "Hello".to_owned(),
        body: body.to_owned(),
        updated_at: Timestamp::UNIX_EPOCH,
    };
    let pat = Actor::person("pat");
    let both = [text("receipt", "one"), text("denied", "two")];
    bench.store.message_template_put(&both, &pat).await.unwrap();

    bench.store.message_template_put(&[text("receipt", "three")], &pat).await.unwrap();

    let all = bench.again().await.message_template_list().await.unwrap();
    let found: Vec<_> = all.iter().map(|text| (text.name.as_str(), text.body.as_str())).collect();
    assert_eq!(found, [("denied", "two"), ("receipt", "three")]);
}

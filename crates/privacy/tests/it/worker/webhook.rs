use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crypto::Secret;
use egress::DoorSettings;
use model::{Identities, PrivacyRequestId};
use privacy::request::RequestSettings;
use privacy::webhooks::{AnswerError, Eligibility, Webhooks};
use rstest::rstest;
use serde_json::{Value, json};
use store::{
    Actor, ConnectionAccess, ConnectionChange, ConnectionChanged, ConnectionStep, NamedSecret, NewConnection,
    PrivacyRequestStatus as Status, RequestStep, Webhook, WebhookDirection, WebhookList,
};
use testkit::{Answer, Call, FakeSaas};

use super::office::Office;
use crate::lifecycle::bench::Backend;

const PRE: WebhookList<'_> = WebhookList::PreExecution("access");
const POST: WebhookList<'_> = WebhookList::PostExecution("access");

fn webhook(key: &str, direction: WebhookDirection) -> Webhook {
    let (key, connection) = (key.to_owned(), "helper".to_owned());
    Webhook { name: key.clone(), key, connection, direction }
}

fn two_way(key: &str) -> Webhook {
    webhook(key, WebhookDirection::TwoWay)
}

fn header(call: &Call, name: &str) -> String {
    call.header(name).unwrap_or_default().to_owned()
}

/// A program of the company's own, which answers with these at `/hook`, one after the other.
async fn helper(answers: Vec<Answer>) -> FakeSaas {
    let helper = FakeSaas::start().await;
    let mut route = helper.on("POST", "/hook");
    for answer in answers {
        route = route.then(answer);
    }
    helper
}

impl Office {
    /// A connection to the program, and these webhooks that call it.
    async fn hooked(&self, helper: &FakeSaas, list: WebhookList<'_>, webhooks: &[Webhook]) {
        let secret = |name: &str, value: Value| NamedSecret {
            name: name.to_owned(),
            value: Secret::new(value.to_string()),
        };
        let new = NewConnection {
            name: None,
            description: None,
            connection_type: "https".to_owned(),
            access: ConnectionAccess::Read,
            disabled: false,
            system_key: None,
        };
        let secrets = vec![
            secret("url", json!(format!("{}/hook", helper.base_url()))),
            secret("authorization", json!("Bearer canary")),
            secret("headers", json!({"x-from": "tutela"})),
        ];
        let steps = vec![ConnectionStep::Create(new), ConnectionStep::ReplaceSecrets(secrets)];
        let key = "helper".parse().unwrap();
        let change = ConnectionChange { key: &key, actor: Actor::system(), steps };
        assert_eq!(self.store.connection_change(change).await.unwrap(), ConnectionChanged::Done);
        self.store.webhook_replace(list, (None, webhooks), Actor::system()).await.unwrap();
    }

    fn webhooks(&self) -> Webhooks {
        let clock = Arc::new(self.bench.clock.clone());
        Webhooks::new(self.store.clone(), self.requests.clone(), DoorSettings::default(), clock)
    }

    async fn status(&self, id: &PrivacyRequestId) -> Status {
        self.find(id).await.status
    }
}

// rule: privacy-requests W-2
// rule: privacy-requests W-5
// rule: privacy-requests W-6
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_told_before_and_after_in_their_order(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let helper = helper(vec![Answer::text(500, ""), Answer::text(200, "{}"), Answer::text(204, "")]).await;
    let pre = [webhook("told", WebhookDirection::OneWay), two_way("asked")];
    office.hooked(&helper, PRE, &pre).await;
    let after = [webhook("after", WebhookDirection::OneWay)];
    office.store.webhook_replace(POST, (None, &after), Actor::system()).await.unwrap();
    let id = office.ask("access").await;

    office.work().await;

    let calls = helper.calls();
    assert_eq!((office.status(&id).await, calls.len()), (Status::Complete, 3));
    let bodies: Vec<Value> = calls.iter().map(|call| call.json().unwrap()).collect();
    let kinds: Vec<_> = bodies.iter().map(|body| body["callback_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["pre", "pre", "post"]);
    assert_eq!(bodies[0]["identity"], json!({"email": "ana@example.com"}));
    assert_eq!((&bodies[0]["policy_action"], &bodies[0]["direction"]), (&json!("access"), &json!("one_way")));
    assert_eq!(bodies[0]["privacy_request_id"], id.as_str());
    assert_eq!(
        (header(&calls[0], "authorization"), header(&calls[0], "x-from")),
        ("Bearer canary".to_owned(), "tutela".to_owned())
    );
    assert_eq!(header(&calls[0], "reply-to-token"), "");
    assert_eq!(header(&calls[1], "reply-to"), format!("/privacy-request/{id}/resume"));
    assert_eq!(office.log(&id, Some("Webhook: asked")).await[0].0, "complete");
}

// rule: privacy-requests W-3
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_halts_a_request_and_resumes_it_behind_itself(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let halt = json!({"halt": true, "derived_identity": {"external_id": "7"}});
    let helper = helper(vec![Answer::json(200, &halt), Answer::text(200, "{}")]).await;
    office.hooked(&helper, PRE, &[two_way("first"), two_way("second")]).await;
    let id = office.ask("access").await;
    office.work().await;
    let paused = office.find(&id).await;
    let token = header(&helper.calls()[0], "reply-to-token");

    let wrong = office.webhooks().resume("canary", &id, &Identities::default()).await;
    office.webhooks().resume(&token, &id, &Identities::default()).await.unwrap();
    let twice = office.webhooks().resume(&token, &id, &Identities::default()).await;
    office.work().await;

    assert_eq!((paused.status, paused.attention.as_deref()), (Status::Paused, Some("webhook")));
    assert!(matches!(wrong, Err(AnswerError::Token)), "{wrong:?}");
    assert!(matches!(twice, Err(AnswerError::NotPaused { .. })), "{twice:?}");
    let calls = helper.calls();
    assert_eq!((office.status(&id).await, calls.len()), (Status::Complete, 2));
    let told = calls[1].json().unwrap();
    assert_eq!(told["identity"], json!({"email": "ana@example.com", "external_id": "7"}));
}

// rule: privacy-requests W-4
// rule: privacy-requests W-7
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_nobody_resumes_expires_and_so_does_the_token() {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let helper = helper(vec![Answer::text(200, r#"{"halt": true}"#)]).await;
    office.hooked(&helper, PRE, &[two_way("first")]).await;
    let id = office.ask("access").await;
    office.work().await;
    let token = header(&helper.calls()[0], "reply-to-token");

    office.bench.clock.advance(Duration::from_hours(61));
    let late = office.webhooks().resume(&token, &id, &Identities::default()).await;
    office.bench.clock.advance(Duration::from_hours(8 * 24));
    office.work().await;

    assert!(matches!(late, Err(AnswerError::Expired)), "{late:?}");
    assert_eq!(office.status(&id).await, Status::Error);
}

// rule: privacy-requests W-5
#[rstest]
#[case::status(Answer::text(503, "canary"), "status 503")]
#[case::no_answer(Answer::text(200, "canary"), "no usable answer")]
#[case::wrong_answer(Answer::text(200, r#"{"halt": "canary"}"#), "no usable answer")]
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_counts_and_is_none_is_an_error_until_the_request_is_tried_again(
    #[case] answer: Answer,
    #[case] says: &str,
) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let helper = helper(vec![answer, Answer::text(200, r#"{"halt": false}"#)]).await;
    office.hooked(&helper, PRE, &[two_way("asked")]).await;
    let id = office.ask("access").await;

    office.work().await;
    let failed = office.find(&id).await;
    let log = office.log(&id, Some("Webhook: asked")).await;
    office.requests.retry(&id, &privacy::request::By::system()).await.unwrap();
    office.work().await;

    assert_eq!((failed.status, failed.step), (Status::Error, Some(RequestStep::PreWebhooks)));
    assert!(log[0].1.contains(says) && !log[0].1.contains("canary"), "{log:?}");
    assert_eq!(office.status(&id).await, Status::Complete);
}

// rule: privacy-requests W-8
// rule: privacy-requests W-9
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn all_who_were_asked_have_to_find_a_request_eligible_and_later_ones_do_not_count(
    #[case] backend: Backend,
) {
    let settings = RequestSettings { manual_approval: true, ..RequestSettings::default() };
    let Some(office) = Office::start_with(backend, settings).await else { return };
    let helper = helper(vec![Answer::text(500, ""), Answer::text(200, "")]).await;
    let asked = [two_way("legal"), two_way("fraud")];
    office.hooked(&helper, WebhookList::PreApproval, &asked).await;
    let id = office.ask("access").await;
    office.work().await;
    let later = [two_way("legal"), two_way("fraud"), two_way("later")];
    office.store.webhook_replace(WebhookList::PreApproval, (None, &later), Actor::system()).await.unwrap();
    let tokens: Vec<_> = helper.calls().iter().map(|call| header(call, "reply-to-token")).collect();
    let answer = async |token: &str| office.webhooks().pre_approve(token, &id, Eligibility::Eligible).await;

    answer(&tokens[0]).await.unwrap();
    let waiting = office.status(&id).await;
    let twice = answer(&tokens[0]).await;
    answer(&tokens[1]).await.unwrap();
    let approved = office.status(&id).await;
    office.work().await;

    assert_eq!((waiting, approved), (Status::AwaitingPreApproval, Status::Approved));
    assert!(matches!(twice, Err(AnswerError::Answered { .. })), "{twice:?}");
    assert_eq!((office.status(&id).await, helper.calls().len()), (Status::Complete, 2));
    let call = &helper.calls()[0];
    assert_eq!(header(call, "reply-to-eligible"), format!("/privacy-request/{id}/pre-approve/eligible"));
    assert_eq!(call.json().unwrap()["callback_type"], "pre_approval");
}

// rule: privacy-requests W-9
#[tokio::test(flavor = "multi_thread")]
async fn one_who_finds_a_request_not_eligible_leaves_it_to_a_person() {
    let settings = RequestSettings { manual_approval: true, ..RequestSettings::default() };
    let Some(office) = Office::start_with(Backend::Sqlite, settings).await else { return };
    let helper = helper(vec![Answer::text(200, ""), Answer::text(200, "")]).await;
    office.hooked(&helper, WebhookList::PreApproval, &[two_way("legal"), two_way("fraud")]).await;
    let id = office.ask("access").await;
    office.work().await;
    let tokens: Vec<_> = helper.calls().iter().map(|call| header(call, "reply-to-token")).collect();

    office.webhooks().pre_approve(&tokens[0], &id, Eligibility::NotEligible).await.unwrap();
    let late = office.webhooks().pre_approve(&tokens[1], &id, Eligibility::Eligible).await;

    assert_eq!(office.status(&id).await, Status::PreApprovalNotEligible);
    assert!(matches!(late, Err(AnswerError::NotAsked { .. })), "{late:?}");
}

/// Those who are asked all answer while they are being asked.
async fn prompt_helper(office: &Office, answers: usize) -> FakeSaas {
    let helper = FakeSaas::start().await;
    let (webhooks, left) = (office.webhooks(), AtomicUsize::new(answers));
    helper.on("POST", "/hook").with(move |call| {
        if left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
            let id =
                call.json().unwrap().get("privacy_request_id").unwrap().as_str().unwrap().parse().unwrap();
            let token = header(call, "reply-to-token");
            let answer = webhooks.pre_approve(&token, &id, Eligibility::Eligible);
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(answer)).unwrap();
        }
        Answer::text(200, "")
    });
    helper
}

// rule: privacy-requests W-9
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn the_first_to_answer_does_not_answer_for_those_who_are_asked_next(#[case] backend: Backend) {
    let settings = RequestSettings { manual_approval: true, ..RequestSettings::default() };
    let Some(office) = Office::start_with(backend, settings).await else { return };
    let helper = prompt_helper(&office, 1).await;
    office.hooked(&helper, WebhookList::PreApproval, &[two_way("legal"), two_way("fraud")]).await;
    let id = office.ask("access").await;

    office.work().await;
    let waiting = office.find(&id).await;
    let token = header(&helper.calls()[1], "reply-to-token");
    office.webhooks().pre_approve(&token, &id, Eligibility::Eligible).await.unwrap();

    assert_eq!((waiting.status, waiting.work_at), (Status::AwaitingPreApproval, None));
    assert_eq!(office.status(&id).await, Status::Approved);
}

// rule: privacy-requests W-9
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_approved_while_webhooks_are_asked_goes_on(#[case] backend: Backend) {
    let settings = RequestSettings { manual_approval: true, ..RequestSettings::default() };
    let Some(office) = Office::start_with(backend, settings).await else { return };
    let helper = prompt_helper(&office, 2).await;
    office.hooked(&helper, WebhookList::PreApproval, &[two_way("legal"), two_way("fraud")]).await;
    let id = office.ask("access").await;

    office.work().await;

    assert_eq!((office.status(&id).await, helper.calls().len()), (Status::Complete, 2));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn what_stays_is_not_forgotten_when_the_last_webhook_fails(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let helper = helper(vec![Answer::text(500, ""), Answer::json(200, &json!({}))]).await;
    let after = WebhookList::PostExecution("erase");
    office.hooked(&helper, after, &[two_way("after")]).await;
    let id = office.ask("erase").await;
    office.work().await;
    office.bench.crm.state().end_jobs("NOT_SUPPORTED");
    office.bench.clock.advance(Duration::from_hours(1));

    office.work().await;
    let failed = office.find(&id).await;
    office.requests.retry(&id, &privacy::request::By::system()).await.unwrap();
    office.work().await;

    assert_eq!((failed.status, failed.step), (Status::Error, Some(RequestStep::PostWebhooks)));
    let request = office.find(&id).await;
    assert_eq!(request.status, Status::RequiresManualFinalization);
    assert_eq!(request.attention.as_deref(), Some("something_stays"));
}

impl Office {
    /// Says how calls to the program get their access token: from the program, too.
    async fn authorized(&self, helper: &FakeSaas) {
        let document = json!({
            "grant_type": "client_credentials", "token_url": format!("{}/token", helper.base_url()),
            "scope": "hooks:call", "client_id": "tutela:1", "client_secret": "canary-secret"});
        let key = "helper".parse().unwrap();
        let text = Secret::new(document.to_string());
        self.store.connection_oauth_put(&key, &text, Actor::system()).await.unwrap();
    }
}

fn token(text: &str, seconds: u64) -> Answer {
    Answer::json(200, &json!({"access_token": text, "token_type": "bearer", "expires_in": seconds}))
}

// rule: privacy-requests W-2
// rule: fides-api 3.6
#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_called_with_a_token_that_is_kept_until_it_ends(#[case] backend: Backend) {
    let Some(office) = Office::start(backend).await else { return };
    let helper = helper(vec![Answer::text(204, "")]).await;
    helper.on("POST", "/token").then(token("one", 3600)).then(token("two", 3600));
    office.hooked(&helper, PRE, &[webhook("told", WebhookDirection::OneWay)]).await;
    office.authorized(&helper).await;

    for _ in 0..2 {
        office.ask("access").await;
        office.work().await;
    }
    let asked_once = helper.calls_to("/token").len();
    office.bench.clock.advance(Duration::from_secs(3580));
    office.ask("access").await;
    office.work().await;

    let carried: Vec<_> = helper.calls_to("/hook").iter().map(|call| header(call, "authorization")).collect();
    assert_eq!((asked_once, helper.calls_to("/token").len()), (1, 2));
    assert_eq!(carried, ["Bearer one", "Bearer one", "Bearer two"]);
    let asked = &helper.calls_to("/token")[0];
    assert_eq!(asked.body.as_ref(), b"grant_type=client_credentials&scope=hooks%3Acall");
    // `tutela%3A1:canary-secret`
    assert_eq!(header(asked, "authorization"), "Basic dHV0ZWxhJTNBMTpjYW5hcnktc2VjcmV0");
}

// rule: privacy-requests W-2
#[rstest]
#[case::a_new_one_is_taken(vec![Answer::text(401, ""), Answer::text(200, "{}")], 2, Status::Complete)]
#[case::it_is_asked_for_once(vec![Answer::text(401, "")], 2, Status::Error)]
#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_is_asked_for_anew_once(
    #[case] answers: Vec<Answer>,
    #[case] asked: usize,
    #[case] status: Status,
) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let helper = helper(answers).await;
    helper.on("POST", "/token").then(token("one", 3600)).then(token("two", 3600));
    office.hooked(&helper, POST, &[two_way("told")]).await;
    office.authorized(&helper).await;

    let id = office.ask("access").await;
    office.work().await;

    assert_eq!((helper.calls_to("/token").len(), helper.calls_to("/hook").len()), (asked, 2));
    assert_eq!(office.status(&id).await, status);
}

// rule: privacy-requests W-5
#[rstest]
#[case::refused(Answer::text(403, "canary-secret is wrong"), "answered with status 403")]
#[case::no_token(Answer::text(200, "canary-secret"), "gave no `access_token`")]
#[case::of_another_kind(
    Answer::json(200, &json!({"access_token": "canary-secret", "token_type": "mac"})),
    "no Bearer token"
)]
#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_the_request_says_why_and_the_secret_is_nowhere(
    #[case] answer: Answer,
    #[case] said: &str,
) {
    let Some(office) = Office::start(Backend::Sqlite).await else { return };
    let helper = helper(vec![Answer::text(204, "")]).await;
    helper.on("POST", "/token").then(answer);
    office.hooked(&helper, PRE, &[webhook("told", WebhookDirection::OneWay)]).await;
    office.authorized(&helper).await;

    let id = office.ask("access").await;
    office.work().await;

    let window = store::Window { offset: 0, limit: 100 };
    let logs = office.store.privacy_request_log_list(&id, None, window).await.unwrap().items;
    let texts: Vec<String> = logs.into_iter().filter_map(|log| log.entry.message).collect();
    assert_eq!(office.status(&id).await, Status::Error);
    assert!(texts.iter().any(|text| text.contains(said)), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("canary")), "{texts:?}");
    assert!(helper.calls_to("/hook").is_empty());
}

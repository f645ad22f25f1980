use jiff::SignedDuration;
use model::Clock as _;
use protos::c1::connectorapi::baton::v1 as wire;
use store::BatonCredentialId;

use super::plane::{
    Bench, TOKEN_LIFE, bench, client, credential, hello_of, pat, seconds, token_of, with_token,
};
use crate::control::ControlPlane;

async fn asks(bench: &Bench, token: &str) -> Result<(), tonic::Code> {
    let ask = wire::BatonServiceGetTaskRequest { host_id: "pod-1".to_owned() };
    client(&bench.plane).get_task(with_token(ask, token)).await.map(|_| ()).map_err(|status| status.code())
}

// rule: baton P-5
// rule: baton P-7
#[tokio::test]
async fn token_lives_for_five_seconds_and_each_assertion_gives_one() {
    let bench = bench().await;
    let credential = bench.rotate().await;
    let form = bench.form(&credential);
    let reply = bench.plane.token(&form).await;
    let token = token_of(&reply).unwrap();
    assert!(String::from_utf8(reply.body()).unwrap().contains(r#""expires_in":5"#));

    assert_eq!(asks(&bench, &token).await, Ok(()));
    bench.clock.advance(TOKEN_LIFE);
    assert_eq!(asks(&bench, &token).await, Err(tonic::Code::Unauthenticated));

    let again = bench.plane.token(&form).await;
    assert_eq!(again.status(), http::StatusCode::UNAUTHORIZED);
    assert!(bench.lines().await.contains("shown before"));
    let token = bench.token(&credential).await.unwrap();
    assert_eq!(asks(&bench, &token).await, Ok(()));
}

impl Bench {
    /// Whether this server, and then another one on the same state, give a token for one assertion.
    async fn shown_to_two(&self, other: &ControlPlane) -> (bool, bool) {
        let form = self.form(&self.rotate().await);
        let (here, there) = (self.plane.token(&form).await, other.token(&form).await);
        (token_of(&here).is_some(), token_of(&there).is_some())
    }
}

// rule: baton P-6
#[tokio::test]
async fn assertion_is_taken_once_by_all_servers_together() {
    let bench = bench().await;
    let other = bench.another().await;

    assert_eq!(bench.shown_to_two(&other).await, (true, false));
    assert!(bench.lines().await.contains("shown before"));
}

/// The twin: a server that remembers for itself alone gives a token for what was overheard at another.
#[tokio::test]
async fn planted_defect_with_a_memory_of_its_own_each_server_takes_it_once() {
    let bench = bench().await;
    let other = bench.another().await;
    for plane in [&bench.plane, &other] {
        *plane.inner.own_memory.lock().unwrap() = Some(std::collections::HashSet::new());
    }

    assert_eq!(bench.shown_to_two(&other).await, (true, true));
}

// rule: baton P-6
#[tokio::test]
async fn skewed_clock_is_named_to_the_owner_and_not_to_the_sender() {
    let bench = bench().await;
    let credential = bench.rotate().await;
    let form = bench.form(&credential);
    bench.clock.set(bench.clock.now() + SignedDuration::from_mins(10));

    let reply = bench.plane.token(&form).await;

    assert_eq!(reply.body(), br#"{"error":"invalid_client"}"#);
    assert!(bench.lines().await.contains("600 s ago by the connector's clock"), "{}", bench.lines().await);
}

// rule: baton P-6
#[tokio::test]
async fn assertion_for_another_host_unknown_client_and_broken_form_get_no_token() {
    let bench = bench().await;
    let other =
        crate::credential::FreshCredential::random(&"other.example.test".parse().unwrap(), &model::RandomIds);
    let unknown = bench.form(&credential(other));
    assert_eq!(bench.plane.token(&unknown).await.status(), http::StatusCode::UNAUTHORIZED);
    assert_eq!(bench.plane.token(b"client_id=x").await.status(), http::StatusCode::BAD_REQUEST);
    let mut wrong = bench.rotate().await;
    // The key of ours, and a client id whose host is another's: nobody knows it, whatever its audience says.
    let text = wrong.client_id.as_str().replace("tenant.example.test", "other.example.test");
    wrong.client_id = text.parse().unwrap();
    assert!(bench.token(&wrong).await.is_none());
    for token in ["", "x.y"] {
        assert_eq!(asks(&bench, token).await, Err(tonic::Code::Unauthenticated));
    }
}

// rule: governance CON-15
#[tokio::test]
async fn rotated_credential_is_good_for_a_day_and_a_revoked_one_ends_with_its_tokens() {
    let bench = bench().await;
    let old = bench.rotate().await;
    let new = bench.rotate().await;
    assert!(bench.token(&old).await.is_some() && bench.token(&new).await.is_some());
    bench.clock.set(bench.clock.now() + seconds(24 * 3600));
    assert!(bench.token(&old).await.is_none());
    let token = bench.token(&new).await.unwrap();
    assert_eq!(asks(&bench, &token).await, Ok(()));
    let all = bench.plane.credentials(&bench.connector).await.unwrap();
    assert!(all.len() == 2 && all.iter().all(|one| one.last_used_at.is_some()));
    let id = all.iter().find(|one| one.client_id == new.client_id.as_str()).unwrap().id.clone();

    assert!(bench.plane.revoke_credential(&bench.connector, &id, pat()).await.unwrap());

    assert_eq!(asks(&bench, &token).await, Err(tonic::Code::Unauthenticated));
    assert!(bench.token(&new).await.is_none());
    let absent = BatonCredentialId::parse(&"0".repeat(27)).unwrap();
    assert!(!bench.plane.revoke_credential(&bench.connector, &absent, pat()).await.unwrap());
}

// rule: baton MSG-10
#[tokio::test]
async fn request_beyond_its_limits_is_refused_by_the_name_of_its_field() {
    let bench = bench().await;
    let process = bench.process("pod-1").await;

    let refused = client(&bench.plane).hello(process.call(hello_of(&"h".repeat(257), &[])).await).await;
    let status = refused.unwrap_err();

    assert_eq!(status.code(), tonic::Code::InvalidArgument);
    assert!(status.message().contains("`host_id`"), "{}", status.message());
}

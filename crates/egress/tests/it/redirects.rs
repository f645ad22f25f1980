use bytes::Bytes;
use egress::{AllowedHosts, HostMode, HostRule, Mode, RedirectRefusal, Routes, SendError};
use http::{HeaderValue, Method};
use rstest::rstest;
use testkit::{Answer, FakeSaas};

use crate::{door, get, settings};

fn to(location: &str) -> Answer {
    Answer::status(302).header("location", location)
}

// rule: saas-config 13.9
#[tokio::test]
async fn redirect_within_the_connectors_hosts_is_followed_with_credentials() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/old").then(to("/new?page=2"));
    saas.on("GET", "/new").then(Answer::json(200, "here"));
    let mut request = get(format!("{}/old", saas.base_url()));
    request.headers.insert("authorization", HeaderValue::from_static("Bearer t"));
    request.redirect_hosts = HostRule::only(["127.0.0.1"]);

    let reply = door(settings(), Mode::Live).send(request).await.unwrap();

    assert_eq!(reply.body, "\"here\"");
    assert_eq!(saas.targets(), ["/old", "/new?page=2"]);
    assert_eq!(saas.calls()[1].header("authorization"), Some("Bearer t"));
}

// rule: saas-config 13.9
#[tokio::test]
async fn redirect_to_another_host_is_refused_and_nothing_is_sent_there() {
    let (saas, foreign) = (FakeSaas::start().await, FakeSaas::start().await);
    saas.on("GET", "/users").then(to(&format!("{}/steal?x=canary", foreign.base_url())));
    let mut request = get(format!("{}/users", saas.base_url()));
    request.redirect_hosts = HostRule::only([saas.host_port()]);

    let error = door(settings(), Mode::Live).send(request).await.unwrap_err();

    assert!(matches!(error, SendError::RedirectRefused { reason: RedirectRefusal::ForeignHost, .. }));
    assert!(error.to_string().contains(&foreign.host_port()), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
    assert!(foreign.calls().is_empty());
}

// rule: saas-config 13.9
#[tokio::test]
async fn credentials_do_not_follow_to_another_origin_of_the_connector() {
    let (api, files) = (FakeSaas::start().await, FakeSaas::start().await);
    api.on("GET", "/export").then(to(&format!("{}/file", files.base_url())));
    files.on("GET", "/file").then(Answer::json(200, "file"));
    let mut request = get(format!("{}/export", api.base_url()));
    let mut key = HeaderValue::from_static("canary");
    key.set_sensitive(true);
    request.headers.insert("x-api-key", key);
    request.headers.insert("authorization", HeaderValue::from_static("canary"));
    request.headers.insert("cookie", HeaderValue::from_static("canary"));
    request.headers.insert("x-version", HeaderValue::from_static("2"));
    request.redirect_hosts = HostRule::only(["127.0.0.1"]);

    let reply = door(settings(), Mode::Live).send(request).await.unwrap();

    assert_eq!(reply.body, "\"file\"");
    let call = &files.calls()[0];
    assert_eq!(call.header("x-version"), Some("2"));
    assert!(call.headers.values().all(|value| value != "canary"));
}

// rule: saas-config 13.9
#[tokio::test]
async fn new_host_is_checked_like_the_first() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/metadata").then(to("http://169.254.169.254/latest"));
    saas.on("GET", "/pattern").then(to("http://localhost/x"));
    let ask = |path: &str| {
        let mut request = get(format!("{}{path}", saas.base_url()));
        request.redirect_hosts = HostRule::only(["169.254.169.254", "localhost"]);
        request
    };
    let mut limited = ask("/pattern");
    limited.allowed_hosts = AllowedHosts::new(["127.0.0.1"], HostMode::Enabled);
    let door = door(settings(), Mode::Live);

    let metadata = door.send(ask("/metadata")).await;
    let pattern = door.send(limited).await;

    assert!(matches!(metadata, Err(SendError::HostRefused { .. })), "{metadata:?}");
    assert_eq!(pattern.err(), Some(SendError::HostNotAllowed { host: "localhost".into() }));
}

// rule: saas-config 13.9
#[rstest]
#[case(303, Method::POST, "GET", "")]
#[case(302, Method::POST, "GET", "")]
#[case(301, Method::POST, "GET", "")]
#[case(307, Method::POST, "POST", "q")]
#[case(308, Method::POST, "POST", "q")]
#[case(302, Method::PUT, "PUT", "q")]
#[tokio::test]
async fn method_changes_as_usual(
    #[case] status: u16,
    #[case] method: Method,
    #[case] then: &str,
    #[case] body: &str,
) {
    let saas = FakeSaas::start().await;
    saas.on(method.as_str(), "/a").then(Answer::status(status).header("location", "/b"));
    saas.on(then, "/b").then(Answer::json(200, "b"));
    let mut request = get(format!("{}/a", saas.base_url()));
    (request.method, request.body) = (method, Some(Bytes::from_static(b"q")));
    request.redirect_hosts = HostRule::only(["127.0.0.1"]);

    door(settings(), Mode::Live).send(request).await.unwrap();

    let call = &saas.calls()[1];
    assert_eq!((call.method.as_str(), &call.body[..]), (then, body.as_bytes()));
}

#[tokio::test]
async fn body_does_not_follow_to_another_origin() {
    let (api, files) = (FakeSaas::start().await, FakeSaas::start().await);
    api.on("POST", "/a").then(Answer::status(307).header("location", format!("{}/b", files.base_url())));
    let mut request = get(format!("{}/a", api.base_url()));
    (request.method, request.body) = (Method::POST, Some(Bytes::from_static(b"secret")));
    request.redirect_hosts = HostRule::only(["127.0.0.1"]);

    let error = door(settings(), Mode::Live).send(request).await.unwrap_err();

    assert!(matches!(error, SendError::RedirectRefused { reason: RedirectRefusal::BodyLeavesOrigin, .. }));
    assert!(files.calls().is_empty());
}

// rule: saas-config 13.9
#[tokio::test]
async fn redirects_in_a_circle_end() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/a").then(to("/a"));
    let mut request = get(format!("{}/a", saas.base_url()));
    request.redirect_hosts = HostRule::only(["127.0.0.1"]);

    let error = door(settings(), Mode::Live).send(request).await.unwrap_err();

    assert_eq!(error, SendError::TooManyRedirects { host: "127.0.0.1".into(), limit: 10 });
    assert_eq!(saas.calls().len(), 11);
}

#[rstest]
#[case("ftp://127.0.0.1/")]
#[case("http://user@127.0.0.1/")]
#[case("http://")]
#[tokio::test]
async fn redirect_to_nonsense_is_refused(#[case] location: &str) {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/a").then(to(location));
    let mut request = get(format!("{}/a", saas.base_url()));
    request.redirect_hosts = HostRule::only(["127.0.0.1"]);

    let error = door(settings(), Mode::Live).send(request).await.unwrap_err();

    assert!(matches!(error, SendError::RedirectRefused { reason: RedirectRefusal::NotAnAddress, .. }));
}

#[tokio::test]
async fn redirect_that_gives_up_tls_is_refused() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/a").then(to("http://api.example.com/a"));
    let mut settings = settings();
    settings.routes = Routes::parse([("api.example.com:443", saas.base_url())]).unwrap();
    let mut request = get("https://api.example.com/a");
    request.redirect_hosts = HostRule::only(["api.example.com"]);

    let error = door(settings, Mode::Live).send(request).await.unwrap_err();

    assert!(matches!(error, SendError::RedirectRefused { reason: RedirectRefusal::Downgrade, .. }));
}

#[tokio::test]
async fn answer_of_the_300s_without_a_place_to_go_is_an_answer() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/a").then(Answer::status(302));

    assert_eq!(
        door(settings(), Mode::Live).send(get(format!("{}/a", saas.base_url()))).await.unwrap().status,
        302
    );
}

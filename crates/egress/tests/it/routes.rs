use egress::{DoorSettings, HostRule, Mode, Routes, SendError};
use testkit::{Answer, FakeSaas};

use crate::{door, get, settings};

fn routed(saas: &FakeSaas) -> DoorSettings {
    let routes = Routes::parse([("api.example.com", saas.base_url())]).unwrap();
    DoorSettings { routes, ..settings() }
}

#[tokio::test]
async fn routed_call_keeps_its_host_path_and_query() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/a/b%2Fc").then(Answer::json(200, "ok"));
    let door = door(routed(&saas), Mode::Live);

    door.send(get("https://api.example.com/a/b%2Fc?d=e+f")).await.unwrap();
    door.send(get("https://api.example.com:8443/a/b%2Fc")).await.unwrap();

    assert_eq!(saas.targets(), ["/a/b%2Fc?d=e+f", "/a/b%2Fc"]);
    assert_eq!(saas.calls()[0].host(), "api.example.com");
    assert_eq!(saas.calls()[1].host(), "api.example.com:8443");
}

#[tokio::test]
async fn address_behind_a_route_is_refused_unless_listed() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/").then(Answer::json(200, "ok"));
    let closed = DoorSettings { allow: Vec::new(), ..routed(&saas) };

    let error = door(closed, Mode::Live).send(get("https://api.example.com/")).await.unwrap_err();

    assert!(matches!(error, SendError::HostRefused { .. }), "{error:?}");
    assert!(error.to_string().contains("`api.example.com`"), "{error}");
    assert!(error.to_string().contains("127.0.0.1") && error.to_string().contains("egress.allow"), "{error}");
    assert!(saas.calls().is_empty());
}

#[tokio::test]
async fn redirect_of_a_routed_host_is_routed_too() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/old").then(Answer::status(301).header("location", "https://api.example.com/new"));
    saas.on("GET", "/new").then(Answer::json(200, "new"));
    let mut request = get("https://api.example.com/old");
    request.redirect_hosts = HostRule::only(["api.example.com"]);

    let reply = door(routed(&saas), Mode::Live).send(request).await.unwrap();

    assert_eq!(reply.body, "\"new\"");
}

#[tokio::test]
async fn environment_opens_and_routes() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/").then(Answer::json(200, "ok"));
    let routes = format!(r#"{{"api.example.com": "{}"}}"#, saas.base_url());
    let settings =
        DoorSettings::default().with_environment(Some(r#"["127.0.0.1/32"]"#), Some(&routes)).unwrap();

    let reply = door(settings, Mode::Live).send(get("https://api.example.com/")).await.unwrap();

    assert_eq!(reply.status, 200);
}

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use rstest::rstest;
use testkit::{Answer, FakeSaas, TestClock};
use tokio::sync::oneshot;

use super::*;

/// A running server; ends when it is dropped.
struct Running {
    address: SocketAddr,
    health: Health,
    clock: TestClock,
    asked: Arc<AtomicUsize>,
    _end: oneshot::Sender<()>,
}

async fn running(answer: Result<(), &'static str>) -> Running {
    let (clock, asked) = (TestClock::new(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&asked);
    let validate: Validate = Arc::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
        async move { answer.map_err(str::to_owned) }.boxed()
    });
    let health = Health::new(validate, Arc::new(clock.clone()));
    let server = HealthServer::open("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address();
    let (end, ended) = oneshot::channel::<()>();
    let ended = async {
        let _ = ended.await;
    };
    tokio::spawn(server.serve(health.clone(), ended));
    Running { address, health, clock, asked, _end: end }
}

fn check(endpoint: HealthEndpoint, address: SocketAddr) -> HealthCheck {
    HealthCheck { endpoint, timeout: Duration::from_secs(5), address }
}

// rule: baton C-18
// rule: baton §12.3, health-check
#[tokio::test]
async fn health_is_what_the_application_says_and_it_is_asked_once_for_all() {
    let running = running(Ok(())).await;
    let ask = || check(HealthEndpoint::Health, running.address).run();

    let (one, two, three) = tokio::join!(ask(), ask(), ask());

    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(running.asked.load(Ordering::SeqCst), 1);
    running.clock.advance(Duration::from_secs(5));
    ask().await.unwrap();
    assert_eq!(running.asked.load(Ordering::SeqCst), 2);
}

// rule: baton C-18
#[tokio::test]
async fn unhealthy_is_said_with_its_reason_and_the_process_still_lives() {
    let running = running(Err("the token is refused")).await;

    let health = check(HealthEndpoint::Health, running.address).run().await.unwrap_err().to_string();
    let live = check(HealthEndpoint::Live, running.address).run().await;

    assert!(
        health.contains("status 503") && health.contains("application: the token is refused"),
        "{health}"
    );
    assert!(live.is_ok());
}

// rule: baton C-18
#[tokio::test]
async fn ready_follows_the_work_and_asks_nobody() {
    let running = running(Ok(())).await;
    let ask = || check(HealthEndpoint::Ready, running.address).run();

    let before = ask().await.unwrap_err().to_string();
    running.health.set(Readiness::Ready);

    assert!(before.contains("the work has not begun"), "{before}");
    assert!(ask().await.is_ok());
    assert_eq!(running.asked.load(Ordering::SeqCst), 0);
}

// rule: baton C-18
#[tokio::test]
async fn answers_have_status_timestamp_and_details() {
    let running = running(Ok(())).await;
    let url = format!("http://{}/live", running.address).parse().unwrap();
    let settings = egress::DoorSettings {
        allow: vec!["127.0.0.1/32".parse().unwrap()],
        ..egress::DoorSettings::default()
    };
    let service = egress::OwnService::new(settings, "test".parse().unwrap(), &url).unwrap();
    let call = egress::OwnServiceCall {
        method: http::Method::GET,
        url,
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
    };

    let reply = service.send(call).await.unwrap();

    let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    let expected = serde_json::json!({
        "status": "healthy", "timestamp": "2026-01-15T12:00:00Z", "details": {"process": "well"}
    });
    assert_eq!(answer, expected);
}

// rule: baton §12.3, health-check
#[rstest]
#[case(200, r#"{"status":"ok"}"#, None)]
#[case(200, "", None)]
#[case(503, r#"{"status":"down"}"#, Some("status 503"))]
#[case(404, "", Some("status 404"))]
#[tokio::test]
async fn servers_of_other_runtimes_are_understood_by_their_status(
    #[case] status: u16,
    #[case] body: &'static str,
    #[case] wrong: Option<&str>,
) {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/health").then(Answer::text(status, body));

    let checked = check(HealthEndpoint::Health, saas.host_port().parse().unwrap()).run().await;

    match wrong {
        None => assert!(checked.is_ok()),
        Some(wrong) => assert!(checked.unwrap_err().to_string().contains(wrong)),
    }
}

// rule: baton §12.3, health-check
#[tokio::test]
async fn a_port_where_nobody_is_is_named() {
    let gone = running(Ok(())).await.address;
    tokio::task::yield_now().await;
    let free = HealthServer::open("127.0.0.1:0".parse().unwrap()).await.unwrap().address();

    let error = check(HealthEndpoint::Health, free).run().await.unwrap_err().to_string();

    assert!(error.contains(&free.to_string()) && error.contains("health-check"), "{error}");
    assert_ne!(gone, free);
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let running = running(Ok(())).await;

    let error = HealthServer::open(running.address).await.unwrap_err().to_string();

    assert!(error.contains("health-check-port") && error.contains(&running.address.to_string()), "{error}");
}

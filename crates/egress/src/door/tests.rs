use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::BoxFuture;
use http::Method;
use model::SystemClock;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::{AddressKind, MemoryBudgets, WritePermit};

/// Gives one prepared answer after the other and counts the questions.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<Vec<Vec<SocketAddr>>>,
    asked: AtomicUsize,
}

impl Scripted {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |ip: &&str| SocketAddr::new(ip.parse().unwrap(), 0);
        let answers = answers.iter().rev().map(|list| list.iter().map(parse).collect()).collect();
        Arc::new(Self { answers: Mutex::new(answers), asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Scripted {
    fn lookup<'a>(&'a self, _host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.answers.lock().unwrap().pop().unwrap_or_default();
        Box::pin(async move { Ok(next) })
    }
}

/// Answers every connection once and closes it; counts connections.
async fn server() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}")
                .await;
        }
    });
    (port, accepted)
}

fn door(settings: DoorSettings, mode: Mode, lookup: Arc<dyn Lookup>) -> Door {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
    Door::with_lookup(settings, mode, Surroundings { budgets, clock, lookup }).unwrap()
}

fn loopback_only() -> DoorSettings {
    DoorSettings { allow: vec!["127.0.0.1/32".parse().unwrap()], ..DoorSettings::default() }
}

fn get(url: &str) -> HttpRequest {
    HttpRequest::read("shop".parse().unwrap(), "users", Method::GET, url.parse().unwrap())
}

// rule: saas-config 13.5
#[tokio::test]
async fn name_that_moves_to_another_address_is_judged_anew_and_never_dialled() {
    let (port, accepted) = server().await;
    let lookup = Scripted::new(&[&["10.0.0.1", "127.0.0.1"], &["127.0.0.2"], &["169.254.169.254"]]);
    let door = door(loopback_only(), Mode::Live, lookup.clone());
    let url = format!("http://rebound.example:{port}/");

    let first = door.send(get(&url)).await;
    let second = door.send(get(&url)).await;
    let third = door.send(get(&url)).await;

    // One question for each connection: what was checked is what was dialled.
    assert_eq!(first.unwrap().status, 200);
    let refused = |kind| Some(SendError::HostRefused { host: "rebound.example".into(), route: None, kind });
    assert_eq!(second.err(), refused(AddressKind::Loopback));
    assert_eq!(third.err(), refused(AddressKind::LinkLocal));
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 3);
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn name_without_address_is_named() {
    let door = door(DoorSettings::default(), Mode::Live, Scripted::new(&[]));

    let error = door.send(get("https://nowhere.example/secret-path")).await.unwrap_err();

    assert_eq!(error, SendError::Unresolvable { host: "nowhere.example".into() });
    assert!(!error.to_string().contains("secret-path"));
}

// rule: saas-config 13.5
#[tokio::test]
async fn network_opened_for_one_connection_stays_closed_for_others() {
    let (port, accepted) = server().await;
    let settings = DoorSettings {
        allow: vec![format!("127.0.0.1:{port}@shop").parse().unwrap()],
        ..DoorSettings::default()
    };
    let door = door(settings, Mode::Live, Scripted::new(&[&["127.0.0.1"], &["127.0.0.1"]]));
    let mut stranger = get(&format!("http://inside.example:{port}/"));
    stranger.connection = "other".parse().unwrap();

    let own = door.send(get(&format!("http://inside.example:{port}/"))).await;
    let others = door.send(stranger).await;

    assert_eq!(own.unwrap().status, 200);
    assert!(matches!(others, Err(SendError::HostRefused { .. })), "{others:?}");
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

#[rstest]
#[case::live(Mode::Live)]
#[case::record(Mode::Record(Recorder::new()))]
#[case::replay(Mode::Replay(Cassette::new(Vec::new())))]
#[tokio::test]
async fn write_without_permit_is_refused_in_every_mode_before_anything_else(#[case] mode: Mode) {
    let lookup = Scripted::new(&[]);
    let door = door(DoorSettings::default(), mode, lookup.clone());
    // The URL is wrong as well: the permit is looked at first.
    let mut write = get("ftp://api.example.com/users/ana");
    write.effect = Effect::Write;

    for method in [Method::GET, Method::POST, Method::DELETE] {
        write.method = method.clone();
        let mut again = get(write.url.as_str());
        (again.effect, again.method) = (Effect::Write, method);

        let error = door.send(again).await.unwrap_err();

        assert!(matches!(error, SendError::WriteWithoutPermit { .. }), "{error:?}");
        assert!(!error.to_string().contains("ana"), "{error}");
    }
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn permitted_write_passes_and_so_does_a_read_by_any_method() {
    let (port, accepted) = server().await;
    let door = door(loopback_only(), Mode::Live, Arc::new(SystemLookup));
    let url = format!("http://127.0.0.1:{port}/");
    let mut write = get(&url);
    (write.effect, write.permit, write.method) =
        (Effect::Write, Some(WritePermit::for_tests()), Method::DELETE);
    let mut read = get(&url);
    read.method = Method::PUT;

    assert_eq!(door.send(write).await.unwrap().status, 200);
    assert_eq!(door.send(read).await.unwrap().status, 200);
    assert_eq!(accepted.load(Ordering::SeqCst), 2);
}

/// Says "no" from the moment on that a call has waited for its budget.
#[derive(Debug, Default)]
struct TakenOverMeanwhile(Arc<std::sync::atomic::AtomicBool>);

impl Budgets for TakenOverMeanwhile {
    fn acquire<'a>(
        &'a self,
        _: &'a BudgetScope,
        _: &'a [crate::Limit],
    ) -> BoxFuture<'a, Result<Duration, crate::BudgetError>> {
        self.0.store(true, Ordering::SeqCst);
        Box::pin(std::future::ready(Ok(Duration::ZERO)))
    }

    fn observe(&self, _: &BudgetScope, _: crate::RateSignal) {}
}

#[tokio::test]
async fn a_permit_that_lapses_while_the_write_waits_is_refused_before_the_wire() {
    let (port, accepted) = server().await;
    let budgets = TakenOverMeanwhile::default();
    let (taken_over, settings) = (Arc::clone(&budgets.0), loopback_only());
    let door = Door::new(settings, Mode::Live, Arc::new(budgets), Arc::new(SystemClock)).unwrap();
    let mut write = get(&format!("http://127.0.0.1:{port}/"));
    let permit = WritePermit::for_tests().while_held(move || !taken_over.load(Ordering::SeqCst));
    assert!(permit.holds());
    (write.effect, write.permit, write.method) = (Effect::Write, Some(permit), Method::DELETE);

    let error = door.send(write).await.unwrap_err();

    assert_eq!(error, SendError::PermitLapsed { host: "127.0.0.1".into() });
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn permitted_write_does_not_follow_a_redirect() {
    let saas = testkit::FakeSaas::start().await;
    saas.on("POST", "/a").then(testkit::Answer::status(307).header("location", "/b"));
    let door = door(loopback_only(), Mode::Live, Arc::new(SystemLookup));
    let mut write = get(&format!("{}/a", saas.base_url()));
    (write.effect, write.permit, write.method) =
        (Effect::Write, Some(WritePermit::for_tests()), Method::POST);
    write.redirect_hosts = crate::HostRule::only(["127.0.0.1"]);

    let error = door.send(write).await.unwrap_err();

    assert!(error.to_string().contains("unknown"), "{error}");
    assert_eq!(saas.targets(), ["/a"]);
}

#[tokio::test]
async fn replay_asks_no_resolver_and_names_what_is_missing() {
    let lookup = Scripted::new(&[&["127.0.0.1"]]);
    let door = door(loopback_only(), Mode::Replay(Cassette::new(Vec::new())), lookup.clone());

    let error = door.send(get("https://api.example.com/users/ana?email=ana")).await.unwrap_err();

    assert!(matches!(door.shared.way, Way::Replay(_)), "a replay holds no HTTP client");
    assert_eq!(lookup.asked.load(Ordering::SeqCst), 0);
    let text = error.to_string();
    assert!(text.contains("api.example.com") && text.contains("`users`") && !text.contains("ana?"), "{text}");
    assert_eq!(error.retry(), crate::Retry::No);
}

#[rstest]
#[case("ftp://api.example.com/", "protocol")]
#[case("http://user:canary@api.example.com/", "authentication strategy")]
#[tokio::test]
async fn url_that_cannot_be_called_is_explained(#[case] url: &str, #[case] says: &str) {
    let door = door(DoorSettings::default(), Mode::Live, Scripted::new(&[]));

    let error = door.send(get(url)).await.unwrap_err();

    assert!(error.to_string().contains(says), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[test]
fn proxy_that_is_none_is_refused() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let budgets = Arc::new(MemoryBudgets::new(Arc::clone(&clock)));
    let settings = DoorSettings { proxy: "ftp://proxy.example/".parse().ok(), ..DoorSettings::default() };

    assert_eq!(Door::new(settings, Mode::Live, budgets, clock).err(), Some(DoorError::Proxy));
}

#[tokio::test]
async fn proxy_gets_the_call_and_private_targets_are_still_refused() {
    let (port, accepted) = server().await;
    let proxy = format!("http://gateway.example:{port}").parse().ok();
    // Questions in order: the public target, the proxy; then the private target.
    let lookup = Scripted::new(&[&["8.8.8.8"], &["127.0.0.1"], &["10.0.0.1"]]);
    let door = door(DoorSettings { proxy, ..DoorSettings::default() }, Mode::Live, lookup);

    let public = door.send(get("http://api.example.com/")).await;
    let private = door.send(get("http://intranet.example/")).await;
    let literal = door.send(get("http://169.254.169.254/")).await;

    assert_eq!(public.unwrap().status, 200);
    assert!(matches!(private, Err(SendError::HostRefused { kind: AddressKind::Private, .. })), "{private:?}");
    assert!(
        matches!(literal, Err(SendError::HostRefused { kind: AddressKind::LinkLocal, .. })),
        "{literal:?}"
    );
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
}

/// Never answers.
#[derive(Debug)]
struct Silent;

impl Lookup for Silent {
    fn lookup<'a>(&'a self, _host: &'a str) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(std::future::pending())
    }
}

// rule: saas-config 13.8
#[tokio::test]
async fn name_server_that_is_silent_ends_at_the_connect_timeout() {
    let mut settings = DoorSettings::default();
    settings.timeouts.connect = Duration::from_millis(50);

    let result = door(settings, Mode::Live, Arc::new(Silent)).send(get("https://api.example.com/")).await;

    let phase = crate::TimeoutPhase::Connect;
    assert_eq!(result.err(), Some(SendError::Timeout { host: "api.example.com".into(), phase }));
}

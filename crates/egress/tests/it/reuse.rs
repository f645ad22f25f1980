use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use egress::{Mode, SendError};
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{door, get, settings};

/// Answers any number of calls on each connection; counts connections and keeps what was sent.
async fn server() -> (u16, Arc<AtomicUsize>, Arc<std::sync::Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let accepted = Arc::new(AtomicUsize::new(0));
    let seen: Arc<std::sync::Mutex<String>> = Arc::default();
    let (counter, log) = (Arc::clone(&accepted), Arc::clone(&seen));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut buffer).await {
                    log.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
                }
            });
        }
    });
    (port, accepted, seen)
}

#[tokio::test]
async fn calls_one_after_the_other_share_one_connection() {
    let (port, accepted, seen) = server().await;
    let door = door(settings(), Mode::Live);

    for _ in 0..50 {
        door.send(get(format!("http://127.0.0.1:{port}/"))).await.unwrap();
    }

    assert_eq!(accepted.load(Ordering::SeqCst), 1);
    let seen = seen.lock().unwrap().to_ascii_lowercase();
    assert!(seen.contains("user-agent: tutela/"), "{seen}");
    assert!(seen.contains("accept-encoding: gzip, deflate\r\n"), "{seen}");
}

#[tokio::test]
async fn rounds_of_parallel_calls_reuse_their_connections() {
    let (port, accepted, _) = server().await;
    let door = door(settings(), Mode::Live);
    let url = format!("http://127.0.0.1:{port}/");

    for _ in 0..10 {
        for reply in futures::future::join_all((0..16).map(|_| door.send(get(&url)))).await {
            reply.unwrap();
        }
    }

    assert!(accepted.load(Ordering::SeqCst) <= 16, "{}", accepted.load(Ordering::SeqCst));
}

// rule: saas-config 13.5
#[rstest]
#[case("http://127.0.0.1:PORT/")]
#[case("http://2130706433:PORT/")]
#[case("http://0x7f.1:PORT/")]
#[case("http://[::ffff:127.0.0.1]:PORT/")]
#[case("http://localhost:PORT/")]
#[tokio::test]
async fn loopback_is_closed_unless_listed(#[case] url: &str) {
    let (port, accepted, _) = server().await;
    let closed = egress::DoorSettings { allow: Vec::new(), ..settings() };

    let error = door(closed, Mode::Live).send(get(url.replace("PORT", &port.to_string()))).await.unwrap_err();

    assert!(matches!(error, SendError::HostRefused { .. }), "{error:?}");
    assert!(error.to_string().contains("`egress.allow`"), "{error}");
    assert_eq!(accepted.load(Ordering::SeqCst), 0);
}

// rule: saas-config 13.5
#[tokio::test]
async fn explicit_port_is_no_obstacle() {
    let (port, _, _) = server().await;

    let reply = door(settings(), Mode::Live).send(get(format!("http://127.0.0.1:{port}/"))).await;

    assert_eq!(reply.unwrap().status, 200);
}

//! Callers that are slow, or send too much.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::fleet;
use crate::running::{Running, call, root_token};

const SECRET: &str = "canary-root-secret";

async fn connected(running: &Running, begins: &str) -> TcpStream {
    let address = running.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(begins.as_bytes()).await.unwrap();
    stream
}

/// What comes back, to the end of the connection; a reset is an end, too.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_never_finish_a_call_keep_nobody_else_out_and_are_let_go() {
    let program = fleet::program();
    let running = Running::start(&program, &[]);
    let mut slow = Vec::new();
    for number in 0..300 {
        let begins = match number % 3 {
            0 => "",
            1 => "GET /health HT",
            _ => "POST /api/v1/oauth/token HTTP/1.1\r\nhost: localhost\r\n",
        };
        slow.push(connected(&running, begins).await);
    }

    let health = call(&running, "GET /health", None, None).await;
    let mut ends = Vec::new();
    for stream in slow {
        ends.push(rest(stream).await);
    }
    let after = call(&running, "GET /health", None, None).await;

    assert_eq!((health.status, after.status), (200, 200));
    assert!(ends.iter().all(|said| said.is_empty() || said.starts_with("HTTP/1.1 4")), "{ends:?}");
    running.end().expect(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_is_refused_however_it_is_sent_and_the_server_goes_on() {
    let program = fleet::program().with_environment("TUTELA_SERVER_MAX_BODY_BYTES", "65536");
    let running = Running::start(&program, &[]);
    let token = root_token(&running, SECRET).await;
    let head = format!(
        "POST /api/v1/privacy-request/authenticated HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\nconnection: close\r\n"
    );

    let announced = connected(&running, &format!("{head}content-length: 99999999999\r\n\r\n[")).await;
    let announced = rest(announced).await;
    let mut chunked = connected(&running, &format!("{head}transfer-encoding: chunked\r\n\r\n")).await;
    let chunk = format!("8000\r\n{}\r\n", " ".repeat(0x8000));
    for _ in 0..64 {
        if chunked.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let chunked = rest(chunked).await;
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let mut nested = connected(&running, &format!("{head}content-length: {}\r\n\r\n", deep.len())).await;
    nested.write_all(deep.as_bytes()).await.unwrap();
    let nested = rest(nested).await;
    let many: Vec<_> =
        (0..51).map(|_| json!({"policy_key": "default_access_policy", "identity": {}})).collect();
    let many =
        call(&running, "POST /api/v1/privacy-request/authenticated", Some(&token), Some(&json!(many))).await;
    let health = call(&running, "GET /health", None, None).await;

    assert!(announced.starts_with("HTTP/1.1 413"), "{announced}");
    // It may be reset before its answer was read: bytes are still under way.
    assert!(chunked.is_empty() || chunked.starts_with("HTTP/1.1 413"), "{chunked}");
    assert!(nested.starts_with("HTTP/1.1 422"), "{nested}");
    assert_eq!((many.status, health.status), (422, 200), "{}", many.text);
    let listed = call(&running, "GET /api/v1/privacy-request", Some(&token), None).await.json();
    assert_eq!(listed["total"], 0);
    running.end().expect(0);
}

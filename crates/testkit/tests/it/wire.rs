use std::io;
use std::time::Duration;

use testkit::{Answer, Delivery, FakeSaas, gzip_bomb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What came back before the connection ended, and how it ended.
struct Exchange {
    bytes: Vec<u8>,
    ended: io::Result<()>,
}

impl Exchange {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn body(&self) -> String {
        self.text().split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
    }
}

async fn exchange(saas: &FakeSaas, request: &str) -> Exchange {
    let mut stream = TcpStream::connect(saas.host_port()).await.expect("the fake listens");
    stream.write_all(request.as_bytes()).await.expect("the fake reads");
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes).await.map(|_| ());
    Exchange { bytes, ended }
}

async fn get(saas: &FakeSaas, target: &str) -> Exchange {
    exchange(saas, &format!("GET {target} HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\n\r\n"))
        .await
}

async fn deliver(delivery: Delivery) -> Exchange {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/x").then(Answer::json(200, &["0123456789"]).delivered(delivery));
    get(&saas, "/x").await
}

#[tokio::test]
async fn a_sequence_is_answered_in_order_and_its_last_answer_stays() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/users").then(Answer::status(429)).then(Answer::json(200, &[1]));

    let statuses = [get(&saas, "/users").await, get(&saas, "/users").await, get(&saas, "/users").await]
        .map(|exchange| exchange.text().split(' ').nth(1).map(str::to_owned).unwrap());

    assert_eq!(statuses, ["429", "200", "200"]);
}

#[tokio::test]
async fn calls_are_kept_as_sent_and_unknown_paths_are_404() {
    let saas = FakeSaas::start().await;
    saas.on("POST", "/a/*/c").with(|call| Answer::json(201, &call.json().unwrap()));

    let made = exchange(
        &saas,
        "POST /a/b%2Fd/c?q=a+b&r=%40 HTTP/1.1\r\nHost: a.example.com\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{\"x\":1}",
    )
    .await;
    let missing = get(&saas, "/a/b/c/d").await;

    assert!(made.text().starts_with("HTTP/1.1 201"));
    assert_eq!(made.body(), "{\"x\":1}");
    assert!(missing.text().starts_with("HTTP/1.1 404"));
    assert_eq!(saas.targets(), ["/a/b%2Fd/c?q=a+b&r=%40", "/a/b/c/d"]);
    assert_eq!(saas.calls()[0].host(), "a.example.com");
}

#[tokio::test]
async fn resets_are_resets_and_closes_are_closes() {
    let reset = deliver(Delivery::Reset).await;
    let closed = deliver(Delivery::Close).await;
    let reset_later = deliver(Delivery::ResetAt(4)).await;

    assert_eq!(reset.ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert!(reset.bytes.is_empty());
    assert!(closed.ended.is_ok() && closed.bytes.is_empty());
    assert_eq!(reset_later.ended.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn cut_answers_announce_more_than_they_send() {
    let cut = deliver(Delivery::CutAt(4)).await;
    let chunked = deliver(Delivery::ChunkedCutAt(4)).await;
    let whole = deliver(Delivery::Chunked).await;

    assert!(cut.text().contains("content-length: 14"), "{}", cut.text());
    assert_eq!(cut.body(), "[\"01");
    assert!(cut.ended.is_ok());
    assert!(chunked.text().contains("transfer-encoding: chunked"));
    assert_eq!(chunked.body(), "4\r\n[\"01\r\n");
    assert!(whole.body().ends_with("\r\n0\r\n\r\n"), "the twin: a whole answer has its last chunk");
}

#[tokio::test]
async fn a_wrong_content_length_is_sent_as_scripted() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/x").then(
        Answer::json(200, &["0123456789"]).header("content-length", "5000").delivered(Delivery::CutAt(14)),
    );

    let answer = get(&saas, "/x").await;

    assert!(answer.text().contains("content-length: 5000"));
    assert_eq!(answer.body(), "[\"0123456789\"]");
}

#[tokio::test]
async fn endless_and_dripping_answers_go_on_until_the_client_leaves() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/endless").then(Answer::text(200, "abcd").delivered(Delivery::Endless(Duration::ZERO)));
    saas.on("GET", "/drip")
        .then(Answer::text(200, "ab").delivered(Delivery::Drip(Duration::from_micros(50))));

    let mut endless = TcpStream::connect(saas.host_port()).await.unwrap();
    endless.write_all(b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    let mut flood = vec![0; 64 << 10];
    endless.read_exact(&mut flood).await.unwrap();
    let dripped = get(&saas, "/drip").await;

    assert!(String::from_utf8_lossy(&flood).contains("abcd"));
    assert_eq!(dripped.body(), "ab");
}

#[tokio::test]
async fn a_gzip_bomb_is_small_on_the_wire() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/bomb").then(gzip_bomb(16 << 20));

    let bomb = get(&saas, "/bomb").await;

    assert!(bomb.bytes.len() < 64 << 10, "{} bytes", bomb.bytes.len());
    assert!(bomb.text().contains("content-encoding: gzip"));
}

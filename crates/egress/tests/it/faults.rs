use std::time::{Duration, Instant};

use egress::{Retry, SendError, TimeoutPhase};
use rstest::rstest;
use testkit::{Answer, Delivery, FakeSaas, gzip, gzip_bomb};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::{door, get, settings};

const HOST: &str = "127.0.0.1";

async fn ask(answer: Answer) -> Result<egress::HttpReply, SendError> {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/users").then(answer);
    let mut settings = settings();
    settings.max_response_bytes = 100_000;
    door(settings, egress::Mode::Live).send(get(format!("{}/users", saas.base_url()))).await
}

fn body() -> Answer {
    Answer::json(200, &vec!["ana"; 100])
}

#[rstest]
#[case::short_of_its_length(body().delivered(Delivery::CutAt(100)))]
#[case::chunks_without_end(body().delivered(Delivery::ChunkedCutAt(100)))]
#[case::gzip_without_end(Answer::status(200).header("content-encoding", "gzip").body(gzip(&[b'a'; 5000])[..20].to_vec()))]
#[tokio::test]
async fn cut_answer_is_truncated_and_never_a_shorter_list(#[case] answer: Answer) {
    let error = ask(answer).await.unwrap_err();

    assert_eq!(error, SendError::Truncated { host: HOST.into() });
    assert_eq!(error.retry(), Retry::Yes);
}

#[rstest]
#[case::before_the_headers(Answer::reset())]
#[case::closed_without_answer(Answer::status(200).delivered(Delivery::Close))]
#[tokio::test]
async fn connection_that_breaks_off_is_reset(#[case] answer: Answer) {
    let error = ask(answer).await.unwrap_err();

    assert_eq!(error, SendError::Reset { host: HOST.into() });
    assert_eq!(error.retry(), Retry::Yes);
}

#[tokio::test]
async fn reset_in_mid_body_is_an_error_worth_another_try() {
    let error = ask(body().delivered(Delivery::ResetAt(100))).await.unwrap_err();

    assert!(matches!(error, SendError::Reset { .. } | SendError::Truncated { .. }), "{error:?}");
    assert_eq!(error.retry(), Retry::Yes);
}

#[tokio::test]
async fn bomb_stops_at_the_cap() {
    let started = Instant::now();

    let error = ask(gzip_bomb(1 << 30)).await.unwrap_err();

    assert_eq!(error, SendError::TooLarge { host: HOST.into(), limit_bytes: 100_000 });
    assert_eq!(error.retry(), Retry::No);
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[rstest]
#[case::announced(Answer::status(200).body(vec![b'a'; 100_001]), true)]
#[case::in_chunks(Answer::status(200).body(vec![b'a'; 100_001]).delivered(Delivery::Chunked), true)]
#[case::at_the_cap(Answer::status(200).body(vec![b'a'; 100_000]), false)]
#[case::never_ending(Answer::status(200).body(vec![b'a'; 1000]).delivered(Delivery::Endless(Duration::ZERO)), true)]
#[tokio::test]
async fn larger_answer_than_the_cap_is_refused(#[case] answer: Answer, #[case] refused: bool) {
    let result = ask(answer).await;

    assert_eq!(matches!(result, Err(SendError::TooLarge { .. })), refused, "{result:?}");
}

#[rstest]
#[case::gzip("gzip", gzip(b"[1,2,3]"))]
#[case::zlib("deflate", vec![0x78, 0x9c, 0x8b, 0x36, 0xd4, 0x31, 0xd2, 0x31, 0x8e, 0x05, 0x00, 0x06, 0x95, 0x01, 0xa7])]
#[case::bare_deflate("deflate", vec![0x8b, 0x36, 0xd4, 0x31, 0xd2, 0x31, 0x8e, 0x05, 0x00])]
#[case::identity("identity", b"[1,2,3]".to_vec())]
#[tokio::test]
async fn packed_answer_is_unpacked(#[case] encoding: &str, #[case] wire: Vec<u8>) {
    let reply = ask(Answer::status(200).header("content-encoding", encoding).body(wire)).await.unwrap();

    assert_eq!(reply.body, "[1,2,3]");
}

#[rstest]
#[case::not_packed("gzip", b"[1,2,3,4,5,6,7,8,9]".to_vec())]
#[case::not_asked_for("br", b"[1,2,3]".to_vec())]
#[case::something_after_the_end("gzip", [gzip(b"[1]"), b"more than a header".to_vec()].concat())]
#[tokio::test]
async fn answer_packed_otherwise_is_an_error(#[case] encoding: &str, #[case] wire: Vec<u8>) {
    let error = ask(Answer::status(200).header("content-encoding", encoding).body(wire)).await.unwrap_err();

    assert_eq!(error, SendError::Decompression { host: HOST.into() });
}

#[tokio::test]
async fn members_packed_one_after_the_other_are_all_unpacked() {
    let wire = [gzip(b"[1,"), gzip(b"2]")].concat();

    let reply = ask(Answer::status(200).header("content-encoding", "gzip").body(wire)).await.unwrap();

    assert_eq!(reply.body, "[1,2]");
}

// rule: saas-config 13.8
#[tokio::test]
async fn silence_ends_at_the_read_timeout() {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/users").then(body().after(Duration::from_mins(10)));
    let mut settings = settings();
    settings.timeouts.read = Duration::from_millis(50);

    let result = door(settings, egress::Mode::Live).send(get(format!("{}/users", saas.base_url()))).await;

    assert_eq!(result.err(), Some(SendError::Timeout { host: HOST.into(), phase: TimeoutPhase::Read }));
}

#[rstest]
#[case::endless(Delivery::Endless(Duration::from_millis(5)))]
#[case::drop_by_drop(Delivery::Drip(Duration::from_millis(20)))]
#[tokio::test]
async fn answer_that_keeps_coming_ends_at_the_total_timeout(#[case] delivery: Delivery) {
    let saas = FakeSaas::start().await;
    saas.on("GET", "/users").then(body().delivered(delivery));
    let mut settings = settings();
    settings.timeouts.total = Duration::from_millis(200);

    let result = door(settings, egress::Mode::Live).send(get(format!("{}/users", saas.base_url()))).await;

    assert_eq!(result.err(), Some(SendError::Timeout { host: HOST.into(), phase: TimeoutPhase::Total }));
}

#[tokio::test]
async fn nobody_listening_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);

    let result = door(settings(), egress::Mode::Live).send(get(format!("http://127.0.0.1:{port}/"))).await;

    assert_eq!(result.err(), Some(SendError::Connect { host: HOST.into() }));
}

/// A server that says `text` to everybody.
async fn saying(text: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(text).await;
        }
    });
    port
}

#[tokio::test]
async fn something_else_than_http_is_said_to_be_so() {
    let port = saying(b"220 mail.example.com ESMTP\r\n").await;

    let result = door(settings(), egress::Mode::Live).send(get(format!("http://127.0.0.1:{port}/"))).await;

    assert_eq!(result.err(), Some(SendError::BadReply { host: HOST.into() }));
}

// rule: saas-config 13.7
#[tokio::test]
async fn server_without_tls_under_https_is_not_trusted() {
    let port = saying(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;

    let result = door(settings(), egress::Mode::Live).send(get(format!("https://127.0.0.1:{port}/"))).await;

    assert_eq!(result.err(), Some(SendError::Tls { host: HOST.into() }));
}

#[rstest]
#[case(204)]
#[case(304)]
#[case(404)]
#[case(500)]
#[tokio::test]
async fn every_status_is_an_answer(#[case] status: u16) {
    assert_eq!(ask(Answer::status(status)).await.unwrap().status, status);
}

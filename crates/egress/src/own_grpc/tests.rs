use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::poll_fn;
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

use super::*;
use crate::Routes;

/// A body of one piece and one trailer.
struct Answer(Vec<Frame<Bytes>>);

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(Ok))
    }
}

fn body(text: &str) -> Answer {
    Answer(vec![Frame::data(Bytes::copy_from_slice(text.as_bytes()))])
}

/// A server without TLS that answers with path and authority, and ends with a trailer. Counts connections.
async fn server() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let answer = service_fn(|request: http::Request<Incoming>| async move {
                let text = format!("{:?} {}", request.version(), request.uri().path());
                let trailers = http::HeaderMap::from_iter([(
                    http::HeaderName::from_static("grpc-status"),
                    http::HeaderValue::from_static("0"),
                )]);
                let frames = vec![Frame::trailers(trailers), Frame::data(Bytes::from(text))];
                Ok::<_, Infallible>(http::Response::new(Answer(frames)))
            });
            let http2 = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(http2.serve_connection(TokioIo::new(stream), answer));
        }
    });
    (address, connections)
}

fn settings(allow: &[&str], address: SocketAddr) -> DoorSettings {
    DoorSettings {
        allow: allow.iter().map(|entry| entry.parse().unwrap()).collect(),
        routes: Routes::parse([("tenant.example.test", format!("http://{address}"))]).unwrap(),
        ..DoorSettings::default()
    }
}

fn way(allow: &[&str], address: SocketAddr) -> OwnGrpc {
    let base = "https://tenant.example.test".parse().unwrap();
    OwnGrpc::new(settings(allow, address), "control-plane".parse().unwrap(), &base).unwrap()
}

fn request(uri: &str) -> http::Request<Answer> {
    http::Request::post(uri).body(body("x")).unwrap()
}

async fn frames(response: http::Response<OwnGrpcBody>) -> (String, Option<http::HeaderMap>) {
    let (mut text, mut trailers) = (String::new(), None);
    let mut body = response.into_body();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        match frame.unwrap().into_data() {
            Ok(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    (text, trailers)
}

#[tokio::test]
async fn calls_share_a_connection_of_http2_and_bring_their_trailers() {
    let (address, connections) = server().await;
    let way = way(&["127.0.0.1/32@control-plane"], address);

    for _ in 0..3 {
        let (text, trailers) = frames(way.send(request("/a.B/C")).await.unwrap()).await;

        assert_eq!(text, "HTTP/2.0 /a.B/C");
        assert_eq!(trailers.unwrap()["grpc-status"], "0");
    }

    assert_eq!(connections.load(Ordering::SeqCst), 1);
    way.renew();
    frames(way.send(request("/a.B/C")).await.unwrap()).await;
    assert_eq!(connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_call_goes_to_the_one_origin_whatever_it_says() {
    let (address, _) = server().await;
    let way = way(&["127.0.0.1/32"], address);

    let (text, _) = frames(way.send(request("https://elsewhere.example/a.B/C?q=1")).await.unwrap()).await;

    assert_eq!(text, "HTTP/2.0 /a.B/C");
}

// rule: architecture law 1
#[tokio::test]
async fn a_private_address_stays_refused_unless_it_is_opened_for_this_service() {
    let (address, connections) = server().await;
    for allow in [&[][..], &["127.0.0.1/32@other"][..]] {
        let refused = way(allow, address).send(request("/a.B/C")).await.unwrap_err();

        assert!(matches!(refused, SendError::HostRefused { .. }), "{refused}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn who_does_not_speak_tls_where_it_is_asked_for_gets_no_call() {
    let (address, _) = server().await;
    let base = format!("https://{address}").parse().unwrap();
    let way =
        OwnGrpc::new(settings(&["127.0.0.1/32"], address), "control-plane".parse().unwrap(), &base).unwrap();

    let refused = way.send(request("/a.B/C")).await.unwrap_err();

    assert!(matches!(refused, SendError::Tls { .. } | SendError::Connect { .. }), "{refused}");
}

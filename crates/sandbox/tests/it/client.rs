use std::io;

use sandbox::segment::{SegmentOptions, SegmentSandbox};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A plain client: one connection a call, bytes as they came.
pub(crate) struct Client {
    pub(crate) segment: SegmentSandbox,
    /// Replaces the real `Host` header.
    pub(crate) host: String,
}

/// What came back before the connection ended, and how it ended.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) ended: io::Result<()>,
}

impl Reply {
    pub(crate) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Client {
    pub(crate) async fn start(options: SegmentOptions) -> Self {
        let segment = SegmentSandbox::start(options).await.expect("loopback has a free port");
        let host = format!("127.0.0.1:{}", segment.port());
        Self { segment, host }
    }

    pub(crate) async fn default() -> Self {
        Self::start(SegmentOptions::default()).await
    }

    /// A call with an `Authorization` header of choice.
    pub(crate) async fn send(
        &self,
        (method, target): (&str, &str),
        authorization: &str,
        body: &str,
    ) -> Reply {
        let host = &self.host;
        let head = format!("Host: {host}\r\n{authorization}");
        exchange(&self.segment.url(), &format!("{method} {target}"), &head, body).await
    }

    /// A call of the Public API.
    pub(crate) async fn public(&self, method: &str, target: &str, body: &str) -> Reply {
        let token = &self.segment.description().tokens.access_token;
        self.send((method, target), &format!("Authorization: Bearer {token}\r\n"), body).await
    }

    /// `GET` of the Public API, its `data`.
    pub(crate) async fn data(&self, target: &str) -> Value {
        let reply = self.public("GET", target, "").await;
        assert_eq!(reply.status(), 200, "{target}: {}", reply.json());
        reply.json()["data"].take()
    }

    /// `GET` of a profile: `rest` follows `/profiles/`.
    pub(crate) async fn profile(&self, rest: &str) -> Reply {
        let space = &self.segment.description().space;
        self.profile_target(&format!("/v1/spaces/{space}/collections/users/profiles/{rest}")).await
    }

    /// `GET` of the Profile API by path and query.
    pub(crate) async fn profile_target(&self, target: &str) -> Reply {
        let secret = self.segment.description().tokens.access_secret.clone();
        self.send(("GET", target), &basic(&secret), "").await
    }

    /// A call of the Config API.
    pub(crate) async fn config(&self, method: &str, target: &str, body: &str) -> Reply {
        let token = &self.segment.description().tokens.config_token;
        self.send((method, target), &format!("Authorization: Bearer {token}\r\n"), body).await
    }

    /// A call below `/__sandbox/`.
    pub(crate) async fn inspect(&self, method: &str, path: &str, body: &str) -> Value {
        self.send((method, &format!("/__sandbox/{path}")), "", body).await.json()
    }
}

/// The header of Basic authentication with an empty password.
pub(crate) fn basic(user: &str) -> String {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:"));
    format!("Authorization: Basic {encoded}\r\n")
}

/// Percent-encodes everything but letters and digits.
pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// One call over a connection of its own; `line` is method and target, `head` whole header lines.
pub(crate) async fn exchange(url: &str, line: &str, head: &str, body: &str) -> Reply {
    let length = body.len();
    let request =
        format!("{line} HTTP/1.1\r\n{head}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    let address = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("the simulation listens");
    let sent = stream.write_all(request.as_bytes()).await;
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes).await;
    let ended = sent.and(read.map(|_| ()));
    let split = bytes.windows(4).position(|window| window == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
    let body = bytes.split_off(split);
    Reply { head: String::from_utf8_lossy(&bytes).into_owned(), body, ended }
}

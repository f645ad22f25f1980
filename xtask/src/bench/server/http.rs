//! Calls of the server's interface, one after the other over one connection.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The client that is given to the server by its environment.
pub(super) const CLIENT: &str = "bench";
pub(super) const CLIENT_SECRET: &str = "bench-client-secret";

/// Somebody who calls a server.
#[derive(Debug)]
pub(super) struct Caller {
    address: String,
    stream: BufReader<TcpStream>,
    token: String,
}

impl Caller {
    /// Connects to `http://HOST:PORT`, without a token.
    pub(super) fn connect(url: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("the server speaks plain HTTP")?.to_owned();
        let stream = TcpStream::connect(&address)?;
        stream.set_nodelay(true)?;
        Ok(Self { address, stream: BufReader::new(stream), token: String::new() })
    }

    /// The same, signed in as the client of the environment.
    pub(super) fn signed_in(url: &str) -> Result<Self> {
        let mut caller = Self::connect(url)?;
        let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={CLIENT_SECRET}");
        let (status, answer) = caller.exchange(
            "POST /api/v1/oauth/token",
            "application/x-www-form-urlencoded",
            form.as_bytes(),
        )?;
        let answer: Value = serde_json::from_slice(&answer)?;
        let token = answer.get("access_token").and_then(Value::as_str);
        token.with_context(|| format!("no token: {status}"))?.clone_into(&mut caller.token);
        Ok(caller)
    }

    /// Gives the answer of a call that must succeed: `POST /api/v1/…`.
    pub(super) fn call(&mut self, line: &str, body: &Value) -> Result<Value> {
        let body = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let (status, answer) = self.exchange(line, "application/json", &body)?;
        if status != 200 {
            bail!("{line}: {status} {}", String::from_utf8_lossy(&answer));
        }
        let answer: Value = serde_json::from_slice(&answer)?;
        match answer.get("failed").and_then(Value::as_array) {
            Some(failed) if !failed.is_empty() => bail!("{line}: {answer}"),
            Some(_) | None => Ok(answer),
        }
    }

    /// The same without a body.
    pub(super) fn get(&mut self, path: &str) -> Result<Value> {
        self.call(&format!("GET {path}"), &Value::Null)
    }

    /// Sends a call and reads the whole answer; gives its status and body.
    pub(super) fn exchange(&mut self, line: &str, kind: &str, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        let authorization = match self.token.as_str() {
            "" => String::new(),
            token => format!("authorization: Bearer {token}\r\n"),
        };
        let head = format!(
            "{line} HTTP/1.1\r\nhost: {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{authorization}\r\n",
            self.address,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(&[head.as_bytes(), body].concat())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status line")?;
        let mut length = 0;
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let header = line.trim_end();
            if header.is_empty() {
                break;
            }
            if let Some((name, value)) = header.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse::<usize>()?;
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok((status, answer))
    }
}

//! The bare client of the comparison: one connection, no checks, nothing kept.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// One keep-alive connection to the simulator.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    authorization: String,
}

impl Client {
    /// Connects to `http://HOST:PORT`.
    pub(crate) fn connect(url: &str, authorization: &str) -> Result<Self> {
        let address = url.strip_prefix("http://").context("the simulator speaks plain HTTP")?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), authorization: authorization.to_owned() })
    }

    /// Sends one GET and reads the whole answer; returns status and body.
    pub(crate) fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\nauthorization: {}\r\n\r\n",
            self.authorization
        );
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status line")?;
        let mut length = None;
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
                length = Some(value.trim().parse::<usize>()?);
            }
        }
        let Some(length) = length else { bail!("the simulator announced no length") };
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }

    /// Reads pages of users to the end; returns the number of pages.
    pub(crate) fn pages(&mut self, count: usize) -> Result<u64> {
        let mut cursor = String::new();
        let mut pages = 0;
        loop {
            let (status, body) = self.get(&format!("/users?pagination%5Bcount%5D={count}{cursor}"))?;
            if status != 200 {
                bail!("the simulator answered {status}");
            }
            pages += 1;
            let answer: Value = serde_json::from_slice(&body)?;
            match answer.pointer("/data/pagination/next").and_then(Value::as_str) {
                Some(next) => cursor = format!("&pagination%5Bcursor%5D={}", next.replace('=', "%3D")),
                None => return Ok(pages),
            }
        }
    }
}

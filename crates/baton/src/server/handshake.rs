use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use protos::c1::connector_wrapper::v1::ServerConfig;
use protos::c1::utls::v1::Credential;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::ServerError;

/// Longest line, in bytes: three PEM texts take a few thousand.
const LONGEST_LINE: u64 = 256 * 1024;
/// How long the line is waited for.
const WITHIN: Duration = Duration::from_secs(30);

/// What the process that drives this one says when it starts it (baton W-1): who it is, and where it calls.
pub struct Handshake {
    credential: Credential,
    port: u16,
}

/// Shows the port: a key is in the rest.
impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake").field("port", &self.port).finish_non_exhaustive()
    }
}

impl Handshake {
    /// Reads one line from `input`, in a thread of its own: nothing ends a read of standard input.
    ///
    /// # Errors
    /// [`ServerError::Handshake`] if no such line comes in time.
    pub async fn read(input: impl Read + Send + 'static) -> Result<Self, ServerError> {
        let (sender, line) = oneshot::channel();
        std::thread::spawn(move || {
            let mut line = Zeroizing::new(Vec::new());
            let read = BufReader::new(input.take(LONGEST_LINE)).read_until(b'\n', &mut line);
            // Whoever waited may have given up.
            let _ = sender.send(read.map(|_| line));
        });
        let failed = |why| ServerError::Handshake { why };
        let line = tokio::time::timeout(WITHIN, line).await.map_err(|_| failed("none came within 30 s"))?;
        let line = line.ok().and_then(Result::ok).ok_or_else(|| failed("it cannot be read"))?;
        Self::parse(&line)
    }

    /// Reads the line itself.
    ///
    /// # Errors
    /// [`ServerError::Handshake`] if it is none.
    pub fn parse(line: &[u8]) -> Result<Self, ServerError> {
        let failed = |why| ServerError::Handshake { why };
        let bytes =
            Zeroizing::new(STANDARD.decode(line.trim_ascii()).map_err(|_| failed("it is no base64"))?);
        let config = ServerConfig::decode(bytes.as_slice()).map_err(|_| failed("it is no server config"))?;
        let credential = config.credential.ok_or_else(|| failed("it has no credential"))?;
        let port = u16::try_from(config.listen_port).map_err(|_| failed("its port is none"))?;
        Ok(Self { credential, port })
    }

    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(config: &ServerConfig) -> Vec<u8> {
        let mut line = STANDARD.encode(config.encode_to_vec()).into_bytes();
        line.push(b'\n');
        line
    }

    // rule: baton W-1; architecture law 8
    #[tokio::test]
    async fn one_line_says_who_calls_and_where_and_its_key_is_not_shown() {
        let credential = Credential { key: b"canary-key".to_vec(), ..Credential::default() };
        let config =
            ServerConfig { credential: Some(credential), listen_port: 4711, ..ServerConfig::default() };
        let mut input = line(&config);
        input.extend_from_slice(b"what comes later is not looked at");

        let handshake = Handshake::read(std::io::Cursor::new(input)).await.unwrap();

        assert_eq!(
            (handshake.port(), handshake.credential().key.as_slice()),
            (4711, b"canary-key".as_slice())
        );
        assert!(!format!("{handshake:?}").contains("canary"));
    }

    #[test]
    fn anything_else_is_refused_without_being_repeated() {
        let no_credential = line(&ServerConfig { listen_port: 1, ..ServerConfig::default() });
        let credential = Some(Credential::default());
        let no_port = line(&ServerConfig { credential, listen_port: 70_000, ..ServerConfig::default() });

        for input in [b"".as_slice(), b"canary!\n", b"Y2FuYXJ5\n", &no_credential, &no_port] {
            let error = Handshake::parse(input).unwrap_err();

            assert!(!error.to_string().contains("canary"), "{error}");
            assert_eq!(error.exit().number(), 3);
        }
    }
}

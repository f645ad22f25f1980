//! Whether the server is one that this program understands.

use bytes::Bytes;
use egress::OwnServiceCall;
use http::{HeaderMap, Method};
use model::visible;
use serde_json::Value;

use super::Client;
use super::answer::unreachable;
use crate::failure::Failure;

const OWN: &str = env!("CARGO_PKG_VERSION");

impl Client {
    /// Fails unless what answers is a Tutela server of this program's version line.
    ///
    /// # Errors
    /// A failure that says what answers instead.
    pub(crate) async fn check_version(&self) -> Result<(), Failure> {
        let url = self.base.join("health").map_err(|error| Failure::bad_input(&error))?;
        let call = OwnServiceCall { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() };
        let reply = self.service.send(call).await.map_err(|error| unreachable(&self.base, &error))?;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        match body.get("version").and_then(Value::as_str) {
            Some(theirs) if line(theirs) == line(OWN) => Ok(()),
            Some(theirs) => Err(Failure::Failed(format!(
                "the server at {} is version {}, and this program is version {OWN}; use the program of the \
                 server's version",
                self.address(),
                visible(theirs)
            ))),
            None => Err(Failure::Failed(format!(
                "what answers at {} is no Tutela server that works ({} to /health); check the address, or its log",
                self.address(),
                reply.status
            ))),
        }
    }
}

/// The part of a version within which programs and servers understand each other: the first number that
/// is not 0, with those before it.
fn line(version: &str) -> Vec<&str> {
    let mut line = Vec::new();
    for part in version.split(['.', '-', '+']).take(3) {
        line.push(part);
        if part != "0" {
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0.3.1", "0.3.9", true)]
    #[case("0.3.1", "0.4.0", false)]
    #[case("1.2.3", "1.9.0", true)]
    #[case("1.2.3", "2.0.0", false)]
    #[case("1.0.0-rc.1", "1.0.0", true)]
    fn versions_of_one_line_understand_each_other(
        #[case] one: &str,
        #[case] other: &str,
        #[case] same: bool,
    ) {
        assert_eq!(line(one) == line(other), same);
    }
}

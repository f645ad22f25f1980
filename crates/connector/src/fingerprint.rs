use std::hash::{DefaultHasher, Hasher as _};
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// 128 bits that stand for a request, a page or a combination: equal things have equal fingerprints, and others
/// do not, for all practical purposes. 16 bytes a page keep memory flat over long readings.
///
/// A reading that goes on later compares with those it kept; a build of another compiler may find that
/// none of them matches, and then notices a loop one round later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Fingerprint(u64, u64);

impl Fingerprint {
    /// Of bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        let mut hash = DoubleHash::new();
        hash.add(bytes);
        hash.finish()
    }

    /// As bytes, to be kept.
    pub(crate) fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.0) << 64 | u128::from(self.1)).to_le_bytes()
    }

    /// The fingerprint in such bytes.
    pub(crate) fn from_bytes(bytes: [u8; 16]) -> Self {
        let number = u128::from_le_bytes(bytes);
        Self((number >> 64) as u64, number as u64)
    }

    /// Of a request.
    pub(crate) fn of_request(method: &http::Method, url: &Url, body: Self) -> Self {
        let mut hash = DoubleHash::new();
        hash.add(method.as_str().as_bytes());
        hash.add(b"\0");
        hash.add(url.as_str().as_bytes());
        hash.add(b"\0");
        hash.add(&body.0.to_le_bytes());
        hash.add(&body.1.to_le_bytes());
        hash.finish()
    }

    /// Of JSON, to the digit and in the order of its keys.
    pub(crate) fn of_json(value: &Value) -> Self {
        let mut hash = DoubleHash::new();
        serde_json::to_writer(&mut hash, value)
            .expect("a hash takes all bytes and JSON values have text keys");
        hash.finish()
    }
}

/// Two hashes with different beginnings, fed in one go: a page is never copied for it.
struct DoubleHash(DefaultHasher, DefaultHasher);

impl DoubleHash {
    fn new() -> Self {
        let mut second = DefaultHasher::new();
        second.write_u8(1);
        Self(DefaultHasher::new(), second)
    }

    fn add(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
        self.1.write(bytes);
    }

    fn finish(&self) -> Fingerprint {
        Fingerprint(self.0.finish(), self.1.finish())
    }
}

impl io::Write for DoubleHash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.add(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(method: &http::Method, url: &str, body: &str) -> Fingerprint {
        Fingerprint::of_request(method, &url.parse().unwrap(), Fingerprint::of_bytes(body.as_bytes()))
    }

    #[test]
    fn every_part_of_a_request_counts() {
        let one = of(&http::Method::GET, "https://api.acme.test/p?a=1", "");

        assert_eq!(one, of(&http::Method::GET, "https://api.acme.test/p?a=1", ""));
        for other in [
            of(&http::Method::POST, "https://api.acme.test/p?a=1", ""),
            of(&http::Method::GET, "https://api.acme.test/p?a=2", ""),
            of(&http::Method::GET, "https://api.acme.test/p?a=1", "x"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn json_counts_to_the_digit_and_by_kind() {
        let texts =
            ["1", "1.0", "1.00", "\"1\"", "[1]", "[[1]]", "[1,1]", "true", "null", "{\"a\":1}", "{\"a\":2}"];

        let fingerprints: std::collections::HashSet<Fingerprint> =
            texts.iter().map(|text| Fingerprint::of_json(&serde_json::from_str(text).unwrap())).collect();

        assert_eq!(fingerprints.len(), texts.len());
        assert_eq!(Fingerprint::of_json(&json!({"a": [1]})), Fingerprint::of_json(&json!({"a": [1]})));
    }
}

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::Value;

use crate::RateSignal;

/// Longest wait a server may ask for (saas-config 13.11).
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// The answer to one call.
#[derive(Clone)]
pub struct HttpReply {
    /// HTTP status.
    pub status: u16,
    /// Headers as received.
    pub headers: HeaderMap,
    /// Body, unpacked.
    pub body: Bytes,
    /// How long the call waited for budgets before it was sent.
    pub rate_limit_wait: Duration,
}

impl HttpReply {
    /// How long the server asks to wait before the next try: `Retry-After` in seconds or as a
    /// date (saas-config 13.11), else `msBeforeNext` of the error (segment-api A14), else
    /// `X-RateLimit-Reset` where the limit is used up; at most 300 s.
    ///
    /// `None` where the answer names no positive time: the caller has a schedule of its own.
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        let header = self.header("retry-after").and_then(|text| positive_wait(text, now));
        header
            .or_else(|| self.milliseconds_before_next())
            .or_else(|| self.reset_of_used_up_limit(now).and_then(|reset| until(reset, now)))
            .map(|wait| wait.min(LONGEST_WAIT))
    }

    /// Whether the server says that it was asked too often: by 429, or by a refusal that says that nothing is left
    /// of a limit, or when to come back.
    pub fn is_limit(&self) -> bool {
        let is_told = || {
            self.headers.contains_key(http::header::RETRY_AFTER)
                || self.header("x-ratelimit-remaining") == Some("0")
        };
        match self.status {
            429 => true,
            403 => is_told(),
            _ => false,
        }
    }

    /// What this answer says about the server's limit. Only 429, what means the same, and 503 ask for a pause; any
    /// answer may say that nothing is left.
    pub(crate) fn rate_signal(&self, now: Timestamp) -> RateSignal {
        let asks = self.is_limit() || self.status == 503;
        let remaining = self.header("x-ratelimit-remaining").and_then(|text| text.parse().ok());
        RateSignal {
            retry_after: if asks { self.retry_after(now) } else { None },
            remaining,
            reset: remaining.and_then(|_| self.reset(now)),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().map(str::trim)
    }

    fn milliseconds_before_next(&self) -> Option<Duration> {
        if self.status != StatusCode::TOO_MANY_REQUESTS.as_u16() || self.body.is_empty() {
            return None;
        }
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        let milliseconds = body.pointer("/errors/0/data/msBeforeNext")?.as_u64()?;
        (milliseconds > 0).then(|| Duration::from_millis(milliseconds))
    }

    /// Servers send the reset time with every answer; it is a time to wait for only if nothing is
    /// left until then.
    fn reset_of_used_up_limit(&self, now: Timestamp) -> Option<Timestamp> {
        let used_up = self.status == StatusCode::TOO_MANY_REQUESTS.as_u16()
            || self.header("x-ratelimit-remaining") == Some("0");
        if used_up { self.reset(now) } else { None }
    }

    fn reset(&self, now: Timestamp) -> Option<Timestamp> {
        self.header("x-ratelimit-reset").and_then(|text| reset_time(text, now))
    }
}

/// Shows status and sizes, never headers or body.
impl fmt::Debug for HttpReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpReply")
            .field("status", &self.status)
            .field("body_bytes", &self.body.len())
            .field("rate_limit_wait", &self.rate_limit_wait)
            .finish_non_exhaustive()
    }
}

/// `Retry-After`: digits are seconds, a date is a point in time, all else says nothing.
fn positive_wait(text: &str, now: Timestamp) -> Option<Duration> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are more than the cap in any case.
        let seconds = text.parse().unwrap_or(u64::MAX);
        return (seconds > 0).then(|| Duration::from_secs(seconds));
    }
    until(parse_date(text)?, now)
}

/// `X-RateLimit-Reset`: a date, or a number that is epoch milliseconds, epoch seconds or
/// seconds from now, whichever its size allows.
fn reset_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    const EPOCH_SECONDS_FROM: u64 = 1_000_000_000;
    const EPOCH_MILLISECONDS_FROM: u64 = 100_000_000_000;
    let Ok(number) = text.parse::<u64>() else { return parse_date(text) };
    if number >= EPOCH_MILLISECONDS_FROM {
        Timestamp::from_millisecond(i64::try_from(number).ok()?).ok()
    } else if number >= EPOCH_SECONDS_FROM {
        Timestamp::from_second(i64::try_from(number).ok()?).ok()
    } else {
        now.checked_add(Duration::from_secs(number)).ok()
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    match httpdate::parse_http_date(text) {
        Ok(time) => Timestamp::try_from(time).ok(),
        Err(_) => jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()),
    }
}

fn until(time: Timestamp, now: Timestamp) -> Option<Duration> {
    Duration::try_from(time.duration_since(now)).ok().filter(|wait| !wait.is_zero())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const NOW: &str = "2024-12-31T23:59:00Z";

    fn reply(status: u16, headers: &[(&'static str, &str)], body: &'static str) -> HttpReply {
        let headers =
            headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        HttpReply {
            status,
            headers: headers.collect(),
            body: Bytes::from_static(body.as_bytes()),
            rate_limit_wait: Duration::ZERO,
        }
    }

    // rule: saas-config 13.11
    #[rstest]
    #[case("7", Some(7))]
    #[case(" 7 ", Some(7))]
    #[case("0", None)]
    #[case("1.5", None)]
    #[case("-3", None)]
    #[case("soon", None)]
    #[case("", None)]
    #[case("9999", Some(300))]
    #[case("99999999999999999999999", Some(300))]
    #[case("Tue, 31 Dec 2024 23:59:59 GMT", Some(59))]
    #[case("Tue, 31 Dec 2024 23:59:59 +0000", Some(59))]
    #[case("Tue, 31 Dec 2024 23:00:00 GMT", None)]
    #[case("Wed, 31 Dec 2025 23:59:59 GMT", Some(300))]
    fn retry_after_counts_only_as_a_positive_time(#[case] value: &str, #[case] seconds: Option<u64>) {
        let reply = reply(503, &[("retry-after", value)], "");

        assert_eq!(reply.retry_after(NOW.parse().unwrap()), seconds.map(Duration::from_secs));
    }

    // rule: segment-api A15
    #[rstest]
    #[case(&[("retry-after", "7"), ("x-ratelimit-reset", "Tue, 31 Dec 2024 23:59:59 GMT")], 7_000)]
    #[case(&[("retry-after", "0"), ("x-ratelimit-reset", "Tue, 31 Dec 2024 23:59:59 GMT")], 2_500)]
    #[case(&[], 2_500)]
    fn wait_is_the_header_before_the_error_before_the_reset(
        #[case] headers: &[(&'static str, &str)],
        #[case] milliseconds: u64,
    ) {
        let body = r#"{"errors":[{"type":"RequestError","data":{"msBeforeNext":2500}}]}"#;

        let wait = reply(429, headers, body).retry_after(NOW.parse().unwrap());

        assert_eq!(wait, Some(Duration::from_millis(milliseconds)));
    }

    // rule: segment-api A13
    #[rstest]
    #[case("Tue, 31 Dec 2024 23:59:59 GMT", Some(59))]
    #[case("1735689599", Some(59))]
    #[case("1735689599000", Some(59))]
    #[case("59", Some(59))]
    #[case("1735689000", None)]
    #[case("tomorrow", None)]
    fn reset_is_read_as_date_or_number(#[case] value: &str, #[case] seconds: Option<u64>) {
        let wait = reply(429, &[("x-ratelimit-reset", value)], "").retry_after(NOW.parse().unwrap());

        assert_eq!(wait, seconds.map(Duration::from_secs));
    }

    #[test]
    fn reset_of_a_limit_with_calls_left_is_no_wait() {
        let headers = [("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "59")];

        assert_eq!(reply(500, &headers, "").retry_after(NOW.parse().unwrap()), None);
    }

    #[rstest]
    #[case(429, &[], true)]
    #[case(403, &[("retry-after", "7")], true)]
    #[case(403, &[("x-ratelimit-remaining", " 0 ")], true)]
    #[case(403, &[("x-ratelimit-remaining", "12")], false)]
    #[case(403, &[], false)]
    #[case(401, &[("retry-after", "7")], false)]
    #[case(503, &[("x-ratelimit-remaining", "0")], false)]
    fn a_refusal_that_tells_of_a_limit_is_one(
        #[case] status: u16,
        #[case] headers: &[(&'static str, &str)],
        #[case] expected: bool,
    ) {
        assert_eq!(reply(status, headers, "").is_limit(), expected);
    }

    #[test]
    fn a_limit_that_is_told_as_a_refusal_asks_everybody_for_a_pause() {
        let now = NOW.parse().unwrap();

        let limited = reply(403, &[("retry-after", "7")], "").rate_signal(now);

        assert_eq!(limited.retry_after, Some(Duration::from_secs(7)));
        assert!(reply(403, &[], "").rate_signal(now).is_empty());
    }

    #[test]
    fn a_good_answer_signals_what_is_left_and_asks_for_no_pause() {
        let headers = [("retry-after", "7"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "30")];
        let now = NOW.parse().unwrap();

        let signal = reply(200, &headers, "").rate_signal(now);

        assert_eq!(signal.retry_after, None);
        assert_eq!(signal.remaining, Some(0));
        assert_eq!(signal.reset, Some(now + Duration::from_secs(30)));
        assert!(reply(200, &[("x-ratelimit-reset", "30")], "").rate_signal(now).is_empty());
    }
}

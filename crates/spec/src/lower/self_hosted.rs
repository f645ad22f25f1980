use std::time::Duration;

use url::Host;

use super::{Finding, Lowering};
use crate::raw;
use crate::server_file::SelfHostedSettings;

/// What the protocol allows (baton P-12, P-25).
const LONGEST_WAIT: Duration = Duration::from_mins(5);
const SHORTEST_BEAT: Duration = Duration::from_secs(1);

impl Lowering<'_> {
    pub(super) fn self_hosted(
        &mut self,
        raw: raw::SelfHostedSection,
        public_url: Option<&str>,
    ) -> Option<SelfHostedSettings> {
        if raw.host.as_deref().is_some_and(|host| !is_host(host)) {
            let message = "connectors reach the server at a name or an address, and perhaps a port";
            let help = "write `tutela.example.com` or `tutela.example.com:8443`, without `https://` and path";
            self.error("self_hosted.host", Finding::new("spec::bad_host", message, help));
        }
        let public = public_url.and_then(|url| url.strip_prefix("https://")).map(str::to_owned);
        let token_life = self.time("token_life", raw.token_life.as_deref());
        let poll = self.time("poll", raw.poll.as_deref());
        let heartbeat = self.time("heartbeat", raw.heartbeat.as_deref());
        let lease = self.time("lease", raw.lease.as_deref());
        let task_time = self.time("task_time", raw.task_time.as_deref());
        let overlap = self.duration("self_hosted.overlap", raw.overlap.as_deref());
        if poll.is_some_and(|poll| poll > LONGEST_WAIT) {
            self.bad_time("poll", "connectors ask again after five minutes at the latest", "write `5s`");
        }
        if heartbeat.is_some_and(|beat| !(SHORTEST_BEAT..=LONGEST_WAIT).contains(&beat)) {
            self.bad_time(
                "heartbeat",
                "signs of life come once in one second to five minutes",
                "write `30s`",
            );
        }
        if lease.zip(heartbeat).is_some_and(|(lease, beat)| lease <= beat) {
            let message = "a connector would lose its task before its next sign of life";
            self.bad_time("lease", message, "write a time that is several times `heartbeat`");
        }
        Some(SelfHostedSettings {
            host: raw.host.or(public),
            token_life: token_life?,
            poll: poll?,
            heartbeat: heartbeat?,
            lease: lease?,
            task_time: task_time?,
            attempts: raw.attempts?,
            overlap: overlap?,
            max_upload_bytes: raw.max_upload_bytes?,
            max_unpacked_bytes: raw.max_unpacked_bytes?,
        })
    }

    /// A time that is not nothing.
    fn time(&mut self, key: &str, text: Option<&str>) -> Option<Duration> {
        let time = self.duration(&format!("self_hosted.{key}"), text)?;
        if time.is_zero() {
            self.bad_time(key, "no time at all is too short", "write a time, as in `5s`");
        }
        Some(time)
    }

    fn bad_time(&mut self, key: &str, message: &str, help: &str) {
        self.error(&format!("self_hosted.{key}"), Finding::new("spec::bad_duration", message, help));
    }
}

/// A name or address as it is written anyway, and perhaps a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    let is_same = |known: &Host| known.to_string().eq_ignore_ascii_case(host);
    port.is_none_or(is_port) && Host::parse(host).is_ok_and(|known| is_same(&known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in
            ["tutela.example.com", "Tutela.example.com:8443", "192.0.2.1:1", "[2001:db8::1]:8443", "[::1]"]
        {
            assert!(is_host(host), "{host}");
        }
        for text in
            ["", "https://a.example", "a.example/x", "a.example:0", "a.example:port", "a b", "2001:db8::1"]
        {
            assert!(!is_host(text), "{text}");
        }
    }
}

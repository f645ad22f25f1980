use std::net::IpAddr;
use std::time::Duration;

use model::ConnectionKey;
use serde_json::Value;
use url::Url;

use super::{Finding, Lowering};
use crate::duration;
use crate::project_file::{
    Access, BatonConnector, ConnectionEntry, EgressSettings, PlanLimits, Project, ReadingSettings,
    SecretValue,
};
use crate::raw::{self, AccessWord};

/// Makes the checked project. It is usable only if nothing in [`Lowering::finish`] is an error.
///
/// Messages never hold a value that stands below `secrets`.
pub(crate) fn lower_project(lowering: &mut Lowering<'_>, raw: raw::ProjectDocument) -> Project {
    let mut connections: Vec<ConnectionEntry> = Vec::new();
    for (index, connection) in raw.connections.unwrap_or_default().into_iter().enumerate() {
        let place = format!("connections[{index}]");
        let Some(entry) = lowering.connection(&place, connection) else { continue };
        if connections.iter().any(|known| known.key == entry.key) {
            let message = format!("connection key `{}` stands here for the second time", entry.key);
            lowering.error(
                &format!("{place}.key"),
                Finding::new("spec::duplicate_connection", message, "give each connection its own key"),
            );
        }
        connections.push(entry);
    }
    let storage = lowering.storage(raw.storage.unwrap_or_default());
    let policies = lowering.policies(raw.policies.unwrap_or_default(), &storage);
    let egress = lowering.egress(raw.egress.unwrap_or_default());
    let reading = raw.reading.unwrap_or_default();
    Project {
        connections,
        egress,
        policies,
        reading: lower_reading(&reading),
        storage,
        masking_strict: raw.masking_strict.unwrap_or(true),
        limits: lower_limits(&raw.limits.unwrap_or_default()),
        verify_after: lowering.duration("verify_after", raw.verify_after.as_deref()).unwrap_or_default(),
        spans: lowering.spans.clone(),
    }
}

pub(super) fn lower_reading(raw: &raw::ReadingSection) -> ReadingSettings {
    ReadingSettings {
        attempts: raw.attempts,
        retry_wait_ms: raw.retry_wait_ms,
        page_cap: raw.page_cap,
        time_cap_s: raw.time_cap_s,
        in_flight: raw.in_flight,
        in_flight_per_connection: raw.in_flight_per_connection,
    }
}

pub(super) fn lower_limits(raw: &raw::LimitsSection) -> PlanLimits {
    let default = PlanLimits::default();
    PlanLimits {
        max_writes: raw.max_writes.unwrap_or(default.max_writes),
        max_subjects: raw.max_subjects.unwrap_or(default.max_subjects),
        max_share_of_table: raw.max_share_of_table.unwrap_or(default.max_share_of_table),
        min_rows: raw.min_rows.unwrap_or(default.min_rows),
    }
}

impl Lowering<'_> {
    fn connection(&mut self, place: &str, raw: raw::Connection) -> Option<ConnectionEntry> {
        let baton = self.baton_connection(place, &raw);
        let connector = raw.connector.unwrap_or_default();
        self.unexpanded(&format!("{place}.connector"), &connector);
        if let Some(dataset) = &raw.dataset {
            self.unexpanded(&format!("{place}.dataset"), dataset);
        }
        let mut secrets = Vec::new();
        for (name, value) in raw.secrets.unwrap_or_default() {
            let value = self.secret(&format!("{place}.secrets.{name}"), value);
            secrets.push((name, value));
        }
        let key: ConnectionKey = raw.key?.parse().ok()?;
        let access = match raw.access {
            Some(AccessWord::Write) => Access::Write,
            Some(AccessWord::Read) | None => Access::Read,
        };
        if let Some(BatonConnector::Program { delete, .. }) = &baton {
            self.deletes_by_writing(&format!("{place}.baton"), (delete, access));
        }
        let entry = ConnectionEntry {
            key,
            connector,
            baton,
            dataset: raw.dataset,
            access,
            masking_strict: raw.masking_strict,
            secrets,
        };
        if let Some(kind) = entry.database() {
            self.database(place, &entry, kind);
        }
        Some(entry)
    }

    /// `${NAME}` as the whole value names an environment variable (architecture §13.19).
    pub(super) fn secret(&mut self, place: &str, value: Value) -> SecretValue {
        let Value::String(text) = &value else { return SecretValue::Literal(value) };
        if !text.contains("${") {
            return SecretValue::Literal(value);
        }
        match text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if is_variable_name(name) => SecretValue::Environment(name.to_owned()),
            _ => {
                let message = "`${…}` is expanded only if it is the whole value and names a variable; \
                               here it is taken as it stands";
                let help = "write `${NAME}` and nothing else, and put the whole value into the variable";
                self.warning(place, Finding::new("spec::partial_expansion", message, help));
                SecretValue::Literal(value)
            }
        }
    }

    /// A length of time such as `30m`.
    pub(super) fn duration(&mut self, place: &str, text: Option<&str>) -> Option<Duration> {
        let text = text?;
        let duration = duration::parse(text);
        if duration.is_none() {
            let message = format!("`{text}` is no length of time");
            let help = "write digits and one of `s`, `m`, `h` and `d`, as in `30m`";
            self.error(place, Finding::new("spec::bad_duration", message, help));
        }
        duration
    }

    /// Outside `secrets` nothing is expanded.
    pub(super) fn unexpanded(&mut self, place: &str, text: &str) {
        if text.contains("${") {
            let message = "`${…}` is expanded only below `secrets`";
            self.error(
                place,
                Finding::new("spec::expansion_outside_secrets", message, "write the value itself"),
            );
        }
    }

    pub(super) fn egress(&mut self, raw: raw::EgressSection) -> EgressSettings {
        let allow = raw.allow.unwrap_or_default();
        for (index, network) in allow.iter().enumerate() {
            if !is_allowed(network) {
                let message = format!("`{network}` is neither an address nor a network");
                let help = "write an address or a network in CIDR form, as in `127.0.0.1/32` or `fd00::/8`";
                self.error(
                    &format!("egress.allow[{index}]"),
                    Finding::new("spec::bad_network", message, help),
                );
            }
        }
        let mut routes = Vec::new();
        for (host, origin) in raw.routes.unwrap_or_default() {
            let Value::String(origin) = origin else { continue };
            let place = format!("egress.routes.{host}");
            if !is_host_and_port(&host) {
                let message = format!("`{host}` is no host name");
                self.key_error(
                    &place,
                    Finding::new(
                        "spec::bad_route",
                        message,
                        "write the host, as in `api.example.com`, perhaps with `:` and a port",
                    ),
                );
            } else if !is_origin(&origin) {
                let message = format!("the route of `{host}` is no origin");
                let help = "write scheme, host and port without a path, as in `http://127.0.0.1:8787`";
                self.error(&place, Finding::new("spec::bad_route", message, help));
            }
            routes.push((host, origin));
        }
        if let Some(proxy) = raw.proxy.as_deref().filter(|proxy| !is_origin(proxy)) {
            let message = format!("the proxy `{}` is no origin", without_userinfo(proxy));
            let help = "write scheme, host and port, as in `http://proxy.example.com:3128`";
            self.error("egress.proxy", Finding::new("spec::bad_proxy", message, help));
        }
        EgressSettings {
            allow,
            routes,
            proxy: raw.proxy,
            connect_timeout_ms: raw.connect_timeout_ms,
            read_timeout_ms: raw.read_timeout_ms,
            total_timeout_ms: raw.total_timeout_ms,
            max_response_bytes: raw.max_response_bytes,
        }
    }
}

pub(super) fn is_variable_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `10.0.0.0/8`, `10.1.2.3`, `[fd00::/8]`, each with `:port` and `@connection` if it is for one only.
fn is_allowed(text: &str) -> bool {
    let (place, connection) = match text.rsplit_once('@') {
        Some((place, key)) => (place, Some(key)),
        None => (text, None),
    };
    if connection.is_some_and(|key| key.parse::<ConnectionKey>().is_err()) {
        return false;
    }
    let (network, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((network, "")) => (network, None),
        Some((network, port)) => match port.strip_prefix(':') {
            Some(port) => (network, Some(port)),
            None => return false,
        },
        None if place.matches(':').count() == 1 => match place.split_once(':') {
            Some((network, port)) => (network, Some(port)),
            None => (place, None),
        },
        None => (place, None),
    };
    is_network(network) && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn is_network(text: &str) -> bool {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    length.is_none_or(|length| length.parse::<u8>().is_ok_and(|length| length <= most))
}

fn is_host_and_port(text: &str) -> bool {
    let with_port =
        |(host, port): (&str, &str)| is_host(host) && port.parse::<u16>().is_ok_and(|port| port > 0);
    is_host(text) || text.rsplit_once(':').is_some_and(with_port)
}

fn is_host(text: &str) -> bool {
    !text.is_empty() && url::Host::parse(text).is_ok_and(|host| host.to_string().eq_ignore_ascii_case(text))
}

pub(super) fn is_origin(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

/// A proxy may be written with a password, which a message must not show.
fn without_userinfo(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, rest)| rest)
}

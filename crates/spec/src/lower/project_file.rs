use std::net::IpAddr;

use model::ConnectionKey;
use serde_json::Value;
use url::Url;

use super::dataset_file::masking_strategy;
use super::{Finding, Lowering};
use crate::categories;
use crate::project_file::{
    Access, ActionType, ConnectionEntry, EgressSettings, Policy, Project, ReadingSettings, Rule, SecretValue,
};
use crate::raw::{self, AccessWord, ActionWord};

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
    let policies = lowering.policies(raw.policies.unwrap_or_default());
    let egress = lowering.egress(raw.egress.unwrap_or_default());
    let reading = raw.reading.unwrap_or_default();
    Project {
        connections,
        egress,
        policies,
        reading: ReadingSettings {
            attempts: reading.attempts,
            retry_wait_ms: reading.retry_wait_ms,
            page_cap: reading.page_cap,
            time_cap_s: reading.time_cap_s,
            in_flight: reading.in_flight,
            in_flight_per_connection: reading.in_flight_per_connection,
        },
        spans: lowering.spans.clone(),
    }
}

impl Lowering<'_> {
    fn connection(&mut self, place: &str, raw: raw::Connection) -> Option<ConnectionEntry> {
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
        Some(ConnectionEntry { key, connector, dataset: raw.dataset, access, secrets })
    }

    /// `${NAME}` as the whole value names an environment variable (architecture §13.19).
    fn secret(&mut self, place: &str, value: Value) -> SecretValue {
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

    /// Outside `secrets` nothing is expanded.
    fn unexpanded(&mut self, place: &str, text: &str) {
        if text.contains("${") {
            let message = "`${…}` is expanded only below `secrets`";
            self.error(
                place,
                Finding::new("spec::expansion_outside_secrets", message, "write the value itself"),
            );
        }
    }

    fn egress(&mut self, raw: raw::EgressSection) -> EgressSettings {
        let allow = raw.allow.unwrap_or_default();
        for (index, network) in allow.iter().enumerate() {
            if !is_network(network) {
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
            if !is_host(&host) {
                let message = format!("`{host}` is no host name");
                self.key_error(
                    &place,
                    Finding::new("spec::bad_route", message, "write the host alone, as in `api.example.com`"),
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

    fn policies(&mut self, sections: Vec<raw::PolicySection>) -> Vec<Policy> {
        let mut policies: Vec<Policy> = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let place = format!("policies[{index}]");
            let key = section.key.unwrap_or_default();
            if !key.is_empty() && policies.iter().any(|known| known.key == key) {
                let message = format!("policy key `{key}` stands here for the second time");
                self.error(
                    &format!("{place}.key"),
                    Finding::new("spec::duplicate_policy", message, "give each policy its own key"),
                );
            }
            let rules = self.rules(&format!("{place}.rules"), section.rules.unwrap_or_default());
            policies.push(Policy { key, rules });
        }
        policies
    }

    fn rules(&mut self, place: &str, sections: Vec<raw::RuleSection>) -> Vec<Rule> {
        let mut rules: Vec<Rule> = Vec::new();
        for (index, section) in sections.into_iter().enumerate() {
            let place = format!("{place}[{index}]");
            let key = section.key.unwrap_or_default();
            if !key.is_empty() && rules.iter().any(|known| known.key == key) {
                let message = format!("rule key `{key}` stands here for the second time");
                self.error(
                    &format!("{place}.key"),
                    Finding::new("spec::duplicate_rule", message, "give each rule its own key"),
                );
            }
            let targets: Vec<String> = section
                .targets
                .unwrap_or_default()
                .into_iter()
                .map(|target| target.data_category.unwrap_or_default())
                .collect();
            self.targets(&format!("{place}.targets"), &targets);
            let action = match section.action_type {
                Some(ActionWord::Access) => ActionType::Access,
                Some(ActionWord::Erasure) => ActionType::Erasure,
                None => continue,
            };
            let masking_strategy = section.masking_strategy.and_then(masking_strategy);
            if action == ActionType::Access && masking_strategy.is_some() {
                let message = "an access rule masks nothing";
                let help = "remove `masking_strategy`, or write `action_type: erasure`";
                self.key_error(
                    &format!("{place}.masking_strategy"),
                    Finding::new("spec::needless_masking", message, help),
                );
            }
            rules.push(Rule { key, action, targets, masking_strategy });
        }
        rules
    }

    fn targets(&mut self, place: &str, targets: &[String]) {
        if targets.is_empty() && self.is_written(place) {
            self.key_error(
                place,
                Finding::new(
                    "spec::no_targets",
                    "the rule targets no data category",
                    "add categories, as in `[{ data_category: user }]`",
                ),
            );
        }
        for (index, category) in targets.iter().enumerate() {
            if !category.is_empty() && !categories::is_known(category) {
                let message = format!("data category `{category}` is not in the taxonomy");
                let help = match categories::nearest(category) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "see the list of data categories in the reference".to_owned(),
                };
                self.warning(
                    &format!("{place}[{index}].data_category"),
                    Finding::new("spec::lint_unknown_category", message, &help),
                );
            }
        }
    }
}

fn is_variable_name(name: &str) -> bool {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts_well && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
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

fn is_host(text: &str) -> bool {
    !text.is_empty() && url::Host::parse(text).is_ok_and(|host| host.to_string().eq_ignore_ascii_case(text))
}

fn is_origin(text: &str) -> bool {
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

use std::net::IpAddr;

use url::Url;

use super::{Finding, Lowering};
use crate::raw;
use crate::server_file::{
    MESSAGE_KINDS, MessageSettings, NotificationSettings, SmtpSecurity, SmtpSettings, WebhookSettings,
};

/// What a mailbox looks like, for whoever wrote something else.
const MAILBOX: &str = "write an address, as in `privacy@example.com`";

impl Lowering<'_> {
    /// The mail server, if there is one.
    pub(super) fn smtp(&mut self, raw: raw::SmtpSection) -> Option<SmtpSettings> {
        let security = self.smtp_security(raw.security.as_deref());
        if let Some(from) = &raw.from {
            self.mailbox("smtp.from", from);
        }
        let host = raw.host.as_deref().map(str::trim);
        let bad_host = |host: &str| {
            host.is_empty() || host.contains(|one: char| one.is_whitespace() || "/@[]".contains(one))
        };
        if host.is_some_and(bad_host) {
            let finding = Finding::new(
                "spec::bad_host",
                "the mail server has a name or an address, and nothing else",
                "write `mail.example.com`",
            );
            self.error("smtp.host", finding);
        }
        if security == Some(SmtpSecurity::None) && host.is_some_and(|host| !is_this_machine(host)) {
            let finding = Finding::new(
                "spec::open_mail",
                "mail holds codes and names, and would go in the open",
                "write `starttls` or `tls`; `none` is for a mail server on this machine",
            );
            self.error("smtp.security", finding);
        }
        Some(SmtpSettings {
            host: host?.to_owned(),
            port: raw.port,
            security: security?,
            username: raw.username,
            from: raw.from?,
            certificate_authority: raw.certificate_authority,
        })
    }

    fn smtp_security(&mut self, word: Option<&str>) -> Option<SmtpSecurity> {
        let security = SmtpSecurity::find(word?);
        if security.is_none() {
            let message = format!("`{}` is no way to keep a connection secret", word.unwrap_or_default());
            let finding = Finding::new("spec::bad_choice", message, "write `starttls`, `tls` or `none`");
            self.error("smtp.security", finding);
        }
        security
    }

    /// Who gets messages.
    pub(super) fn messages(&mut self, raw: raw::MessagesSection) -> MessageSettings {
        let staff = raw.staff.unwrap_or_default();
        for (index, address) in staff.iter().enumerate() {
            self.mailbox(&format!("messages.staff[{index}]"), address);
        }
        let mut webhooks: Vec<WebhookSettings> = Vec::new();
        for (index, webhook) in raw.webhooks.unwrap_or_default().into_iter().enumerate() {
            let place = format!("messages.webhooks[{index}]");
            if webhooks.iter().any(|other| other.name == webhook.name) {
                let message = format!("there is another webhook `{}`", webhook.name);
                let finding = Finding::new("spec::duplicate_webhook", message, "give each a name of its own");
                self.error(&format!("{place}.name"), finding);
            }
            webhooks.extend(self.webhook(&place, webhook));
        }
        MessageSettings { staff, webhooks }
    }

    fn webhook(&mut self, place: &str, raw: raw::WebhookSection) -> Option<WebhookSettings> {
        let is_key = |text: &str| {
            !text.is_empty() && text.chars().all(|one| one.is_ascii_alphanumeric() || "_.-".contains(one))
        };
        let is_variable = |text: &str| {
            let first = text.chars().next().is_some_and(|one| one.is_ascii_uppercase() || one == '_');
            first && text.chars().all(|one| one.is_ascii_uppercase() || one.is_ascii_digit() || one == '_')
        };
        if !is_key(&raw.name) {
            let finding = Finding::new(
                "spec::bad_webhook_name",
                "the name of a webhook has letters, digits, `_`, `.` and `-` only",
                "write a name as in `crm`",
            );
            self.error(&format!("{place}.name"), finding);
        }
        let url = Url::parse(&raw.url).ok().filter(is_webhook_url);
        if url.is_none() {
            let finding = Finding::new(
                "spec::bad_webhook_url",
                "this is no address that a webhook can have",
                "write an address with `https` and without account or fragment; `http` is for this machine",
            );
            self.error(&format!("{place}.url"), finding);
        }
        // What stands here instead of a name may be the secret itself: it is not repeated.
        let bad = raw.secret_from.iter().position(|name| !is_variable(name));
        if bad.is_some() || raw.secret_from.is_empty() {
            let at = bad.map_or_else(String::new, |index| format!("[{index}]"));
            let finding = Finding::new(
                "spec::bad_variable",
                "a webhook needs names of environment variables that hold its secrets",
                "write names in capital letters, as in `[CRM_WEBHOOK_SECRET]`",
            );
            self.error(&format!("{place}.secret_from{at}"), finding);
        }
        for (index, event) in raw.events.iter().flatten().enumerate() {
            if !MESSAGE_KINDS.contains(&event.as_str()) {
                let message = format!("`{event}` is no kind of message");
                let help = format!("write one of {}", MESSAGE_KINDS.join(", "));
                self.error(
                    &format!("{place}.events[{index}]"),
                    Finding::new("spec::bad_choice", message, help),
                );
            }
        }
        Some(WebhookSettings { name: raw.name, url: url?, secret_from: raw.secret_from, events: raw.events })
    }

    fn mailbox(&mut self, place: &str, text: &str) {
        let address = match (text.rfind('<'), text.strip_suffix('>')) {
            (Some(at), Some(inner)) => inner.get(at + 1..).unwrap_or_default(),
            (Some(_), None) | (None, Some(_)) => "",
            (None, None) => text,
        };
        let plain = |part: &str| {
            !part.is_empty() && !part.contains(|one: char| one.is_whitespace() || "<>@,;\"".contains(one))
        };
        let is_address = address.split_once('@').is_some_and(|(name, host)| plain(name) && plain(host));
        if !is_address || text.chars().any(char::is_control) {
            let message = format!("`{text}` is no e-mail address");
            self.error(place, Finding::new("spec::bad_mailbox", message, MAILBOX));
        }
    }
}

/// Which messages people get, if nothing is missing.
pub(super) fn notifications(raw: Option<raw::NotificationsSection>) -> Option<NotificationSettings> {
    let raw = raw.unwrap_or_default();
    Some(NotificationSettings {
        receipt: raw.send_request_receipt_notification?,
        review: raw.send_request_review_notification?,
        completion: raw.send_request_completion_notification?,
    })
}

fn is_webhook_url(url: &Url) -> bool {
    let safe = match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(is_this_machine),
        _ => false,
    };
    safe && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none()
}

fn is_this_machine(host: &str) -> bool {
    let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    host.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

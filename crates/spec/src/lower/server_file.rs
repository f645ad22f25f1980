use std::net::SocketAddr;

use url::Url;

use super::deadlines::portal;
use super::messages::notifications;
use super::project_file::{is_origin, lower_limits, lower_reading};
use super::{Finding, Lowering};
use crate::raw;
use crate::server_file::{
    DuplicateSettings, ExecutionSettings, GovernanceSettings, OidcSettings, Rate, RetentionSettings,
    SecuritySettings, Server, TlsFiles,
};

/// Makes the checked settings, if nothing that a server needs is missing. They are usable only if
/// nothing in [`Lowering::finish`] is an error.
pub(crate) fn lower_server(lowering: &mut Lowering<'_>, raw: raw::ServerDocument) -> Option<Server> {
    let listen = lowering.listen("listen", raw.listen.as_deref());
    lowering.filled("data", raw.data.as_deref());
    let security = lowering.security(raw.security.unwrap_or_default());
    let load = raw.server.unwrap_or_default();
    let public_url = lowering.origin("server.public_url", load.public_url.as_deref());
    let self_hosted = lowering.self_hosted(raw.self_hosted.unwrap_or_default(), public_url.as_deref());
    let oidc = lowering.oidc(raw.oidc.unwrap_or_default());
    let baton = lowering.server_baton(raw.baton.unwrap_or_default());
    let shutdown_wait = lowering.duration("server.shutdown_wait", load.shutdown_wait.as_deref());
    let drain_wait = lowering.duration("server.drain_wait", load.drain_wait.as_deref());
    let metrics = raw.telemetry.unwrap_or_default().metrics_listen;
    let metrics_listen = lowering.listen("telemetry.metrics_listen", metrics.as_deref());
    let egress = lowering.egress(raw.egress.unwrap_or_default());
    let tls = raw.tls.unwrap_or_default();
    for (place, file) in [("tls.certificate", &tls.certificate), ("tls.key", &tls.key)] {
        lowering.filled(place, file.as_deref());
    }
    let folders = raw.sqlite.unwrap_or_default().folders;
    for (index, folder) in folders.iter().flatten().enumerate() {
        lowering.filled(&format!("sqlite.folders[{index}]"), Some(folder));
    }
    let execution = raw.execution.unwrap_or_default();
    let vendor_mail = lowering.vendor_mail(&execution);
    let time_limit = execution.task_soft_time_limit.as_deref();
    let time_limit = lowering.duration("execution.task_soft_time_limit", time_limit);
    let retention = lowering.retention(&raw.retention.unwrap_or_default());
    let duplicates = raw.privacy_request_duplicate_detection.unwrap_or_default();
    let deadlines = lowering.deadlines(raw.deadlines.unwrap_or_default());
    let smtp = lowering.smtp(raw.smtp.unwrap_or_default());
    let messages = lowering.messages(raw.messages.unwrap_or_default());
    Some(Server {
        listen: listen?,
        data: raw.data?,
        tls: tls.certificate.zip(tls.key).map(|(certificate, key)| TlsFiles { certificate, key }),
        security: security?,
        oidc,
        public_url,
        execution: ExecutionSettings {
            masking_strict: execution.masking_strict?,
            require_manual_request_approval: execution.require_manual_request_approval?,
            subject_identity_verification_required: execution.subject_identity_verification_required?,
            erasure_request_finalization_required: execution.erasure_request_finalization_required?,
            allow_custom_privacy_request_field_collection: execution
                .allow_custom_privacy_request_field_collection?,
            slots: execution.slots?,
            attempts: execution.attempts?,
            task_soft_time_limit: time_limit?,
        },
        duplicates: DuplicateSettings {
            enabled: duplicates.enabled?,
            days: duplicates.time_window_days?,
            fields: duplicates.match_identity_fields?,
        },
        smtp,
        messages,
        notifications: notifications(raw.notifications)?,
        max_privacy_request_download_rows: raw.admin_ui?.max_privacy_request_download_rows?,
        max_body_bytes: usize::try_from(load.max_body_bytes?).unwrap_or(usize::MAX),
        shutdown_wait: shutdown_wait?,
        drain_wait: drain_wait?,
        metrics_listen,
        egress,
        reading: lower_reading(&raw.reading.unwrap_or_default()),
        limits: lower_limits(&raw.limits.unwrap_or_default()),
        sqlite_folders: folders?,
        vendor_mail: vendor_mail?,
        deadlines: deadlines?,
        portal: portal(raw.portal.unwrap_or_default())?,
        retention: retention?,
        governance: GovernanceSettings { shrink_guard: raw.governance.unwrap_or_default().shrink_guard? },
        self_hosted: self_hosted?,
        baton,
    })
}

impl Lowering<'_> {
    fn listen(&mut self, place: &str, text: Option<&str>) -> Option<SocketAddr> {
        let text = text?;
        let address = text.parse().ok();
        if address.is_none() {
            let message = format!("`{text}` is no address with a port");
            let help = "write an address and a port, as in `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`";
            self.error(place, Finding::new("spec::bad_listen", message, help));
        }
        address
    }

    /// Rows do not outlive whose they are.
    fn retention(&mut self, raw: &raw::RetentionSection) -> Option<RetentionSettings> {
        let rows = self.duration("retention.rows", raw.rows.as_deref())?;
        let identities = self.duration("retention.identities", raw.identities.as_deref())?;
        let inventory = self.duration("retention.inventory", raw.inventory.as_deref())?;
        if rows > identities {
            let message = "rows would stay longer than it is known whose they are";
            let help = "write a time for `rows` that is no longer than that for `identities`";
            self.error("retention.rows", Finding::new("spec::bad_retention", message, help));
        }
        Some(RetentionSettings { rows, identities, inventory })
    }

    fn security(&mut self, raw: raw::SecuritySection) -> Option<SecuritySettings> {
        let auth_rate_limit = self.rate("security.auth_rate_limit", raw.auth_rate_limit.as_deref());
        let request_rate_limit = self.rate("security.request_rate_limit", raw.request_rate_limit.as_deref());
        let token_life = self.duration("security.token_life", raw.token_life.as_deref());
        if token_life.is_some_and(|life| life.is_zero()) {
            let finding =
                Finding::new("spec::bad_duration", "a token of no life admits nobody", "write `12h`");
            self.error("security.token_life", finding);
        }
        let session_life = self.duration("security.session_life", raw.session_life.as_deref());
        let session_idle = self.duration("security.session_idle", raw.session_idle.as_deref());
        for (place, time) in
            [("security.session_life", session_life), ("security.session_idle", session_idle)]
        {
            if time.is_some_and(|time| time.is_zero()) {
                let finding = Finding::new(
                    "spec::bad_duration",
                    "a session of no length signs everybody out at once",
                    "write `1h`",
                );
                self.error(place, finding);
            }
        }
        let public_rate_limit = self.rate("security.public_rate_limit", raw.public_rate_limit.as_deref());
        let code_ttl = raw.identity_verification_code_ttl.as_deref();
        let code_ttl = self.duration("security.identity_verification_code_ttl", code_ttl);
        if code_ttl.is_some_and(|time| time.is_zero()) {
            let message = "a code of no life shows nothing";
            let finding = Finding::new("spec::bad_duration", message, "write `10m`");
            self.error("security.identity_verification_code_ttl", finding);
        }
        let link_ttl = raw.subject_request_download_link_ttl.as_deref();
        let link_ttl = self.duration("security.subject_request_download_link_ttl", link_ttl);
        for (index, origin) in raw.cors_origins.iter().flatten().enumerate() {
            if !is_origin(origin) || origin.ends_with('/') {
                let message = format!("`{origin}` is no origin");
                let help = "write scheme, host and perhaps a port and no `/` at the end, as in \
                            `https://console.example.com`; `*` is not possible";
                let place = format!("security.cors_origins[{index}]");
                self.error(&place, Finding::new("spec::bad_origin", message, help));
            }
        }
        Some(SecuritySettings {
            auth_rate_limit: auth_rate_limit?,
            request_rate_limit: request_rate_limit?,
            token_life: token_life?,
            session_life: session_life?,
            session_idle: session_idle?,
            public_rate_limit: public_rate_limit?,
            dual_control: raw.dual_control?,
            identity_verification_attempt_limit: raw.identity_verification_attempt_limit?,
            identity_verification_code_ttl: code_ttl?,
            cors_origins: raw.cors_origins?,
            subject_request_download_ui_enabled: raw.subject_request_download_ui_enabled?,
            subject_request_download_link_ttl: link_ttl?,
            dsr_testing_tools_enabled: raw.dsr_testing_tools_enabled?,
        })
    }

    /// Scheme, host and perhaps a port, and nothing behind them.
    fn origin(&mut self, place: &str, text: Option<&str>) -> Option<String> {
        let text = text?;
        if is_origin(text) {
            return Some(text.trim_end_matches('/').to_owned());
        }
        let message = format!("`{text}` is no origin");
        let help = "write scheme, host and perhaps a port, as in `https://tutela.example.com`";
        self.error(place, Finding::new("spec::bad_origin", message, help));
        None
    }

    /// None without an issuer. Who may sign in how is looked at by the server, which knows the roles.
    fn oidc(&mut self, raw: raw::OidcSection) -> Option<OidcSettings> {
        let issuer = raw.issuer?;
        let url = Url::parse(&issuer).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if url.is_none() {
            let message = format!("`{issuer}` is no address of a provider");
            let help = "write what the provider calls itself, as in `https://id.example.com`";
            self.error("oidc.issuer", Finding::new("spec::bad_issuer", message, help));
        }
        let roles = raw.roles.unwrap_or_default().into_iter();
        Some(OidcSettings {
            issuer,
            client_id: raw.client_id.unwrap_or_default(),
            label: raw.label?,
            scopes: raw.scopes?,
            username_claim: raw.username_claim?,
            groups_claim: raw.groups_claim?,
            roles: roles.map(|(group, role)| (group, role.as_str().unwrap_or_default().to_owned())).collect(),
            default_role: raw.default_role,
            link_accounts: raw.link_accounts?,
        })
    }

    fn rate(&mut self, place: &str, text: Option<&str>) -> Option<Rate> {
        let rate = text?.parse();
        if rate.is_err() {
            let message = format!("`{}` is no rate", text.unwrap_or_default());
            let help = "write a number, `/`, and `second`, `minute`, `hour` or `day`, as in `10/minute`";
            self.error(place, Finding::new("spec::bad_call_rate", message, help));
        }
        rate.ok()
    }

    /// A path that is written must not be empty.
    fn filled(&mut self, place: &str, text: Option<&str>) {
        if text.is_some_and(|text| text.trim().is_empty()) {
            let finding =
                Finding::new("spec::empty_place", "no file or folder has an empty name", "write a path");
            self.error(place, finding);
        }
    }
}

use super::{Flag, FlagKind, Visibility};

/// A flag that every connector has.
#[derive(Debug, Clone, Copy)]
pub struct CommonFlag {
    /// Its name, without `--`.
    pub name: &'static str,
    /// Its short form.
    pub short: Option<char>,
    /// What it takes.
    pub kind: FlagKind,
    /// What holds if nobody says anything; empty for nothing.
    pub default: &'static str,
    /// Whether the help shows it.
    pub visibility: Visibility,
    /// What it means.
    pub meaning: &'static str,
}

const fn flag(name: &'static str, kind: FlagKind, meaning: &'static str) -> CommonFlag {
    CommonFlag { name, short: None, kind, default: "", visibility: Visibility::Shown, meaning }
}

const fn text(name: &'static str, meaning: &'static str) -> CommonFlag {
    flag(name, FlagKind::Text, meaning)
}

const fn switch(name: &'static str, meaning: &'static str) -> CommonFlag {
    flag(name, FlagKind::Switch, meaning)
}

const fn list(name: &'static str, meaning: &'static str) -> CommonFlag {
    flag(name, FlagKind::List, meaning)
}

const fn number(name: &'static str, (least, most): (i64, i64), meaning: &'static str) -> CommonFlag {
    flag(name, FlagKind::Number { least, most }, meaning)
}

const fn choice(name: &'static str, words: &'static [&'static str], meaning: &'static str) -> CommonFlag {
    flag(name, FlagKind::Choice(words), meaning)
}

impl CommonFlag {
    const fn hidden(self) -> Self {
        Self { visibility: Visibility::Hidden, ..self }
    }

    const fn short(self, short: char) -> Self {
        Self { short: Some(short), ..self }
    }

    const fn default(self, default: &'static str) -> Self {
        Self { default, ..self }
    }
}

impl From<&CommonFlag> for Flag {
    fn from(common: &CommonFlag) -> Self {
        Self {
            name: common.name.to_owned(),
            short: common.short,
            aliases: Vec::new(),
            kind: common.kind,
            default: common.default.to_owned(),
            visibility: common.visibility,
            meaning: common.meaning.to_owned(),
        }
    }
}

/// The flags that every connector has (baton §12.2), in the order of the help.
pub const COMMON: &[CommonFlag] = &[
    text("file", "File to write, and to read for a change").short('f').default("sync.c1z"),
    text("client-id", "Client id from Rotate; with it the connector serves a control plane"),
    flag("client-secret", FlagKind::Secret, "Client secret from Rotate"),
    choice("log-level", &["debug", "info", "warn", "error"], "What is logged").default("info"),
    choice(
        "log-format",
        &["console", "json"],
        "How log lines look; json unless standard output is a terminal",
    ),
    list("log-path", "Files to log to; standard error if there are none"),
    flag("log-level-debug-expires-at", FlagKind::Instant, "When the level debug becomes info"),
    switch("provisioning", "Let the control plane change who has access").short('p'),
    switch("ticketing", "Let the control plane make tickets"),
    switch("skip-full-sync", "Check the credentials only, and end with an empty sync"),
    list("sync-resources", "Only these resources, as bid:r:TYPE/ID"),
    list("sync-resource-types", "Only resources of these types"),
    switch("skip-entitlements-and-grants", "Only resources"),
    switch("skip-grants", "Resources and entitlements, for a sync of some resources").hidden(),
    number("workers", (-1, 1024), "Calls side by side: 0 or 1 one after the other, -1 as the machine allows")
        .default("0"),
    switch("parallel-sync", "Same as workers -1; deprecated"),
    text("auth-method", "Which group of fields proves who asks"),
    text("c1z-temp-dir", "Folder for temporary files; it must exist").hidden(),
    choice("storage-engine", &["sqlite", "pebble"], "Format of a new file"),
    number("task-concurrency", (1, 100), "Tasks of the control plane side by side").default("3"),
    number("http-timeout-seconds", (1, 1800), "How long one call may take").default("300"),
    switch("keep-previous-sync-c1z", "Keep the last file that was uploaded"),
    text("external-resource-c1z", "File of another connector whose accounts are matched"),
    text("external-resource-entitlement-id-filter", "Only accounts that hold this entitlement there"),
    list("external-resource-traits", "Which kinds are matched there").default("user,group"),
    switch("health-check", "Answer on a port whether the connector is healthy"),
    number("health-check-port", (1, 65535), "That port").default("8081"),
    text("health-check-bind-address", "Where that port is open").default("127.0.0.1").hidden(),
    number("session-store-maximum-size", (0, i64::MAX), "Bytes that a connector may keep during a sync")
        .default("15728640")
        .hidden(),
    text("otel-collector-endpoint", "Collector of traces and logs (OTLP)"),
    switch("otel-tracing-disabled", "Send no traces").hidden(),
    switch("otel-logging-disabled", "Send no logs").hidden(),
    text("otel-collector-endpoint-tls-cert-path", "File with the collector's certificate").hidden(),
    text("otel-collector-endpoint-tls-cert", "The collector's certificate").hidden(),
    switch("otel-collector-endpoint-tls-insecure", "Talk to the collector without TLS").hidden(),
    text("grant-entitlement", "Grant this entitlement").hidden(),
    text("grant-principal", "Id of whom it is granted to").hidden(),
    text("grant-principal-type", "Type of whom it is granted to").hidden(),
    text("revoke-grant", "Take back the grant with this id").hidden(),
    text("create-account-login", "Make an account with this login").hidden(),
    text("create-account-email", "Make an account with this address").hidden(),
    text("create-account-profile", "Make an account with these values, a JSON object").hidden(),
    text("create-account-resource-type", "Type of the account").hidden(),
    text("delete-resource", "Remove the resource with this id").hidden(),
    text("delete-resource-type", "Its type").hidden(),
    text("rotate-credentials", "Change the credentials of the resource with this id").hidden(),
    text("rotate-credentials-type", "Its type").hidden(),
    text("event-feed", "Print events, one a line").hidden(),
    text("event-feed-id", "Which feed").hidden(),
    flag("event-feed-start-at", FlagKind::Instant, "From when on; one day ago if nothing is said").hidden(),
    text("event-feed-cursor", "Where the last reading ended").hidden(),
    switch("create-ticket", "Make a ticket").hidden(),
    text("ticket-template-path", "File that describes it").hidden(),
    switch("bulk-create-ticket", "Make several tickets").hidden(),
    text("bulk-ticket-template-path", "File that describes them").hidden(),
    switch("get-ticket", "Read a ticket").hidden(),
    text("ticket-id", "Its id").hidden(),
    switch("list-ticket-schemas", "List kinds of tickets").hidden(),
    text("invoke-action", "Run this action").hidden(),
    text("invoke-action-args", "What it is given, a JSON object").default("{}").hidden(),
    text("invoke-action-resource-type", "Type that the action belongs to").hidden(),
    switch("list-action-schemas", "List actions").hidden(),
    text("list-action-schemas-resource-type", "Only those of this type").hidden(),
    text("list-resource-actions", "List actions of a type").hidden(),
    text("invoke-resource-action", "Run this action of a type").hidden(),
    text("invoke-resource-action-resource-type", "That type").hidden(),
    text("invoke-resource-action-args", "What it is given, a JSON object").default("{}").hidden(),
    switch("diff-syncs", "Make the difference of two syncs of a file").hidden(),
    text("base-sync-id", "The older").hidden(),
    text("applied-sync-id", "The newer").hidden(),
    switch("compact-syncs", "Make one file of several").hidden(),
    text("compact-output-path", "That file").hidden(),
    list("compact-file-paths", "The several").hidden(),
    list("compact-sync-ids", "The sync of each").hidden(),
];

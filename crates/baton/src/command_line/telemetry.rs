use std::path::PathBuf;

use super::Problem;
use super::settings::{Permission, or};
use super::values::Values;

/// Where traces and logs are sent besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telemetry {
    /// The collector.
    pub endpoint: String,
    /// Whether traces are sent.
    pub traces: Permission,
    /// Whether logs are sent.
    pub logs: Permission,
    /// How it is talked to.
    pub tls: TelemetryTls,
}

/// How a collector is talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TelemetryTls {
    /// Trusting what the system trusts.
    System,
    /// Trusting this certificate (PEM).
    Certificate(String),
    /// Trusting the certificate in this file.
    CertificateFile(PathBuf),
    /// Without TLS.
    Off,
}

/// Where the values send traces and logs.
pub(super) fn telemetry(values: &Values, problems: &mut Vec<Problem>) -> Option<Telemetry> {
    let mut off = |name: &str| Permission::of(!or(values.is_on(name), problems, false));
    let (traces, logs) = (off("otel-tracing-disabled"), off("otel-logging-disabled"));
    let secure = off("otel-collector-endpoint-tls-insecure");
    let file = values.text("otel-collector-endpoint-tls-cert-path");
    let tls = match (secure, values.text("otel-collector-endpoint-tls-cert"), file) {
        (Permission::Refused, _, _) => TelemetryTls::Off,
        (Permission::Allowed, Some(certificate), _) => TelemetryTls::Certificate(certificate.to_owned()),
        (Permission::Allowed, None, Some(file)) => TelemetryTls::CertificateFile(file.into()),
        (Permission::Allowed, None, None) => TelemetryTls::System,
    };
    let endpoint = values.text("otel-collector-endpoint")?.to_owned();
    Some(Telemetry { endpoint, traces, logs, tls })
}

use model::IncompleteReason;
use thiserror::Error;

use crate::BudgetError;
use crate::address::AddressKind;

/// Whether trying the same call again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It can.
    Yes,
    /// It cannot: something has to change first.
    No,
}

/// Which wait ended without result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutPhase {
    /// Finding the address, connecting, TLS.
    Connect,
    /// No byte came for the read time-out.
    Read,
    /// The whole call, redirects included.
    Total,
}

impl std::fmt::Display for TimeoutPhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting took longer than the connect time-out",
            Self::Read => "no data came within the read time-out",
            Self::Total => "the answer was not complete within the total time-out",
        })
    }
}

/// Why a call brought no answer.
///
/// Texts name the host and never path, query, headers or body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// A write came without leave (architecture law 2); nothing was sent.
    #[error(
        "{method} to `{host}` is a write and carries no permit; writes are sent only through an approved plan"
    )]
    WriteWithoutPermit {
        /// HTTP method.
        method: String,
        /// Host.
        host: String,
    },
    /// The permit of a write no longer holds; nothing was sent.
    #[error("a write to `{host}` was not sent: while it waited, its task was taken over or cancelled")]
    PermitLapsed {
        /// Host.
        host: String,
    },
    /// The URL cannot be called.
    #[error("the address for endpoint `{endpoint}` cannot be called: {reason}")]
    BadUrl {
        /// Endpoint.
        endpoint: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Every address of the host is one the operator has not opened.
    #[error(
        "`{host}` leads to {kind}{}, which is refused; if that is meant, add its network to `egress.allow`",
        by_route(route.as_deref())
    )]
    HostRefused {
        /// Host of the call.
        host: String,
        /// Host to which `egress.routes` sends it, if it does.
        route: Option<String>,
        /// What kind of address it leads to.
        kind: AddressKind,
    },
    /// The host has no address.
    #[error("`{host}` cannot be resolved; check the host in the connection's secrets and the name server")]
    Unresolvable {
        /// Host.
        host: String,
    },
    /// The host matches none of the patterns of the connector file (saas-config 13.6).
    #[error("`{host}` is not among the hosts this connector may call; check `allowed_values` of its params")]
    HostNotAllowed {
        /// Host.
        host: String,
    },
    /// A redirect that is not followed.
    #[error("`{from}` redirects to `{to}`, {reason}; correct `host` or `path` in the connector file")]
    RedirectRefused {
        /// Origin that answered.
        from: String,
        /// Origin it pointed to.
        to: String,
        /// Why not.
        reason: RedirectRefusal,
    },
    /// More redirects than are followed.
    #[error("`{host}` redirects more than {limit} times; check `path` in the connector file")]
    TooManyRedirects {
        /// Host.
        host: String,
        /// How many are followed.
        limit: usize,
    },
    /// A wait ended.
    #[error("no answer from `{host}`: {phase}; see `egress` time-outs in the project file")]
    Timeout {
        /// Host.
        host: String,
        /// Which wait.
        phase: TimeoutPhase,
    },
    /// No connection was made.
    #[error("cannot connect to `{host}`; check that the service runs and that no firewall is between")]
    Connect {
        /// Host.
        host: String,
    },
    /// No trusted connection was made.
    #[error(
        "`{host}` has no certificate that is trusted here, or does not speak TLS; check the host, or install the missing root certificate"
    )]
    Tls {
        /// Host.
        host: String,
    },
    /// The connection broke off.
    #[error("`{host}` broke off the connection before the answer was complete")]
    Reset {
        /// Host.
        host: String,
    },
    /// The answer ended before its end.
    #[error("the answer of `{host}` ended before its announced end")]
    Truncated {
        /// Host.
        host: String,
    },
    /// The answer exceeds the cap, as sent or unpacked.
    #[error(
        "the answer of `{host}` is larger than {limit_bytes} bytes; ask for smaller pages or raise `egress.max_response_bytes`"
    )]
    TooLarge {
        /// Host.
        host: String,
        /// The cap.
        limit_bytes: u64,
    },
    /// The answer cannot be unpacked.
    #[error("the answer of `{host}` cannot be unpacked as its `Content-Encoding` says")]
    Decompression {
        /// Host.
        host: String,
    },
    /// What came is not HTTP.
    #[error("what `{host}` answered is not HTTP; check protocol and port")]
    BadReply {
        /// Host.
        host: String,
    },
    /// No call fitted into the limits.
    #[error("call to `{host}` was not made: {source}")]
    BudgetTimeout {
        /// Host.
        host: String,
        /// Which limit.
        #[source]
        source: BudgetError,
    },
    /// The HTTP client for this kind of connection cannot be set up.
    #[error("cannot prepare connections to `{host}`; are root certificates installed on this machine?")]
    Client {
        /// Host.
        host: String,
    },
    /// The cassette holds no such call, or all of its answers are used up.
    #[error(
        "the cassette holds no further answer for {method} to `{host}` (endpoint `{endpoint}`); record it again"
    )]
    NotRecorded {
        /// HTTP method.
        method: String,
        /// Host.
        host: String,
        /// Endpoint.
        endpoint: String,
    },
}

fn by_route(route: Option<&str>) -> String {
    route.map(|route| format!(" (by its route to `{route}`)")).unwrap_or_default()
}

impl SendError {
    /// Whether trying again can help.
    pub fn retry(&self) -> Retry {
        match self {
            Self::Timeout { .. }
            | Self::Reset { .. }
            | Self::Truncated { .. }
            | Self::Decompression { .. }
            | Self::BadReply { .. } => Retry::Yes,
            Self::WriteWithoutPermit { .. }
            | Self::PermitLapsed { .. }
            | Self::BadUrl { .. }
            | Self::HostRefused { .. }
            | Self::Unresolvable { .. }
            | Self::HostNotAllowed { .. }
            | Self::RedirectRefused { .. }
            | Self::TooManyRedirects { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::TooLarge { .. }
            | Self::BudgetTimeout { .. }
            | Self::Client { .. }
            | Self::NotRecorded { .. } => Retry::No,
        }
    }

    /// How a reading that ends with this error is incomplete.
    pub fn reason(&self) -> IncompleteReason {
        match self {
            Self::Truncated { .. } | Self::TooLarge { .. } => IncompleteReason::Truncated,
            Self::Decompression { .. } | Self::BadReply { .. } => IncompleteReason::Malformed,
            Self::BudgetTimeout { .. } => IncompleteReason::Http429,
            Self::WriteWithoutPermit { .. }
            | Self::PermitLapsed { .. }
            | Self::BadUrl { .. }
            | Self::HostRefused { .. }
            | Self::Unresolvable { .. }
            | Self::HostNotAllowed { .. }
            | Self::RedirectRefused { .. }
            | Self::TooManyRedirects { .. }
            | Self::Timeout { .. }
            | Self::Connect { .. }
            | Self::Tls { .. }
            | Self::Reset { .. }
            | Self::Client { .. }
            | Self::NotRecorded { .. } => IncompleteReason::Connection,
        }
    }
}

/// Why a redirect is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectRefusal {
    /// The new host is not one of the connector's own.
    ForeignHost,
    /// The new address gives up TLS.
    Downgrade,
    /// The body would go to an origin it was not made for.
    BodyLeavesOrigin,
    /// A write is sent to one place only; whether it took effect there is unknown.
    Write,
    /// Not an address at all.
    NotAnAddress,
}

impl std::fmt::Display for RedirectRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ForeignHost => "which is not a host of this connector",
            Self::Downgrade => "which gives up TLS",
            Self::BodyLeavesOrigin => "and the request's body may not go to another origin",
            Self::Write => "but a write is never sent on, and whether it took effect is unknown",
            Self::NotAnAddress => "which is not an HTTP address",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_host_names_the_host_and_the_setting() {
        let error = SendError::HostRefused {
            host: "intranet.example".into(),
            route: None,
            kind: AddressKind::Private,
        };

        assert!(error.to_string().contains("`intranet.example`"), "{error}");
        assert!(error.to_string().contains("`egress.allow`"), "{error}");
        assert_eq!(error.retry(), Retry::No);
        assert_eq!(error.reason(), IncompleteReason::Connection);
    }

    #[test]
    fn a_cut_answer_is_truncated_and_worth_another_try() {
        let error = SendError::Truncated { host: "api.example.com".into() };

        assert_eq!((error.retry(), error.reason()), (Retry::Yes, IncompleteReason::Truncated));
    }
}

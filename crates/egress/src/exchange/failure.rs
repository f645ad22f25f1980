use std::error::Error;
use std::io;

use url::Url;

use crate::guard::GuardError;
use crate::{SendError, TimeoutPhase};

/// Turns the client's error into ours.
///
/// `host` is the host of the call; `routed` is where it really went, if elsewhere. That is what
/// the operator has to open or correct if its address is refused or not found.
pub(super) fn classify(error: &reqwest::Error, host: &str, routed: Option<&Url>) -> SendError {
    let host = host.to_owned();
    let causes = Causes::of(error);
    if let Some(refused) = causes.guard {
        return refusal(refused, &host, routed);
    }
    if error.is_timeout() {
        let phase = if error.is_connect() { TimeoutPhase::Connect } else { TimeoutPhase::Read };
        return SendError::Timeout { host, phase };
    }
    if error.is_connect() {
        return if causes.tls { SendError::Tls { host } } else { SendError::Connect { host } };
    }
    if causes.cut_body {
        return SendError::Truncated { host };
    }
    if causes.not_http {
        return SendError::BadReply { host };
    }
    SendError::Reset { host }
}

/// Turns the guard's verdict into our error.
pub(super) fn refusal(error: GuardError, host: &str, routed: Option<&Url>) -> SendError {
    let route = routed.and_then(Url::host_str).map(str::to_owned);
    match error {
        GuardError::Refused { kind } => SendError::HostRefused { host: host.to_owned(), route, kind },
        GuardError::Unresolvable => {
            SendError::Unresolvable { host: route.unwrap_or_else(|| host.to_owned()) }
        }
    }
}

/// What is found along the sources of an error.
#[derive(Default)]
struct Causes {
    guard: Option<GuardError>,
    tls: bool,
    cut_body: bool,
    not_http: bool,
}

impl Causes {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut causes = Self::default();
        causes.look(error);
        causes
    }

    fn look(&mut self, error: &(dyn Error + 'static)) {
        if let Some(guard) = error.downcast_ref::<GuardError>() {
            self.guard = Some(*guard);
        }
        if let Some(http) = error.downcast_ref::<hyper::Error>() {
            self.not_http |= http.is_parse();
        }
        if let Some(io) = error.downcast_ref::<io::Error>() {
            // The body's decoder reports a missing end this way; a connection that closes before
            // the headers has a report of its own and counts as reset.
            self.cut_body |= io.kind() == io::ErrorKind::UnexpectedEof;
            // rustls reports certificates and garbage this way.
            self.tls |= io.kind() == io::ErrorKind::InvalidData;
            // An I/O error's source is that of the error inside it, not the error itself.
            if let Some(inner) = io.get_ref() {
                self.look(inner);
            }
        }
        if let Some(source) = error.source() {
            self.look(source);
        }
    }
}

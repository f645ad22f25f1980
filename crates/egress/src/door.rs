use std::sync::Arc;
use std::time::Duration;

use model::{Clock, Effect};
use thiserror::Error;

use crate::client::Clients;
use crate::guard::{Lookup, SystemLookup};
use crate::metric::Metrics;
use crate::replay::Replay;
use crate::{
    BudgetScope, Budgets, Cassette, DoorSettings, HttpReply, HttpRequest, Recorder, SendError, exchange,
};

/// The one door out (architecture law 1). Cheap to clone; clones share connections.
#[derive(Debug, Clone)]
pub struct Door {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    way: Way,
    budgets: Arc<dyn Budgets>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
}

/// What the door does with a call.
#[derive(Debug, Clone)]
pub enum Mode {
    /// Sends it.
    Live,
    /// Sends it and keeps a copy without persons and secrets.
    Record(Recorder),
    /// Answers from recordings; no socket is opened.
    Replay(Cassette),
}

/// The mode with what it needs; a replay has no HTTP client at all.
#[derive(Debug)]
enum Way {
    Live(Clients),
    Record(Clients, Recorder),
    Replay(Replay),
}

impl Door {
    /// A door with these settings.
    ///
    /// # Errors
    /// [`DoorError`] if `egress.proxy` cannot be used as a proxy.
    pub fn new(
        settings: DoorSettings,
        mode: Mode,
        budgets: Arc<dyn Budgets>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, DoorError> {
        Self::with_lookup(settings, mode, Surroundings { budgets, clock, lookup: Arc::new(SystemLookup) })
    }

    pub(crate) fn with_lookup(
        settings: DoorSettings,
        mode: Mode,
        surroundings: Surroundings,
    ) -> Result<Self, DoorError> {
        let Surroundings { budgets, clock, lookup } = surroundings;
        DoorError::check_proxy(&settings)?;
        let way = match mode {
            Mode::Live => Way::Live(Clients::new(settings, lookup)),
            Mode::Record(recorder) => Way::Record(Clients::new(settings, lookup), recorder),
            Mode::Replay(cassette) => Way::Replay(Replay::new(cassette)),
        };
        Ok(Self { shared: Arc::new(Shared { way, budgets, clock, metrics: Metrics::default() }) })
    }

    /// Whether it keeps a copy of what passes.
    pub fn records(&self) -> bool {
        match &self.shared.way {
            Way::Record(..) => true,
            Way::Live(_) | Way::Replay(_) => false,
        }
    }

    /// Whether it asks what a recording may hold of a call: it records, or answers from recordings.
    pub fn heeds_hints(&self) -> bool {
        match &self.shared.way {
            Way::Record(..) | Way::Replay(_) => true,
            Way::Live(_) => false,
        }
    }

    /// How long an answer is waited for while nothing of it arrives; none if nothing is ever sent.
    pub fn read_timeout(&self) -> Duration {
        match &self.shared.way {
            Way::Live(clients) | Way::Record(clients, _) => clients.settings().timeouts.read,
            Way::Replay(_) => Duration::ZERO,
        }
    }

    /// Makes one call and gives its answer, whatever its status. Waits for budgets first; does
    /// not try again.
    ///
    /// # Errors
    /// [`SendError`]: nothing was sent, or no whole answer came.
    ///
    /// # Cancel safety
    /// Dropping the future closes the connection in use; the call may have had its effect.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpReply, SendError> {
        check_permit(&request)?;
        let host = check_url(&request)?;
        request.allowed_hosts.check(&host)?;
        match &self.shared.way {
            Way::Replay(replay) => replay.answer(&request),
            Way::Live(clients) => self.exchange(clients, &request, host).await,
            Way::Record(clients, recorder) => {
                let reply = self.exchange(clients, &request, host).await?;
                recorder.record(&request, &reply);
                Ok(reply)
            }
        }
    }

    async fn exchange(
        &self,
        clients: &Clients,
        request: &HttpRequest,
        host: String,
    ) -> Result<HttpReply, SendError> {
        let Shared { budgets, clock, metrics, .. } = &*self.shared;
        let scope =
            BudgetScope { connection: request.connection.clone(), host, endpoint: request.endpoint.clone() };
        let waited = budgets
            .acquire(&scope, &request.limits)
            .await
            .map_err(|source| SendError::BudgetTimeout { host: scope.host.clone(), source })?;

        let started = clock.now();
        let result = exchange::run(clients, request).await;
        let now = clock.now();
        let duration = now.duration_since(started);
        let duration_ms = duration.as_millis();
        metrics.count(&scope.connection, (waited, duration.unsigned_abs()), &result);
        let host = scope.host.as_str();
        match result {
            Ok(mut reply) => {
                tracing::debug!(host, status = reply.status, duration_ms, "call answered");
                reply.rate_limit_wait = waited;
                let signal = reply.rate_signal(now);
                if !signal.is_empty() {
                    budgets.observe(&scope, signal);
                }
                Ok(reply)
            }
            Err(error) => {
                tracing::debug!(host, error = %error, duration_ms, "call without answer");
                Err(error)
            }
        }
    }
}

/// What a door takes from outside.
pub(crate) struct Surroundings {
    pub(crate) budgets: Arc<dyn Budgets>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) lookup: Arc<dyn Lookup>,
}

/// Law 2: before anything else, in every mode.
fn check_permit(request: &HttpRequest) -> Result<(), SendError> {
    match (request.effect, &request.permit) {
        (Effect::Read, _) | (Effect::Write, Some(_)) => Ok(()),
        (Effect::Write, None) => Err(SendError::WriteWithoutPermit {
            method: request.method.to_string(),
            host: request.host().to_owned(),
        }),
    }
}

fn check_url(request: &HttpRequest) -> Result<String, SendError> {
    let bad = |reason| SendError::BadUrl { endpoint: request.endpoint.clone(), reason };
    let url = &request.url;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(bad("the protocol is neither http nor https; check `protocol` in `client_config`"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("it holds a user name or password; use an authentication strategy instead"));
    }
    url.host_str()
        .filter(|host| !host.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| bad("it has no host; check `host` in `client_config`"))
}

/// Settings with which no door can be made.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DoorError {
    /// The proxy is not one.
    #[error("`egress.proxy` is not an HTTP address; write `http://proxy.example.com:3128`")]
    Proxy,
}

impl DoorError {
    /// Whether `egress.proxy`, if there is one, can be used.
    pub(crate) fn check_proxy(settings: &DoorSettings) -> Result<(), Self> {
        match &settings.proxy {
            Some(proxy) if !matches!(proxy.scheme(), "http" | "https") || proxy.host_str().is_none() => {
                Err(Self::Proxy)
            }
            Some(_) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;

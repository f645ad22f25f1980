//! Traces of calls in the form of OpenTelemetry, sent to a collector that the operator names
//! (OTLP over HTTP, JSON), by the variables that every such program has.

mod export;
mod layer;
mod span;

use egress::DoorError;
use model::KeyError;
use thiserror::Error;
use tokio::sync::mpsc;

use self::export::Exporter;
pub(crate) use self::layer::TraceLayer;

/// Spans that wait to be sent; what comes while as many wait is dropped.
const MOST_WAITING: usize = 4096;

/// Where traces go.
#[derive(Debug, Default)]
pub(crate) struct TraceSettings {
    /// `OTEL_EXPORTER_OTLP_ENDPOINT`: the collector; none: no traces.
    pub(crate) endpoint: Option<String>,
    /// `OTEL_EXPORTER_OTLP_HEADERS`: `name=value`, by commas. Secret.
    pub(crate) headers: Option<String>,
    /// `OTEL_SERVICE_NAME`.
    pub(crate) service: Option<String>,
}

/// Why traces cannot be sent.
#[derive(Debug, Error)]
pub(crate) enum TraceError {
    /// The address is none.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT is no address; write `http://collector:4318`")]
    Endpoint(#[source] url::ParseError),
    /// A header is none.
    #[error("OTEL_EXPORTER_OTLP_HEADERS is no list of headers; write `name=value,name=value`")]
    Headers,
    /// The way out cannot be made.
    #[error(transparent)]
    Door(#[from] DoorError),
    /// Never: the name is fixed.
    #[error(transparent)]
    Name(#[from] KeyError),
    /// The system gives no thread.
    #[error("the system gives no thread for traces")]
    Thread(#[source] std::io::Error),
}

impl TraceSettings {
    /// As the environment says.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name| variable(name).filter(|value: &String| !value.trim().is_empty());
        Self {
            endpoint: given("OTEL_EXPORTER_OTLP_ENDPOINT"),
            headers: given("OTEL_EXPORTER_OTLP_HEADERS"),
            service: given("OTEL_SERVICE_NAME"),
        }
    }

    /// The layer that collects spans; `None` if nobody wants them. They are sent by a thread of their
    /// own, so that commands without a runtime, and servers that end, need not care.
    ///
    /// # Errors
    /// [`TraceError`] if a variable says something that cannot be.
    pub(crate) fn start(&self) -> Result<Option<TraceLayer>, TraceError> {
        let Some(endpoint) = &self.endpoint else { return Ok(None) };
        let service = self.service.as_deref().unwrap_or("tutela");
        let exporter = Exporter::new(endpoint, self.headers.as_deref(), service)?;
        let (sender, receiver) = mpsc::channel(MOST_WAITING);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(TraceError::Thread)?;
        let thread = std::thread::Builder::new().name("traces".to_owned());
        thread.spawn(move || runtime.block_on(exporter.run(receiver))).map_err(TraceError::Thread)?;
        Ok(Some(TraceLayer::new(sender)))
    }
}

use std::fmt;
use std::sync::Arc;

use model::Clock;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::record::{Said, line};
use super::sink::Sink;
use super::{LogLevel, LogSettings};

/// Writes each event as one record. Fields of the spans around it are fields of the record, too; its own
/// count before theirs.
pub struct LogLayer {
    settings: LogSettings,
    sink: Sink,
    clock: Arc<dyn Clock>,
}

impl LogLayer {
    pub(super) fn new(settings: LogSettings, sink: Sink, clock: Arc<dyn Clock>) -> Self {
        Self { settings, sink, clock }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LogLayer {
    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(match self.settings.level {
            LogLevel::Error => Level::ERROR.into(),
            LogLevel::Warn => Level::WARN.into(),
            LogLevel::Info => Level::INFO.into(),
            LogLevel::Debug => Level::DEBUG.into(),
        })
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        // What libraries put into their spans may be addresses and headers.
        let metadata = attributes.metadata();
        if !self.settings.takes(*metadata.level(), metadata.target(), self.clock.now()) {
            return;
        }
        let Some(span) = context.span(id) else { return };
        let mut said = Said::default();
        attributes.record(&mut said);
        // Two layers may share one registry; an insertion would then panic.
        span.extensions_mut().replace(said);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(said) = span.extensions_mut().get_mut::<Said>() {
            values.record(said);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let now = self.clock.now();
        if !self.settings.takes(*metadata.level(), metadata.target(), now) {
            return;
        }
        let mut said = Said::default();
        event.record(&mut said);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(around) = span.extensions().get::<Said>() {
                for (name, value) in &around.fields {
                    said.fields.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        self.sink.write(&line(self.settings.format, now, metadata, said));
    }
}

impl fmt::Debug for LogLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

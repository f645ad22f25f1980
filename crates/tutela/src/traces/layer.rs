use std::sync::Arc;

use model::{Clock as _, IdSource as _, RandomIds, SystemClock};
use serde_json::Value;
use tokio::sync::mpsc;
use tracing::span::{Attributes, Id, Record};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::span::{Fields, OpenSpan, Place};

/// Hands spans over when they end.
#[derive(Debug, Clone)]
pub(crate) struct TraceLayer {
    sender: Arc<mpsc::Sender<Value>>,
}

impl TraceLayer {
    pub(super) fn new(sender: mpsc::Sender<Value>) -> Self {
        Self { sender: Arc::new(sender) }
    }

    /// Whether a span is ours to tell: libraries put into theirs what must not leave.
    pub(crate) fn wants(metadata: &Metadata<'_>, is_ours: impl Fn(&str) -> bool) -> bool {
        metadata.is_span() && *metadata.level() <= Level::INFO && is_ours(metadata.target())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TraceLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let above = span.parent().and_then(|above| Some(above.extensions().get::<OpenSpan>()?.place));
        let parent = fields.take_caller().or(above);
        let random = (RandomIds.random_uuid(), RandomIds.random_uuid());
        let place = Place::below(parent, random);
        let name = attributes.metadata().name();
        span.extensions_mut().insert(OpenSpan { place, parent, name, started_at: SystemClock.now(), fields });
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(open) = span.extensions_mut().get_mut::<OpenSpan>() {
            values.record(&mut open.fields);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(open) = span.extensions_mut().remove::<OpenSpan>() else { return };
        // A collector that is slow or gone holds nobody up.
        let _ = self.sender.try_send(open.end(SystemClock.now()));
    }
}

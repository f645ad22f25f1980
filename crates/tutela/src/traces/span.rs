use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use uuid::Uuid;

/// Which trace a span belongs to, and which span it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) trace: u128,
    pub(super) span: u64,
}

impl Place {
    /// Where a caller's own span is, by the header `traceparent` (W3C Trace Context).
    pub(super) fn of_caller(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, span) = (parts.next()?, parts.next()?, parts.next()?);
        let is_hex = |text: &str, length| {
            text.len() == length
                && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        if !is_hex(version, 2) || version == "ff" || !is_hex(trace, 32) || !is_hex(span, 16) {
            return None;
        }
        let place =
            Self { trace: u128::from_str_radix(trace, 16).ok()?, span: u64::from_str_radix(span, 16).ok()? };
        (place.trace != 0 && place.span != 0).then_some(place)
    }

    /// A new span, in the same trace or in a new one.
    pub(super) fn below(parent: Option<Self>, random: (Uuid, Uuid)) -> Self {
        let trace = parent.map_or(random.0.as_u128(), |parent| parent.trace);
        let (high, low) = random.1.as_u64_pair();
        Self { trace, span: (high ^ low).max(1) }
    }
}

/// A span that has begun.
#[derive(Debug)]
pub(super) struct OpenSpan {
    pub(super) place: Place,
    pub(super) parent: Option<Place>,
    pub(super) name: &'static str,
    pub(super) started_at: Timestamp,
    pub(super) fields: Fields,
}

impl OpenSpan {
    /// The span in the form of OTLP.
    pub(super) fn end(self, at: Timestamp) -> Value {
        const INTERNAL: u8 = 1;
        const SERVER: u8 = 2;
        let failed = self.fields.status().is_some_and(|status| status >= 500);
        let mut span = json!({
            "traceId": format!("{:032x}", self.place.trace),
            "spanId": format!("{:016x}", self.place.span),
            "name": self.name,
            "kind": if self.fields.status().is_some() { SERVER } else { INTERNAL },
            "startTimeUnixNano": self.started_at.as_nanosecond().to_string(),
            "endTimeUnixNano": at.as_nanosecond().to_string(),
            "attributes": self.fields.0.into_iter().map(|(key, value)| attribute(key, &value)).collect::<Vec<_>>(),
            "status": if failed { json!({ "code": 2 }) } else { json!({}) },
        });
        if let (Some(parent), Some(members)) = (self.parent, span.as_object_mut()) {
            members.insert("parentSpanId".to_owned(), json!(format!("{:016x}", parent.span)));
        }
        span
    }
}

/// One attribute in the form of OTLP.
pub(super) fn attribute(key: &str, value: &Value) -> Value {
    let value = match value {
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::String(text) => json!({ "stringValue": text }),
        other => json!({ "stringValue": other.to_string() }),
    };
    json!({ "key": key, "value": value })
}

/// What a span says of itself.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// The header that a caller sent, taken out.
    pub(super) fn take_caller(&mut self) -> Option<Place> {
        let at = self.0.iter().position(|(key, _)| *key == "traceparent")?;
        let (_, header) = self.0.remove(at);
        Place::of_caller(header.as_str()?)
    }

    fn status(&self) -> Option<u64> {
        self.0.iter().find(|(key, _)| *key == "status")?.1.as_u64()
    }

    fn put(&mut self, field: &Field, value: Value) {
        self.0.retain(|(key, _)| *key != field.name());
        self.0.push((field.name(), value));
    }
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, json!(format!("{value:?}")));
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true)]
    #[case("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-comes-later", true)]
    #[case("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false)]
    #[case("00-00000000000000000000000000000000-00f067aa0ba902b7-01", false)]
    #[case("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false)]
    #[case("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false)]
    #[case("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false)]
    #[case("00-4bf92f35", false)]
    #[case("", false)]
    fn a_callers_place_is_read_or_passed_over(#[case] header: &str, #[case] is_one: bool) {
        let place = Place::of_caller(header);

        assert_eq!(place.is_some(), is_one);
        if let Some(place) = place {
            assert_eq!(place.span, 0x00f0_67aa_0ba9_02b7);
        }
    }

    #[test]
    fn a_span_below_another_is_in_its_trace() {
        let random = || (Uuid::from_u128(7), Uuid::from_u128(9));
        let top = Place::below(None, random());
        let below = Place::below(Some(Place { trace: 5, span: 6 }), random());

        assert_eq!((top.trace, below.trace), (7, 5));
        assert_ne!(below.span, 6);
    }
}

use std::fmt;

use jiff::Timestamp;
use serde_json::{Map, Number, Value};
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};

use super::LogFormat;

/// Names that a record has itself.
const OWN: [&str; 4] = ["level", "ts", "caller", "msg"];

/// What one event or span says.
#[derive(Debug, Default, Clone)]
pub(super) struct Said {
    pub(super) message: String,
    pub(super) fields: Map<String, Value>,
}

impl Said {
    fn add(&mut self, field: &Field, value: Value) {
        let name = field.name();
        if name == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            return;
        }
        let name = name.strip_prefix("r#").unwrap_or(name);
        // A field with one of the record's own names would hide it.
        let name = if OWN.contains(&name) { format!("{name}_") } else { name.to_owned() };
        self.fields.insert(name, value);
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::String(value.to_owned()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Number::from_f64(value).map_or(Value::Null, Value::Number));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.add(field, Value::String(value.to_string()));
    }
}

/// One line, with its end.
pub(super) fn line(format: LogFormat, now: Timestamp, metadata: &Metadata<'_>, said: Said) -> String {
    let level = level(*metadata.level());
    let caller = caller(metadata);
    match format {
        LogFormat::Json => {
            let mut record = Map::new();
            record.insert("level".to_owned(), level.into());
            record.insert("ts".to_owned(), Number::from_f64(seconds(now)).map_or(Value::Null, Value::Number));
            record.insert("caller".to_owned(), caller.into());
            record.insert("msg".to_owned(), said.message.into());
            record.extend(said.fields);
            format!("{}\n", Value::Object(record))
        }
        LogFormat::Console => {
            let time = now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
            // A line is a record: what has lines of its own is written in one.
            let message = said.message.replace(['\n', '\r', '\t'], " ");
            let fields = Value::Object(said.fields);
            let fields =
                if fields == Value::Object(Map::new()) { String::new() } else { format!("\t{fields}") };
            format!("{time}\t{level}\t{caller}\t{message}{fields}\n")
        }
    }
}

/// Seconds since 1970, to the microsecond.
fn seconds(now: Timestamp) -> f64 {
    now.as_microsecond() as f64 / 1e6
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

/// Crate, file below its sources, and line; never a path of the machine that compiled it.
fn caller(metadata: &Metadata<'_>) -> String {
    let of_crate = metadata.target().split("::").next().unwrap_or_default();
    let file = metadata.file().unwrap_or_default().replace('\\', "/");
    let below = file.rsplit_once("src/").map_or_else(
        || file.rsplit('/').next().unwrap_or_default().to_owned(),
        |(_, below)| below.to_owned(),
    );
    match metadata.line() {
        Some(line) if !below.is_empty() => format!("{of_crate}/{below}:{line}"),
        Some(_) | None => of_crate.to_owned(),
    }
}

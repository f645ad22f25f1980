//! Messages of any type with random content.

use proptest::prelude::RngExt;
use proptest::test_runner::{RngAlgorithm, TestRng};
use prost::Message;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// Draws messages; the same seed draws the same ones.
pub(crate) struct Drawing(TestRng);

impl Drawing {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
    }

    /// A message with about half of its fields set, nested `depth` deep at most.
    pub(crate) fn message(&mut self, descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        match descriptor.full_name() {
            // Their JSON is a text, so they hold what that text can say.
            "google.protobuf.Timestamp" => self.time(&mut message, 0..253_402_300_799),
            "google.protobuf.Duration" => self.time(&mut message, 0..315_576_000_000),
            "google.protobuf.Any" => self.any(&mut message, depth),
            // Without a choice it has no JSON of its own.
            "google.protobuf.Value" => {
                let choices: Vec<_> = descriptor.fields().collect();
                let choice = self.below(if depth == 0 { 4 } else { 6 });
                self.set(&mut message, &choices[choice], depth);
            }
            _ => {
                for field in descriptor.fields() {
                    if self.below(2) == 0 && (depth > 0 || !matches!(field.kind(), Kind::Message(_))) {
                        self.set(&mut message, &field, depth);
                    }
                }
            }
        }
        message
    }

    fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    fn time(&mut self, message: &mut DynamicMessage, seconds: std::ops::Range<i64>) {
        message.set_field_by_name("seconds", Value::I64(self.0.random_range(seconds)));
        message.set_field_by_name("nanos", Value::I32(self.0.random_range(0..1_000_000_000)));
    }

    /// An `Any` of one of our types, or of one that nobody knows.
    fn any(&mut self, message: &mut DynamicMessage, depth: usize) {
        let types: Vec<_> = protos::pool().all_messages().filter(|message| !message.is_map_entry()).collect();
        let descriptor = &types[self.below(types.len())];
        let is_known = depth > 0 && self.below(4) > 0;
        let (name, bytes) = if is_known {
            (descriptor.full_name().to_owned(), self.message(descriptor, depth - 1).encode_to_vec())
        } else {
            ("acme.v1.Unknown".to_owned(), self.bytes())
        };
        message.set_field_by_name("type_url", Value::String(format!("type.googleapis.com/{name}")));
        message.set_field_by_name("value", Value::Bytes(bytes.into()));
    }

    fn set(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, depth: usize) {
        let value = if field.is_map() {
            let kind = field.kind();
            let entry = kind.as_message().unwrap();
            let entries = (0..self.below(3)).map(|_| {
                (MapKey::String(self.text()), self.single(&entry.map_entry_value_field().kind(), depth))
            });
            Value::Map(entries.collect())
        } else if field.cardinality() == Cardinality::Repeated {
            Value::List((0..self.below(3)).map(|_| self.single(&field.kind(), depth)).collect())
        } else {
            self.single(&field.kind(), depth)
        };
        message.set_field(field, value);
    }

    fn single(&mut self, kind: &Kind, depth: usize) -> Value {
        match kind {
            Kind::Bool => Value::Bool(self.below(2) == 0),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.0.random()),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.0.random()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.0.random()),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.0.random()),
            Kind::Float => Value::F32(self.0.random::<f32>() * 1e6),
            Kind::Double => Value::F64(self.0.random::<f64>() * 1e12),
            Kind::String => Value::String(self.text()),
            Kind::Bytes => Value::Bytes(self.bytes().into()),
            Kind::Enum(values) => {
                let values: Vec<i32> = values.values().map(|value| value.number()).collect();
                Value::EnumNumber(values[self.below(values.len())])
            }
            Kind::Message(descriptor) => Value::Message(self.message(descriptor, depth.saturating_sub(1))),
        }
    }

    fn text(&mut self) -> String {
        (0..self.below(8)).map(|_| self.0.random::<char>()).collect()
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(8)).map(|_| self.0.random()).collect()
    }
}

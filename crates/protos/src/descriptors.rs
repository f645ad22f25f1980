use std::sync::LazyLock;

use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, ReflectMessage, Value};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    let bytes = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin")).as_slice();
    DescriptorPool::decode(bytes).expect("the compiler of the `.proto` files wrote these descriptors")
});

/// Descriptors of all messages, enums and services of this crate, and of the well-known types they use.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// The descriptor of the message type `M`, unless it is not one of this crate's.
pub(crate) fn find_descriptor<M: prost::Name>() -> Option<MessageDescriptor> {
    pool().get_message_by_name(&M::full_name())
}

/// `message` in the form in which its fields can be walked.
///
/// # Errors
/// If it is nested deeper than a message from the wire may be (100 levels).
pub(crate) fn walkable<M: prost::Message>(
    descriptor: MessageDescriptor,
    message: &M,
) -> Result<DynamicMessage, prost::DecodeError> {
    DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
}

/// The encoding of `message` with maps in order of their keys, as our Rust types are encoded. Its own encoding has them
/// in a random order.
pub(crate) fn stable_bytes(message: &DynamicMessage) -> Vec<u8> {
    let mut bytes = vec![];
    for (field, value) in message.fields() {
        match value {
            Value::Message(inner) => append_message(field.number(), inner, &mut bytes),
            Value::List(items) if field.kind().as_message().is_some() => {
                for inner in items.iter().filter_map(Value::as_message) {
                    append_message(field.number(), inner, &mut bytes);
                }
            }
            Value::Map(entries) => {
                let mut entries: Vec<_> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                for (key, value) in entries {
                    let kind = field.kind();
                    let mut entry =
                        DynamicMessage::new(kind.as_message().expect("a map has entries").clone());
                    entry.set_field_by_number(1, key.clone().into());
                    entry.set_field_by_number(2, value.clone());
                    append_message(field.number(), &entry, &mut bytes);
                }
            }
            other => {
                let mut alone = DynamicMessage::new(message.descriptor());
                alone.set_field(&field, other.clone());
                bytes.extend(alone.encode_to_vec());
            }
        }
    }
    bytes
}

fn append_message(number: u32, message: &DynamicMessage, bytes: &mut Vec<u8>) {
    let inner = stable_bytes(message);
    encode_key(number, WireType::LengthDelimited, bytes);
    encode_varint(inner.len() as u64, bytes);
    bytes.extend(inner);
}

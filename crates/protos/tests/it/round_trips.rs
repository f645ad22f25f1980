//! Laws that hold for every message.

use proptest::prelude::*;
use prost::{Message, Name};
use prost_reflect::{DynamicMessage, MessageDescriptor};
use protos::baton::v1::{GrantListOutput, ResourceListOutput};
use protos::c1::config::v1::Configuration;
use protos::c1::connector::v2::{ConnectorMetadata, Event, Grant, Resource, Ticket};
use protos::c1::connectorapi::baton::v1::{BatonServiceFinishTaskRequest, Task};
use protos::c1::storage::v3::SyncStatsRecord;
use protos::{json, limits};

use crate::any_message::Drawing;

fn descriptor<M: Name>() -> MessageDescriptor {
    protos::pool().get_message_by_name(&M::full_name()).unwrap()
}

/// Drawn content of `M`, through its Rust type, JSON and back.
fn holds<M: Message + Name + Default + PartialEq>(drawing: &mut Drawing) {
    let drawn = drawing.message(&descriptor::<M>(), 6);
    let message: M = drawn.transcode_to().unwrap();

    let of_bytes = |bytes: Vec<u8>| DynamicMessage::decode(descriptor::<M>(), bytes.as_slice()).unwrap();
    let form = json::to_value(&message).unwrap();
    let read: M = json::from_value(&form).unwrap();

    assert!(of_bytes(message.encode_to_vec()) == of_bytes(drawn.encode_to_vec()), "{drawn}");
    // What was drawn into an `Any` has its map entries in a random order, so the forms are compared.
    assert_eq!(json::to_value(&read).unwrap(), form);
    assert!(json::from_value::<M>(&form).unwrap() == read);
    // Nothing but an answer may come of it.
    let _ = limits::check(&message);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_are_the_same_after_bytes_and_after_json(seed: [u8; 32]) {
        let drawing = &mut Drawing::new(seed);
        holds::<Resource>(drawing);
        holds::<Grant>(drawing);
        holds::<ConnectorMetadata>(drawing);
        holds::<Event>(drawing);
        holds::<Ticket>(drawing);
        holds::<Task>(drawing);
        holds::<BatonServiceFinishTaskRequest>(drawing);
        holds::<Configuration>(drawing);
        holds::<ResourceListOutput>(drawing);
        holds::<GrantListOutput>(drawing);
    }

    #[test]
    fn a_message_gives_the_same_bytes_each_time(seed: [u8; 32]) {
        let draw = || Drawing::new(seed).message(&descriptor::<SyncStatsRecord>(), 6);

        let first: SyncStatsRecord = draw().transcode_to().unwrap();
        let second: SyncStatsRecord = draw().transcode_to().unwrap();

        prop_assert_eq!(first.encode_to_vec(), second.encode_to_vec());
    }

    #[test]
    fn no_bytes_make_us_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(resource) = Resource::decode(bytes.as_slice()) {
            json::to_value(&resource).unwrap();
            let _ = limits::check(&resource);
        }
    }
}

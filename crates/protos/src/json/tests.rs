use prost::Message as _;
use prost_types::{Any, Duration, Struct, Timestamp, value::Kind};
use rstest::rstest;
use serde_json::json;

use super::*;
use crate::annotations;
use crate::baton::v1::{C1zDiffOutput, SyncOutput};
use crate::c1::c1z::v1::{C1zDiffOutput as FileDiff, EntitlementDiff, GrantDiff, ResourceDiff};
use crate::c1::c1z::v3::IndexedFrameEntry;
use crate::c1::connector::v2::{
    ActionType, BatonActionSchema, GrantSources, GroupTrait, InvokeActionRequest, ManagedDeviceTrait,
    Resource, ResourceType, TicketCustomField, TicketCustomFieldNumberValue, grant_sources, resource_type,
    ticket_custom_field,
};
use crate::c1::connectorapi::baton::v1::{SetManyRequest, Task, task};
use crate::c1::reader::v2::SyncStats;
use crate::validate::StringRules;

fn round_trip<M: Message + Name + Default + PartialEq + std::fmt::Debug>(message: &M, form: &Value) {
    assert_eq!(&to_value(message).unwrap(), form);
    assert_eq!(&from_value::<M>(form).unwrap(), message);
}

#[test]
fn names_enums_and_wide_numbers_have_their_usual_forms() {
    let trait_user = resource_type::Trait::User as i32;
    round_trip(
        &ResourceType {
            id: "user".into(),
            traits: vec![trait_user, 77],
            sourced_externally: true,
            ..Default::default()
        },
        &json!({"id": "user", "traits": ["TRAIT_USER", 77], "sourcedExternally": true}),
    );
    round_trip(
        &IndexedFrameEntry {
            raw_size: -5,
            raw_xxh64: u64::MAX,
            raw_sha256: vec![0xfb, 0xff],
            ..Default::default()
        },
        &json!({"rawSize": "-5", "rawXxh64": "18446744073709551615", "rawSha256": "+/8="}),
    );
    round_trip(
        &SyncStats {
            resources_by_resource_type: [("user".into(), 3), ("app".into(), 0)].into(),
            ..Default::default()
        },
        &json!({"resourcesByResourceType": {"app": "0", "user": "3"}}),
    );
    round_trip(
        &BatonActionSchema { action_type: vec![ActionType::Dynamic as i32], ..Default::default() },
        &json!({"actionType": ["ACTION_TYPE_DYNAMIC"]}),
    );
}

#[test]
fn times_and_durations_are_texts() {
    round_trip(
        &SyncOutput {
            started_at: Some(Timestamp { seconds: 1_795_325_110, nanos: 190_572_275 }),
            ended_at: Some(Timestamp { seconds: 1_795_325_111, nanos: 0 }),
            ..Default::default()
        },
        &json!({"startedAt": "2026-11-22T05:25:10.190572275Z", "endedAt": "2026-11-22T05:25:11Z"}),
    );
    round_trip(
        &InvokeActionRequest {
            inline_wait: Some(Duration { seconds: 1, nanos: 500_000_000 }),
            ..Default::default()
        },
        &json!({"inlineWait": "1.500s"}),
    );
}

#[rstest]
#[case(0, 0, "0s")]
#[case(1, 1, "1.000000001s")]
#[case(1, 20_000, "1.000020s")]
#[case(0, 300_000_000, "0.300s")]
#[case(-1, -500_000_000, "-1.500s")]
#[case(0, -1, "-0.000000001s")]
fn durations_have_groups_of_three_digits(#[case] seconds: i64, #[case] nanos: i32, #[case] text: &str) {
    let wait = Some(Duration { seconds, nanos });
    round_trip(
        &InvokeActionRequest { inline_wait: wait, ..Default::default() },
        &json!({"inlineWait": text}),
    );
}

#[rstest]
#[case(i64::MIN, i32::MIN)]
#[case(i64::MAX, i32::MAX)]
#[case(i64::MIN, i32::MAX)]
#[case(-62_135_596_801, 0)]
#[case(253_402_300_800, 0)]
fn times_that_no_calendar_has_do_no_harm(#[case] seconds: i64, #[case] nanos: i32) {
    let time = SyncOutput { started_at: Some(Timestamp { seconds, nanos }), ..Default::default() };
    let duration =
        InvokeActionRequest { inline_wait: Some(Duration { seconds, nanos }), ..Default::default() };

    for form in [to_value(&time).unwrap(), to_value(&duration).unwrap()] {
        assert_eq!(form.as_object().unwrap().len(), 1);
    }
    let _ = crate::limits::check(&duration);
}

#[rstest]
#[case("9223372036854775807.999999999s")]
#[case("-9223372036854775808s")]
#[case("99999999999999999999s")]
#[case("1e400s")]
#[case("s")]
fn durations_that_do_not_fit_do_no_harm(#[case] text: &str) {
    let _ = from_value::<InvokeActionRequest>(&json!({"inlineWait": text}));
    let _ = from_value::<SyncOutput>(&json!({"startedAt": text}));
}

#[test]
fn free_structures_are_their_own_json() {
    let kinds = [
        ("a", Kind::NullValue(0)),
        ("b", Kind::NumberValue(2.0)),
        ("c", Kind::NumberValue(-0.5)),
        ("d", Kind::StringValue("x".into())),
        ("e", Kind::BoolValue(false)),
        ("f", Kind::ListValue(prost_types::ListValue { values: vec![Kind::NumberValue(1e300).into()] })),
        ("g", Kind::StructValue(Struct::default())),
    ];
    let fields = kinds.map(|(name, kind)| (name.to_owned(), kind.into())).into();
    round_trip(
        &Resource { profile: Some(Struct { fields }), ..Default::default() },
        &json!({"profile": {"a": null, "b": 2, "c": -0.5, "d": "x", "e": false, "f": [1e300], "g": {}}}),
    );
}

#[test]
fn presence_is_kept_where_a_field_has_it() {
    round_trip(
        &ManagedDeviceTrait { is_encrypted: Some(false), ..Default::default() },
        &json!({"isEncrypted": false}),
    );
    round_trip(&StringRules { strict: Some(false), ..Default::default() }, &json!({"strict": false}));
    let number = TicketCustomFieldNumberValue { value: Some(0.1), default_value: Some(f32::INFINITY) };
    round_trip(
        &TicketCustomField {
            value: Some(ticket_custom_field::Value::NumberValue(number)),
            ..Default::default()
        },
        &json!({"numberValue": {"value": 0.1, "defaultValue": "Infinity"}}),
    );
    round_trip(
        &Task { task_type: Some(task::TaskType::None(task::NoneTask::default())), ..Default::default() },
        &json!({"none": {}}),
    );
}

#[test]
fn maps_of_messages_and_of_bytes_are_objects() {
    let source = grant_sources::GrantSource { is_direct: true };
    round_trip(
        &GrantSources {
            sources: [("b".into(), source), ("a".into(), grant_sources::GrantSource::default())].into(),
        },
        &json!({"sources": {"a": {}, "b": {"isDirect": true}}}),
    );
    round_trip(
        &SetManyRequest { values: [("k".into(), vec![1])].into(), ..Default::default() },
        &json!({"values": {"k": "AQ=="}}),
    );
}

// What the explorer prints for two equal runs.
#[test]
fn empty_messages_that_are_there_are_written() {
    round_trip(
        &FileDiff {
            resources: Some(ResourceDiff::default()),
            entitlements: Some(EntitlementDiff::default()),
            grants: Some(GrantDiff::default()),
        },
        &json!({"resources": {}, "entitlements": {}, "grants": {}}),
    );
    round_trip(&C1zDiffOutput::default(), &json!({}));
}

#[test]
fn annotations_are_opened_also_in_one_another() {
    let inner = annotations::pack(&ResourceType { id: "user".into(), ..Default::default() });
    let outer = Resource {
        annotations: vec![inner, annotations::pack(&Duration { seconds: 3, nanos: 0 })],
        ..Default::default()
    };
    round_trip(
        &Resource { annotations: vec![annotations::pack(&outer), Any::default()], ..Default::default() },
        &json!({"annotations": [
            {"@type": "type.googleapis.com/c1.connector.v2.Resource", "annotations": [
                {"@type": "type.googleapis.com/c1.connector.v2.ResourceType", "id": "user"},
                {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "3s"},
            ]},
            {},
        ]}),
    );
}

#[test]
fn the_same_json_gives_the_same_bytes() {
    let names = ["b", "a", "d", "c", "f", "e"];
    let profile: serde_json::Map<_, _> =
        names.iter().map(|name| (name.to_string(), json!({"x": name}))).collect();
    let form = json!({"annotations": [{"@type": "t/c1.connector.v2.GroupTrait", "profile": profile}]});

    let bytes = from_value::<Resource>(&form).unwrap().encode_to_vec();

    let fields = names.map(|name| {
        let inner = Struct { fields: [("x".to_owned(), Kind::StringValue(name.into()).into())].into() };
        (name.to_owned(), Kind::StructValue(inner).into())
    });
    let group = GroupTrait { profile: Some(Struct { fields: fields.into() }), ..Default::default() };
    let packed = Any { type_url: "t/c1.connector.v2.GroupTrait".into(), ..annotations::pack(&group) };
    assert_eq!(bytes, Resource { annotations: vec![packed], ..Default::default() }.encode_to_vec());
}

#[test]
fn an_unknown_annotation_keeps_its_bytes() {
    let foreign = Any { type_url: "type.googleapis.com/acme.v1.Thing".into(), value: vec![8, 1] };
    round_trip(
        &Resource { annotations: vec![foreign], ..Default::default() },
        &json!({"annotations": [{"@type": "type.googleapis.com/acme.v1.Thing", "value": "CAE="}]}),
    );
}

#[test]
fn an_annotation_with_broken_content_keeps_its_bytes() {
    let broken = Any { value: vec![0x0a, 9], ..annotations::pack(&ResourceType::default()) };

    let form = to_value(&Resource { annotations: vec![broken], ..Default::default() }).unwrap();

    assert_eq!(
        form,
        json!({"annotations": [{"@type": "type.googleapis.com/c1.connector.v2.ResourceType", "value": "Cgk="}]})
    );
}

#[test]
fn a_tower_of_annotations_does_not_exhaust_the_stack() {
    let mut resource = Resource::default();
    for _ in 0..2000 {
        resource = Resource { annotations: vec![annotations::pack(&resource)], ..Default::default() };
    }

    let form = to_value(&resource).unwrap();

    assert!(form.to_string().contains(r#""value":""#));
}

#[test]
fn a_message_deeper_than_the_wire_allows_is_refused() {
    let mut value: prost_types::Value = Kind::NullValue(0).into();
    for _ in 0..200 {
        value = Kind::ListValue(prost_types::ListValue { values: vec![value] }).into();
    }
    let profile = Some(Struct { fields: [("a".to_owned(), value)].into() });
    let deep = Resource { profile, ..Default::default() };

    assert!(matches!(to_value(&deep), Err(JsonError::Depth { .. })));

    // Without `json!`, which copies what it is given by recursion.
    let mut form = Value::Null;
    for _ in 0..2000 {
        form = Value::Array(vec![form]);
    }
    for name in ["a", "profile"] {
        form = Value::Object([(name.to_owned(), form)].into_iter().collect());
    }
    let refused = from_value::<Resource>(&form).unwrap_err();
    assert!(refused.to_string().ends_with("is nested too deep"));
}

#[test]
fn a_type_of_another_crate_is_refused() {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Foreign {}
    impl Name for Foreign {
        const NAME: &'static str = "Foreign";
        const PACKAGE: &'static str = "acme";
    }

    assert!(matches!(to_value(&Foreign {}), Err(JsonError::Unknown { name }) if name == "acme.Foreign"));
}

#[test]
fn other_spellings_of_the_same_message_are_read() {
    let read: Resource = from_value(&json!({
        "display_name": "Eng", "description": null, "createdAt": "2026-11-22T06:25:11+01:00", "creationSource": 1,
    }))
    .unwrap();
    assert_eq!(read.display_name, "Eng");
    assert_eq!(read.created_at, Some(Timestamp { seconds: 1_795_325_111, nanos: 0 }));
    assert_eq!(read.creation_source, 1);

    let read: IndexedFrameEntry =
        from_value(&json!({"rawSize": 1e3, "frameOffset": "7", "rawSha256": "-_8"})).unwrap();
    assert_eq!((read.raw_size, read.frame_offset, read.raw_sha256), (1000, 7, vec![0xfb, 0xff]));
}

#[rstest]
#[case::unknown_field(json!({"list": [{"name": "x"}]}), "`list[0].name` is no field of c1.connector.v2.Grant")]
#[case::wrong_kind(json!({"list": [{}, {"id": 3}]}), "`list[1].id` is not a text")]
#[case::no_list(json!({"list": {}}), "`list` is not a list")]
#[case::null_item(json!({"list": [null]}), "`list[0]` is not an object")]
#[case::enum_value(
    json!({"list": [{"entitlement": {"purpose": "NO"}}]}),
    "`list[0].entitlement.purpose` is no value of c1.connector.v2.Entitlement.PurposeValue"
)]
#[case::twice(json!({"nextPageToken": "a", "next_page_token": "b"}), "`next_page_token` is set twice, or beside another choice of the same group")]
#[case::map(
    json!({"list": [{"sources": {"sources": {"a": {"isDirect": 1}}}}]}),
    "`list[0].sources.sources[\"a\"].isDirect` is not true or false"
)]
#[case::no_type(json!({"annotations": [{"id": "x"}]}), "`annotations[0].@type` is not a type URL")]
#[case::inside_any(
    json!({"annotations": [{"@type": "t/c1.connector.v2.Grant", "id": 1}]}),
    "`annotations[0].id` is not a text"
)]
#[case::unknown_any(
    json!({"annotations": [{"@type": "t/acme.Thing", "id": 1}]}),
    "`annotations[0]` is not an object of `@type` and `value` alone"
)]
fn what_does_not_fit_is_named_with_its_place(#[case] form: Value, #[case] message: &str) {
    let refused = from_value::<crate::c1::connector::v2::GrantsServiceListGrantsResponse>(&form);

    assert_eq!(refused.unwrap_err().to_string(), message);
}

#[rstest]
#[case(json!({"rawSize": 1.5}))]
#[case(json!({"rawSize": "9223372036854775808"}))]
#[case(json!({"rawXxh64": -1}))]
#[case(json!({"rawXxh64": 1e30}))]
#[case(json!({"rawSha256": "*"}))]
fn numbers_and_bytes_out_of_range_are_refused(#[case] form: Value) {
    assert!(from_value::<IndexedFrameEntry>(&form).is_err());
}

//! Bytes and ids that were measured on real connectors (baton.md §17).

use prost::Message;
use prost_types::{Struct, value::Kind};
use protos::c1::connector::v2::{
    Entitlement, Grant, GroupTrait, Resource, ResourceId, ResourceType, entitlement, resource, resource_type,
};
use protos::{annotations, entitlement_id, grant_id};

const V3: &str = "0A04757365721204557365721A0101";
const V4: &str = "0A0B0A0567726F75701202673112100A09776F726B737061636512037773311A03456E67225B0A2E747970652E676F6F67\
    6C65617069732E636F6D2F63312E636F6E6E6563746F722E76322E47726F75705472616974122912270A130A0A67726F75705F6E616D6512051A\
    03456E670A100A0867726F75705F696412041A0267314001";
const V5_TAIL: &str = "120F67726F75703A67323A6D656D6265721A104F70732067726F7570206D656D626572221B4D656D626572206F66204F70\
    73205365676D656E742067726F75702A0F0A04757365721204557365721A0101380142066D656D626572";
const V6_TAIL: &str = "120C0A0A0A0475736572120275311A1767726F75703A67313A6D656D6265723A757365723A7531";

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().map(|digit| digit.to_digit(16).unwrap()).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

fn id(resource_type: &str, resource: &str) -> ResourceId {
    ResourceId { resource_type: resource_type.into(), resource: resource.into(), ..Default::default() }
}

fn user_type() -> ResourceType {
    ResourceType {
        id: "user".into(),
        display_name: "User".into(),
        traits: vec![resource_type::Trait::User.into()],
        ..Default::default()
    }
}

fn group_trait(name: &str, id: &str) -> GroupTrait {
    let text = |text: &str| Kind::StringValue(text.into()).into();
    let fields = [("group_name".to_owned(), text(name)), ("group_id".to_owned(), text(id))].into();
    GroupTrait { profile: Some(Struct { fields }), ..Default::default() }
}

fn group(name: &str, group: &str) -> Resource {
    Resource {
        id: Some(id("group", group)),
        parent_resource_id: Some(id("workspace", "ws1")),
        display_name: name.into(),
        annotations: vec![annotations::pack(&group_trait(name, group))],
        creation_source: resource::CreationSource::ConnectorListResources.into(),
        ..Default::default()
    }
}

#[test]
fn v3_a_resource_type_has_the_measured_bytes() {
    assert_eq!(user_type().encode_to_vec(), bytes(V3));
    assert_eq!(ResourceType::decode(bytes(V3).as_slice()).unwrap(), user_type());
}

#[test]
fn v4_a_resource_has_the_measured_bytes() {
    let measured = Resource::decode(bytes(V4).as_slice()).unwrap();

    // What is inside an annotation stays as it came.
    assert_eq!(measured.encode_to_vec(), bytes(V4));
    // The profile's keys came in the order in which they were put in; ours are sorted, so that the same resource gives
    // the same bytes. Everything else is equal.
    let found = annotations::find::<GroupTrait>(&measured.annotations).unwrap();
    assert_eq!(found, Some(group_trait("Eng", "g1")));
    let built = group("Eng", "g1");
    assert_eq!(built.annotations[0].type_url, measured.annotations[0].type_url);
    assert_eq!(Resource { annotations: measured.annotations, ..built }.encode_to_vec(), bytes(V4));
}

#[test]
fn v5_an_entitlement_ends_with_the_measured_bytes() {
    let resource = group("Ops", "g2");
    let mut embedded = vec![0x0a];
    resource.encode_length_delimited(&mut embedded).unwrap();

    let built = Entitlement {
        id: entitlement_id(resource.id.as_ref().unwrap(), "member").unwrap(),
        display_name: format!("{} group member", resource.display_name),
        description: format!("Member of {} Segment group", resource.display_name),
        grantable_to: vec![user_type()],
        purpose: entitlement::PurposeValue::Assignment.into(),
        slug: "member".into(),
        resource: Some(resource),
        ..Default::default()
    };

    assert_eq!(built.encode_to_vec(), [embedded, bytes(V5_TAIL)].concat());
}

#[test]
fn v6_a_grant_ends_with_the_measured_bytes() {
    let entitlement = Entitlement { id: "group:g1:member".into(), ..Default::default() };
    let mut embedded = vec![0x0a];
    entitlement.encode_length_delimited(&mut embedded).unwrap();

    let built = Grant {
        id: grant_id(&entitlement.id, &id("user", "u1")).unwrap(),
        entitlement: Some(entitlement),
        principal: Some(Resource { id: Some(id("user", "u1")), ..Default::default() }),
        ..Default::default()
    };

    assert_eq!(built.id, "group:g1:member:user:u1");
    assert_eq!(built.encode_to_vec(), [embedded, bytes(V6_TAIL)].concat());
}

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn named(parent: Option<(&str, &str)>, resource_type: &str, id: &str) -> ResourceBid {
    let parent = parent.map(|(parent_type, parent_id)| (parent_type.to_owned(), parent_id.to_owned()));
    ResourceBid { parent, resource_type: resource_type.to_owned(), id: id.to_owned() }
}

fn wire(resource_type: &str, id: &str) -> ResourceId {
    ResourceId { resource_type: resource_type.into(), resource: id.into(), ..ResourceId::default() }
}

// ID-7
#[test]
fn bids_of_messages_have_the_forms_of_the_format() {
    let workspace = Some(wire("workspace", "w1"));
    let group = Resource { id: Some(wire("group", "g1")), ..Resource::default() };
    let user =
        Resource { id: Some(wire("user", "a/b:c\\d")), parent_resource_id: workspace, ..Resource::default() };
    let entitlement = Entitlement { resource: Some(group), slug: "member".into(), ..Entitlement::default() };
    let grant =
        Grant { entitlement: Some(entitlement.clone()), principal: Some(user.clone()), ..Grant::default() };

    assert_eq!(Bid::of_resource(&user).unwrap().to_string(), r"bid:r:workspace/w1/user/a\/b\:c\\d");
    assert_eq!(Bid::of_entitlement(&entitlement).unwrap().to_string(), "bid:e:group/g1:member");
    assert_eq!(
        Bid::of_grant(&grant).unwrap().to_string(),
        r"bid:g:group/g1:member:workspace/w1/user/a\/b\:c\\d"
    );
}

#[test]
fn a_bid_with_parents_on_both_sides_is_read() {
    let bid: Bid = "bid:g:workspace/w1/group/g1:member:workspace/w1/user/u1".parse().unwrap();

    let parent = Some(("workspace", "w1"));
    assert_eq!(
        bid,
        Bid::Grant {
            resource: named(parent, "group", "g1"),
            slug: "member".into(),
            principal: named(parent, "user", "u1"),
        }
    );
}

#[rstest]
#[case::no_start("user/u1")]
#[case::other_kind("bid:x:user/u1")]
#[case::one_part("bid:r:user")]
#[case::three_parts("bid:r:a/b/c")]
#[case::section_too_many("bid:r:user/u1:member")]
#[case::no_slug("bid:e:group/g1")]
#[case::slug_with_slash("bid:e:group/g1:a/b")]
#[case::no_principal("bid:g:group/g1:member")]
#[case::empty_id("bid:r:user/")]
#[case::empty_slug("bid:e:group/g1:")]
#[case::escape_of_nothing(r"bid:r:user/u\n")]
#[case::escape_at_the_end(r"bid:r:user/u1\")]
#[case::empty_parent("bid:r://user/u1")]
fn other_texts_are_refused(#[case] text: &str) {
    assert!(text.parse::<Bid>().is_err());
}

fn any_resource() -> impl Strategy<Value = ResourceBid> {
    let value = "[a:/\\\\ü]{1,6}";
    (prop::option::of((value, value)), value, value).prop_map(|(parent, resource_type, id)| ResourceBid {
        parent,
        resource_type,
        id,
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(
        resource in any_resource(), slug in "[a:/\\\\ü]{1,6}", principal in any_resource(),
    ) {
        for bid in [
            Bid::Resource(resource.clone()),
            Bid::Entitlement { resource: resource.clone(), slug: slug.clone() },
            Bid::Grant { resource, slug, principal },
        ] {
            prop_assert_eq!(bid.to_string().parse::<Bid>().unwrap(), bid);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(bid:[reg]:)?.{0,40}") {
        if let Ok(bid) = text.parse::<Bid>() {
            prop_assert_eq!(bid.to_string(), text);
        }
    }
}

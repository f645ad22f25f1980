use proptest::prelude::*;
use serde_json::json;

use crate::fixture::{address, by_email, collection, dataset, edges, email, identities, names};
use crate::{Graph, GraphDataset, SkipReason, Targets, TraversalError};

fn traverse(datasets: &[GraphDataset]) -> Result<crate::Traversal, TraversalError> {
    Graph::build(datasets).unwrap().traverse(&email(), Targets::Everything)
}

// rule: privacy-requests T-1
// rule: saas-config 16.13
#[test]
fn a_chain_of_references_leads_from_an_identity_to_every_collection() {
    let traversal = by_email(&["B: id aid<A.id", "A: id email^email"]);

    assert_eq!(names(&traversal), ["A", "B"]);
    assert_eq!(edges(&traversal.nodes()[0]), ["email<-email"]);
    assert_eq!(edges(&traversal.nodes()[1]), ["aid<-A.id"]);
    assert!(traversal.nodes()[1].waits_for.contains(&address("A")));
}

// rule: privacy-requests 21.2
// rule: privacy-requests T-5
// rule: privacy-requests T-6
#[test]
fn an_undirected_reference_goes_from_the_smaller_address_when_both_are_found_at_once() {
    let traversal = by_email(&["C: id aid<A.id", "A: id email^email", "B: aid<A.id cid-C.id"]);

    assert_eq!(names(&traversal), ["A", "B", "C"]);
    assert_eq!(edges(traversal.find(&address("B")).unwrap()), ["aid<-A.id"]);
    assert_eq!(edges(traversal.find(&address("C")).unwrap()), ["aid<-A.id", "id<-B.cid"]);
}

// rule: privacy-requests 21.2
// rule: privacy-requests T-7
// rule: privacy-requests T-8
#[test]
fn after_turns_an_undirected_reference_round_and_orders_execution() {
    let mut data = dataset(&["A: id email^email", "B: aid<A.id cid-C.id", "C: id aid<A.id", "Z: e^email"]);
    data.collections[1].after.push(address("C"));
    data.collections[3].after.push(address("B"));

    let traversal = traverse(&[data]).unwrap();

    assert_eq!(names(&traversal), ["A", "C", "B", "Z"]);
    assert_eq!(edges(traversal.find(&address("B")).unwrap()), ["aid<-A.id", "cid<-C.id"]);
    assert!(
        traversal.find(&address("Z")).unwrap().waits_for.contains(&address("B")),
        "no edge leads from B to Z, but the order is kept when they run"
    );
}

// rule: privacy-requests 21.3
// rule: saas-config A49
// rule: privacy-requests T-7
#[test]
fn collections_that_wait_for_each_other_are_an_error_that_names_both() {
    let mut data = dataset(&["A: id email^email", "B: aid<A.id", "C: aid<A.id"]);
    data.collections[1].after.push(address("C"));
    data.collections[2].after.push(address("B"));

    let error = traverse(&[data]).unwrap_err();

    assert_eq!(error, TraversalError::Ordering { collections: vec![address("B"), address("C")] });
    assert!(error.to_string().contains("given the specified ordering: [d:B, d:C]"), "{error}");
}

// rule: saas-config A49
#[test]
fn an_order_against_the_flow_of_values_is_an_error() {
    let mut data = dataset(&["A: id email^email", "B: aid<A.id"]);
    data.collections[0].after.push(address("B"));

    let error = traverse(&[data]).unwrap_err();

    assert_eq!(error, TraversalError::Ordering { collections: vec![address("A")] });
}

// rule: privacy-requests 21.4
// rule: saas-config 16.11
// rule: privacy-requests T-7
#[test]
fn unknown_names_in_after_are_ignored() {
    let mut data = dataset(&["A: id email^email"]);
    data.collections[0].after.push(address("Z"));
    data.after.push("unknown".into());

    assert_eq!(names(&traverse(&[data]).unwrap()), ["A"]);
}

// rule: privacy-requests T-7
#[test]
fn after_of_a_dataset_names_all_collections_of_another() {
    let mut late = dataset(&["A: email^email"]);
    late.fides_key = "late".into();
    late.after.push("d".into());
    late.collections[0].address = model::CollectionAddress::new("late", "A");

    let traversal = traverse(&[late, dataset(&["B: email^email", "C: email^email"])]).unwrap();

    assert_eq!(names(&traversal), ["B", "C", "A"]);
    assert_eq!(traversal.nodes()[2].waits_for.len(), 2);
}

// rule: privacy-requests T-4
#[test]
fn a_directed_edge_counts_also_when_its_parent_is_visited_later() {
    let traversal =
        by_email(&["A: id email^email", "B: aid<A.id did<D.id", "C: aid<A.id id", "D: cid<C.id id"]);

    assert_eq!(names(&traversal), ["A", "B", "C", "D"]);
    let late = traversal.find(&address("B")).unwrap();
    assert_eq!(edges(late), ["aid<-A.id", "did<-D.id"]);
    assert!(late.waits_for.contains(&address("D")), "B is read once, when D has ended");
}

// rule: privacy-requests 21.9
// rule: privacy-requests T-13
#[test]
fn a_directed_circle_is_cut_where_it_closes_and_the_cut_is_known() {
    let traversal = by_email(&["A: id email^email b<B.id", "B: id a<A.id"]);

    assert_eq!(names(&traversal), ["A", "B"]);
    assert_eq!(edges(&traversal.nodes()[0]), ["email<-email"]);
    assert_eq!(traversal.nodes()[0].cut.len(), 1);
    assert_eq!(edges(&traversal.nodes()[1]), ["a<-A.id"]);
}

// rule: privacy-requests 21.6
// rule: privacy-requests T-9
// rule: saas-config 16.13
#[test]
fn a_collection_of_another_identity_is_skipped_with_a_message() {
    let traversal = by_email(&["A: email^email", "U: id^phone_number", "V: u<U.id"]);

    assert_eq!(names(&traversal), ["A"]);
    let texts: Vec<_> = traversal.skipped().iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "Skipping the \"d:U\" collection, it is reachable by the \"phone_number\" identity but only the \
             \"email\" identity was provided",
            "Skipping the \"d:V\" collection, it is reachable by the \"phone_number\" identity but only the \
             \"email\" identity was provided",
        ]
    );
}

// rule: privacy-requests T-9
#[test]
fn several_kinds_are_named_in_the_plural() {
    let data = dataset(&["U: a^phone_number b^external_id"]);
    let two = identities(&[("email", json!("e")), ("device", json!("d"))]);

    let traversal = Graph::build(&[data]).unwrap().traverse(&two, Targets::Everything).unwrap();

    let text = traversal.skipped()[0].to_string();
    assert!(text.contains("by the \"external_id\", \"phone_number\" identities but"), "{text}");
    assert!(text.ends_with("only the \"device\", \"email\" identities were provided"), "{text}");
}

// rule: privacy-requests 21.7
// rule: privacy-requests T-10
#[test]
fn identities_that_seed_nothing_give_an_empty_traversal() {
    let phone = identities(&[("phone_number", json!("+1"))]);

    let traversal =
        Graph::build(&[dataset(&["A: email^email"])]).unwrap().traverse(&phone, Targets::Everything).unwrap();

    assert!(traversal.nodes().is_empty());
    assert_eq!(traversal.skipped().len(), 1);
}

// rule: privacy-requests 21.5
// rule: privacy-requests T-9
#[test]
fn a_collection_that_nothing_leads_to_is_named_and_fatal_only_if_targeted() {
    let graph = Graph::build(&[dataset(&["A: email^email", "U: id!user.name"])]).unwrap();
    let user = vec!["user".to_owned()];
    let other = vec!["system".to_owned()];

    let everything = graph.traverse(&email(), Targets::Everything).unwrap();
    let untargeted = graph.traverse(&email(), Targets::Categories(&other)).unwrap();
    let targeted = graph.traverse(&email(), Targets::Categories(&user)).unwrap_err();

    assert_eq!(everything.skipped()[0].reason, SkipReason::NothingLeadsThere);
    assert_eq!(everything.skipped()[0].address, address("U"));
    assert_eq!(untargeted.skipped().len(), 1);
    assert_eq!(targeted, TraversalError::Unreachable { collections: vec![address("U")] });
    assert!(targeted.to_string().contains("d:U"));
}

// rule: privacy-requests T-9
#[test]
fn a_collection_that_custom_fields_lead_to_is_tolerated_although_it_is_targeted() {
    let mut whole = dataset(&["A: email^email", "U: id!user.name"]);
    whole.collections[1].fields[0].custom_request_field = Some("site".to_owned());
    let user = vec!["user".to_owned()];

    let traversal = Graph::build(&[whole]).unwrap().traverse(&email(), Targets::Categories(&user)).unwrap();

    assert_eq!(names(&traversal), ["A"]);
    assert_eq!(traversal.skipped()[0].reason, SkipReason::CustomRequestField);
    assert!(traversal.skipped()[0].to_string().contains("looked up by custom fields of requests"));
}

// rule: privacy-requests 21.8
// rule: privacy-requests G-5
#[test]
fn the_direction_of_a_reference_decides_what_is_reached() {
    let to = by_email(&["A: email^email id>B.aid", "B: aid"]);
    let from = by_email(&["A: email^email id<B.aid", "B: aid"]);

    assert_eq!(names(&to), ["A", "B"]);
    assert_eq!(names(&from), ["A"]);
    assert_eq!(from.skipped()[0].address, address("B"));
}

// rule: saas-config 15.5
#[test]
fn a_filter_waits_for_the_collection_it_looks_at() {
    let mut data = dataset(&["A: email^email", "B: email^email"]);
    data.collections[0]
        .filter_references
        .push(crate::fixture::reference("B.id", spec::reference::Direction::Either));

    let traversal = traverse(&[data]).unwrap();

    let filtered = traversal.find(&address("A")).unwrap();
    assert!(filtered.waits_for.contains(&address("B")));
    assert!(filtered.parents().is_empty(), "it gives no input values");
}

/// Up to six collections with random fields; edges only to collections that exist.
fn any_collections() -> impl Strategy<Value = Vec<String>> {
    let field = (0usize..6, prop_oneof![Just('<'), Just('>'), Just('-')]);
    let collection = (proptest::bool::weighted(0.4), proptest::collection::vec(field, 0..3));
    proptest::collection::vec(collection, 1..6).prop_map(|collections| {
        let count = collections.len();
        let describe = |(own, (seeded, fields)): (usize, (bool, Vec<(usize, char)>))| {
            let mut text = format!("C{own}: id");
            if seeded {
                text.push_str(" email^email");
            }
            for (target, sign) in fields {
                let target = target % count;
                if target != own {
                    text += &[" f", &target.to_string(), &sign.to_string(), "C", &target.to_string(), ".id"]
                        .concat();
                }
            }
            text
        };
        collections.into_iter().enumerate().map(describe).collect()
    })
}

fn described(traversal: &crate::Traversal) -> String {
    let nodes = traversal
        .nodes()
        .iter()
        .map(|node| format!("{} {:?} {:?} {:?}", node.address(), node.incoming, node.cut, node.waits_for));
    format!("{:?} {:?}", nodes.collect::<Vec<_>>(), traversal.skipped())
}

proptest! {
    // rule: privacy-requests T-6
    #[test]
    fn traversal_does_not_depend_on_the_order_of_collections(
        (texts, shuffled) in any_collections().prop_flat_map(|texts| (Just(texts.clone()), Just(texts).prop_shuffle())),
    ) {
        let build = |texts: &[String]| {
            let data = GraphDataset {
                fides_key: "d".into(),
                after: vec![],
                collections: texts.iter().map(|text| collection(text)).collect(),
            };
            traverse(&[data]).unwrap()
        };

        prop_assert_eq!(described(&build(&texts)), described(&build(&shuffled)));
    }

    // rule: privacy-requests T-13
    #[test]
    fn execution_order_never_holds_a_circle_and_every_collection_is_named_once(texts in any_collections()) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let traversal = by_email(&texts);

        let mut ended = std::collections::BTreeSet::new();
        loop {
            let ready: Vec<_> = traversal
                .nodes()
                .iter()
                .filter(|node| !ended.contains(node.address()) && node.waits_for.iter().all(|first| ended.contains(first)))
                .map(|node| node.address().clone())
                .collect();
            if ready.is_empty() {
                break;
            }
            ended.extend(ready);
        }
        prop_assert_eq!(ended.len(), traversal.nodes().len());
        prop_assert_eq!(traversal.nodes().len() + traversal.skipped().len(), texts.len());
    }
}

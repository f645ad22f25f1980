//! What a law asks to keep is left out of plans, and stops those that were made before.

use engine::Cancellation;
use graph::MaskingMode;
use jiff::Timestamp;
use model::Outcome;
use privacy::plan::Plan;
use privacy::plan::drift::Drift;
use privacy::{ApplyError, ApplyOptions, PrivacyService};
use store::{Actor, Hold, Lookup, LookupField, NewHold};

use super::world::World;
use super::{SHOP, TABLES, acme_world, stay, stays};

async fn hold(service: &PrivacyService, place: Option<&str>, until: Option<Timestamp>) -> Hold {
    let new = NewHold {
        place: place.map(str::to_owned),
        ground: "HGB 257".to_owned(),
        until,
        people: Vec::new(),
        actor: Actor::person("pat"),
    };
    service.parts().store.hold_create(new).await.unwrap()
}

async fn plan(world: &World, service: &PrivacyService) -> Plan {
    service.plan(world.request(), Cancellation::never(), &|_| {}).await.unwrap()
}

fn collections(plan: &Plan) -> Vec<&str> {
    let operations = plan.contents().operations.iter();
    operations.flat_map(|one| &one.collections).map(model::CollectionAddress::collection).collect()
}

#[tokio::test]
async fn a_held_table_is_left_out_with_its_ground_and_its_end() {
    let world = World::new().await.database(TABLES, SHOP).await;
    let service = world.service().await;
    let until: Timestamp = "2099-01-01T00:00:00Z".parse().unwrap();
    let hold = hold(&service, Some("shop:orders"), Some(until)).await;

    let plan = plan(&world, &service).await;

    assert_eq!(collections(&plan), ["customers"]);
    assert_eq!(stays(&plan), [stay("orders", "hold", 3, Outcome::Exempt)]);
    let explanation = &plan.contents().not_covered[0].explanation;
    let id = &hold.id;
    assert_eq!(
        explanation,
        &format!("kept under HGB 257 until 2099-01-01T00:00:00Z, and erased then ({id})")
    );
}

#[tokio::test]
async fn a_request_that_would_take_held_data_with_it_is_not_planned() {
    let world = acme_world(MaskingMode::Any).await;
    let service = world.service().await;
    hold(&service, Some("acme:notes"), None).await;

    let plan = plan(&world, &service).await;

    assert!(!collections(&plan).contains(&"notes"), "{}", plan.to_text());
    assert!(stays(&plan).contains(&stay("notes", "hold", 2, Outcome::Exempt)), "{:?}", stays(&plan));
    assert!(collections(&plan).contains(&"people"));
}

#[tokio::test]
async fn a_hold_of_everything_leaves_nothing_to_be_done() {
    let world = acme_world(MaskingMode::Any).await.database(TABLES, SHOP).await;
    let service = world.service().await;
    hold(&service, None, None).await;

    let plan = plan(&world, &service).await;

    assert_eq!(collections(&plan), Vec::<&str>::new());
    assert!(stays(&plan).iter().all(|(_, _, _, outcome)| *outcome == Outcome::Exempt), "{:?}", stays(&plan));
}

/// The twin: a hold that ended, of somebody else, or of another place keeps nothing.
#[tokio::test]
async fn holds_that_are_not_about_it_keep_nothing() {
    let world = World::new().await.database(TABLES, SHOP).await;
    let service = world.service().await;
    hold(&service, Some("shop"), Some("1999-01-01T00:00:00Z".parse().unwrap())).await;
    hold(&service, Some("shop:invoices"), None).await;
    let bo = Lookup { field: LookupField::Identity, name: "email".into(), value: "bo@example.com".into() };
    let new = NewHold {
        place: None,
        ground: "a matter".to_owned(),
        until: None,
        people: vec![bo],
        actor: Actor::person("pat"),
    };
    service.parts().store.hold_create(new).await.unwrap();

    let plan = plan(&world, &service).await;

    assert_eq!(collections(&plan), ["customers", "orders"]);
    assert_eq!(stays(&plan), []);
}

#[tokio::test]
async fn a_hold_made_after_the_plan_stops_it() {
    let world = World::new().await.database(TABLES, SHOP).await;
    let service = world.service().await;
    let plan = plan(&world, &service).await;
    hold(&service, Some("shop:customers"), None).await;

    let error = service
        .apply(&plan, plan.digest(), ApplyOptions::new(Actor::person("pat")), &|_| {})
        .await
        .unwrap_err();

    let ApplyError::Drift(report) = &error else { panic!("{error}") };
    assert!(report.drifts.contains(&Drift::Held { order: 1 }), "{report}");
}

#[tokio::test]
async fn a_hold_that_ended_after_the_plan_does_not_stop_it() {
    let world = World::new().await.database(TABLES, SHOP).await;
    let service = world.service().await;
    let hold = hold(&service, Some("shop:orders"), None).await;
    let plan = plan(&world, &service).await;
    service.parts().store.hold_lift(&hold.id, Actor::person("pat")).await.unwrap();

    let status =
        service.apply(&plan, plan.digest(), ApplyOptions::new(Actor::person("pat")), &|_| {}).await.unwrap();

    assert!(status.operations.iter().all(|one| one.outcome == Some(Outcome::Masked)), "{status:?}");
}

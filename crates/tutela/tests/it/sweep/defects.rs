//! The sweep finds what it is there to find: with a defect planted in the program, it fails.

use sandbox::Fault;

use crate::sweep::cases::runtime;
use crate::sweep::check::Violation;
use crate::sweep::scenario::{Disturbance, Stage, WriteCall};
use crate::sweep::world::World;
use crate::sweep_database::Flavour;

/// What is wrong when every write of one kind meets this fault with the defect planted, and when it
/// meets it without.
fn found(defect: &'static str, write: &str, fault: Fault) -> (Vec<Violation>, Vec<Violation>) {
    let runtime = runtime();
    let world = runtime.block_on(World::new(Flavour::Sqlite)).expect("SQLite needs no server");
    let mut stage = Stage::new(world);
    let write: WriteCall =
        stage.writes().into_iter().find(|found| found.path.contains(write)).expect("it is in the plan");
    let healthy = Disturbance::of_write(&write, fault);
    let defective = stage.run(&healthy.clone().with_defect(defect));
    let healthy = stage.run(&healthy);
    stage.world.close();
    (defective.violations, healthy.violations)
}

#[test]
fn sending_before_the_intent_is_found() {
    let (defective, healthy) = found("send_before_intent", "/subscriptions/", Fault::HoldAfter);

    assert_eq!(healthy, []);
    // It finds things changed that it never noted to have changed.
    assert_ne!(defective, []);
}

#[test]
fn trusting_a_500_is_found() {
    let (defective, healthy) = found("trust_500", "/subscriptions/", Fault::ErrorAfter);

    assert_eq!(healthy, []);
    assert_ne!(defective, [], "a 500 after the effect");
}

/// A process that slept between the intent and the wire while another took its task over sends nothing
/// when it wakes up; one that forgets who holds the task sends what the other sent.
#[test]
fn forgetting_fences_is_found() {
    let runtime = runtime();
    let world = runtime.block_on(World::one_by_one(Flavour::Sqlite)).expect("SQLite needs no server");
    let mut stage = Stage::new(world);
    let operation = stage.order_of("/subscriptions/");

    let defective = stage.run_overtaken(operation, Some("forget_fences"));
    let healthy = stage.run_overtaken(operation, None);

    stage.world.close();
    assert_eq!(healthy.violations, [], "{}", healthy.words.join("\n"));
    let is_found = defective.violations.iter().any(|violation| matches!(violation, Violation::SentAgain(_)));
    assert!(is_found, "{:?}\n{}", defective.violations, defective.words.join("\n"));
}

#[test]
fn a_process_that_was_overtaken_sends_nothing_on_postgresql() {
    let runtime = runtime();
    let Some(world) = runtime.block_on(World::one_by_one(Flavour::PostgreSql)) else { return };
    let mut stage = Stage::new(world);
    let operation = stage.order_of("/subscriptions/");

    let overtaken = stage.run_overtaken(operation, None);

    stage.world.close();
    assert_eq!(overtaken.violations, [], "{}", overtaken.words.join("\n"));
}

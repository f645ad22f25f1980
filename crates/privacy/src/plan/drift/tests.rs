use rstest::rstest;

use super::*;
use crate::plan::fixture::{address, connection, contents, update};

fn plan() -> Plan {
    Plan::seal(contents())
}

fn unchanged() -> Observed {
    let customers = ObservedRead {
        complete: true,
        rows: 1,
        marks: BTreeMap::from([("row-1".into(), "row-1-as-read".into())]),
        values: BTreeMap::from([("segment_id".into(), "ids".into())]),
    };
    let events = ObservedRead { complete: true, rows: 5, ..ObservedRead::default() };
    let orders = ObservedRead { complete: true, rows: 3, ..ObservedRead::default() };
    Observed {
        connections: vec![connection("shop"), connection("segment")],
        policy_sha256: "policy".into(),
        limits: Limits::default(),
        reads: BTreeMap::from([
            (address("shop:customers"), customers),
            (address("segment:events"), events),
            (address("shop:orders"), orders),
        ]),
        held: BTreeSet::new(),
    }
}

fn customers(observed: &mut Observed) -> &mut ObservedRead {
    observed.reads.get_mut(&address("shop:customers")).unwrap()
}

fn texts(report: &DriftReport) -> Vec<String> {
    report.drifts.iter().map(ToString::to_string).collect()
}

#[test]
fn an_unchanged_world_is_no_drift() {
    let report = compare(&plan(), &unchanged(), &BTreeSet::new());

    assert_eq!(report, DriftReport::default());
    assert_eq!(report.to_string(), "the plan still fits\n");
}

#[rstest]
#[case::file(|now: &mut Observed| now.connections[0].sha256 = "other".into(), "the connector or dataset file of `shop` changed")]
#[case::version(|now: &mut Observed| now.connections[1].version = "2".into(), "the connector or dataset file of `segment` changed")]
#[case::secrets(|now: &mut Observed| now.connections[0].secrets_fingerprint = "x".into(), "the secrets of `shop` changed")]
#[case::gone(|now: &mut Observed| { now.connections.remove(0); }, "connection `shop` is not there any more")]
#[case::policy(|now: &mut Observed| now.policy_sha256 = "x".into(), "the policy changed")]
#[case::limits(|now: &mut Observed| now.limits.max_writes += 1, "the limits changed")]
#[case::held(|now: &mut Observed| { now.held.insert(1); }, "what operation 1 erases is kept under a hold now")]
#[case::row(|now: &mut Observed| { customers(now).marks.insert("row-1".into(), "x".into()); }, "a row of `shop:customers` changed (operation 1)")]
#[case::row_gone(|now: &mut Observed| customers(now).marks.clear(), "a row of `shop:customers` is gone (operation 1)")]
#[case::row_new(|now: &mut Observed| { customers(now).marks.insert("row-2".into(), "x".into()); }, "1 rows of `shop:customers` are new")]
#[case::values(|now: &mut Observed| { customers(now).values.insert("segment_id".into(), "x".into()); }, "values of `shop:customers`, field `segment_id` changed (operation 2)")]
#[case::values_gone(|now: &mut Observed| customers(now).values.clear(), "values of `shop:customers`, field `segment_id` changed (operation 2)")]
#[case::unread(|now: &mut Observed| customers(now).complete = false, "`shop:customers` could not be read again to its end")]
#[case::not_there(|now: &mut Observed| { now.reads.remove(&address("shop:customers")); }, "`shop:customers` could not be read again to its end")]
fn any_change_that_a_write_depends_on_stops_the_plan(
    #[case] change: fn(&mut Observed),
    #[case] message: &str,
) {
    let mut now = unchanged();
    change(&mut now);

    let report = compare(&plan(), &now, &BTreeSet::new());

    assert_eq!(texts(&report), [message]);
    assert!(report.stops());
    assert!(report.to_string().starts_with("the plan no longer fits; nothing was sent"));
}

#[rstest]
#[case::more(9, 4)]
#[case::fewer(1, 0)]
fn rows_of_a_collection_erased_as_a_whole_come_and_go(#[case] rows: u64, #[case] listed: u64) {
    let mut now = unchanged();
    now.reads.get_mut(&address("segment:events")).unwrap().rows = rows;

    let report = compare(&plan(), &now, &BTreeSet::new());

    assert!(!report.stops());
    assert_eq!(report.appeared.iter().map(|one| one.rows).sum::<u64>(), listed);
}

#[test]
fn a_collection_that_no_write_depends_on_may_change_or_be_unreadable() {
    let mut now = unchanged();
    now.reads.remove(&address("shop:orders"));

    assert!(!compare(&plan(), &now, &BTreeSet::new()).stops());
}

#[test]
fn what_this_run_changed_is_no_drift() {
    let mut now = unchanged();
    customers(&mut now).marks = BTreeMap::from([("row-1-with-a-masked-key".into(), "x".into())]);
    customers(&mut now).values.clear();
    now.reads.get_mut(&address("segment:events")).unwrap().complete = false;

    assert!(compare(&plan(), &now, &BTreeSet::new()).stops(), "without progress it is drift");
    assert!(!compare(&plan(), &now, &BTreeSet::from([1])).stops());
}

#[test]
fn after_a_first_write_a_changed_row_still_stops_and_a_row_that_cannot_be_found_does_not() {
    let mut contents = contents();
    let mut order = update("order-1");
    order.collections = vec![address("shop:orders")];
    order.uses.rows[0].address = address("shop:orders");
    contents.operations.push(order);
    let plan = Plan::seal(contents);
    let mut now = unchanged();
    customers(&mut now).marks.clear();

    let lost = compare(&plan, &now, &BTreeSet::from([1]));
    now.reads.get_mut(&address("shop:orders")).unwrap().marks.insert("order-1".into(), "changed".into());
    let changed = compare(&plan, &now, &BTreeSet::from([1]));

    assert!(!lost.stops(), "orders are found through customers, which are masked already: {lost}");
    assert_eq!(texts(&changed), ["a row of `shop:orders` changed (operation 3)"]);
}

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn berlin() -> Calendar {
    Calendar::new("Europe/Berlin", [day("2026-12-25"), day("2026-12-26"), day("2027-01-01")]).unwrap()
}

fn plain(jurisdiction: Jurisdiction, received: Timestamp) -> Circumstances<'static> {
    Circumstances { jurisdiction, received, pauses: &[], extended: None, own_days: None }
}

fn last_day(circumstances: &Circumstances<'_>, calendar: &Calendar) -> Date {
    deadline(circumstances, calendar, circumstances.received).unwrap().last_day
}

#[rstest]
#[case::same_number(Jurisdiction::Gdpr, "2026-03-05T09:00:00Z", "2026-04-07")] // the 5th is Easter Sunday, the 6th is given as a holiday below
#[case::short_month(Jurisdiction::Gdpr, "2026-01-31T09:00:00Z", "2026-03-02")] // 28 February is a Saturday
#[case::leap_year(Jurisdiction::Gdpr, "2028-01-31T09:00:00Z", "2028-02-29")]
#[case::saturday(Jurisdiction::UkGdpr, "2026-09-17T09:00:00Z", "2026-10-19")]
#[case::day_of_the_zone(Jurisdiction::Gdpr, "2026-09-14T22:30:00Z", "2026-10-15")]
#[case::forty_five_days(Jurisdiction::Ccpa, "2026-01-01T12:00:00Z", "2026-02-15")] // a Sunday, and it stays
#[case::fifteen_days(Jurisdiction::Lgpd, "2026-02-20T12:00:00Z", "2026-03-07")]
#[case::ten_days(Jurisdiction::Pipa, "2026-02-20T12:00:00Z", "2026-03-02")]
fn each_law_counts_its_own_days(
    #[case] jurisdiction: Jurisdiction,
    #[case] received: &str,
    #[case] expected: &str,
) {
    let calendar = Calendar::new("Europe/Berlin", [day("2026-04-06")]).unwrap();

    let last = last_day(&plain(jurisdiction, at(received)), &calendar);

    assert_eq!(last, day(expected));
}

#[test]
fn a_day_ends_at_midnight_of_the_controllers_zone_also_when_clocks_are_changed() {
    let summer = plain(Jurisdiction::Gdpr, at("2026-09-25T09:00:00Z"));
    let winter = plain(Jurisdiction::Gdpr, at("2026-10-26T09:00:00Z"));

    let [summer, winter] = [summer, winter].map(|one| deadline(&one, &berlin(), one.received).unwrap());

    // 25 October 2026 is a Sunday and has 25 hours; the 26th is the first day of winter time.
    assert_eq!((summer.last_day, summer.due_at), (day("2026-10-26"), at("2026-10-26T23:00:00Z")));
    assert_eq!(winter.due_at, at("2026-11-26T23:00:00Z"));
}

#[test]
fn holidays_in_a_row_are_passed_over_together() {
    let circumstances = plain(Jurisdiction::Gdpr, at("2026-11-25T09:00:00Z"));

    assert_eq!(last_day(&circumstances, &berlin()), day("2026-12-28"));
}

#[test]
fn an_extension_counts_from_the_same_day_and_is_given_once() {
    let mut circumstances = plain(Jurisdiction::Gdpr, at("2026-01-31T09:00:00Z"));
    let before = deadline(&circumstances, &Calendar::utc(), circumstances.received).unwrap();

    circumstances.extended = Some(Extended { announced: at("2026-02-20T09:00:00Z"), named: None });
    let after = deadline(&circumstances, &Calendar::utc(), circumstances.received).unwrap();

    // Not two months after 2 March: three after 31 January.
    assert_eq!(before.extensible_to, Some(day("2026-04-30")));
    assert_eq!(after.last_day, day("2026-04-30"));
    assert_eq!(after.announce_by, before.last_day);
}

#[rstest]
#[case::none(
    Jurisdiction::Lgpd,
    "2026-01-05T00:00:00Z",
    None,
    "the LGPD allows no extension; answer by 2026-01-16"
)]
#[case::late(
    Jurisdiction::Ccpa,
    "2026-02-16T00:00:00Z",
    None,
    "an extension under the CCPA must be announced by 2026-02-15; it is too late for one"
)]
#[case::no_day(
    Jurisdiction::Pipa,
    "2026-01-05T00:00:00Z",
    None,
    "PIPA sets no length for an extension; name the last day"
)]
#[case::too_far(
    Jurisdiction::Ccpa,
    "2026-01-05T00:00:00Z",
    Some("2026-04-02"),
    "an extension under the CCPA ends after 2026-02-15 and by 2026-04-01"
)]
#[case::backwards(
    Jurisdiction::Pipa,
    "2026-01-05T00:00:00Z",
    Some("2026-01-11"),
    "an extension under PIPA ends after 2026-01-11 and by 9999-12-31"
)]
fn an_extension_that_the_law_does_not_allow_is_refused(
    #[case] jurisdiction: Jurisdiction,
    #[case] announced: &str,
    #[case] named: Option<&str>,
    #[case] expected: &str,
) {
    let mut circumstances = plain(jurisdiction, at("2026-01-01T09:00:00Z"));
    circumstances.extended = Some(Extended { announced: at(announced), named: named.map(day) });

    let error = deadline(&circumstances, &Calendar::utc(), at(announced)).unwrap_err();

    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_clock_begins_when_the_person_has_shown_who_they_are() {
    let pauses = [Pause {
        reason: PauseReason::Identity,
        from: at("2026-01-01T09:00:00Z"),
        until: Some(at("2026-01-12T09:00:00Z")),
    }];
    let mut circumstances = plain(Jurisdiction::Gdpr, at("2026-01-01T09:00:00Z"));
    circumstances.pauses = &pauses;

    let european = last_day(&circumstances, &Calendar::utc());
    circumstances.jurisdiction = Jurisdiction::Ccpa;
    let californian = last_day(&circumstances, &Calendar::utc());

    assert_eq!(european, day("2026-02-12"));
    assert_eq!(californian, day("2026-02-15"), "its days run while the person is verified");
}

#[test]
fn a_later_pause_adds_its_days_and_pauses_over_each_other_count_once() {
    let pause = |reason, from: &str, until: &str| Pause { reason, from: at(from), until: Some(at(until)) };
    let pauses = [
        pause(PauseReason::Clarification, "2026-01-05T09:00:00Z", "2026-01-08T09:00:00Z"),
        pause(PauseReason::Identity, "2026-01-07T09:00:00Z", "2026-01-10T09:00:00Z"),
        pause(PauseReason::Identity, "2026-01-06T09:00:00Z", "2026-01-07T09:00:00Z"),
    ];
    let mut circumstances = plain(Jurisdiction::UkGdpr, at("2026-01-01T09:00:00Z"));
    circumstances.pauses = &pauses;

    let found = deadline(&circumstances, &Calendar::utc(), at("2026-01-20T00:00:00Z")).unwrap();

    assert_eq!(found.last_day, day("2026-02-06"), "1 February and five days");
    assert!(!found.is_paused);
}

#[test]
fn an_open_pause_moves_the_deadline_every_day_and_one_after_the_end_does_not() {
    let open = [Pause { reason: PauseReason::Clarification, from: at("2026-01-10T09:00:00Z"), until: None }];
    let late = [Pause { reason: PauseReason::Clarification, from: at("2026-06-10T09:00:00Z"), until: None }];
    let mut circumstances = plain(Jurisdiction::Gdpr, at("2026-01-02T09:00:00Z"));
    let count = |circumstances: &Circumstances<'_>, now: &str| {
        deadline(circumstances, &Calendar::utc(), at(now)).unwrap()
    };

    circumstances.pauses = &open;
    let first = count(&circumstances, "2026-01-12T09:00:00Z");
    let second = count(&circumstances, "2026-01-13T09:00:00Z");
    circumstances.pauses = &late;
    let over = count(&circumstances, "2026-07-01T09:00:00Z");

    assert_eq!((first.last_day, second.last_day), (day("2026-02-04"), day("2026-02-05")));
    assert!(first.is_paused && second.is_paused);
    assert_eq!((over.last_day, over.is_paused), (day("2026-02-02"), false));
}

#[test]
fn the_controllers_own_days_make_a_deadline_earlier_and_never_later() {
    let mut circumstances = plain(Jurisdiction::Ccpa, at("2026-01-01T09:00:00Z"));

    let found = [10, 400].map(|days| {
        circumstances.own_days = Some(days);
        let found = deadline(&circumstances, &Calendar::utc(), circumstances.received).unwrap();
        (found.last_day, found.is_own)
    });

    assert_eq!(found, [(day("2026-01-11"), true), (day("2026-02-15"), false)]);
}

#[test]
fn california_wants_a_word_within_ten_working_days() {
    let circumstances = plain(Jurisdiction::Ccpa, at("2026-12-18T09:00:00Z"));

    let found = deadline(&circumstances, &berlin(), circumstances.received).unwrap();

    // Fridays 18 and 25, the weekends, and New Year do not count.
    assert_eq!(found.confirm_by, Some(day("2027-01-05")));
}

#[test]
fn an_application_with_a_longer_clock_is_foreseen() {
    let circumstances = plain(Jurisdiction::Lgpd, at("2026-01-01T09:00:00Z"));
    let due = deadline(&circumstances, &Calendar::utc(), circumstances.received).unwrap();
    let clock = |key: &str, by: &str| VendorClock { connection: key.parse().unwrap(), done_by: at(by) };
    let [quick, slow] = [clock("crm", "2026-01-16T23:59:59Z"), clock("segment", "2026-02-01T00:00:00Z")];
    let now = at("2026-01-02T09:00:00Z");

    let in_time = forecast(&due, std::slice::from_ref(&quick), now);
    let may_be_late = forecast(&due, &[quick, slow.clone()], now);
    let late = forecast(&due, &[], at("2026-01-17T00:00:00Z"));

    assert_eq!(in_time, Forecast::InTime);
    assert_eq!(may_be_late, Forecast::MayBeLate(vec![slow]));
    assert_eq!(late, Forecast::Late);
}

#[rstest]
#[case("DE", Some(Jurisdiction::Gdpr))]
#[case("us_ca", Some(Jurisdiction::Ccpa))]
#[case("US-NY", None)]
#[case("gb-sct", Some(Jurisdiction::UkGdpr))]
#[case("BR-SP", Some(Jurisdiction::Lgpd))]
#[case("KR", Some(Jurisdiction::Pipa))]
#[case("", None)]
fn a_place_has_its_law(#[case] place: &str, #[case] expected: Option<Jurisdiction>) {
    assert_eq!(Jurisdiction::at(place), expected);
}

#[test]
fn a_zone_that_nobody_knows_is_named() {
    let error = Calendar::new("Europe/Nowhere", []).unwrap_err();

    assert_eq!(error.to_string(), "`Europe/Nowhere` is no time zone; write one as `Europe/Berlin`");
}

proptest! {
    /// Later arrivals and longer waits never bring the deadline forward.
    #[test]
    fn deadlines_go_one_way(seconds in 0_i64..4_000_000_000, later in 0_i64..10_000_000, waited in 0_i64..5_000_000) {
        let calendar = berlin();
        let received = Timestamp::from_second(seconds).unwrap();
        let after = Timestamp::from_second(seconds + later).unwrap();
        let until = Timestamp::from_second(seconds + 86_400 + waited).unwrap();
        let from = Timestamp::from_second(seconds + 86_400).unwrap();
        let pauses = [Pause { reason: PauseReason::Identity, from, until: Some(until) }];
        for jurisdiction in Jurisdiction::ALL {
            let first = plain(jurisdiction, received);
            let second = plain(jurisdiction, after);
            let paused = Circumstances { pauses: &pauses, ..first.clone() };

            prop_assert!(last_day(&first, &calendar) <= last_day(&second, &calendar));
            prop_assert!(last_day(&first, &calendar) <= last_day(&paused, &calendar));
            prop_assert!(last_day(&first, &calendar) > calendar.day(received));
        }
    }
}

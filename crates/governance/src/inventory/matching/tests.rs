use std::collections::BTreeMap;

use jiff::civil::{Date, date};
use rstest::rstest;

use super::*;
use crate::change::ResourceName;
use crate::inventory::Inventory;
use crate::inventory::world::{World, called, disabled, of_type, with_login};

const TODAY: Date = date(2026, 11, 27);

fn people(lines: &[&str]) -> People {
    let text = format!("e-mail,user name,name,status,last day\n{}\n", lines.join("\n"));
    People::of_csv(&text, TODAY).unwrap()
}

/// Whose account `user:7` is, in words.
fn owner(inventory: &Inventory, people: &People, settings: &MatchSettings) -> String {
    let owners = Owners::find(inventory, people, settings);
    let names = |numbers: &[PersonNumber]| {
        numbers.iter().map(|number| people.get(*number).unwrap().key()).collect::<Vec<_>>().join(" and ")
    };
    match owners.get(inventory.find_resource("user", "7").unwrap()).unwrap() {
        Match::Owned(of, reason) => format!("{} by {reason:?}", names(of)),
        Match::Ambiguous(of, reason) => format!("perhaps {} by {reason:?}", names(of)),
        Match::Cleared => "cleared".to_owned(),
        Match::Unknown => "unknown".to_owned(),
        Match::Nobody(near) => format!("nobody, near {}", names(near)),
    }
}

fn of_email(email: &str) -> Inventory {
    World::new().user("7", "Ana Lima", email).inventory()
}

#[rstest]
#[case::address_in_any_case("ANA@example.com", "ana@Example.com,,,,", "ana@Example.com by Email")]
#[case::suffix_is_kept("ana+x@example.com", "ana@example.com,,,,", "nobody, near ")]
#[case::another_domain("ana@example.org", "ana@example.com,,,,", "nobody, near ana@example.com")]
#[case::second_address("a@example.com", "ana@example.com;a@example.com,,,,", "ana@example.com by Email")]
#[case::name_is_not_asked("x@example.com", "ana@example.com,,Ana Lima,,", "nobody, near ")]
#[case::nobody_at_all("", "ana@example.com,,,,", "nobody, near ")]
fn acc4_narrow(#[case] email: &str, #[case] person: &str, #[case] expected: &str) {
    assert_eq!(owner(&of_email(email), &people(&[person]), &MatchSettings::default()), expected);
}

// ACC-10
#[test]
fn acc10_a_suffix_is_removed_if_that_is_wanted() {
    let settings = MatchSettings { suffix: PlusSuffix::Removed, ..MatchSettings::default() };

    let found = owner(&of_email("ana+x@example.com"), &people(&["ana+y@example.com,,,,"]), &settings);

    assert_eq!(found, "ana+y@example.com by Email");
}

#[rstest]
#[case::login_and_user_name("ANA", "other@example.com,ana,,,", "other@example.com by UserName")]
#[case::login_that_is_an_address("ana@example.com", "Ana@example.com,,,,", "Ana@example.com by UserName")]
#[case::near_by_login("ana@example.org", "ana@example.com,,,,", "nobody, near ana@example.com")]
fn acc4_names_to_sign_in_with(#[case] login: &str, #[case] person: &str, #[case] expected: &str) {
    let inventory = World::new().account("7", "", with_login(login)).inventory();

    assert_eq!(owner(&inventory, &people(&[person]), &MatchSettings::default()), expected);
}

#[test]
fn acc4_the_address_decides_before_the_name_to_sign_in_with() {
    let inventory = World::new()
        .account("7", "", |user| {
            with_login("ben")(user);
            disabled("ana@example.com")(user);
        })
        .inventory();

    let found = owner(
        &inventory,
        &people(&["ben@example.com,ben,,,", "ana@example.com,,,,"]),
        &MatchSettings::default(),
    );

    assert_eq!(found, "ana@example.com by Email");
}

#[rstest]
#[case::shown_name(World::new().user("7", "ana  LIMA", "x@example.org").inventory())]
#[case::structured_name(World::new().account("7", "alima", called("Ana", "Lima")).inventory())]
fn acc4_broad_asks_first_and_last_name_last(#[case] inventory: Inventory) {
    let (one, settings) = (
        people(&["ana@example.com,,Ana Lima,,"]),
        MatchSettings { mode: Mode::Broad, ..MatchSettings::default() },
    );
    let two = people(&["ana@example.com,,Ana Lima,,", "lima@example.com,,Ana Lima,,"]);

    assert_eq!(owner(&inventory, &one, &settings), "ana@example.com by FullName");
    assert_eq!(
        owner(&inventory, &two, &settings),
        "perhaps ana@example.com and lima@example.com by FullName"
    );
}

#[test]
fn nobody_is_chosen_where_several_fit_even_if_a_weaker_rule_would_choose() {
    let inventory = World::new()
        .account("7", "", |user| {
            disabled("team@example.com")(user);
            user.login = "ben".to_owned();
        })
        .inventory();
    let several = people(&[
        "a@example.com;team@example.com,,,,",
        "b@example.com;team@example.com,,,,",
        "ben@example.com,ben,,,",
    ]);

    let found = owner(&inventory, &several, &MatchSettings::default());

    assert_eq!(found, "perhaps a@example.com and b@example.com by Email");
}

// ACC-6, ACC-10: never against what a person said
#[rstest]
#[case::another_owner(Assigned::Owners(vec!["Ben@example.com".to_owned()]), "ben@example.com by ByHand")]
#[case::two_owners(
    Assigned::Owners(vec!["ben@example.com".to_owned(), "ana@example.com".to_owned()]),
    "ana@example.com and ben@example.com by ByHand"
)]
#[case::nobody(Assigned::Cleared, "cleared")]
#[case::somebody_whom_no_list_has(Assigned::Owners(vec!["x@example.com".to_owned()]), "unknown")]
fn acc10_what_was_said_by_hand_holds(#[case] assigned: Assigned, #[case] expected: &str) {
    let settings = MatchSettings {
        assigned: BTreeMap::from([(ResourceName::new("user", "7"), assigned)]),
        ..MatchSettings::default()
    };
    let all = people(&["ana@example.com,,,,", "ben@example.com,,,,"]);

    assert_eq!(owner(&of_email("ana@example.com"), &all, &settings), expected);
}

// ACC-6: a hand names one of those whom suffixes do not tell apart
#[rstest]
#[case::one_of_two("Team+Ana@example.com", "team+ana@example.com by ByHand")]
#[case::neither("team@example.com", "unknown")]
fn acc10_what_was_said_by_hand_names_people_with_their_suffixes(#[case] said: &str, #[case] expected: &str) {
    let settings = MatchSettings {
        suffix: PlusSuffix::Removed,
        assigned: BTreeMap::from([(ResourceName::new("user", "7"), Assigned::Owners(vec![said.to_owned()]))]),
        ..MatchSettings::default()
    };
    let all = people(&["team+ana@example.com,,,,", "team+ben@example.com,,,,"]);

    assert_eq!(owner(&of_email("team+ben@example.com"), &all, &settings), expected);
}

#[test]
fn people_of_a_directory_are_its_human_accounts() {
    let mut directory = World::new();
    directory.user("1", "Ana Lima", "ana@example.com").account("2", "Ben", disabled("ben@example.com"));
    directory.account("3", "Robot", of_type(protos::c1::connector::v2::user_trait::AccountType::Service));

    let people = People::of_accounts(&directory.inventory());

    let told: Vec<_> =
        people.iter().map(|(_, person)| (person.key().to_owned(), person.gone.clone())).collect();
    assert_eq!(
        told,
        [
            ("ana@example.com".to_owned(), None),
            ("ben@example.com".to_owned(), Some(Gone::Status("disabled".to_owned()))),
        ]
    );
    assert!(!format!("{people:?}").contains("ana"));
}

#[rstest]
#[case::here("a@example.com,,,active,", None)]
#[case::nothing_said("a@example.com,,,,", None)]
#[case::on_leave("a@example.com,,,On leave,", None)]
#[case::left("a@example.com,,,Terminated,", Some(Gone::Status("terminated".to_owned())))]
#[case::last_day_over("a@example.com,,,active,2026-11-26", Some(Gone::LastDay(date(2026, 11, 26))))]
#[case::last_day_today("a@example.com,,,active,2026-11-27", None)]
#[case::last_day_with_time("a@example.com,,,,2026-11-26T23:00:00Z", Some(Gone::LastDay(date(2026, 11, 26))))]
fn who_is_gone(#[case] line: &str, #[case] expected: Option<Gone>) {
    assert_eq!(people(&[line]).iter().next().unwrap().1.gone, expected);
}

#[test]
fn who_came_back_is_one_person_and_here() {
    let people = people(&[
        "a@example.com,,,left,",
        "A@example.com,ana,,active,",
        "b@example.com,,,left,",
        "b@example.com,,,left,",
    ]);

    let told: Vec<_> =
        people.iter().map(|(_, person)| (person.user_names.len(), person.gone.is_some())).collect();
    assert_eq!(told, [(1, false), (0, true)]);
}

#[rstest]
#[case::no_column("a,b\n1,2\n", "no column")]
#[case::two_columns("email,E-Mail\n1,2\n", "two columns for `email`")]
#[case::nobody_named("email,name\na@example.com,\n,\n", "line 3 of the list of people names nobody")]
#[case::unknown_status(
    "email,status\na@example.com,gone fishing\n",
    "line 2 of the list of people has the status `gone fishing`"
)]
#[case::no_date("email,last day\na@example.com,31.10.2026\n", "line 2 of the list of people has a last day")]
#[case::torn("email,name\na@example.com\n", "no CSV")]
fn a_list_that_cannot_be_understood_is_refused_with_its_line(#[case] text: &str, #[case] told: &str) {
    let error = People::of_csv(text, TODAY).unwrap_err().to_string();

    assert!(error.contains(told), "{error}");
}

#[test]
fn tables_of_spreadsheets_are_read_too() {
    let people =
        People::of_csv("\u{feff}E-Mail;First Name;Last Name\nana@example.com;Ana;Lima\n", TODAY).unwrap();

    let (_, ana) = people.iter().next().unwrap();
    assert_eq!((ana.key(), ana.name.as_deref()), ("ana@example.com", Some("Ana Lima")));
    assert!(!people.tells_gone() && people.len() == 1 && !people.is_empty());
}

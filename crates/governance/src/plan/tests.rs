use std::collections::BTreeMap;

use rstest::rstest;
use spec::{CheckOptions, SourceFile};

use super::*;
use crate::change::ResourceName;

const GITHUB: &str = include_str!("../../../../connectors/github/connector.yml");

fn part(kinds: &[&str], names: &[&str]) -> SyncPart {
    let resource = |name: &&str| NamedResource { name: name.parse::<ResourceName>().unwrap(), parent: None };
    SyncPart {
        kinds: kinds.iter().map(|&kind| kind.to_owned()).collect(),
        resources: names.iter().map(resource).collect(),
        ..SyncPart::default()
    }
}

/// What is read of each list that is read, by its kind; lists of holders have a `>`.
fn lists(file: &str, part: &SyncPart) -> BTreeMap<String, String> {
    let file = SourceFile::new("github.yml".to_owned(), file.replace("<instance_fides_key>", "github"));
    let options = CheckOptions { instance_key: Some("github".parse().unwrap()), ..CheckOptions::default() };
    let file = spec::check_connector(&file, &options).value.unwrap();
    let governance = file.governance.as_deref().unwrap();
    let listings = Listings::of(governance);
    let plan = Plan::of(governance, &listings, part);
    let mut found = BTreeMap::new();
    for listing in listings.iter() {
        let kind = &governance.resource_types[listing.of].id;
        let name = if listing.what == Listed::Resources { kind.clone() } else { format!("{kind}>") };
        let extent = match plan.extent(listing.number) {
            Extent::Nothing => continue,
            Extent::Everything => "all".to_owned(),
            Extent::OfNamed => "of named".to_owned(),
            Extent::Singles { after } => format!("singles after {}", after.len()),
        };
        found.insert(name, extent);
    }
    found
}

fn expected(lists: &[(&str, &str)]) -> BTreeMap<String, String> {
    lists.iter().map(|(name, extent)| ((*name).to_owned(), (*extent).to_owned())).collect()
}

// rule: baton S-8, S-22
#[rstest]
// Whoever is in a team has what it has, through teams that it is inside of: they are read, and are not shown.
#[case::accounts_and_repositories(
    &["user", "repository"], &[],
    &[("organization", "all"), ("user", "all"), ("team", "all"), ("team>", "all"), ("repository", "all"), ("repository>", "all")]
)]
// Nobody is shown who could hold anything.
#[case::repositories(&["repository"], &[], &[("organization", "all"), ("repository", "all")])]
#[case::teams(&["team"], &[], &[("organization", "all"), ("team", "all")])]
// There is no way to ask for one account.
#[case::one_account(&[], &["user:7"], &[("organization", "all"), ("user", "all")])]
// Teams say themselves what they are inside of.
#[case::one_team(
    &[], &["team:7"], &[("organization", "all"), ("user", "all"), ("team", "all"), ("team>", "of named")]
)]
#[case::one_repository(
    &[], &["repository:7"],
    &[
        ("organization", "all"), ("user", "all"), ("team", "singles after 1"), ("repository", "all"),
        ("repository>", "of named")
    ]
)]
#[case::one_repository_and_people_alone(
    &["user", "repository"], &["repository:7"],
    &[("organization", "all"), ("user", "all"), ("repository", "all"), ("repository>", "of named")]
)]
// What is listed below it.
#[case::the_organization(
    &[], &["organization:1"],
    &[
        ("organization", "all"), ("organization>", "of named"), ("user", "all"), ("team", "of named"),
        ("repository", "of named"), ("invitation", "of named")
    ]
)]
#[case::nothing_known(&[], &["planet:1"], &[])]
fn lists_are_read_as_far_as_they_are_needed(
    #[case] kinds: &[&str],
    #[case] names: &[&str],
    #[case] read: &[(&str, &str)],
) {
    assert_eq!(lists(GITHUB, &part(kinds, names)), expected(read));
}

// A list that waited for what its own items name would never begin.
#[test]
fn a_kind_that_its_own_lists_name_is_read_whole() {
    let own = "when: &its_own '!(has(item.inherited) && item.inherited)'\n              principal: *account";
    assert!(GITHUB.contains(own));
    let inner = own.replace("*account", "{ type: '\"team\"', id: item.id }");
    let held = GITHUB.find("        # A team inside another one").unwrap();
    let end = held + GITHUB[held..].find("      - id: repository").unwrap();
    let file = format!("{}\n{}", &GITHUB[..held], &GITHUB[end..]).replacen(own, &inner, 1);

    let read = lists(&file, &part(&[], &["team:7"]));

    assert_eq!(read["team"], "all");
    assert_eq!(read["team>"], "of named");
}

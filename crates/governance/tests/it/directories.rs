//! Connector files of other shapes against simulations of their applications (acceptance 6): page links and
//! nested teams, offsets and one list for several entitlements.

use std::collections::BTreeMap;
use std::sync::Arc;

use connector::Connector;
use engine::{Cancellation, Concurrency, Limits};
use governance::change::{
    AccessChange, AccessChanges, Approval, ChangeParts, ChangeReport, ChangeResult, ResourceName,
};
use governance::{SyncOutcome, SyncPart};
use rstest::rstest;
use sandbox::directories::{Directory, DirectoryOptions, DirectorySandbox};
use sandbox::governance::TruthKey;
use sandbox::{Fault, FaultRule};
use serde_json::json;
use store::{Actor, Store};
use tempfile::TempDir;
use testkit::TestClock;

use crate::rows::Rows;
use crate::truth::Inventory;
use crate::workspace::{connect, parts, store, sync_part};

const GITHUB: &str = include_str!("../../../../connectors/github/connector.yml");
const PAGERDUTY: &str = include_str!("../../../../connectors/pagerduty/connector.yml");

/// A simulated application with a connection to it.
pub(crate) struct Application {
    pub(crate) sandbox: DirectorySandbox,
    connector: Connector,
    store: Store,
    /// Held: it goes when it is dropped.
    _folder: TempDir,
}

impl Application {
    async fn start(directory: Directory, file: &str, options: DirectoryOptions) -> Self {
        let sandbox = DirectorySandbox::start(directory, options).await.unwrap();
        let (key, organization) = match directory {
            Directory::GitHub => ("github", "acme-corp"),
            Directory::PagerDuty => ("pagerduty", ""),
        };
        let secrets = [
            ("domain", json!(sandbox.host())),
            ("organization", json!(organization)),
            ("access_token", json!(sandbox.token())),
        ];
        let secrets = secrets.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let connector = connect(key, file, (sandbox.host(), &sandbox.url()), secrets);
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path()).await;
        Self { sandbox, connector, store, _folder: folder }
    }

    /// The same with the file of the library.
    pub(crate) async fn of(directory: Directory, options: DirectoryOptions) -> Self {
        let file = if directory == Directory::GitHub { GITHUB } else { PAGERDUTY };
        Self::start(directory, file, options).await
    }

    pub(crate) async fn rows(&self) -> Rows {
        self.rows_of(SyncPart::default()).await
    }

    pub(crate) async fn rows_of(&self, part: SyncPart) -> Rows {
        let parts = parts(&self.connector, &self.store, (Cancellation::never(), Limits::default()));
        let (report, rows) = sync_part(parts, part).await;
        assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
        rows.unwrap()
    }

    fn truth(&self) -> Inventory {
        Inventory::of_truth(&self.sandbox.governance_truth())
    }

    async fn differences(&self) -> Vec<String> {
        Inventory::of_rows(&self.rows().await).differences(&self.truth())
    }

    async fn apply(&self, change: &AccessChange) -> ChangeReport {
        let changes = AccessChanges::new(ChangeParts {
            connector: self.connector.clone(),
            store: self.store.clone(),
            limits: Concurrency::new(Limits::default()),
            clock: Arc::new(TestClock::new()),
            ids: Arc::new(model::RandomIds),
            worker: "test".to_owned(),
        });
        Box::pin(changes.unwrap().apply(change, Approval::Given, &Actor::system())).await.unwrap()
    }

    fn named(&self, kind: &str, name: &str) -> ResourceName {
        let truth = self.sandbox.governance_truth();
        let is = |key: &TruthKey| key.kind == kind;
        let found =
            truth.resources.iter().find(|found| is(&found.key) && found.display_name == name).unwrap();
        ResourceName::new(kind, found.key.id.to_string())
    }

    fn writes(&self) -> u64 {
        self.sandbox.log()["writes"].as_u64().unwrap()
    }

    /// Direct grants by id.
    fn held(&self) -> BTreeMap<String, String> {
        let mut grants = self.truth().grants;
        grants.retain(|_, text| text.contains(" | direct | "));
        grants
    }
}

fn options(people: usize, page_entries: usize) -> DirectoryOptions {
    DirectoryOptions { people, page_entries, ..DirectoryOptions::default() }
}

// acceptance 6
#[rstest]
#[case::github(Directory::GitHub, options(14, usize::MAX))]
#[case::github_with_many_pages(Directory::GitHub, options(14, 1))]
#[case::github_with_many_people(Directory::GitHub, options(330, usize::MAX))]
#[case::github_as_before_2026(Directory::GitHub, DirectoryOptions { tells_inherited: false, ..options(14, 2) })]
#[case::pagerduty(Directory::PagerDuty, options(40, usize::MAX))]
#[case::pagerduty_with_several_pages(Directory::PagerDuty, options(230, usize::MAX))]
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_has_everything_that_the_application_has_and_nothing_else(
    #[case] directory: Directory,
    #[case] options: DirectoryOptions,
) {
    let application = Application::of(directory, options).await;

    let rows = application.rows().await;

    Inventory::of_rows(&rows).assert_equal(&application.truth());
    assert_eq!(application.writes(), 0);
}

// acceptance 5
#[rstest]
#[case(Directory::GitHub, 3)]
#[case(Directory::PagerDuty, usize::MAX)]
#[tokio::test(flavor = "multi_thread")]
async fn faults_on_the_way_change_nothing_of_the_result(
    #[case] directory: Directory,
    #[case] page_entries: usize,
) {
    let application = Application::of(directory, options(14, page_entries)).await;
    let faults = [Fault::Rate429, Fault::Rate500, Fault::Truncated, Fault::Malformed, Fault::ResetAfter];
    let rule = |(number, fault)| FaultRule {
        skip: 2 * u64::try_from(number).unwrap(),
        times: 2,
        ..FaultRule::first("GET", "/*/*/*", fault)
    };
    application.sandbox.set_rules(faults.into_iter().enumerate().map(rule).collect());

    let rows = application.rows().await;

    Inventory::of_rows(&rows).assert_equal(&application.truth());
}

fn changed(file: &str, from: &str, to: &str) -> String {
    assert!(file.contains(from), "the file has no `{from}` any more");
    file.replacen(from, to, 1)
}

// acceptance 5, 6: defects that the comparison has to tell
#[rstest]
#[case::only_the_first_page(
    Directory::GitHub,
    changed(GITHUB, "rel: next", "rel: first"),
    "missing resource user:"
)]
#[case::no_outside_collaborators(
    Directory::GitHub,
    changed(GITHUB, "values: [members, outside_collaborators]", "values: [members]"),
    "resource user:"
)]
#[case::inner_teams_counted_twice(
    Directory::GitHub,
    changed(GITHUB, "'!(has(item.inherited) && item.inherited)'", "'true'"),
    "extra grant team:"
)]
#[case::maintainers_inherit_nothing(
    Directory::GitHub,
    changed(GITHUB, "expand: [member, maintainer]", "expand: [member]"),
    "grant team:"
)]
#[case::owners_are_members(
    Directory::GitHub,
    changed(
        GITHUB,
        "{ name: role, value: member }, { name: per_page",
        "{ name: role, value: all }, { name: per_page"
    ),
    "extra grant organization:"
)]
#[case::role_of_another_kind(
    Directory::PagerDuty,
    changed(PAGERDUTY, "when: item.role == \"observer\"", "when: item.role != \"manager\""),
    "extra grant team:"
)]
#[tokio::test(flavor = "multi_thread")]
async fn a_planted_defect_is_told(#[case] directory: Directory, #[case] file: String, #[case] told: &str) {
    let page_entries = if directory == Directory::GitHub { 5 } else { usize::MAX };
    let application = Application::start(directory, &file, options(14, page_entries)).await;

    let differences = application.differences().await;

    assert!(differences.iter().any(|line| line.contains(told)), "{differences:#?}");
}

/// Exactly one write, and exactly what it is for.
async fn is_changed(
    application: &Application,
    change: &AccessChange,
    (added, removed): (&[String], &[String]),
) {
    let (before, writes) = (application.held(), application.writes());

    let report = application.apply(change).await;

    assert_eq!(report.result, ChangeResult::Confirmed, "{report:?}");
    assert_eq!(application.writes() - writes, 1);
    let after = application.held();
    let without = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        one.keys().filter(|id| !other.contains_key(*id)).cloned().collect::<Vec<_>>()
    };
    assert_eq!(without(&after, &before), added);
    assert_eq!(without(&before, &after), removed);
    let again = application.apply(change).await;
    assert_eq!(again.result, ChangeResult::Already, "{again:?}");
    assert_eq!(application.writes() - writes, 1);
}

fn grant(entitlement: &str, principal: &ResourceName) -> AccessChange {
    AccessChange::Grant { entitlement: entitlement.to_owned(), principal: principal.clone() }
}

fn revoke(entitlement: &str, principal: &ResourceName) -> AccessChange {
    AccessChange::Revoke { entitlement: entitlement.to_owned(), principal: principal.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_to_github_is_changed_one_thing_at_a_time() {
    let application = Application::of(Directory::GitHub, options(14, 5)).await;
    let (team, person) = (application.named("team", "Security"), application.named("user", "Dev-10"));
    let (member, maintainer) = (format!("{team}:member"), format!("{team}:maintainer"));
    let repository = application.named("repository", "docs");
    let push = format!("{repository}:push");
    let organization = application.named("organization", "acme-corp");
    let (owner, plain) = (format!("{organization}:admin"), format!("{organization}:member"));
    let of = |entitlement: &str| [format!("{entitlement}:{person}")];

    is_changed(&application, &grant(&member, &person), (&of(&member), &[])).await;
    is_changed(&application, &grant(&maintainer, &person), (&of(&maintainer), &of(&member))).await;
    is_changed(&application, &revoke(&maintainer, &person), (&[], &of(&maintainer))).await;
    is_changed(&application, &grant(&push, &person), (&of(&push), &[])).await;
    is_changed(&application, &revoke(&push, &person), (&[], &of(&push))).await;
    is_changed(&application, &grant(&owner, &person), (&of(&owner), &of(&plain))).await;
    is_changed(&application, &revoke(&owner, &person), (&of(&plain), &of(&owner))).await;
}

// An outside collaborator is removed in another way than a member; a member keeps nothing.
#[rstest]
#[case::outside("Dev-13", 1)]
#[case::member("Dev-7", 2)]
#[tokio::test(flavor = "multi_thread")]
async fn people_are_removed_from_github_wherever_they_are(#[case] login: &str, #[case] grants: usize) {
    let application = Application::of(Directory::GitHub, options(14, 5)).await;
    let person = application.named("user", login);
    let held = application.held();
    let of_person: Vec<String> =
        held.keys().filter(|id| id.ends_with(&person.to_string())).cloned().collect();
    assert_eq!(of_person.len(), grants, "{of_person:?}");

    is_changed(&application, &AccessChange::Delete { resource: person }, (&[], &of_person)).await;
}

//! A connector file of another shape against a simulation of its application: offsets, nested teams, one list
//! for several entitlements (acceptance 6).

use engine::{Cancellation, Limits};
use governance::SyncOutcome;
use rstest::rstest;
use sandbox::directories::{Directory, DirectoryOptions, DirectorySandbox};
use serde_json::json;

use crate::truth::Inventory;
use crate::workspace::{connect, parts, store, sync};

const PAGERDUTY: &str = include_str!("../../../../connectors/pagerduty/connector.yml");

#[rstest]
#[case::pagerduty(Directory::PagerDuty, "pagerduty", PAGERDUTY, 40)]
#[case::pagerduty_with_several_pages(Directory::PagerDuty, "pagerduty", PAGERDUTY, 230)]
#[tokio::test(flavor = "multi_thread")]
async fn a_sync_has_everything_that_the_application_has_and_nothing_else(
    #[case] directory: Directory,
    #[case] key: &str,
    #[case] file: &str,
    #[case] people: usize,
) {
    let options = DirectoryOptions { people, page_entries: usize::MAX, ..DirectoryOptions::default() };
    let sandbox = DirectorySandbox::start(directory, options).await.unwrap();
    let secrets = [("domain", json!(sandbox.host())), ("access_token", json!(sandbox.token()))];
    let secrets = secrets.map(|(name, value)| (name.to_owned(), value)).to_vec();
    let connector = connect(key, file, (sandbox.host(), &sandbox.url()), secrets);
    let folder = tempfile::tempdir().unwrap();
    let store = store(folder.path()).await;

    let (report, rows) = sync(parts(&connector, &store, (Cancellation::never(), Limits::default()))).await;

    assert_eq!(report.outcome, SyncOutcome::Complete, "{report:#?}");
    let truth = Inventory::of_truth(&sandbox.governance_truth());
    Inventory::of_rows(&rows.unwrap()).structure().assert_equal(&truth.structure());
}

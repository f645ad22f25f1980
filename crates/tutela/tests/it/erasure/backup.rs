//! A state that was brought back to a moment before an erasure was sent.

use serde_json::Value;

use super::Journey;

fn with_data<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [arguments, &["--data", ".tutela", "--format", "json"]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_since_the_backup_is_listed_and_not_sent_again() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    let backup = journey.run(&with_data(&["admin", "backup", "--out", "backup"])).expect(0).json();
    journey.apply(&planned).expect(3);
    let sent = journey.segment_writes();
    journey.shop.execute("UPDATE customers SET email = 'ana@example.com', name = 'Ana' WHERE id = 1").await;

    let refused = journey.run(&with_data(&["admin", "restore", "backup"]));
    let restored = journey.run(&with_data(&["admin", "restore", "backup", "--replace", "--again"])).expect(3);
    let again = journey.apply(&planned);

    assert!(sent > 0);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let told = restored.json();
    assert_eq!(told["since"], backup["made_at"]);
    assert_eq!(told["journal"], "newer");
    assert_eq!(told["unknown_writes"], planned.operations().len());
    assert_eq!(told["erased_since"][0]["run"], planned.run.as_str());
    assert_eq!(told["erased_since"].as_array().unwrap().len(), 1);
    // The project's policy is none of the server's.
    assert_eq!(told["erased_since"][0]["request"], Value::Null);
    restored.complains(&["is back", "erase_customer"]);
    assert_ne!(again.code, 0, "{}", again.stdout);
    assert_eq!(journey.segment_writes(), sent, "{}\n{}", again.stdout, again.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_journal_everything_that_was_planned_is_unknown() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.run(&with_data(&["admin", "backup", "--out", "backup"])).expect(0);

    let restored =
        journey.run(&["admin", "restore", "backup", "--data", "elsewhere", "--format", "json"]).expect(3);

    let told = restored.json();
    assert_eq!(told["journal"], "old");
    assert_eq!(told["unknown_writes"], planned.operations().len());
    restored.complains(&["nobody knows who was erased since"]);
}

// Somebody put the backup's own journal back first: it says nothing about what was sent since.
#[tokio::test(flavor = "multi_thread")]
async fn a_journal_with_no_more_in_it_than_the_backups_counts_as_old() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.apply(&planned).expect(3);
    journey.run(&with_data(&["admin", "backup", "--out", "backup"])).expect(0);
    let folder = journey.program.folder();
    std::fs::create_dir(folder.join("elsewhere")).unwrap();
    std::fs::copy(folder.join("backup/erasures.journal"), folder.join("elsewhere/erasures.journal")).unwrap();

    let restored =
        journey.run(&["admin", "restore", "backup", "--data", "elsewhere", "--format", "json"]).expect(3);

    assert_eq!(restored.json()["journal"], "old");
    restored.complains(&["nobody knows who was erased since"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_was_changed_or_has_no_manifest_is_not_restored() {
    let journey = Journey::on_sqlite().await;
    journey.plan("ana@example.com");
    journey.run(&with_data(&["admin", "backup", "--out", "backup"])).expect(0);
    let folder = journey.program.folder().join("backup");
    let restore = || journey.run(&["admin", "restore", "backup", "--data", "elsewhere"]);

    let whole = std::fs::read(folder.join("state.db")).unwrap();
    std::fs::write(folder.join("state.db"), &whole[..whole.len() - 1]).unwrap();
    let changed = restore();
    std::fs::remove_file(folder.join("manifest.json")).unwrap();
    let half = restore();

    changed.expect(2).complains(&["is not the one that was backed up"]);
    half.expect(2).complains(&["no whole backup"]);
    assert!(!journey.program.folder().join("elsewhere/state.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_into_an_empty_folder_and_holds_nothing_that_can_be_read() {
    let journey = Journey::on_sqlite().await;
    let planned = journey.plan("ana@example.com");
    journey.apply(&planned).expect(3);
    journey.run(&with_data(&["admin", "backup", "--out", "backup"])).expect(0);

    let again = journey.run(&with_data(&["admin", "backup", "--out", "backup"]));

    again.expect(2).complains(&["is not empty"]);
    let folder = journey.program.folder().join("backup");
    for file in std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()) {
        let bytes = std::fs::read(&file).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"ana@exa"), "{}", file.display());
    }
    assert!(folder.join("erasures.journal").is_file());
}

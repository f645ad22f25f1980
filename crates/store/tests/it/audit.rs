use crypto::SigningKey;
use rstest::rstest;
use serde_json::json;
use store::{
    AUDIT_LEASE, Actor, AuditError, AuditEvent, AuditExport, AuditId, AuditLine, Checkpoint, LogCheck,
    StoreError,
};

use crate::bench::{Backend, Bench, LEASE};

impl Bench {
    async fn enter(&self, count: usize) -> Vec<AuditId> {
        let event = |number| {
            AuditEvent::new(Actor::person("pat"), "test.done", "run_1").with(json!({"number": number}))
        };
        self.store.audit_enter(&(0..count).map(event).collect::<Vec<_>>()).await.unwrap()
    }

    async fn sequence(&self, limit: u32) -> Option<Checkpoint> {
        let lease = self.store.lease_take(AUDIT_LEASE, "one", LEASE).await.unwrap().unwrap();
        self.store.audit_sequence(&lease, limit).await.unwrap()
    }

    async fn verify(&self, against: &[Checkpoint]) -> Result<store::AuditReport, AuditError> {
        self.store.audit_verify(&[self.store.public_key()], against).await
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn every_entry_is_proven_at_every_size_over_tiles(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let ids = bench.enter(600).await;
    let keys = [bench.store.public_key()];
    let mut checkpoints = Vec::new();

    // Uneven batches cross the border of the tiles in different places.
    for limit in [1, 254, 2, 300, 43] {
        checkpoints.push(bench.sequence(limit).await.unwrap());
        for id in ids.iter().step_by(37) {
            let Some(proof) = bench.store.audit_proof(id).await.unwrap() else { continue };
            let proven = proof.verify(&keys).unwrap();
            assert_eq!(&proven, checkpoints.last().unwrap());
        }
        for old in &checkpoints {
            let proof = bench.store.audit_consistency(old.size).await.unwrap().unwrap();
            assert_eq!(proof.verify(old, &keys).unwrap(), *checkpoints.last().unwrap());
        }
    }

    assert!(bench.sequence(10).await.is_none());
    let report = bench.verify(&checkpoints).await.unwrap();
    assert_eq!((report.entries, report.checkpoints, report.unsigned), (600, 5, 0));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_entry_waits_for_its_number_and_proves_nothing_to_others(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    let ids = bench.enter(3).await;
    assert!(bench.store.audit_proof(&ids[0]).await.unwrap().is_none());
    assert_eq!(bench.store.audit_waiting().await.unwrap(), 3);
    bench.sequence(10).await.unwrap();

    let proof = bench.store.audit_proof(&ids[0]).await.unwrap().unwrap();
    let mut other = proof.clone();
    other.entry = other.entry.replace("test.done", "test.gone");
    let mut moved = proof.clone();
    moved.number = 1;

    assert!(proof.verify(&[bench.store.public_key()]).is_ok());
    assert!(matches!(other.verify(&[bench.store.public_key()]), Err(AuditError::NotIncluded { .. })));
    assert!(matches!(moved.verify(&[bench.store.public_key()]), Err(AuditError::NotIncluded { .. })));
    assert!(matches!(proof.verify(&[SigningKey::random().public()]), Err(AuditError::Checkpoint(_))));
    assert!(matches!(proof.verify(&[]), Err(AuditError::Checkpoint(_))));
}

#[rstest]
#[case("UPDATE audit_entry SET body = REPLACE(body, 'pat', 'sam') WHERE number = 3")]
#[case("DELETE FROM audit_entry WHERE number = 3")]
#[case("DELETE FROM audit_entry WHERE number >= 8")]
#[case("UPDATE audit_entry SET number = CASE number WHEN 2 THEN 102 ELSE 103 END WHERE number IN (2, 3)")]
#[case("UPDATE audit_checkpoint SET size = size + 1")]
#[tokio::test]
async fn tampering_is_noticed(
    #[case] tampering: &'static str,
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.enter(10).await;
    bench.sequence(10).await.unwrap();
    assert_eq!(bench.verify(&[]).await.unwrap().entries, 10);

    sqlx::query(tampering).execute(&bench.sql().await).await.unwrap();
    if tampering.contains("CASE") {
        let swap =
            "UPDATE audit_entry SET number = CASE number WHEN 102 THEN 3 ELSE 2 END WHERE number > 100";
        sqlx::query(swap).execute(&bench.sql().await).await.unwrap();
    }

    let found = bench.verify(&[]).await;
    if tampering.contains("audit_checkpoint") {
        // The column only sorts; what is signed still holds.
        assert!(found.is_ok(), "{found:?}");
    } else {
        assert!(found.is_err(), "{found:?}");
    }
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_log_rewritten_together_with_its_checkpoints_disagrees_with_one_kept_elsewhere(
    #[case] backend: Backend,
) {
    let Some(bench) = backend.start().await else { return };
    bench.enter(4).await;
    let kept = bench.sequence(10).await.unwrap();
    let pool = bench.sql().await;

    // Whoever has the database and the signing key starts the log again without its last entry.
    for statement in [
        "DELETE FROM audit_entry WHERE number = 3",
        "DELETE FROM audit_tile",
        "DELETE FROM audit_checkpoint",
        "UPDATE audit_entry SET number = NULL",
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
    }
    bench.sequence(10).await.unwrap();
    let alone = bench.verify(&[]).await;
    let shorter = bench.verify(std::slice::from_ref(&kept)).await;
    bench.enter(3).await;
    bench.sequence(10).await.unwrap();
    let longer = bench.verify(std::slice::from_ref(&kept)).await;
    let proof = bench.store.audit_consistency(kept.size).await.unwrap().unwrap();

    assert!(alone.is_ok());
    assert!(matches!(shorter, Err(AuditError::Truncated { entries: 3, size: 4 })), "{shorter:?}");
    assert!(matches!(longer, Err(AuditError::Rewritten { size: 4 })), "{longer:?}");
    assert!(proof.verify(&kept, &[bench.store.public_key()]).is_err());
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_exported_log_is_checked_without_the_database(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.enter(5).await;
    bench.sequence(10).await.unwrap();
    let envelope = bench.store.checkpoint_find().await.unwrap().unwrap();
    let entries = bench.store.audit_list(0, 100).await.unwrap();
    let key = bench.store.public_key();
    bench.store.close().await;

    let mut check = LogCheck::default();
    check.expect(&Checkpoint::open(&envelope, &[key]).unwrap()).unwrap();
    for entry in &entries {
        check.entry(entry).unwrap();
    }

    assert_eq!(check.finish().unwrap().checkpoints, 1);
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn a_sequencer_that_lost_its_lease_numbers_nothing(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.enter(3).await;
    let lost = bench.store.lease_take(AUDIT_LEASE, "one", LEASE).await.unwrap().unwrap();
    assert!(bench.store.lease_take(AUDIT_LEASE, "two", LEASE).await.unwrap().is_none());
    bench.clock.advance(LEASE);
    let held = bench.store.lease_take(AUDIT_LEASE, "two", LEASE).await.unwrap().unwrap();

    let refused = bench.store.audit_sequence(&lost, 10).await;

    assert!(matches!(refused, Err(StoreError::Fenced { .. })), "{refused:?}");
    assert_eq!(bench.store.audit_waiting().await.unwrap(), 3);
    assert_eq!(bench.store.audit_sequence(&held, 10).await.unwrap().unwrap().size, 3);
    bench.store.lease_release(&held).await.unwrap();
    assert!(bench.store.lease_take(AUDIT_LEASE, "three", LEASE).await.unwrap().is_some());
}

/// All lines of an export; `meanwhile` is done after the first of its parts.
async fn exported(bench: &Bench, meanwhile: impl AsyncFnOnce()) -> Vec<AuditLine> {
    let mut export = AuditExport::begin(bench.store.clone()).await.unwrap();
    let mut text = export.lines().await.unwrap().unwrap();
    meanwhile().await;
    while let Some(more) = export.lines().await.unwrap() {
        text.extend(more);
    }
    String::from_utf8(text).unwrap().lines().map(|line| AuditLine::read(line).unwrap()).collect()
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn an_export_is_the_whole_log_and_proves_itself(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.enter(1205).await;
    while bench.sequence(700).await.is_some() {}
    bench.enter(2).await;

    let lines = exported(&bench, async || {}).await;

    let keys = [bench.store.public_key()];
    let mut check = LogCheck::default();
    for line in &lines {
        if let AuditLine::Checkpoint(envelope) = line {
            check.expect(&Checkpoint::open(envelope.as_bytes(), &keys).unwrap()).unwrap();
        }
    }
    for line in &lines {
        if let AuditLine::Entry(entry) = line {
            check.entry(entry).unwrap();
        }
    }
    let report = check.finish().unwrap();
    assert_eq!((report.entries, report.checkpoints, report.unsigned), (1205, 2, 0));
    assert_eq!(bench.store.audit_size().await.unwrap(), 1205, "what waits has no number");
    assert_eq!(lines.last().unwrap().stated_size(), Some(1205));
}

#[rstest]
#[case(Backend::Sqlite)]
#[case(Backend::Postgres)]
#[tokio::test]
async fn checkpoints_that_are_signed_during_an_export_are_left_out(#[case] backend: Backend) {
    let Some(bench) = backend.start().await else { return };
    bench.enter(1).await;
    bench.sequence(10).await.unwrap();

    let lines = exported(&bench, async || {
        bench.enter(1).await;
        bench.sequence(10).await.unwrap();
    })
    .await;

    assert_eq!(lines.len(), 2, "an entry and its checkpoint: {lines:?}");
    assert_eq!(lines[1].stated_size(), Some(1));
}

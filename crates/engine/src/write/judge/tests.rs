use datastore::{DatabaseError, Fault, SqlOperation, Write};
use model::{CollectionAddress, Outcome};
use store::{LedgerEnd, PlanDigest};

use super::*;
use crate::write::WritePayload;

fn operation() -> SqlOperation {
    SqlOperation {
        connection: "shop".parse().unwrap(),
        collection: CollectionAddress::new("shop", "customers"),
        write: Write::Update,
        columns: vec!["email".to_owned()],
        keys: 3,
        sql: "UPDATE customers SET email = NULL WHERE id IN (1, 2, 3)".to_owned(),
        parameters: Vec::new(),
    }
}

fn judged(fault: Fault) -> Judged {
    let operation = operation();
    let order = WriteOrder {
        plan: PlanDigest::of(b"plan"),
        operation: 0,
        payload: WritePayload::Sql(operation.clone()),
        repeatable: true,
        expected: Outcome::Masked,
    };
    let error = DatabaseError { connection: "shop".parse().unwrap(), collection: None, fault };
    judge_sql(Err(error), &operation, &order, false)
}

#[test]
fn what_broke_off_before_the_commit_had_no_effect_and_is_tried_again() {
    let cases = [
        (Fault::Deadlock, "deadlock", Again::Deadlock),
        (Fault::Lost, "lost", Again::Connection),
        (Fault::Timeout, "timeout", Again::Connection),
        (Fault::Busy, "busy", Again::Connection),
        (Fault::Connect, "connect", Again::Connection),
    ];
    for (fault, word, again) in cases {
        let judged = judged(fault);

        assert_eq!(judged.end, LedgerEnd::NotApplied(Outcome::Failed), "{word}");
        assert_eq!((judged.detail.as_str(), judged.again), (word, Some(again)));
    }
}

#[test]
fn what_broke_off_during_the_commit_is_unknown() {
    let judged = judged(Fault::CommitUnknown);

    assert_eq!((judged.end, judged.again), (LedgerEnd::Unknown, None));
}

#[test]
fn what_a_person_must_mend_is_not_tried_again() {
    for fault in [Fault::ReadOnly, Fault::DiskFull, Fault::KeyNotUnique { affected: 4, planned: 3 }] {
        let judged = judged(fault);

        assert_eq!((judged.end, judged.again), (LedgerEnd::NotApplied(Outcome::Failed), None));
    }
}

//! A small plan for tests: a person-wide request and rows of two tables.

use std::collections::BTreeMap;

use datastore::{SqlValue, Write};
use graph::MaskingGrade;
use model::{CollectionAddress, Outcome};
use serde_json::json;

use super::*;

pub(crate) fn address(text: &str) -> CollectionAddress {
    text.parse().unwrap()
}

pub(crate) fn operation(connection: &str, collection: &str, call: Call) -> Operation {
    Operation {
        order: 0,
        connection: connection.into(),
        collections: vec![address(collection)],
        call,
        rows: 1,
        reason: vec![Reason {
            rule: "erase".into(),
            category: "user.name".into(),
            fields: vec!["name".into()],
        }],
        expected: Outcome::Masked,
        grade: Some(MaskingGrade::Overwritten),
        reversibility: Reversibility::FromBackup,
        cost: None,
        verification: Verification::ReadAgain,
        repeatable: false,
        tracked: false,
        waits_for: vec![],
        uses: Uses::default(),
    }
}

pub(crate) fn update(row: &str) -> Operation {
    let call = Call::Sql {
        sql: "UPDATE \"customers\" SET \"name\" = $1 WHERE \"id\" = $2".into(),
        write: Write::Update,
        columns: vec!["name".into()],
        parameters: vec![SqlValue::Null, SqlValue::Integer(9_007_199_254_740_993)],
    };
    let used =
        UsedRow { address: address("shop:customers"), key: row.into(), content: format!("{row}-as-read") };
    Operation { uses: Uses { rows: vec![used], values: vec![] }, ..operation("shop", "shop:customers", call) }
}

pub(crate) fn regulation() -> Operation {
    let call = Call::Http {
        endpoint: "data_protection_request".into(),
        place: "data_protection_request[0]".into(),
        headers: vec![("content-type".into(), "application/json".into())],
        method: "POST".into(),
        url: "https://api.example.com/regulations".into(),
        body: Some(json!({"subjectIds": ["ana-canary"], "n": 1.5})),
    };
    let used =
        UsedValues { address: address("shop:customers"), field: "segment_id".into(), hash: "ids".into() };
    Operation {
        expected: Outcome::Erased,
        grade: Some(MaskingGrade::Deleted),
        reversibility: Reversibility::Irreversible,
        verification: Verification::JobOnly,
        cost: Some("counts against the monthly quota".into()),
        tracked: true,
        waits_for: vec![1],
        uses: Uses { rows: vec![], values: vec![used] },
        ..operation("segment", "segment:events", call)
    }
}

pub(crate) fn connection(key: &str) -> PlannedConnection {
    PlannedConnection {
        key: key.into(),
        connector: key.into(),
        version: "1.0.0".into(),
        sha256: format!("{key}-file"),
        secrets_fingerprint: format!("{key}-secrets"),
    }
}

pub(crate) fn read(collection: &str, rows: u64, parents: &[&str]) -> PlannedRead {
    PlannedRead {
        address: address(collection),
        complete: true,
        rows,
        foreign: 0,
        table_rows: None,
        keyed_hash: "all-rows".into(),
        parents: parents.iter().map(|parent| address(parent)).collect(),
    }
}

pub(crate) fn contents() -> PlanContents {
    PlanContents {
        format: PlanFormat::V1,
        run: "run_0197a6a0-0000-7000-8000-000000000000".parse().unwrap(),
        made_at: "2026-05-01T10:00:00Z".parse().unwrap(),
        action: PlanAction::Erasure,
        policy: "erase_customer".into(),
        policy_sha256: "policy".into(),
        subject: BTreeMap::from([("email".into(), vec![json!("ana@example.com")])]),
        connections: vec![connection("shop"), connection("segment")],
        operations: vec![update("row-1"), regulation()],
        not_covered: vec![NotCovered {
            collection: address("segment:spaces"),
            fields: vec![],
            rows: 2,
            outcome: Outcome::Unsupported,
            reason: "no_request".into(),
            explanation: "the connector file has no request for it".into(),
        }],
        reads: vec![
            read("segment:events", 5, &["shop:customers"]),
            read("shop:customers", 1, &[]),
            read("shop:orders", 3, &["shop:customers"]),
        ],
        limits: Limits::default(),
        raised: RaisedLimits::default(),
        corrections: vec![],
    }
}

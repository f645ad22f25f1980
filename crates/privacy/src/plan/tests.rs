use connector::writes::WriteRequest;
use crypto::HashKey;
use datastore::{SqlValue, Write};
use graph::{Left, LeftReason, NotErased, NotErasedReason};
use model::{Outcome, Row};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::fixture::{address, contents, operation, read, regulation, update};
use super::*;

fn plan() -> Plan {
    Plan::seal(contents())
}

fn file() -> Value {
    serde_json::from_str(&plan().to_json()).unwrap()
}

/// The file with a right digest over whatever it holds.
fn resealed(mut file: Value) -> String {
    file.as_object_mut().unwrap().remove("digest");
    let digest = PlanDigest::of(&crypto::canonical_json(&file));
    file["digest"] = json!(digest.as_str());
    file.to_string()
}

#[test]
fn a_plan_survives_its_file_and_is_flat_there() {
    let plan = plan();

    let text = plan.to_json();
    let file = file();

    assert_eq!(Plan::parse(&text).unwrap(), plan);
    assert!(text.starts_with("{\n  \"format\": \"tutela.plan/1\",\n  \"digest\": \"sha256:"));
    assert_eq!(file["operations"][0]["order"], json!(1));
    assert!(file["operations"][0]["sql"].as_str().unwrap().starts_with("UPDATE"));
    assert_eq!(file["operations"][1]["method"], json!("POST"));
    assert_eq!(file["operations"][1]["body"]["subjectIds"], json!(["ana-canary"]));
}

#[test]
fn layout_and_order_of_keys_do_not_change_the_digest() {
    let sorted = String::from_utf8(crypto::canonical_json(&file())).unwrap();

    assert_eq!(Plan::parse(&sorted).unwrap(), plan());
}

/// Every place of a JSON value at which a leaf stands.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, value)| leaves(value, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &format!("{at}/{index}"), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => found.push(at.to_owned()),
    }
}

#[test]
fn any_value_changed_in_the_file_is_noticed() {
    let file = file();
    let mut places = Vec::new();
    leaves(&file, "", &mut places);
    assert!(places.len() > 60, "the plan of the test is a whole one");

    for place in places {
        let mut changed = file.clone();
        let value = changed.pointer_mut(&place).unwrap();
        *value = match value {
            Value::Null => json!(0),
            Value::Bool(flag) => json!(!*flag),
            // The neighbour of a number that a float would round to the same.
            Value::Number(number) if number.is_i64() => json!(number.as_i64().unwrap() - 1),
            Value::Number(_) => json!(2),
            Value::String(text) => json!(format!("{text}x")),
            Value::Array(_) | Value::Object(_) => panic!("a leaf"),
        };

        let refused = Plan::parse(&changed.to_string()).unwrap_err();

        match place.as_str() {
            "/format" => assert_eq!(refused, PlanError::OtherVersion),
            "/digest" => assert_eq!(refused, PlanError::NoDigest),
            _ => assert!(matches!(refused, PlanError::Changed { .. }), "{place}: {refused}"),
        }
    }
}

#[test]
fn a_value_taken_out_or_put_in_is_noticed() {
    let mut without = file();
    without["operations"].as_array_mut().unwrap().pop();
    let mut with = file();
    with["operations"][0]["body"] = Value::Null;

    assert!(matches!(Plan::parse(&without.to_string()), Err(PlanError::Changed { .. })));
    assert!(matches!(Plan::parse(&with.to_string()), Err(PlanError::Changed { .. })));
}

#[rstest]
#[case::no_json("{", "the plan file is not JSON (line 1, column 1)")]
#[case::list("[]", "the file is no plan")]
#[case::other(r#"{"format": "other/1"}"#, "the file is no plan")]
#[case::later(r#"{"format": "tutela.plan/2"}"#, "the plan has a format that this version does not know")]
#[case::no_digest(r#"{"format": "tutela.plan/1"}"#, "the plan has no usable `digest`")]
fn files_that_are_no_plans_are_told_apart(#[case] text: &str, #[case] message: &str) {
    let error = Plan::parse(text).unwrap_err().to_string();

    assert!(error.starts_with(message), "{error}");
}

#[rstest]
#[case::missing(|file: &mut Value| { file.as_object_mut().unwrap().remove("policy"); }, "missing field `policy`")]
#[case::unknown(|file: &mut Value| file["extra"] = json!("canary-value"), "unknown field `extra`")]
#[case::unknown_within(|file: &mut Value| file["limits"]["more"] = json!(1), "unknown field `more`")]
#[case::kind(|file: &mut Value| file["operations"][0]["rows"] = json!("canary-value"), "a value is of another kind")]
#[case::both_calls(|file: &mut Value| file["operations"][0]["url"] = json!("canary-value"), "a value is of another kind")]
#[case::order(|file: &mut Value| file["operations"][0]["order"] = json!(2), "operation 1 of the plan is out of order")]
#[case::circle(|file: &mut Value| file["operations"][0]["waits_for"] = json!([2]), "operation 1 of the plan is out of order")]
#[case::connection(|file: &mut Value| file["operations"][0]["connection"] = json!("canary-value"), "operation 1 of the plan uses a connection")]
fn a_sealed_file_of_another_form_is_refused_without_showing_it(
    #[case] change: fn(&mut Value),
    #[case] message: &str,
) {
    let mut changed = file();
    change(&mut changed);

    let error = Plan::parse(&resealed(changed)).unwrap_err().to_string();

    assert!(error.contains(message), "{error}");
    assert!(!error.contains("canary"), "{error}");
}

#[rstest]
#[case::without_place(|operation: &mut Value| { operation.as_object_mut().unwrap().remove("place"); })]
#[case::without_headers(|operation: &mut Value| { operation.as_object_mut().unwrap().remove("headers"); })]
#[case::both_kinds(|operation: &mut Value| operation["sql"] = json!("DELETE"))]
fn an_operation_that_says_only_half_of_what_is_sent_is_refused(#[case] change: fn(&mut Value)) {
    let mut changed = file();
    change(&mut changed["operations"][1]);

    let refused = Plan::parse(&resealed(changed)).unwrap_err();

    assert!(matches!(refused, PlanError::Shape { .. }), "{refused}");
}

#[test]
fn only_its_own_digest_approves_a_plan() {
    let plan = plan();
    let other = PlanDigest::of(b"{}");

    assert_eq!(plan.check_approval(&plan.digest().to_string().parse().unwrap()), Ok(()));
    assert!(matches!(plan.check_approval(&other), Err(PlanError::NotApproved { .. })));
    for bad in ["", "sha256:", "sha256:AB", &plan.digest().as_str()[..70], &format!("{}0", plan.digest())] {
        assert!(bad.parse::<PlanDigest>().is_err(), "{bad:?}");
    }
}

#[test]
fn the_digest_is_that_of_the_canonical_form() {
    let mut contents = file();
    contents.as_object_mut().unwrap().remove("digest");

    let by_hand = crypto::hex(&crypto::sha256(&crypto::canonical_json(&contents)));

    assert_eq!(plan().digest().as_str(), format!("sha256:{by_hand}"));
}

fn without_operations(not_covered: Vec<NotCovered>) -> PlanContents {
    PlanContents { operations: vec![], not_covered, ..contents() }
}

fn stays(reason: NotErasedReason) -> NotCovered {
    NotCovered::collection(&NotErased { collection: address("segment:events"), reason }, 3).unwrap()
}

#[test]
fn the_headline_counts_writes_and_names_what_stays() {
    assert_eq!(contents().headline(), "2 writes to segment, shop; targeted data stay in 1 collection");
}

#[test]
fn a_plan_in_which_nothing_can_be_done_says_so_first_and_names_masking_strict() {
    let strict = without_operations(vec![stays(NotErasedReason::MaskingStrict)]);
    let other = without_operations(vec![stays(NotErasedReason::NoPrimaryKey)]);
    let empty = without_operations(vec![]);

    assert!(strict.headline().starts_with("nothing can be done: `masking_strict` allows only"));
    assert!(other.headline().starts_with("nothing can be done: No values were erased since no primary key"));
    assert!(!other.headline().contains("masking_strict"));
    assert_eq!(empty.headline(), "nothing to do: no targeted data of this person were found");
    assert!(Plan::seal(strict).to_text().starts_with("nothing can be done"));
}

#[test]
fn what_the_policy_does_not_target_is_not_reported() {
    let untargeted = NotErased { collection: address("a:b"), reason: NotErasedReason::NotTargeted };

    assert_eq!(NotCovered::collection(&untargeted, 1), None);
}

#[test]
fn what_masking_left_is_reported_once_for_each_reason() {
    let left = |field: &str, reason| Left {
        path: [graph::Segment::Key("canary".into())].into_iter().collect(),
        field: field.into(),
        rule: "erase".into(),
        category: "user".into(),
        reason,
    };
    let one = [left("b", LeftReason::NotText), left("a", LeftReason::NotText)];
    let two = [left("a", LeftReason::NotText), left("c", LeftReason::ReadOnly)];

    let reported = NotCovered::fields(&address("shop:a"), [one.as_slice(), two.as_slice(), &[]]);

    let shown: Vec<_> = reported
        .iter()
        .map(|one| (one.reason.as_str(), one.fields.join(","), one.rows, one.outcome))
        .collect();
    assert_eq!(
        shown,
        [
            ("read_only", "c".into(), 1, Outcome::Exempt),
            ("not_text", "a,b".to_owned(), 2, Outcome::Unsupported),
        ]
    );
    assert!(!serde_json::to_string(&reported).unwrap().contains("canary"));
}

#[test]
fn the_text_shows_every_write_with_body_reason_and_proof() {
    let text = plan().to_text();

    for part in [
        "  1  shop  UPDATE",
        "parameters: [null,9007199254740993]",
        "reason: erase, user.name: name",
        "expected: masked (overwritten), 1 row",
        "undo: from a backup",
        "verified: by reading again",
        "  2  segment  POST https://api.example.com/regulations",
        "body: {\"subjectIds\":[\"ana-canary\"],\"n\":1.5}",
        "verified: by the end of the job",
        "cost: counts against the monthly quota",
        "after: 1",
        "segment:spaces, 2 rows: unsupported: the connector file has no request for it",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(plan().table().1.len(), 2);
}

#[test]
fn a_category_of_a_whole_collection_is_a_reason_without_fields() {
    let mut contents = contents();
    contents.operations[0].reason[0].fields.clear();

    let text = Plan::seal(contents).to_text();

    assert!(text.contains("reason: erase, user.name: all of it\n"), "{text}");
}

#[test]
fn a_value_can_neither_hide_a_line_of_the_text_nor_invent_one() {
    let value = "x\n\n  3  shop  DELETE\u{1b}[2A\u{9b}2K\r\u{202e}";
    let mut odd = contents();
    odd.operations[1].call = Call::Http {
        endpoint: String::new(),
        place: String::new(),
        headers: vec![],
        method: "POST".into(),
        url: format!("https://api.example.com/{value}"),
        body: Some(json!(value)),
    };
    odd.operations[1].cost = Some(value.into());
    let harmless = Plan::seal(contents());
    let odd = Plan::seal(odd);

    let text = odd.to_text();

    assert_eq!(text.lines().count(), harmless.to_text().lines().count(), "{text}");
    let hidden = |one: char| (one.is_control() && one != '\n') || one == '\u{202e}';
    assert!(!text.contains(hidden), "{text:?}");
    assert!(text.contains(r"body: x\n\n  3  shop  DELETE\u{1b}[2A\u{9b}2K\r\u{202e}"), "{text}");
    assert!(!odd.table().1.iter().flatten().any(|cell| cell.contains(['\n', '\u{1b}'])));
}

#[test]
fn debug_shows_no_personal_data() {
    let plan = plan();

    let shown = format!("{plan:?} {:?}", plan.contents().operations);

    assert!(!shown.contains("ana") && !shown.contains("9007"), "{shown}");
}

#[test]
fn limits_refuse_more_writes_people_and_shares() {
    let mut large = contents();
    large.operations = vec![Operation { rows: 30, ..update("many") }];
    large.reads = vec![PlannedRead { table_rows: Some(1000), ..read("shop:customers", 30, &[]) }];
    let limits = Limits { max_writes: 29, ..Limits::default() };

    let exceeded: Vec<_> = Volume::of(&large, 2).exceeds(&limits).iter().map(ToString::to_string).collect();

    assert_eq!(exceeded.len(), 3);
    assert!(exceeded[0].contains("30 writes and `limits.max_writes` is 29"), "{exceeded:?}");
    assert!(exceeded[1].contains("2 people"), "{exceeded:?}");
    assert!(exceeded[2].contains("30 of the 1000 rows of `shop:customers`"), "{exceeded:?}");
}

#[rstest]
#[case::at_the_limit(10, 1000, false)]
#[case::few_rows_are_never_refused(25, 30, false)]
#[case::above_both(26, 2599, true)]
#[case::exactly_the_share(26, 2600, false)]
fn a_share_never_refuses_fewer_rows_than_its_floor(
    #[case] rows: u64,
    #[case] all: u64,
    #[case] refused: bool,
) {
    let mut plan = contents();
    plan.operations = vec![Operation { rows, ..update("many") }];
    plan.reads = vec![PlannedRead { table_rows: Some(all), ..read("shop:customers", rows, &[]) }];

    assert_eq!(!Volume::of(&plan, 1).exceeds(&Limits::default()).is_empty(), refused);
}

#[test]
fn rows_of_others_block_a_plan_that_would_change_them_and_only_then() {
    let mut foreign = contents();
    foreign.reads[1].foreign = 2;
    foreign.reads[2].foreign = 7;

    let exceeded = Volume::of(&foreign, 1).exceeds(&Limits::default());

    assert_eq!(exceeded, [Exceeded::Foreign { address: address("shop:customers"), rows: 2 }]);
    assert!(Plan::seal(foreign).to_text().contains("shop:orders: 7 rows with only another person's address"));
}

#[test]
fn rows_of_others_block_a_plan_that_changes_what_they_lead_to_however_far() {
    let mut far = contents();
    far.operations = vec![Operation { uses: Uses::default(), ..update("row-1") }];
    far.reads = vec![
        read("crm:people", 3, &[]),
        read("crm:accounts", 3, &["crm:people"]),
        read("shop:customers", 1, &["crm:accounts"]),
    ];
    far.reads[0].foreign = 2;

    let exceeded = Volume::of(&far, 1).exceeds(&Limits::default());

    assert_eq!(exceeded, [Exceeded::Foreign { address: address("crm:people"), rows: 2 }]);
}

#[test]
fn rows_of_others_block_a_plan_that_sends_their_values() {
    let mut sent = contents();
    sent.operations = vec![regulation()];
    sent.operations[0].uses.values[0].address = address("crm:people");
    sent.reads.push(read("crm:people", 3, &["crm:lists"]));
    sent.reads.push(read("crm:lists", 1, &[]));
    sent.reads[3].foreign = 2;
    sent.reads[4].foreign = 1;

    let exceeded = Volume::of(&sent, 1).exceeds(&Limits::default());

    let foreign = |collection, rows| Exceeded::Foreign { address: address(collection), rows };
    assert_eq!(exceeded, [foreign("crm:lists", 1), foreign("crm:people", 2)]);
}

#[test]
fn secrets_are_hidden_in_every_form() {
    let mask = SecretMask::new(["s3cret/\"+key", "abc", "123456"]);

    let shown = mask.value(&json!({
        "plain": "Bearer s3cret/\"+key",
        "encoded": "https://x/?k=s3cret%2F%22%2Bkey&m=s3cret%2f%22%2bkey",
        "base64": "czNjcmV0LyIra2V5",
        "escaped": "{\"k\": \"s3cret/\\\"+key\"}",
        "number": 123_456,
        "short": "abc",
    }));

    assert_eq!(shown["plain"], "Bearer ***");
    assert_eq!(shown["encoded"], "https://x/?k=***&m=***");
    assert_eq!(shown["base64"], "***");
    assert_eq!(shown["escaped"], "{\"k\": \"***\"}");
    assert_eq!(shown["number"], "***");
    assert_eq!(shown["short"], "abc", "three letters would tear words apart");
}

#[test]
fn a_regulation_counts_as_one_write_whatever_it_erases() {
    let many = Operation { rows: 900, ..regulation() };
    let call = Call::Sql { write: Write::Delete, columns: vec![], sql: "DELETE".into(), parameters: vec![] };

    assert_eq!(many.writes(), 1);
    assert_eq!(Operation { rows: 900, ..operation("shop", "shop:customers", call) }.writes(), 900);
}

fn row(value: Value) -> Row {
    match value {
        Value::Object(members) => members,
        other => panic!("not a row: {other}"),
    }
}

#[test]
fn marks_follow_key_and_content_and_differ_between_keys_and_collections() {
    let (key, other_key) = (HashKey::random(), HashKey::random());
    let (place, other_place) = (address("shop:a"), address("shop:b"));
    let fields = [vec!["id".to_owned()]];
    let marker = RowMarker::new(&key, &place, &fields);

    let mark = marker.mark(&row(json!({"id": 1, "name": "Ana"})));
    let changed = marker.mark(&row(json!({"id": 1, "name": "An"})));

    assert_eq!(mark, marker.mark(&row(json!({"name": "Ana", "id": 1}))));
    assert_eq!(mark.key, changed.key);
    assert_ne!(mark.content, changed.content);
    let ana = row(json!({"id": 1, "name": "Ana"}));
    assert_ne!(mark, RowMarker::new(&other_key, &place, &fields).mark(&ana));
    assert_ne!(mark, RowMarker::new(&key, &other_place, &fields).mark(&ana));
    let keyless = RowMarker::new(&key, &place, &[]).mark(&ana);
    assert_eq!(keyless.key, keyless.content);
}

#[test]
fn a_fingerprint_of_secrets_follows_names_and_values_only() {
    let key = HashKey::random();
    let (a, b) = (json!("one"), json!("two"));

    let first = secrets_fingerprint(&key, [("a", &a), ("b", &b)]);

    assert_eq!(first, secrets_fingerprint(&key, [("b", &b), ("a", &a)]));
    assert_ne!(first, secrets_fingerprint(&key, [("a", &b), ("b", &a)]));
    assert_ne!(first, secrets_fingerprint(&HashKey::random(), [("a", &a), ("b", &b)]));
}

fn body() -> impl Strategy<Value = Option<String>> {
    let json = prop_oneof![
        Just("null".to_owned()),
        Just("[1.0,1e400,12345678901234567890123,\"\\u0000\"]".to_owned()),
        "[a-z\"\\\\ \u{e9}]{0,9}".prop_map(|text| json!({"b": text, "a": [1, null, 2.50]}).to_string()),
        "[a-z\"]{0,9}".prop_map(|text| json!(text).to_string()),
    ];
    proptest::option::of(prop_oneof![json, "[a-z{}\"=&% ]{0,12}"])
}

fn parameter() -> impl Strategy<Value = SqlValue> {
    prop_oneof![
        Just(SqlValue::Null),
        any::<i64>().prop_map(SqlValue::Integer),
        any::<u64>().prop_map(SqlValue::Unsigned),
        any::<f64>().prop_filter("nothing equals NaN", |float| !float.is_nan()).prop_map(SqlValue::Float),
        ".*".prop_map(SqlValue::Text),
        any::<Vec<u8>>().prop_map(SqlValue::Bytes),
        any::<Vec<Option<String>>>().prop_map(SqlValue::List),
    ]
}

/// The plan of one operation, there and back through its file.
fn through_the_file(operation: Operation) -> Operation {
    let plan = Plan::seal(PlanContents { operations: vec![operation], ..contents() });
    Plan::parse(&plan.to_json()).unwrap().contents().operations[0].clone()
}

proptest! {
    #[test]
    fn a_request_comes_out_of_the_file_exactly_as_it_was_prepared(
        body in body(),
        is_json in any::<bool>(),
        url in "https://x\\.example\\.com/[a-z%?&=]{0,9}",
        header in "[ -~]{0,12}",
    ) {
        let kind = if is_json { "application/json" } else { "text/plain" };
        let request = WriteRequest {
            place: "endpoints[0].update[1]".into(),
            endpoint: "people".into(),
            method: "PATCH".into(),
            url,
            headers: vec![("Content-Type".into(), kind.into()), ("x-any".into(), header)],
            body,
        };
        let planned = Operation { order: 0, ..operation("shop", "shop:people", Call::from(request.clone())) };

        prop_assert_eq!(through_the_file(planned).write_request(), Some(request));
    }

    #[test]
    fn a_statement_comes_out_of_the_file_exactly_as_it_was_prepared(
        parameters in proptest::collection::vec(parameter(), 0..5),
        columns in proptest::collection::vec("[a-z\"`]{0,5}", 0..3),
        rows in 1_u64..1000,
    ) {
        let call = Call::Sql { write: Write::Update, columns, sql: "UPDATE x".into(), parameters };
        let planned = Operation { order: 0, rows, ..operation("shop", "shop:customers", call) };
        let statement = planned.sql_operation();

        prop_assert_eq!(statement.as_ref().map(|statement| statement.keys), Some(rows));
        prop_assert_eq!(through_the_file(planned).sql_operation(), statement);
    }

    #[test]
    fn the_mark_of_a_reading_does_not_depend_on_order_and_notices_any_change(
        (names, shuffled) in proptest::collection::vec("[a-z]{0,3}", 1..8)
            .prop_flat_map(|names| (Just(names.clone()), Just(names).prop_shuffle())),
    ) {
        let (key, place) = (HashKey::random(), address("shop:a"));
        let marker = RowMarker::new(&key, &place, &[]);
        let reading = |names: &[String]| {
            let mut reading = ReadMark::default();
            for name in names {
                reading.add(&marker.mark(&row(json!({"name": name}))), &key);
            }
            reading.finish(&key)
        };
        let mut twice = names.clone();
        twice.push(names[0].clone());

        prop_assert_eq!(reading(&names), reading(&shuffled));
        prop_assert_ne!(reading(&names), reading(&names[1..]));
        prop_assert_ne!(reading(&names), reading(&twice));
    }
}

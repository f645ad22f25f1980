//! Functions of a script in place of requests: what they read, what they return to be written, and what
//! they are stopped for.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use connector::writes::{PlannedWrite, UnwrittenReason, WriteRow, WriteSource, Writes};
use connector::{CallError, HookError, Inputs, ReadError, Reading, TestOutcome, WriteEnd};
use egress::{LedgerRef, Retry, WritePermit};
use jiff::Timestamp;
use model::Clock;
use rstest::rstest;
use sandbox::server::Answer;
use serde_json::{Value, json};
use spec::connector_file::Per;
use testkit::TestClock;

use crate::acme::{Acme, Setup, ana, file, flat, read_all};

/// An endpoint `things` that is read, and deleted, by functions of `acme.star`.
const THINGS: &str = "    - name: things
      requests:
        read:
          script: acme.star:read
          param_values: [{name: email, identity: email}]
        delete:
          script: acme.star:delete
          gone: [404]
          repeatable: true
          param_values: [{name: id, references: [{dataset: acme, field: things.id, direction: from}]}]
";

const SECRET: &str = "canary/secret+9";

async fn start(script: &str) -> Acme {
    start_with(&file(THINGS), script, None).await
}

async fn start_with(file: &str, script: &str, clock: Option<Arc<dyn Clock>>) -> Acme {
    let whole = format!("{script}\n{}", missing(script));
    let secrets = vec![("token", json!(SECRET))];
    let setup = Setup { secrets, script: &whole, clock, ..Setup::default() };
    Acme::start_with(file, setup).await
}

/// The functions that the file names and `script` does not have.
fn missing(script: &str) -> String {
    let names = ["read", "delete", "test", "sign"];
    let missing = names.iter().filter(|name| !script.contains(&format!("def {name}(")));
    missing.map(|name| format!("def {name}(a, b = None):\n    return []\n")).collect::<Vec<_>>().concat()
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the rows on the spot")]
fn rows(rows: Value) -> Vec<WriteRow> {
    let row = |row: &Value| WriteRow { row: row.as_object().unwrap().clone(), ..WriteRow::default() };
    rows.as_array().unwrap().iter().map(row).collect()
}

async fn plan(acme: &Acme, rows: &[WriteRow], per: Per) -> Writes {
    let file = &acme.connector.connection().file;
    let source = WriteSource {
        request: &file.endpoints[0].delete[0],
        endpoint: "things",
        per,
        person: &ana(),
        inputs: &Inputs::default(),
        field_values: &HashMap::new(),
    };
    acme.connector.plan_writes(source, rows).await
}

/// Method and target of each write, with its rows.
fn shown(writes: &Writes) -> Vec<(String, Vec<usize>)> {
    let one = |write: &PlannedWrite| {
        let target = write.request.url.strip_prefix("https://api.acme.test").unwrap();
        (format!("{} {target}", write.request.method), write.rows.clone())
    };
    writes.planned.iter().map(one).collect()
}

fn reasons(writes: &Writes) -> Vec<String> {
    writes.unwritten.iter().map(|unwritten| unwritten.reason.to_string()).collect()
}

fn permit() -> WritePermit {
    WritePermit::for_intent(LedgerRef { id: "led_test".to_owned(), fence: 1 })
}

const PAGES: &str = r#"
def read(ctx, values):
    start = ctx["page"] or 0
    found = fetch({"path": "/people/" + quote(values["email"]), "query": {"start": start, "n": [1, 2]}})
    rows = [{"id": id, "of": ctx["identities"]["email"][0]} for id in found["body"]["ids"]]
    more = found["body"].get("more")
    return {"rows": rows, "next": start + len(rows)} if more else rows
"#;

#[tokio::test]
async fn a_script_reads_page_by_page_and_its_calls_are_counted() {
    let acme = start(PAGES).await;
    acme.saas
        .on("GET", "/people/*")
        .then(Answer::json(200, &json!({"ids": [1, 2], "more": true})))
        .then(Answer::status(503))
        .then(Answer::json(200, &json!({"ids": [3]})));

    let outcome = acme.read("things", &[]).await;

    let of = "ana@example.com";
    assert_eq!(outcome.json(), json!([{"id": 1, "of": of}, {"id": 2, "of": of}, {"id": 3, "of": of}]));
    assert_eq!(outcome.reason(), "complete");
    assert_eq!((outcome.stats.requests, outcome.stats.retries), (3, 1), "one attempt was repeated");
    assert_eq!(acme.targets()[2], "/people/ana%40example.com?start=2&n=1&n=2");
    assert_eq!(acme.saas.calls()[0].bearer_token(), Some(SECRET), "reads are authenticated");
}

// rule: saas-config 21.8
#[tokio::test]
async fn a_script_is_one_of_the_read_requests_and_takes_nothing_from_the_others() {
    let both = THINGS.replace(
        "          script: acme.star:read\n          param_values: [{name: email, identity: email}]\n",
        "          - {method: GET, path: /a, param_values: [{name: email, identity: email}]}\n          - script: acme.star:read\n            param_values: [{name: email, identity: email}]\n            postprocessors: [{strategy: filter, configuration: {field: id, value: one}}]\n          - {method: GET, path: /b, param_values: [{name: email, identity: email}]}\n",
    );
    let acme = start_with(
        &file(&both),
        "def read(ctx, values):\n    return [{\"id\": \"one\"}, {\"id\": \"two\"}]\n",
        None,
    )
    .await;
    acme.saas.on("GET", "/a").then(Answer::json(200, &json!([{"id": "a"}])));
    acme.saas.on("GET", "/b").then(Answer::json(200, &json!([{"id": "b"}])));

    let outcome = acme.read("things", &[]).await;

    assert_eq!(outcome.json(), json!([{"id": "a"}, {"id": "one"}, {"id": "b"}]));
}

#[rstest]
#[case("{\"rows\": [{}], \"incomplete\": \"http_4xx\"}", "http_4xx", 1)]
#[case("{\"rows\": [{}], \"next\": 1}", "page_loop", 2)]
#[case("{\"rows\": [{}, 5]}", "malformed", 0)]
#[case("{\"rows\": [], \"incomplete\": \"Ana\"}", "malformed", 0)]
#[case("5", "malformed", 0)]
#[tokio::test]
async fn what_a_script_did_not_see_makes_the_reading_incomplete(
    #[case] result: &str,
    #[case] reason: &str,
    #[case] rows: usize,
) {
    let acme = start(&format!("def read(ctx, values):\n    return {result}\n")).await;

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.reason().as_str(), outcome.rows.len()), (reason, rows));
}

#[tokio::test]
async fn an_answer_that_never_comes_ends_the_reading_with_its_reason_and_place() {
    let acme = start(PAGES).await;
    acme.saas.on("GET", "/people/*").then(Answer::status(503));

    let outcome = acme.read("things", &[]).await;

    assert_eq!((outcome.reason().as_str(), outcome.stats.requests), ("http_5xx", 4));
    let text = outcome.errors[0].to_string();
    assert!(text.starts_with("acme.star:4:13: `fetch` in function `read`"), "{text}");
    assert!(!text.contains("ana"), "{text}");
    assert_eq!(outcome.errors[0].retry(), Retry::Yes);
}

#[tokio::test]
async fn an_accepted_status_is_an_answer_and_another_is_none() {
    let script = "def read(ctx, values):\n    found = fetch({\"path\": \"/one\", \"accept\": [404]})\n    return [{\"status\": found[\"status\"], \"body\": found[\"body\"]}]\n";
    let acme = start(script).await;
    acme.saas.on("GET", "/one").then(Answer::status(404)).then(Answer::status(403));

    let found = acme.read("things", &[]).await;
    let refused = acme.read("things", &[]).await;

    assert_eq!(found.json(), json!([{"status": 404, "body": null}]));
    assert_eq!(refused.reason(), "http_4xx");
}

#[rstest]
#[case::delete("{\"method\": \"DELETE\", \"path\": \"/x\"}", "may change something")]
#[case::post("{\"method\": \"POST\", \"path\": \"/x\"}", "may change something")]
#[case::body("{\"path\": \"/x\", \"body\": {\"delete\": True}}", "has no `body`")]
#[case::elsewhere("{\"path\": \"//evil.test/x\"}", "below the base URL")]
#[case::upwards("{\"path\": \"/a/%2E%2e/x\"}", "below the base URL")]
#[case::empty_value("{\"path\": \"/people//x\"}", "below the base URL")]
#[case::query_in_path("{\"path\": \"/x?all=true\"}", "below the base URL")]
#[case::backslash("{\"path\": \"/\\\\\\\\evil.test\"}", "below the base URL")]
#[case::host("{\"path\": \"/x\", \"host\": \"evil.test\"}", "its keys are")]
#[case::transient("{\"path\": \"/x\", \"accept\": [429]}", "`accept` takes")]
#[tokio::test]
async fn a_fetch_that_is_no_read_of_this_application_is_refused_before_sending(
    #[case] request: &str,
    #[case] problem: &str,
) {
    let acme = start(&format!("def read(ctx, values):\n    return fetch({request})\n")).await;

    let outcome = acme.read("things", &[]).await;

    let text = outcome.errors[0].to_string();
    assert!(text.starts_with("acme.star:2:12:") && text.contains(problem), "{text}");
    assert!(acme.saas.calls().is_empty());
}

#[rstest]
#[case::steps("    for i in range(100000000):\n        pass\n", "more steps, memory or time")]
#[case::memory(
    "    l = []\n    for i in range(900000):\n        l.append(\"x%d\" % i * 50)\n",
    "more steps, memory or time"
)]
#[case::reads("    for i in range(200):\n        fetch({\"path\": \"/x\"})\n", "more than 100 reads")]
#[case::code("    return hmac_sha256(\"token\", \"text\")\n", "`hmac_sha256` cannot be used here")]
#[tokio::test]
async fn a_script_that_takes_too_much_is_stopped(#[case] body: &str, #[case] problem: &str) {
    let acme = start(&format!("def read(ctx, values):\n{body}")).await;
    acme.saas.on("GET", "/x").then(Answer::json(200, &json!({})));

    let outcome = acme.read("things", &[]).await;

    let text = outcome.errors[0].to_string();
    assert!(text.starts_with("acme.star:") && text.contains(problem), "{text}");
    assert_eq!(outcome.reason(), "malformed");
    assert!(acme.saas.calls().len() <= 100);
}

/// Each look at it is a second later.
#[derive(Debug)]
struct HurryingClock(TestClock);

impl Clock for HurryingClock {
    fn now(&self) -> Timestamp {
        self.0.advance(Duration::from_secs(1));
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.sleep(duration)
    }
}

#[tokio::test]
async fn a_script_that_computes_too_long_is_stopped() {
    let script = "def read(ctx, values):\n    for i in range(900000):\n        pass\n    return []\n";
    let hurried = start_with(&file(THINGS), script, Some(Arc::new(HurryingClock(TestClock::new())))).await;
    let usual = start(script).await;

    let stopped = hurried.read("things", &[]).await;

    assert!(stopped.errors[0].to_string().contains("more steps, memory or time"), "{:?}", stopped.errors);
    assert_eq!(usual.read("things", &[]).await.reason(), "complete", "the steps alone are not too many");
}

/// Starts a connector whose collection `things` fetches three times for each id, as often as `limit` allows; with
/// a reading of that many ids.
async fn start_limited(limit: &str, ids: usize) -> (Acme, Reading) {
    let limited = format!(
        "    - name: things
      requests:
        read:
          script: acme.star:read
          rate_limit_config: {{limits: [{{rate: {limit}}}]}}
          param_values: [{{name: id, references: [{{dataset: acme, field: others.id, direction: from}}]}}]
    - name: others
      requests: {{read: {{method: GET, path: /others, param_values: [{{name: email, identity: email}}]}}}}
"
    );
    let script = "def read(ctx, values):\n    for i in range(3):\n        fetch({\"path\": \"/x\"})\n    return [{\"id\": values[\"id\"]}]\n";
    let acme = start_with(&file(&limited), script, None).await;
    acme.saas.on("GET", "/x").then(Answer::json(200, &json!({})));
    let ids: Vec<Value> = (0..ids).map(Value::from).collect();
    let reading = acme.connector.read("things", &ana(), flat(&[("id", json!(ids))])).unwrap();
    (acme, reading)
}

// All together wait six seconds, which is less than one may compute: the waiting of others moves the clock of a
// test also while one computes.
#[tokio::test]
async fn scripts_that_wait_hold_no_thread() {
    let (acme, reading) = start_limited("20, period: second", 40).await;

    let all = (0..reading.units()).map(|unit| {
        let mut reader = reading.open(unit);
        async move { reader.next_page().await.unwrap().unwrap().rows }
    });
    let rows: Vec<_> = futures::future::join_all(all).await.concat();

    assert_eq!(rows.len(), 40);
    assert_eq!(acme.saas.calls().len(), 120);
}

#[tokio::test]
async fn what_a_script_waits_for_is_not_what_it_computes() {
    let (acme, reading) = start_limited("1, period: minute", 1).await;

    let rows = reading.open(0).next_page().await.unwrap().unwrap().rows;

    assert_eq!(rows.len(), 1);
    assert_eq!(acme.saas.calls().len(), 3);
    assert!(acme.clock.slept() >= Duration::from_mins(2), "it waited for longer than it may compute");
}

#[tokio::test]
async fn a_page_that_was_given_up_is_read_again() {
    let acme = start(PAGES).await;
    acme.saas
        .on("GET", "/people/*")
        .then(Answer::json(200, &json!({"ids": [1]})).after(Duration::from_mins(1)))
        .then(Answer::json(200, &json!({"ids": [1]})));
    let reading = acme.connector.read("things", &ana(), Inputs::default()).unwrap();
    let mut reader = reading.open(0);

    tokio::select! {
        page = reader.next_page() => panic!("{page:?}"),
        () = async { while acme.saas.calls().is_empty() { tokio::task::yield_now().await; } } => {}
    }
    let page = reader.next_page().await.unwrap().unwrap();

    assert_eq!(page.rows.len(), 1);
    assert!(reader.completeness().is_complete());
}

#[tokio::test]
async fn another_reader_goes_on_where_one_stopped_and_still_sees_a_loop() {
    let script = "def read(ctx, values):\n    page = ctx[\"page\"] or 0\n    return {\"rows\": [{\"page\": page}], \"next\": (page + 1) % 3}\n";
    let acme = start(script).await;
    let reading = acme.connector.read("things", &ana(), Inputs::default()).unwrap();
    let mut first = reading.open(0);
    let mut marks = Vec::new();
    for _ in 0..2 {
        first.next_page().await.unwrap().unwrap();
        marks.extend(first.mark());
    }
    let point = first.resume_point().unwrap();

    let mut second = reading.open_at(0, &point, marks).unwrap();
    let mut rows = Vec::new();
    while let Some(page) = second.next_page().await.unwrap() {
        rows.extend(page.rows);
    }

    assert_eq!(json!(rows), json!([{"page": 2}, {"page": 0}]));
    assert!(format!("{:?}", second.completeness()).contains("PageLoop"));
    let other = start(&script.replace("% 3", "% 4")).await;
    let changed = other.connector.read("things", &ana(), Inputs::default()).unwrap();
    assert!(changed.open_at(0, &point, []).is_none(), "the script is another one now");
}

/// One that the declarative format cannot say: a second look-up before it deletes.
const LOOK_UP_THEN_DELETE: &str = r#"
def delete(ctx, rows):
    writes = []
    for row in rows:
        keys = fetch({"path": "/people/" + quote(row["row"]["id"]) + "/keys", "accept": [404]})
        for key in (keys["body"] or {}).get("keys", []):
            writes.append({
                "method": "DELETE",
                "path": "/keys/" + quote(key),
                "query": {"as": ctx["secrets"]["token"]},
                "headers": {"x-request": ctx["privacy_request_id"]},
                "body": {"of": row["values"]["id"], "key": ctx["secrets"]["token"]},
            })
    return writes
"#;

#[tokio::test]
async fn what_a_script_returns_stands_in_the_plan_and_is_sent_from_there_once() {
    let acme = start(LOOK_UP_THEN_DELETE).await;
    acme.saas.on("GET", "/people/7/keys").then(Answer::json(200, &json!({"keys": ["a b", "c"]})));
    acme.saas.on("GET", "/people/8/keys").then(Answer::status(404));
    acme.saas.on("DELETE", "/keys/*").then(Answer::status(204)).then(Answer::status(404));

    let writes = plan(&acme, &rows(json!([{"id": 7}, {"id": 8}])), Per::Row).await;

    assert!(acme.saas.calls().iter().all(|call| call.method == "GET"), "planning only reads");
    assert_eq!(writes.stats.requests, 2);
    assert_eq!(
        shown(&writes),
        [
            ("DELETE /keys/a%20b?as=__secret.token__".to_owned(), vec![0]),
            ("DELETE /keys/c?as=__secret.token__".to_owned(), vec![0]),
        ]
    );
    assert!(reasons(&writes)[0].contains("returned no write"), "{writes:?}");
    assert_eq!(writes.unwritten[0].rows, [1]);
    let kept = serde_json::to_string(&writes.planned[0].request).unwrap();
    assert!(!kept.contains(SECRET) && !kept.to_lowercase().contains("authorization"), "{kept}");

    let request = &acme.connector.connection().file.endpoints[0].delete[0];
    let first = acme.connector.send_write(&writes.planned[0].request, request, permit()).await;
    let second = acme.connector.send_write(&writes.planned[1].request, request, permit()).await;

    assert!(matches!(first.end, WriteEnd::Taken { status: 204, .. }), "{first:?}");
    assert!(matches!(second.end, WriteEnd::Absent { status: 404 }), "{second:?}");
    let sent = acme.saas.calls().into_iter().filter(|call| call.method == "DELETE").collect::<Vec<_>>();
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].target(), "/keys/a%20b?as=canary%2Fsecret%2B9");
    assert_eq!(sent[0].json(), Some(json!({"of": [7], "key": SECRET})));
    assert_eq!(sent[0].bearer_token(), Some(SECRET));
    assert!(sent[0].header("x-request").unwrap().starts_with("pri_"));
}

#[tokio::test]
async fn a_secret_that_the_file_forgot_to_call_sensitive_is_given_by_name_only() {
    let endpoint = THINGS.replacen(
        "param_values: [{name: email, identity: email}]",
        "param_values: [{name: email, identity: email}, {name: key, connector_param: token}]",
        1,
    );
    let script = "def read(ctx, values):\n    return [{\"params\": ctx[\"params\"], \"secrets\": ctx[\"secrets\"], \"key\": values[\"key\"]}]\n";
    let acme = start_with(&file(&endpoint), script, None).await;

    let row = acme.read("things", &[]).await.json()[0].clone();

    let mark = "__secret.token__";
    assert_eq!((&row["secrets"], &row["key"]), (&json!({"token": mark}), &json!(mark)));
    assert_eq!(row["params"], json!({"domain": "api.acme.test"}));
}

/// What was learned from one answer stands in the next call: plain, quoted, and as Base64.
const LEARNS: &str = r#"
def read(ctx, values):
    found = fetch({"path": "/people/" + quote(values["email"])})["body"]
    by_name = fetch({"path": "/by/" + quote(found["name"]), "query": {"phone": found["phone"], "limit": 100}})["body"]
    page = ctx["page"]
    if page == None:
        return {"rows": by_name, "next": found["name"] + ";1"}
    return fetch({"path": "/more", "query": {"after": page}})["body"]
"#;

#[tokio::test]
async fn a_recording_does_not_hold_what_a_script_learned_from_answers() {
    let acme = start(LEARNS).await;
    let person = json!({"name": "Zoe O'Canary", "phone": "+15550104711", "limit": 100});
    acme.saas.on("GET", "/people/*").then(Answer::json(200, &person)).then(Answer::json(200, &person));
    for path in ["/by/*", "/more"] {
        let rows = Answer::json(200, &json!([{"id": "abc"}]));
        acme.saas.on("GET", path).then(rows.clone()).then(rows);
    }
    let recorder = egress::Recorder::new();
    recorder.identify("email", &json!("ana@example.com"));

    let connector = acme.connector_in(egress::Mode::Record(recorder.clone()));
    let read = read_all(&connector.read("things", &ana(), Inputs::default()).unwrap()).await;

    let cassette = recorder.cassette();
    let text = cassette.to_text();
    assert_eq!((read.reason(), read.rows.len()), ("complete".to_owned(), 2));
    for canary in ["Canary", "5550104711", "ana@example"] {
        assert!(!text.contains(canary), "{text}");
    }
    assert!(text.contains("limit=100"), "{text}");
    let again = acme.connector_in(egress::Mode::Replay(cassette));
    let pseudonym = recorder.pseudonym("ana@example.com");
    let replayed = again.read("things", &crate::acme::person(&[("email", &pseudonym)]), Inputs::default());
    let replayed = read_all(&replayed.unwrap()).await;
    assert_eq!((replayed.reason(), replayed.rows.len()), ("complete".to_owned(), 2), "{:?}", replayed.errors);
}

#[rstest]
#[case(401)]
#[case(403)]
#[tokio::test]
async fn a_status_that_a_script_lets_pass_leaves_the_reading_incomplete(#[case] status: u16) {
    let script = "def read(ctx, values):\n    found = fetch({\"path\": \"/x\", \"accept\": [401, 403, 404]})\n    \
                  return [] if found[\"body\"] == None else found[\"body\"]\n";
    let denied = start(script).await;
    denied.saas.on("GET", "/x").then(Answer::status(status));
    let absent = start(script).await;
    absent.saas.on("GET", "/x").then(Answer::status(404));

    let (denied, absent) = (denied.read("things", &[]).await, absent.read("things", &[]).await);

    assert_eq!((denied.reason().as_str(), absent.reason().as_str()), ("ignored_error", "complete"));
}

#[rstest]
#[case::none("[]")]
#[case::twice("[0, 0]")]
#[case::twice_among_others("[1, 0, 1]")]
#[tokio::test]
async fn a_write_names_each_of_its_rows_once(#[case] of: &str) {
    let acme = start(&format!(
        "def delete(ctx, rows):\n    return [{{\"method\": \"DELETE\", \"path\": \"/x\", \"rows\": {of}}}]\n"
    ))
    .await;

    let writes = plan(&acme, &rows(json!([{"id": 1}, {"id": 2}])), Per::Person).await;

    assert!(writes.planned.is_empty(), "{:?}", shown(&writes));
    assert_eq!(writes.unwritten[0].rows, [0, 1]);
    assert!(reasons(&writes)[0].contains("`rows` must name each row"), "{:?}", reasons(&writes));
}

#[tokio::test]
async fn the_same_rows_make_the_same_plan() {
    let acme = start("def delete(ctx, rows):\n    return [{\"method\": \"POST\", \"path\": \"/x\", \"body\": {\"at\": ctx[\"time\"], \"rows\": rows}}]\n").await;
    let rows = rows(json!([{"id": 1, "b": {"z": 1, "a": 2}}]));

    let (one, two) = (plan(&acme, &rows, Per::Row).await, plan(&acme, &rows, Per::Row).await);

    assert_eq!(one.planned, two.planned);
    assert!(one.planned[0].request.body.as_ref().unwrap().contains("2026-01-15T12:00:00Z"));
}

#[tokio::test]
async fn a_script_for_the_person_gets_all_rows_and_says_which_a_write_stands_for() {
    let script = "def delete(ctx, rows):\n    return [{\"method\": \"DELETE\", \"path\": \"/x/%d\" % row[\"row\"][\"id\"], \"rows\": [at]} for at, row in enumerate(rows) if row[\"row\"][\"id\"] != 2]\n";
    let acme = start(script).await;

    let writes = plan(&acme, &rows(json!([{"id": 1}, {"id": 2}, {"id": 3}])), Per::Person).await;

    assert_eq!(shown(&writes), [("DELETE /x/1".to_owned(), vec![0]), ("DELETE /x/3".to_owned(), vec![2])]);
    assert_eq!(writes.unwritten[0].rows, [1]);
}

#[tokio::test]
async fn a_collection_without_rows_is_written_for_the_person() {
    let script = "def delete(ctx, rows):\n    return [{\"method\": \"POST\", \"path\": \"/forget\", \"body\": {\"mail\": ctx[\"identities\"][\"email\"], \"rows\": len(rows)}}]\n";
    let acme = start(script).await;

    let writes = plan(&acme, &rows(json!([{}])), Per::Row).await;

    assert_eq!(writes.planned[0].request.body.as_deref(), Some(r#"{"mail":["ana@example.com"],"rows":0}"#));
    assert!(writes.planned[0].rows.is_empty() && writes.unwritten.is_empty());
}

/// Scripts that would put the secret, which they learned from an answer, into a plan.
#[rstest]
#[case::path("{\"method\": \"DELETE\", \"path\": \"/x/\" + quote(secret)}")]
#[case::query("{\"method\": \"DELETE\", \"path\": \"/x\", \"query\": {\"key\": secret}}")]
#[case::header("{\"method\": \"DELETE\", \"path\": \"/x\", \"headers\": {\"x-key\": \"k=\" + secret}}")]
#[case::body("{\"method\": \"POST\", \"path\": \"/x\", \"body\": {\"a\": [secret]}}")]
#[case::text("{\"method\": \"POST\", \"path\": \"/x\", \"body\": \"a \" + secret}")]
#[case::base64("{\"method\": \"POST\", \"path\": \"/x\", \"body\": \"Y2FuYXJ5L3NlY3JldCs5\"}")]
#[tokio::test]
async fn a_secret_in_the_open_never_comes_into_a_plan(#[case] write: &str) {
    let script = format!(
        "def delete(ctx, rows):\n    secret = fetch({{\"path\": \"/echo\"}})[\"body\"][\"sent\"]\n    return [{write}]\n"
    );
    let acme = start(&script).await;
    acme.saas.on("GET", "/echo").then(Answer::json(200, &json!({"sent": SECRET})));

    let writes = plan(&acme, &rows(json!([{"id": 1}])), Per::Row).await;

    assert!(writes.planned.is_empty(), "{writes:?}");
    let text = &reasons(&writes)[0];
    assert!(text.contains("`token`") && !text.contains(SECRET), "{text}");
    assert!(matches!(
        writes.unwritten[0].reason,
        UnwrittenReason::Script(HookError::SecretInWrite { index: 0, .. })
    ));
}

#[rstest]
#[case::read("[{\"method\": \"GET\", \"path\": \"/x\"}]", "method that does not write")]
#[case::elsewhere("[{\"method\": \"DELETE\", \"path\": \"/../x\"}]", "below the base URL")]
#[case::no_list("{\"method\": \"DELETE\"}", "list of write requests")]
#[case::unknown_row("[{\"method\": \"DELETE\", \"path\": \"/x\", \"rows\": [1]}]", "it did not get")]
#[case::header(
    "[{\"method\": \"DELETE\", \"path\": \"/x\", \"headers\": {\"a\": \"b\\nc\"}}]",
    "cannot be sent"
)]
#[case::json(
    "[{\"method\": \"POST\", \"path\": \"/x\", \"headers\": {\"content-type\": \"application/json\"}, \"body\": \"{\"}]",
    "no JSON"
)]
#[tokio::test]
async fn a_result_that_is_no_write_is_refused(#[case] result: &str, #[case] problem: &str) {
    let acme = start(&format!("def delete(ctx, rows):\n    return {result}\n")).await;

    let writes = plan(&acme, &rows(json!([{"id": 1}])), Per::Row).await;

    assert!(writes.planned.is_empty(), "{writes:?}");
    assert!(reasons(&writes)[0].contains(problem), "{:?}", reasons(&writes));
}

#[tokio::test]
async fn a_row_that_holds_the_name_of_a_secret_is_not_given_to_a_script() {
    let acme = start(
        "def delete(ctx, rows):\n    return [{\"method\": \"POST\", \"path\": \"/x\", \"body\": rows}]\n",
    )
    .await;

    let writes = plan(&acme, &rows(json!([{"id": "__secret.token__"}])), Per::Row).await;

    assert!(matches!(writes.unwritten[0].reason, UnwrittenReason::Script(HookError::SecretMark { .. })));
}

#[tokio::test]
async fn after_a_read_that_may_work_later_no_further_row_is_asked_about() {
    let acme = start(LOOK_UP_THEN_DELETE).await;
    acme.saas.on("GET", "/people/1/keys").then(Answer::status(503));

    let writes = plan(&acme, &rows(json!([{"id": 1}, {"id": 2}])), Per::Row).await;

    assert_eq!(acme.saas.calls().len(), 4);
    assert!(matches!(&writes.unwritten[0].reason, UnwrittenReason::Script(HookError::Fetch { .. })));
    assert!(matches!(&writes.unwritten[1].reason, UnwrittenReason::ScriptStopped { .. }));
    assert_eq!(writes.unwritten[1].rows, [1]);
}

const SIGNED: &str = r#"
def sign(request, secret):
    text = "\n".join([request["method"], request["path"] + "?" + request["query"], request["body"], str(request["time"]["unix_s"])])
    return {"x-time": str(request["time"]["unix_s"]), "x-key": request["secrets"]["token"], "x-signature": hmac_sha256(secret, text)}
"#;

fn signed_file() -> String {
    file(THINGS).replace(
        "{strategy: bearer, configuration: {token: <token>}}",
        "{strategy: script, configuration: {script: 'acme.star:sign', secret: token}}",
    )
}

#[tokio::test]
async fn every_request_is_signed_as_it_is_sent_and_the_signature_stands_in_no_plan() {
    let script = format!("{SIGNED}{LOOK_UP_THEN_DELETE}");
    let acme = start_with(&signed_file(), &script, None).await;
    acme.saas.on("GET", "/people/7/keys").then(Answer::json(200, &json!({"keys": ["a b"]})));
    acme.saas.on("DELETE", "/keys/*").then(Answer::status(204));

    let writes = plan(&acme, &rows(json!([{"id": 7}])), Per::Row).await;
    acme.clock.advance(Duration::from_secs(5));
    let request = &acme.connector.connection().file.endpoints[0].delete[0];
    let answer = acme.connector.send_write(&writes.planned[0].request, request, permit()).await;

    assert!(matches!(answer.end, WriteEnd::Taken { .. }), "{answer:?}");
    let calls = acme.saas.calls();
    assert_eq!(calls.len(), 2);
    for call in &calls {
        let body = String::from_utf8(call.body.to_vec()).unwrap();
        let (path, query) = call
            .target()
            .split_once('?')
            .map_or((call.target(), String::new()), |(p, q)| (p.into(), q.into()));
        let time = call.header("x-time").unwrap();
        let text = [call.method.as_str(), &format!("{path}?{query}"), &body, time].join("\n");
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
        let expected = crypto::hex(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref());
        assert_eq!(call.header("x-signature"), Some(expected.as_str()));
        assert_eq!(call.header("x-key"), Some(SECRET));
    }
    assert_ne!(calls[0].header("x-time"), calls[1].header("x-time"), "signed when sent");
    let kept = serde_json::to_string(&writes.planned[0].request).unwrap();
    assert!(!kept.contains("x-signature") && !kept.contains("x-key"), "{kept}");
}

#[rstest]
#[case::fetches("    return fetch({\"path\": \"/x\"})\n", "`fetch` cannot be used here")]
#[case::no_headers("    return [1]\n", "a dict of headers")]
#[case::bad_header("    return {\"x y\": \"1\"}\n", "cannot be sent")]
#[case::other_method(
    "    return {\"X-HTTP-Method-Override\": \"DELETE\"}\n",
    "`x-http-method-override`, which is not a signature's"
)]
#[case::other_host("    return {\"host\": \"evil.test\"}\n", "`host`, which is not a signature's")]
#[case::no_secret("    return {\"x\": hmac_sha256(\"other\", \"t\")}\n", "no secret `other`")]
#[tokio::test]
async fn a_signature_that_cannot_be_made_sends_nothing(#[case] body: &str, #[case] problem: &str) {
    let script = format!("def sign(request, secret):\n{body}");
    let acme = start_with(&signed_file(), &script, None).await;

    let TestOutcome::Failed(error) = acme.connector.test().await.unwrap() else { panic!("it passed") };

    assert!(matches!(error, CallError::Authentication { .. }), "{error}");
    assert!(error.to_string().contains(problem), "{error}");
    assert!(acme.saas.calls().is_empty());
}

#[rstest]
#[case("    return fetch({\"path\": \"/me\"})[\"body\"][\"active\"]\n", true, 200, None)]
#[case("    fetch({\"path\": \"/me\"})\n", false, 200, None)]
#[case("    return fetch({\"path\": \"/me\"})[\"body\"][\"active\"]\n", false, 200, Some("does not work"))]
#[case("    fetch({\"path\": \"/me\"})\n", true, 401, Some("401"))]
#[case("    fail(\"no\")\n", true, 200, Some("gave up by `fail`"))]
#[case("    return \"no\"\n", true, 200, Some("must return `True` or `False`"))]
#[tokio::test]
async fn a_connection_may_be_tested_by_a_script(
    #[case] body: &str,
    #[case] active: bool,
    #[case] status: u16,
    #[case] problem: Option<&str>,
) {
    let file = file(THINGS).replace("    method: GET\n    path: /ping\n", "    script: acme.star:test\n");
    let acme = start_with(&file, &format!("def test(ctx):\n{body}"), None).await;
    acme.saas.on("GET", "/me").then(Answer::json(status, &json!({"active": active})));

    let outcome = acme.connector.test().await.unwrap();

    match (outcome, problem) {
        (TestOutcome::Passed, None) => {}
        (TestOutcome::Failed(error), Some(problem)) => {
            assert!(error.to_string().contains(problem), "{error}");
        }
        (outcome, _) => panic!("{outcome:?}"),
    }
}

// rule: saas-config 21.3
#[tokio::test]
async fn a_function_of_another_engine_fails_by_name_and_names_the_way_out() {
    let file = file(THINGS).replace("script: acme.star:read", "request_override: acme_read");
    let acme = start_with(&file, "", None).await;

    let error = acme.connector.read("things", &ana(), Inputs::default()).unwrap_err();

    assert!(matches!(error, ReadError::Build(_)));
    assert!(error.to_string().contains("`acme_read`") && error.to_string().contains("`script`"), "{error}");
}

#[tokio::test]
async fn what_a_script_says_about_a_person_stays_out_of_errors() {
    let acme = start("def read(ctx, values):\n    fail(values[\"email\"])\n").await;
    let reading = acme.connector.read("things", &ana(), Inputs::default()).unwrap();

    let outcome = read_all(&reading).await;

    let shown = format!("{} {:?}", outcome.errors[0], outcome.errors[0]);
    assert!(shown.contains("gave up by `fail`") && !shown.contains("ana@"), "{shown}");
}

use std::cell::RefCell;

use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::source::SourceFile;

/// Answers every read with its own request, and signs with zeros.
#[derive(Default)]
struct Echo {
    asked: RefCell<Vec<Value>>,
}

impl ScriptHost for Echo {
    fn fetch(&self, request: Value) -> Result<Value, ScriptHostError> {
        if request["method"] != "GET" {
            return Err(ScriptHostError::Refused { reason: "only GET reads".to_owned() });
        }
        self.asked.borrow_mut().push(request);
        Ok(json!({"id": 7, "keys": ["a", "b"]}))
    }

    fn hmac_sha256(&self, secret: &str, _: &str) -> Result<[u8; 32], ScriptHostError> {
        match secret {
            "signing_key" => Ok([0xab; 32]),
            _ => Err(ScriptHostError::NoSecret { name: secret.to_owned() }),
        }
    }
}

fn compiled(text: &str) -> Script {
    Script::compile(&SourceFile::new("people.star", text)).unwrap()
}

fn run(text: &str, arguments: &[Value]) -> Result<Value, ScriptError> {
    compiled(text).run(ScriptCall::new("main", arguments), &Echo::default())
}

/// One that the declarative format cannot say: a second look-up before it deletes.
const LOOK_UP_THEN_DELETE: &str = r#"
def delete(ctx, rows):
    writes = []
    for row in rows:
        found = fetch({"method": "GET", "path": "/people/%s/keys" % row["id"]})
        for key in found["keys"]:
            writes.append({"method": "DELETE", "path": "/keys/" + key, "headers": {"x-reason": ctx["privacy_request_id"]}})
    return writes
"#;

#[test]
fn a_script_reads_through_fetch_and_returns_its_writes() {
    let host = Echo::default();

    let arguments = [json!({"privacy_request_id": "pri_1"}), json!([{"id": 7}])];
    let result = compiled(LOOK_UP_THEN_DELETE).run(ScriptCall::new("delete", &arguments), &host).unwrap();

    let writes = writes(result).unwrap();
    let paths: Vec<&str> = writes.iter().map(|write| write.path.as_str()).collect();
    assert_eq!(paths, ["/keys/a", "/keys/b"]);
    assert_eq!(writes[0].headers["x-reason"], "pri_1");
    assert_eq!(*host.asked.borrow(), [json!({"method": "GET", "path": "/people/7/keys"})]);
}

#[test]
fn signing_is_a_function_from_request_and_secret_name_to_headers() {
    let text = "def sign(request, secret):\n    text = request[\"method\"] + \"\\n\" + request[\"path\"]\n    \
                return {\"x-signature\": hmac_sha256(secret, text), \"x-b64\": hmac_sha256_base64(secret, text)}\n";
    let request = json!({"method": "POST", "path": "/x"});
    let sign = |secret: &str| {
        compiled(text).run(ScriptCall::new("sign", &[request.clone(), json!(secret)]), &Echo::default())
    };

    assert_eq!(sign("signing_key").unwrap()["x-signature"], "ab".repeat(32));
    assert_eq!(sign("signing_key").unwrap()["x-b64"], "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=");
    let error = sign("other").unwrap_err();
    assert_eq!(error.problem, ScriptProblem::Host(ScriptHostError::NoSecret { name: "other".into() }));
    assert_eq!(error.line, 3);
}

#[rstest]
#[case::loops("def main():\n    for i in range(100000000):\n        pass\n", ScriptProblem::TooMuch)]
#[case::memory(
    "def main():\n    l = []\n    for i in range(900000):\n        l.append(\"x%d\" % i * 50)\n    return len(l)\n",
    ScriptProblem::TooMuch
)]
#[case::depth(
    "def a(f, n):\n    return f(f, n + 1)\ndef main():\n    return a(a, 0)\n",
    ScriptProblem::TooDeep
)]
#[case::reads("def main():\n    for i in range(200):\n        fetch({\"method\": \"GET\", \"path\": \"/x\"})\n", ScriptProblem::TooManyAsks { limit: 100 })]
#[case::top_level("x = [i for i in range(100000000)]\ndef main():\n    return 1\n", ScriptProblem::TooMuch)]
fn limits_stop_a_script(#[case] text: &str, #[case] problem: ScriptProblem) {
    assert_eq!(run(text, &[]).unwrap_err().problem, problem);
}

#[test]
fn a_script_out_of_time_is_stopped() {
    struct Late;
    impl ScriptHost for Late {
        fn fetch(&self, _: Value) -> Result<Value, ScriptHostError> {
            Ok(Value::Null)
        }
        fn hmac_sha256(&self, _: &str, _: &str) -> Result<[u8; 32], ScriptHostError> {
            Ok([0; 32])
        }
        fn is_out_of_time(&self) -> bool {
            true
        }
    }
    let script = compiled("def main():\n    for i in range(900000):\n        pass\n");

    let error = script.run(ScriptCall::new("main", &[]), &Late).unwrap_err();

    assert_eq!(error.problem, ScriptProblem::TooMuch);
}

#[rstest]
#[case("def main(row):\n    return row[\"nmae\"]\n", ScriptProblem::Value, 2)]
#[case("def main(row):\n    x = 1\n    fail(row)\n", ScriptProblem::Failed, 3)]
#[case("def main():\n    return 1\n", ScriptProblem::Arguments, 0)]
#[case("def main(row):\n    return fetch({\"method\": \"DELETE\", \"path\": \"/x\"})\n", ScriptProblem::Host(ScriptHostError::Refused { reason: "only GET reads".into() }), 2)]
#[case("def other(row):\n    return 1\n", ScriptProblem::NoFunction, 0)]
#[case("def main(row):\n    return main\n", ScriptProblem::NotData, 0)]
fn a_problem_has_its_place_and_holds_no_data(
    #[case] text: &str,
    #[case] problem: ScriptProblem,
    #[case] line: usize,
) {
    let error = run(text, &[json!({"name": "canary"})]).unwrap_err();

    assert_eq!(error.problem, problem);
    if line > 0 {
        assert_eq!(error.line, line, "{error}");
    }
    assert!(error.to_string().starts_with("people.star:"), "{error}");
    assert!(!format!("{error} {error:?}").contains("canary"));
}

#[rstest]
#[case("def main(:\n", 1)]
#[case("x = 1\nwhile True:\n    pass\n", 2)]
#[case("x = 1\n\nload(\"other.star\", \"f\")\n", 3)]
fn what_is_no_starlark_is_found_with_its_place(#[case] text: &str, #[case] line: usize) {
    let found = Script::compile(&SourceFile::new("people.star", text)).unwrap_err();

    assert_eq!((found.code, found.line), ("spec::bad_script", line));
}

#[test]
fn the_same_data_give_the_same_result_and_numbers_keep_their_digits() {
    let text = "def main(row):\n    d = {}\n    for k in reversed(sorted(row.keys())):\n        d[k] = row[k]\n    return d\n";
    let row = json!({"b": 12_345_678_901_234_567_890_u64, "a": "é", "c": null});

    let (one, two) = (run(text, std::slice::from_ref(&row)), run(text, std::slice::from_ref(&row)));

    assert_eq!(one, two);
    assert_eq!(one.unwrap().to_string(), r#"{"c":null,"b":12345678901234567890,"a":"é"}"#);
}

#[rstest]
#[case::long_id("12345678901234567890123", "12345678901234567890123")]
#[case::negative("-98765432109876543210987", "-98765432109876543210987")]
#[case::decimal("0.25", "0.25")]
#[case::trailing_zero("1.10", r#""1.10""#)]
#[case::many_digits("0.1000000000000000055", r#""0.1000000000000000055""#)]
#[case::seven_digits("1234567.25", r#""1234567.25""#)]
#[case::too_large("1e+999", r#""1e+999""#)]
#[case::too_small("1e-999", r#""1e-999""#)]
#[case::exponent("1e+5", r#""1e+5""#)]
#[case::minus_zero("-0", r#""-0""#)]
fn no_digit_of_a_number_is_lost_in_a_script(#[case] number: &str, #[case] returned: &str) {
    let number: Value = serde_json::from_str(number).unwrap();
    let text =
        "def main(v, j):\n    return [v, str(v), quote(v), \"%s\" % v, json.encode(v), json.decode(j)]\n";

    let result = run(text, &[number.clone(), number.to_string().into()]).unwrap();

    let (digits, returned) = (number.to_string(), serde_json::from_str::<Value>(returned).unwrap());
    assert_eq!((&result[0], &result[5]), (&returned, &returned));
    assert_eq!(result[0].to_string().trim_matches('"'), digits);
    assert_eq!((&result[1], &result[3]), (&json!(digits), &json!(digits)));
    assert_eq!(result[2], path::quote(&digits));
    assert_eq!(result[4], returned.to_string());
}

#[test]
fn no_number_is_one_and_is_not_returned_as_null() {
    let text = "def main(v):\n    return v * 1e308 * 1e308\n";

    assert_eq!(run(text, &[json!(0.5)]).unwrap_err().problem, ScriptProblem::NotData);
}

#[rstest]
#[case::list("x = [x]", "x", ScriptProblem::TooNested)]
#[case::tuple("x = (x,)", "x", ScriptProblem::TooNested)]
#[case::dict("x = {\"x\": x}", "x", ScriptProblem::TooNested)]
#[case::fetched(
    "x = [x]",
    "fetch({\"method\": \"GET\", \"path\": \"/\", \"query\": {\"x\": x}})",
    ScriptProblem::Value
)]
#[case::quoted("x = [x]", "quote(x)", ScriptProblem::Value)]
#[case::written("x = [x]", "str(x)", ScriptProblem::Value)]
#[case::shown("x = [x]", "repr(x)", ScriptProblem::Value)]
#[case::encoded("x = [x]", "json.encode(x)", ScriptProblem::Value)]
#[case::given_up("x = [x]", "fail(x)", ScriptProblem::Value)]
#[case::printed("x = [x]", "print(x)", ScriptProblem::Value)]
#[case::itself("x.append(x)", "x", ScriptProblem::TooNested)]
fn values_nested_without_end_stop_the_script_and_not_the_process(
    #[case] step: &str,
    #[case] result: &str,
    #[case] problem: ScriptProblem,
) {
    let text = format!(
        "def main():\n    x = []\n    for _ in range(200000):\n        {step}\n    return {result}\n"
    );

    assert_eq!(run(&text, &[]).unwrap_err().problem, problem);
}

#[test]
fn a_value_that_stands_in_itself_many_times_is_too_much() {
    let text = "def main():\n    x = \"text\"\n    for _ in range(40):\n        x = [x, x]\n    return x\n";

    assert_eq!(run(text, &[]).unwrap_err().problem, ScriptProblem::TooMuch);
}

#[rstest]
#[case(json!({"headers": {"X-HTTP-Method-Override": "DELETE"}}))]
#[case(json!({"headers": {"x_http_method": "DELETE"}}))]
#[case(json!({"headers": {"x-method-override": "DELETE"}}))]
#[case(json!({"headers": {"Host": "evil.test"}}))]
#[case(json!({"headers": {"content-length": 1}}))]
#[case(json!({"headers": {"Transfer-Encoding": "chunked"}}))]
#[case(json!({"query": {"_method": "delete"}}))]
fn a_request_says_its_method_and_its_length_once(#[case] keys: Value) {
    let mut read = keys.as_object().unwrap().clone();
    read.insert("path".into(), json!("/x"));
    let mut write = read.clone();
    write.insert("method".into(), json!("POST"));

    let (read, write) = (fetch(read.into()), writes(json!([{"method": "POST", "path": "/y"}, write])));

    assert!(matches!(read, Err(ScriptHostError::Refused { .. })), "{read:?}");
    assert!(matches!(write, Err(ScriptWriteError::Refused { index: 1, .. })), "{write:?}");
}

#[rstest]
#[case(json!({"_method": "DELETE"}))]
#[case(json!("a=1&_method=DELETE"))]
fn a_body_does_not_name_another_method(#[case] body: Value) {
    let write = writes(json!([{"method": "POST", "path": "/x", "body": body}]));

    assert_eq!(write, Err(ScriptWriteError::Refused { index: 0, name: "_method" }));
}

#[test]
fn nothing_of_one_run_is_left_for_the_next() {
    let script = compiled("seen = []\ndef main(x):\n    return len(seen)\n");
    let run = |value: i32| script.run(ScriptCall::new("main", &[json!(value)]), &NoHost).unwrap();

    assert_eq!((run(1), run(2)), (json!(0), json!(0)));
}

#[rstest]
#[case(json!({}), ScriptWriteError::NotAList)]
#[case(json!([{"method": "DELETE"}]), ScriptWriteError::NotAWrite { index: 0 })]
#[case(json!([{"method": "DELETE", "path": "/x", "url": "y"}]), ScriptWriteError::NotAWrite { index: 0 })]
#[case(json!([{"method": "POST", "path": "/x"}, {"method": "GET", "path": "/x"}]), ScriptWriteError::NotAWritingMethod { index: 1 })]
#[case(json!([{"method": "POST", "path": "x"}]), ScriptWriteError::BadPath { index: 0 })]
#[case(json!([{"method": "POST", "path": "//evil.test/x"}]), ScriptWriteError::BadPath { index: 0 })]
#[case(json!([{"method": "POST", "path": "/x/../y"}]), ScriptWriteError::BadPath { index: 0 })]
fn what_is_no_write_is_refused(#[case] result: Value, #[case] error: ScriptWriteError) {
    assert_eq!(writes(result), Err(error));
}

#[test]
fn a_script_goes_on_with_the_answers_it_got_and_waits_for_none() {
    let script = compiled(LOOK_UP_THEN_DELETE);
    let arguments = [json!({"privacy_request_id": "pri_1"}), json!([{"id": 7}])];
    let call = ScriptCall::new("delete", &arguments);

    let first = script.step(call, &[], &|| false).unwrap();
    let second = script.step(call, &[json!({"keys": ["k"]})], &|| false).unwrap();

    let expected = Ask::Fetch(json!({"method": "GET", "path": "/people/7/keys"}));
    assert!(matches!(first, Step::Ask { ask, line: 5, column: 17 } if ask == expected));
    assert!(matches!(second, Step::Done(result) if writes(result.clone()).unwrap()[0].path == "/keys/k"));
}

#[rstest]
#[case("a b/ü?", "a%20b%2F%C3%BC%3F")]
#[case("..", "..")]
#[case("7", "7")]
fn quote_makes_one_segment_of_a_value(#[case] value: &str, #[case] quoted: &str) {
    assert_eq!(run("def main(v):\n    return quote(v)\n", &[json!(value)]).unwrap(), quoted);
    assert_eq!(run("def main(v):\n    return quote(v)\n", &[json!(12)]).unwrap(), "12");
    assert!(run("def main(v):\n    return quote(v)\n", &[json!([value])]).is_err());
}

#[rstest]
#[case("/", true)]
#[case("/a/b-1/", true)]
#[case("/a%20b", true)]
#[case("a", false)]
#[case("", false)]
#[case("//a", false)]
#[case("/a//b", false)]
#[case("/a/./b", false)]
#[case("/a/%2e%2E/b", false)]
#[case("/a/%20/b", false)]
#[case("/a?b", false)]
#[case("/a#b", false)]
#[case("/a b", false)]
#[case("/\\\\host", false)]
fn a_path_leads_below_the_base_url_or_is_refused(#[case] path: &str, #[case] is_plain: bool) {
    assert_eq!(fetch(json!({"path": path})).is_ok(), is_plain);
    assert_eq!(writes(json!([{"method": "DELETE", "path": path}])).is_ok(), is_plain);
}

#[test]
fn a_page_is_a_list_or_says_what_comes_next_and_what_is_missing() {
    let whole = page(json!([{"id": 1}])).unwrap();
    let part = page(json!({"rows": [], "next": {"at": 2}, "incomplete": "page_cap"})).unwrap();
    let last = page(json!({"rows": [{}], "next": null})).unwrap();

    assert_eq!((whole.rows.len(), whole.next, whole.incomplete), (1, None, None));
    assert_eq!(part.next, Some(json!({"at": 2})));
    assert_eq!(part.incomplete, Some(model::IncompleteReason::PageCap));
    assert_eq!((last.rows.len(), last.next), (1, None));
    assert_eq!(page(json!({"rows": [], "more": 1})), Err(ScriptPageError::NotAPage));
    assert_eq!(page(json!([{}, 1])), Err(ScriptPageError::NotARow { index: 1 }));
    assert_eq!(page(json!({"rows": [], "incomplete": "Ana"})), Err(ScriptPageError::UnknownReason));
}

#[test]
fn a_function_is_found_where_it_is_defined_and_nowhere_else() {
    let script = compiled("name = 1\ndef main():\n    return fetch({})\n");

    assert_eq!(script.find_function("main"), Ok(()));
    for other in ["name", "len", "mian"] {
        assert_eq!(script.find_function(other).unwrap_err().problem, ScriptProblem::NoFunction, "{other}");
    }
    let broken = compiled("x = 1\ny = [][3]\ndef main():\n    return 1\n").find_function("main").unwrap_err();
    assert_eq!((broken.line, &broken.problem), (2, &ScriptProblem::Value));
}

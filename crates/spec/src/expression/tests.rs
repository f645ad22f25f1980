mod laws;

use std::collections::BTreeSet;

use rstest::rstest;
use serde_json::json;

use super::functions::{GROUPS, Style};
use super::*;

fn evaluate(text: &str, variables: &Value) -> Result<Value, ExpressionError> {
    let Value::Object(variables) = variables else { panic!("variables are an object") };
    Expression::compile(text)?.evaluate(&Scope::of(variables))
}

#[test]
fn every_example_of_the_function_table_gives_what_the_table_says() {
    for function in GROUPS.iter().flat_map(|group| group.functions) {
        let expected: Value = serde_json::from_str(function.result).unwrap();

        let given = evaluate(function.example, &json!({}));

        assert_eq!(given.as_ref(), Ok(&expected), "{}", function.example);
        assert!(
            function.example.contains(&format!("{}(", function.name)),
            "{} is not in its example",
            function.name
        );
        assert!(function.signature.contains(&format!("{}(", function.name)), "{}", function.signature);
    }
}

#[test]
fn every_example_of_an_operator_gives_what_the_table_says() {
    for operator in operators::OPERATORS {
        let expected: Value = serde_json::from_str(operator.result).unwrap();

        assert_eq!(evaluate(operator.example, &json!({})), Ok(expected), "{}", operator.example);
    }
}

#[test]
fn the_function_table_names_each_function_once() {
    let mut seen = BTreeSet::new();
    for function in GROUPS.iter().flat_map(|group| group.functions) {
        assert!(seen.insert(function.name), "`{}` stands there twice", function.name);
    }
    assert!(GROUPS.iter().flat_map(|group| group.functions).any(|function| function.style == Style::Macro));
}

#[rstest]
#[case::unknown("shout(a)")]
#[case::unknown_method("a.shout()")]
#[case::too_many_arguments("a.trim('x')")]
#[case::too_few_arguments("a.contains()")]
#[case::method_as_function("trim(a)")]
#[case::function_as_method("a.snakeCase()")]
#[case::unbounded_range("lists.range(100000)")]
#[case::unbounded_format("'%s'.format([a])")]
#[case::macro_of_wrong_arity("a.all(x)")]
#[case::in_a_loop("a.map(x, shout(x))")]
fn calls_that_are_not_in_the_table_are_refused_when_the_file_is_read(#[case] text: &str) {
    assert!(matches!(Expression::compile(text), Err(ExpressionError::UnknownFunction { .. })), "{text}");
}

#[rstest]
#[case::message("acme.User{name: 'a'}")]
#[case::pattern("a.matches('(')")]
#[case::look_ahead("a.matches('(?=x)')")]
#[case::empty("")]
#[case::half("a +")]
fn text_that_cannot_be_evaluated_is_refused_when_the_file_is_read(#[case] text: &str) {
    assert!(matches!(Expression::compile(text), Err(ExpressionError::Syntax { .. })), "{text}");
}

#[test]
fn costly_expressions_are_refused() {
    let chain = |times: usize| vec!["a"; times].join(" + ");
    let path = format!("a{}", ".b".repeat(bounds::MAX_DEPTH));

    assert_eq!(Expression::compile(&"1".repeat(3_000)).unwrap_err(), ExpressionError::TooLong);
    assert_eq!(Expression::compile(&chain(200)).unwrap_err(), ExpressionError::TooDeep);
    assert_eq!(Expression::compile(&path).unwrap_err(), ExpressionError::TooDeep);
    assert_eq!(evaluate(&chain(40), &json!({"a": 1})), Ok(json!(40)));
    let nested = "a.map(x, a.map(y, a.map(z, z)))";
    assert_eq!(Expression::compile(nested).unwrap_err(), ExpressionError::TooManyLoops);
    // Names that `sortBy` and `optMap` make up are no loops.
    assert!(Expression::compile("a.map(x, x.?b.optMap(c, c.sortBy(y, y.n)).orValue([]))").is_ok());
}

#[rstest]
#[case::replace("text.replace('', text).replace('', text).replace('', text)")]
#[case::join("[text, text, text].map(x, [text, text].map(y, text.replace('', text)).join()).join(text)")]
#[case::flatten("list.map(x, list).flatten().map(x, list).flatten()")]
#[case::distinct("list.map(x, list.map(y, x * 1000 + y)).flatten().distinct()")]
fn functions_do_not_make_more_than_their_bound(#[case] text: &str) {
    let list: Vec<u32> = (0..1_000).collect();
    let variables = json!({"text": "x".repeat(600), "list": list});

    assert!(matches!(evaluate(text, &variables), Err(ExpressionError::TooLarge { .. })), "{text}");
}

#[test]
fn loops_over_objects_go_by_the_order_of_their_keys() {
    let variables = json!({"labels": {"zone": 1, "app": 2, "env": 3}});

    for _ in 0..20 {
        assert_eq!(evaluate("labels.map(key, key).join(',')", &variables), Ok(json!("app,env,zone")));
        assert_eq!(
            evaluate("{'b': 1, 'c': 2, 'a': 3}.map(key, key)", &variables),
            Ok(json!(["a", "b", "c"]))
        );
        assert_eq!(
            evaluate("[{'b': 1, 'a': 3}].map(m, m.map(key, key))", &variables),
            Ok(json!([["a", "b"]]))
        );
    }
    let text = evaluate("{'b': 1, 'c': labels, 'a': 3}", &variables).unwrap().to_string();
    assert_eq!(text, r#"{"a":3,"b":1,"c":{"app":2,"env":3,"zone":1}}"#);
}

#[rstest]
#[case::bytes("b'hi'", json!("aGk="))]
#[case::time("timestamp('2026-02-28T12:00:00+02:00')", json!("2026-02-28T10:00:00Z"))]
#[case::span("[duration('1h30m'), duration('1.5s')]", json!(["5400s", "1.5s"]))]
#[case::present("{'a': 1}.?a", json!(1))]
#[case::absent("[{'a': 1}.?b]", json!([null]))]
#[case::keys("{1: 'a', true: 'b', 2u: 'c'}", json!({"1": "a", "true": "b", "2": "c"}))]
#[case::big("[9223372036854775807, 18446744073709551615u]", json!([9_223_372_036_854_775_807_i64, 18_446_744_073_709_551_615_u64]))]
fn values_that_are_not_of_json_become_json(#[case] text: &str, #[case] expected: Value) {
    assert_eq!(evaluate(text, &json!({})), Ok(expected));
}

#[rstest]
#[case::kind("type(1)")]
#[case::not_a_number("0.0 / 0.0")]
#[case::infinite("1.0 / 0.0")]
#[case::keys_that_become_equal("{1: 'a', '1': 'b'}")]
fn what_json_cannot_say_is_an_error(#[case] text: &str) {
    assert!(matches!(evaluate(text, &json!({})), Err(ExpressionError::NotComputable { .. })), "{text}");
}

#[test]
fn numbers_beyond_64_bits_keep_their_digits() {
    let item: Value = serde_json::from_str(
        r#"{"id": 123456789012345678901234567890, "near": 123456789012345678901234567891, "huge": 1e999}"#,
    )
    .unwrap();
    let variables = json!({ "item": item });
    let digits = "123456789012345678901234567890";

    assert_eq!(evaluate("item.id", &variables).unwrap().to_string(), digits);
    assert_eq!(evaluate("[item.id][0]", &variables).unwrap().to_string(), digits);
    assert_eq!(evaluate("string(item.id)", &variables), Ok(json!(digits)));
    assert_eq!(evaluate("item.id == item.id && item.id != item.near", &variables), Ok(json!(true)));
    assert_eq!(evaluate("dyn(item.huge)", &variables).unwrap().to_string(), "1e+999");
    assert!(evaluate("item.id + 1", &variables).is_err());
    assert!(evaluate("item.id < item.near", &variables).is_err());
}

#[test]
fn texts_lists_and_booleans_are_taken_as_such() {
    let variables =
        json!({"item": {"id": 7, "name": "Ada", "none": null, "on": true, "list": [1], "ratio": 1.50}});
    let Value::Object(row) = &variables else { panic!() };
    let scope = Scope::of(row);
    let text = |text: &str| Expression::compile(text).unwrap().evaluate_text(&scope);
    let list = |text: &str| Expression::compile(text).unwrap().evaluate_list(&scope);
    let bool = |text: &str| Expression::compile(text).unwrap().evaluate_bool(&scope);
    let wrong = |given, wanted| move |error: ExpressionError| matches!(error, ExpressionError::WrongKind { given: g, wanted: w, .. } if (g, w) == (given, wanted));

    for (path, expected) in [
        ("item.id", Some("7")),
        ("item.name", Some("Ada")),
        ("item.none", None),
        ("item.on", Some("true")),
        ("item.ratio", Some("1.5")),
    ] {
        assert_eq!(text(path), Ok(expected.map(str::to_owned)), "{path}");
        assert_eq!(text(&format!("dyn({path})")), Ok(expected.map(str::to_owned)), "{path}");
    }
    assert_eq!(text("'user'"), Ok(Some("user".to_owned())));
    assert_eq!(list("item.list"), Ok(vec![json!(1)]));
    assert_eq!(list("item.none"), Ok(vec![]));
    assert_eq!(list("item.list + [2]"), Ok(vec![json!(1), json!(2)]));
    assert_eq!((bool("item.on"), bool("!item.on")), (Ok(true), Ok(false)));
    assert!(text("item.list").is_err_and(wrong("a list", "a text")));
    assert!(text("item").is_err_and(wrong("an object", "a text")));
    assert!(list("item.name").is_err_and(wrong("a text", "a list")));
    assert!(list("'a' + 'b'").is_err_and(wrong("a text", "a list")));
    assert!(bool("item.id").is_err_and(wrong("a number", "true or false")));
    assert!(bool("null").is_err_and(wrong("null", "true or false")));
}

#[test]
fn a_list_that_stands_in_a_variable_is_not_copied() {
    let item = json!({"permissions": [{"roleId": "r1"}]});
    let scope = Scope::new().with("item", &item);

    let list = Expression::compile("item.permissions").unwrap().list(&scope).unwrap();

    assert!(matches!(list, Cow::Borrowed(_)));
}

#[test]
fn an_inner_scope_adds_to_the_outer_one_and_hides_it() {
    let (item, each, other) = (json!({"id": "u1"}), json!({"roleId": "r1"}), json!({"id": "u2"}));
    let outer = Scope::new().with("item", &item);
    let inner = outer.inner().with("each", &each);
    let hiding = inner.inner().with("item", &other);
    let both = Expression::compile("item.id + ':' + each.roleId").unwrap();

    assert_eq!(both.evaluate(&inner), Ok(json!("u1:r1")));
    assert_eq!(both.evaluate(&hiding), Ok(json!("u2:r1")));
    assert!(
        matches!(both.evaluate(&outer), Err(ExpressionError::UnknownName { name, .. }) if name == "each")
    );
    assert_eq!(outer.clone().with("item", &other).find("item"), Some(&other));
}

#[rstest]
#[case::loops("items.exists(item, item.id == workspace.id)", &["items", "workspace"])]
#[case::made_up("a.?b.optMap(c, c + d).orValue(e).sortBy(f, f.g)", &["a", "d", "e"])]
#[case::qualified("base64.encode(bytes(a)) == optional.of(b).value()", &["a", "b"])]
#[case::variables_named_as_spaces("lists.contains('a') && base64.size() == 1", &["base64", "lists"])]
#[case::kinds("type(a) == string || int != type(b)", &["a", "b"])]
#[case::variables_named_as_kinds("type == 'x' && string == list", &["list", "string", "type"])]
#[case::presence("has(a.b) && has(c.d.e)", &["a", "c"])]
fn variables_are_the_free_names(#[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(Expression::compile(text).unwrap().variables(), expected);
}

/// The interpreter itself adds the keys of the object.
#[test]
fn a_list_and_an_object_have_no_sum() {
    let variables = json!({"list": [1], "object": {"a": 1}});

    for text in ["list + object", "[1] + object", "list + list + object", "[list].map(x, x + object)"] {
        assert!(matches!(evaluate(text, &variables), Err(ExpressionError::NotComputable { .. })), "{text}");
    }
    assert_eq!(evaluate("list + list + [2]", &variables), Ok(json!([1, 1, 2])));
}

#[test]
fn keys_that_are_no_names_are_written_in_backticks() {
    let variables = json!({"headers": {"content-type": "text", "a.b": 1}});

    assert_eq!(evaluate("headers.`content-type`", &variables), Ok(json!("text")));
    assert_eq!(evaluate("has(headers.`a.b`) ? headers.`a.b` + 1 : 0", &variables), Ok(json!(2)));
}

/// Every way to fail that a value may take part in.
const FAILING: &[&str] = &[
    "item.email + 1",
    "item.email.name",
    "item[item.email]",
    "{'a': 1}[item.email]",
    "item.list[item.email]",
    "item.list[7]",
    "int(item.email)",
    "timestamp(item.email)",
    "duration(item.email)",
    "base64.decode(item.email)",
    "item.email.matches(item.pattern)",
    "item.email.substring(99)",
    "item.email.charAt(-1)",
    "item.list.sort()",
    "item.list.join()",
    "{item.email: 1, item.email: 2}",
    "item.email < 1",
    "item.email ? 1 : 2",
    "!item.email",
    "-item.email",
    "item.list.all(x, x)",
    "item.list.sortBy(x, x)",
    "item.email in item.email",
    "optional.none().value()",
    "item.number / 0",
    "item.number % 0",
    "item.number * 9223372036854775807",
    "double(item.email)",
    "uint(item.email)",
    "bool(item.email)",
    "bytes(item.number)",
    "item.list.flatten(-1)",
    "item.list.slice(5, 9)",
    "item",
    "item.list",
    "item.email",
];

#[test]
fn errors_never_hold_values() {
    let item = json!({
        "email": "canary@example.com", "pattern": "(canary", "number": 424_242,
        "list": ["canary one", {"canary": 1}, 424_242],
    });
    let scope = Scope::new().with("item", &item);

    for text in FAILING {
        let expression = Expression::compile(text).unwrap();
        let errors = [
            expression.evaluate(&scope).err(),
            expression.evaluate_bool(&scope).err(),
            expression.evaluate_list(&scope).err(),
            expression.evaluate_text(&scope).err(),
        ];
        assert!(errors.iter().any(Option::is_some), "{text} does not fail");
        for error in errors.iter().flatten() {
            let said = format!("{error} {error:?}");
            assert!(!said.contains("canary") && !said.contains("424242"), "{text}: {said}");
        }
    }
    assert!(!format!("{scope:?}").contains("canary"));
}

/// The planted defect: the interpreter's own errors, as they would come out if they were passed on.
#[test]
fn the_interpreters_own_errors_do_hold_values() {
    let item = json!({"email": "canary@example.com", "list": ["canary"]});
    let scope = Scope::new().with("item", &item);
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    context.set_variable_resolver(&scope);

    let said = |text: &str| {
        let expression = Expression::compile(text).unwrap();
        format!("{:?}", cel::Value::resolve_val(&expression.0.tree, &context).err())
    };

    assert!(["item[item.email]", "item.email + 1"].into_iter().any(|text| said(text).contains("canary")));
}

#[test]
fn deep_json_and_deep_expressions_fit_the_stack() {
    let mut deep = json!(1);
    for _ in 0..120 {
        deep = json!([{ "a": deep }]);
    }
    let variables = json!({ "deep": deep });
    let brackets = format!("{}deep{}", "[".repeat(30), "]".repeat(30));
    let choices = format!("{}deep", "deep == 1 ? 1 : ".repeat(30));

    assert!(evaluate("deep == deep && deep in [deep]", &variables).is_ok());
    assert!(evaluate(&brackets, &variables).is_ok());
    assert!(evaluate(&choices, &variables).is_ok());
}

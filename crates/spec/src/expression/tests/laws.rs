//! Laws: short cuts give what the interpreter gives, and JSON read where it lies gives what literals give.

use proptest::prelude::*;

use super::*;

const KEYS: &[&str] = &["a", "b", "c"];

fn json() -> impl Strategy<Value = Value> + Clone {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just(0.5), Just(1.0), Just(-2.25)].prop_map(Value::from),
        "[abé ]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::vec((prop::sample::select(KEYS), inner), 0..3).prop_map(|members| {
                Value::Object(members.into_iter().map(|(key, member)| (key.to_owned(), member)).collect())
            }),
        ]
    })
}

/// What expressions are mostly about: an object with texts, and with what stands in their place.
fn item() -> impl Strategy<Value = Value> {
    let numbers = &["0", "-1", "1.50", "18446744073709551615", "123456789012345678901234567890"][..];
    let number = prop::sample::select(numbers).prop_map(|number| serde_json::from_str(number).unwrap());
    let member = prop_oneof![
        5 => "[aAbéÉ ]{0,5}".prop_map(Value::from),
        1 => Just(Value::Null),
        1 => number,
        2 => json(),
    ];
    let members = (member.clone(), member.clone(), member);
    let object = members.prop_map(|(a, b, c)| serde_json::json!({ "a": a, "b": b, "c": c }));
    prop_oneof![1 => json(), 3 => object]
}

/// What the interpreter gives, without the short cut.
fn interpreted(expression: &Expression, scope: &Scope<'_>) -> Result<Value, ExpressionError> {
    expression.interpret(scope, |value| expression.json(value))
}

fn agrees(
    expression: &Expression,
    scope: &Scope<'_>,
    short: impl Fn(&Expression, &Scope<'_>) -> Result<Value, ExpressionError>,
) -> bool {
    let (short, long) = (short(expression, scope), interpreted(expression, scope));
    // As text too: members are in order.
    short.as_ref().map(Value::to_string) == long.as_ref().map(Value::to_string) && short == long
}

/// Shapes of expressions over `item` and `other`; each is also evaluated with literals in their place.
const OVER_VALUES: &[&str] = &[
    "item == other",
    "item != other",
    "item in [other]",
    "item in other",
    "other[item]",
    "item.a == other.a",
    "item.a.b",
    "has(item.a) ? item.a : other",
    "has(item.a.b)",
    "size(item)",
    "item + other",
    "item < other",
    "item && other",
    "item ? 1 : other",
    "item.map(x, x)",
    "item.filter(x, x in other)",
    "item.exists(x, x == other)",
    "item.all(x, x != other)",
    "item.exists_one(x, other == x)",
    "[item, other].flatten()",
    "[item, other, item].distinct()",
    "item.?a.orValue(other)",
    "item[?0].orValue(other)",
    "item[0]",
    "item['a']",
    "item.sort()",
    "item.reverse()",
    "item.slice(0, 1)",
    "item.join('-')",
    "{'a': item}.a == item",
    "[item][0] == item && {'k': other} == {'k': other}",
    "type(item) == type(other)",
    "string(item)",
    "optional.ofNonZeroValue(item).hasValue()",
    "dyn(item)",
    "-item",
    "!item",
];

fn with_literals(text: &str, item: &Value, other: &Value) -> String {
    let literals = text.replace("item", "\u{1}").replace("other", &format!("dyn({other})"));
    literals.replace('\u{1}', &format!("dyn({item})"))
}

/// Failures are one: whether a key is named depends on whether the expression spells it.
fn outcome(result: Result<Value, ExpressionError>) -> Option<String> {
    result.ok().map(|value| value.to_string())
}

/// Expressions over `item` and `other` that need no interpreter, in all combinations.
fn short() -> impl Strategy<Value = String> {
    let path = ("(item|other|absent)", prop::collection::vec(prop::sample::select(KEYS), 0..3));
    let path = path.prop_map(|(root, keys)| keys.iter().fold(root, |path, key| format!("{path}.{key}")));
    let leaf = prop_oneof![
        "'[aAbéÉ ]{0,3}'",
        Just("null".to_owned()),
        path.clone(),
        (path.clone(), prop::sample::select(KEYS)).prop_map(|(path, key)| format!("has({path}.{key})")),
        (path, prop::sample::select(&["==", "!=", "<", "<=", ">", ">="][..]), 0..3)
            .prop_map(|(path, order, number)| format!("(size({path}) {order} {number})")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let operator = prop::sample::select(&["==", "!=", "&&", "||", "+"][..]);
        let test = prop::sample::select(&["contains", "startsWith", "endsWith"][..]);
        prop_oneof![
            inner.clone().prop_map(|side| format!("!({side})")),
            inner.clone().prop_map(|side| format!("(({side}) in ['a', '', null])")),
            inner.clone().prop_map(|side| format!("({side}).lowerAscii()")),
            inner.clone().prop_map(|side| format!("({side}).upperAscii()")),
            (inner.clone(), "[ab ]", 0..3)
                .prop_map(|(side, at, place)| format!("({side}).split('{at}')[{place}]")),
            (inner.clone(), 0..4, 0..3)
                .prop_map(|(side, most, place)| format!("({side}).split(' ', {most})[{place}]")),
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), test, inner.clone()).prop_map(|(a, test, b)| format!("({a}).{test}({b})")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("({a} ? {b} : {c})")),
        ]
    })
}

#[test]
fn parts_and_letters_are_those_of_the_interpreter() {
    for text in ["", " ", "a", "a b", " a  b c ", "aaa", "éÉ aÉA"] {
        let item = Value::from(text);
        let scope = Scope::new().with("item", &item);
        let (separators, limits) =
            ([" ", "a", "aa", "é", "a b", ""], ["", ", 0", ", 1", ", 2", ", 9", ", -1"]);
        let splits = separators.iter().flat_map(|at| limits.map(|most| format!("item.split('{at}'{most})")));
        let parts =
            splits.flat_map(|split| ["0", "1", "2", "9", "-1"].map(|place| format!("{split}[{place}]")));
        let all =
            parts.flat_map(|part| ["", ".lowerAscii()", ".upperAscii()"].map(|of| format!("{part}{of}")));
        for text in all {
            let expression = Expression::compile(&text).unwrap();
            assert!(agrees(&expression, &scope, Expression::evaluate), "{text} over {item}");
            // The short cut itself answers whatever has an answer.
            if expression.0.shape.is_some() {
                let is_answered = expression.shortly(&scope).is_some();
                assert_eq!(is_answered, interpreted(&expression, &scope).is_ok(), "{text} over {item}");
            }
        }
    }
}

proptest! {
    #[test]
    fn a_short_cut_gives_what_the_interpreter_gives(item in item(), other in item(), text in short()) {
        let expression = Expression::compile(&text).unwrap();
        let scope = Scope::new().with("item", &item).with("other", &other);

        prop_assert!(expression.0.shape.is_some(), "{text}");
        prop_assert!(agrees(&expression, &scope, Expression::evaluate), "{text} over {item} and {other}");
        let value = interpreted(&expression, &scope);
        let bool = value.clone().and_then(|value| {
            value.as_bool().ok_or_else(|| expression.wrong_kind(kind(&value), "true or false"))
        });
        prop_assert_eq!(expression.evaluate_bool(&scope), bool);
        let list = value.and_then(|value| match value {
            Value::Array(items) => Ok(items),
            Value::Null => Ok(Vec::new()),
            other => Err(expression.wrong_kind(kind(&other), "a list")),
        });
        prop_assert_eq!(expression.evaluate_list(&scope), list);
    }

    #[test]
    fn a_path_gives_what_the_interpreter_gives(
        item in json(),
        keys in prop::collection::vec(prop::sample::select(KEYS), 0..4),
        root in prop::sample::select(&["item", "absent", "string"][..]),
    ) {
        let path = keys.iter().fold(root.to_owned(), |path, key| format!("{path}.{key}"));
        let expression = Expression::compile(&path).unwrap();
        let scope = Scope::new().with("item", &item);

        prop_assert!(agrees(&expression, &scope, Expression::evaluate), "{path} over {item}");
    }

    #[test]
    fn json_where_it_lies_gives_what_literals_give(
        item in json(),
        other in json(),
        text in prop::sample::select(OVER_VALUES),
    ) {
        let literals = with_literals(text, &item, &other);
        let Ok(literal) = Expression::compile(&literals) else { return Ok(()) };
        let scope = Scope::new().with("item", &item).with("other", &other);

        let lazy = outcome(Expression::compile(text).unwrap().evaluate(&scope));
        let eager = outcome(literal.evaluate(&Scope::new()));

        prop_assert_eq!(lazy, eager, "{}", literals);
    }

    #[test]
    fn no_text_makes_the_compiler_or_the_interpreter_panic(text in "[a-c0-9.\\[\\]{}()?:+*/%<>=!&|,'\" -]{0,40}", item in json()) {
        if let Ok(expression) = Expression::compile(&text) {
            let _ = expression.evaluate(&Scope::new().with("a", &item).with("b", &item));
        }
    }

    #[test]
    fn words_are_joined_without_doubled_or_outer_separators(text in ".{0,30}") {
        let variables = serde_json::json!({ "text": text });

        for (function, separator) in [("snakeCase", '_'), ("slugify", '-')] {
            let Ok(Value::String(joined)) = evaluate(&format!("{function}(text)"), &variables) else { panic!() };
            let doubled = format!("{separator}{separator}");
            prop_assert!(!joined.contains(&doubled) && !joined.starts_with(separator) && !joined.ends_with(separator));
            let kept = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(kept(&joined), kept(&text));
        }
    }
}

/// The planted defects: a short cut that takes an absent key for null, or looks into lists.
#[test]
fn a_short_cut_that_differs_is_caught() {
    let item = serde_json::json!({"a": [{"b": 1}], "c": 1.5});
    let scope = Scope::new().with("item", &item);
    let absent_is_null = |expression: &Expression, scope: &Scope<'_>| match expression.evaluate(scope) {
        Err(ExpressionError::NoSuchKey { .. }) => Ok(Value::Null),
        other => other,
    };
    let into_lists = |expression: &Expression, scope: &Scope<'_>| match expression.evaluate(scope) {
        Err(ExpressionError::NotComputable { .. }) => Ok(serde_json::json!(1)),
        other => other,
    };

    let absent = Expression::compile("item.b").unwrap();
    let list = Expression::compile("item.a.b").unwrap();

    assert!(agrees(&absent, &scope, Expression::evaluate) && !agrees(&absent, &scope, absent_is_null));
    assert!(agrees(&list, &scope, Expression::evaluate) && !agrees(&list, &scope, into_lists));
}

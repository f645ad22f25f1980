//! The operators of expressions, for the reference page and a test of every example.

/// One operator, or several that belong together.
#[derive(Debug)]
pub struct Operator {
    /// How it is written.
    pub written: &'static str,
    /// What it does.
    pub meaning: &'static str,
    /// An expression that uses it.
    pub example: &'static str,
    /// What the example gives, as JSON.
    pub result: &'static str,
}

/// All operators, the strongest first.
pub const OPERATORS: &[Operator] = &[
    operator("a.b", "the key `b` of an object; an error if it is absent", "{'b': 1}.b", "1"),
    operator(
        "a[b]",
        "the key of an object, or the item of a list at a position from 0; an error if there is none",
        "['x', 'y'][1]",
        r#""y""#,
    ),
    operator("a.?b, a[?b]", "an optional with what is there, if it is", "{'b': 1}.?c.orValue(0)", "0"),
    operator("!a", "not", "!false", "true"),
    operator("-a", "minus", "-(1 + 2)", "-3"),
    operator(
        "a * b, a / b, a % b",
        "product, quotient (of whole numbers a whole one) and remainder; an error if the result does not fit or b is 0",
        "7 / 2 * 2 + 7 % 2",
        "7",
    ),
    operator(
        "a + b, a - b",
        "sum and difference; texts, bytes and lists are joined by `+`; times and durations are added and subtracted",
        "'a' + 'b'",
        r#""ab""#,
    ),
    operator(
        "a == b, a != b",
        "whether they are equal; numbers by their value, values of different kinds are not equal",
        "1 == 1.0 && 1 != '1'",
        "true",
    ),
    operator(
        "a < b, a <= b, a > b, a >= b",
        "order of numbers, texts, booleans, times or durations",
        "'a' < 'b'",
        "true",
    ),
    operator(
        "a in b",
        "whether a list has the item, or an object the key",
        "1 in [1, 2] && 'k' in {'k': 1}",
        "true",
    ),
    operator(
        "a && b",
        "and; false if either is, even if the other is an error",
        "false && 1 / 0 == 1",
        "false",
    ),
    operator("a || b", "or; true if either is, even if the other is an error", "1 / 0 == 1 || true", "true"),
    operator("a ? b : c", "b if a is true, else c; the other is not computed", "1 > 2 ? 'x' : 'y'", r#""y""#),
    operator("[a, b]", "a list", "[1, 'a']", r#"[1, "a"]"#),
    operator("{a: b}", "an object; two equal keys are an error", "{'k': [1]}", r#"{"k": [1]}"#),
];

const fn operator(
    written: &'static str,
    meaning: &'static str,
    example: &'static str,
    result: &'static str,
) -> Operator {
    Operator { written, meaning, example, result }
}

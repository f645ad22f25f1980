//! Conditions of a file: expressions that are true or false.

use std::fmt;

use model::Row;

use crate::expression::{Expression, ExpressionError, Scope};

/// A CEL condition, compiled when the file is read (architecture §5: `when`, `required_when`, `retry`).
///
/// An [`Expression`] that is true or false.
#[derive(Clone)]
pub struct Condition(Expression);

/// Why a condition cannot be used or has no result.
pub type ConditionError = ExpressionError;

impl Condition {
    /// Compiles `text`.
    ///
    /// # Errors
    /// If it is no CEL expression or exceeds a bound.
    pub fn compile(text: &str) -> Result<Self, ConditionError> {
        Expression::compile(text).map(Self)
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        self.0.source()
    }

    /// Names of the variables it uses, sorted; names that its loops make up are not among them.
    pub fn variables(&self) -> Vec<String> {
        self.0.variables()
    }

    /// Paths to every value whose content it may depend on, as [`Expression::paths`].
    pub fn paths(&self) -> Vec<Vec<String>> {
        self.0.paths()
    }

    /// Whether the condition holds for `variables`.
    ///
    /// # Errors
    /// If it uses a variable or key that is absent (test keys with `has(…)`), compares what cannot
    /// be compared, or is not a boolean. Errors never hold values.
    pub fn evaluate(&self, variables: &Row) -> Result<bool, ConditionError> {
        self.holds(&Scope::of(variables))
    }

    /// Whether the condition holds for the variables of `scope`.
    ///
    /// # Errors
    /// As [`Condition::evaluate`].
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, ConditionError> {
        self.0.evaluate_bool(scope)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source()).finish()
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn evaluate(text: &str, variables: Value) -> Result<bool, ConditionError> {
        let Value::Object(variables) = variables else { panic!("variables are an object") };
        Condition::compile(text)?.evaluate(&variables)
    }

    #[rstest]
    #[case::comparison("status == 200", true)]
    #[case::arithmetic("status % 100 == 0 && status / 100 == 2", true)]
    #[case::text_functions("body.error.startsWith('rate') && body.error.contains('limit')", true)]
    #[case::ends_with("body.error.endsWith('nothing')", false)]
    #[case::size("size(body.items) == 2 && size(body.error) > 3", true)]
    #[case::membership("'a' in body.items && !('z' in body.items)", true)]
    #[case::has("has(body.error) && !has(body.other)", true)]
    #[case::all("body.items.all(item, size(item) == 1)", true)]
    #[case::exists("body.items.exists(item, item == 'b')", true)]
    #[case::choice("status > 299 ? false : true", true)]
    #[case::conversion("string(status) == '200' && int('7') == 7", true)]
    #[case::index("body.items[0] == 'a' && headers['retry-after'] == '7'", true)]
    fn supported_functions_give_the_published_results(#[case] text: &str, #[case] expected: bool) {
        let variables = json!({
            "status": 200,
            "body": {"error": "rate limit", "items": ["a", "b"]},
            "headers": {"retry-after": "7"},
        });

        assert_eq!(evaluate(text, variables), Ok(expected));
    }

    #[test]
    fn errors_name_the_problem_and_never_a_value() {
        let variables = json!({"body": {"email": "canary@example.com"}});

        let unknown = evaluate("other == 1", variables.clone()).unwrap_err();
        let absent = evaluate("body.phone == 1", variables.clone()).unwrap_err();
        let wrong_kind = evaluate("body.email + 1 > 2", variables.clone()).unwrap_err();
        let not_boolean = evaluate("body.email", variables).unwrap_err();

        assert!(matches!(unknown, ConditionError::UnknownName { .. }), "{unknown:?}");
        assert!(matches!(absent, ConditionError::NoSuchKey { .. }), "{absent:?}");
        assert!(matches!(wrong_kind, ConditionError::NotComputable { .. }), "{wrong_kind:?}");
        assert!(matches!(not_boolean, ConditionError::WrongKind { .. }), "{not_boolean:?}");
        for error in [unknown, absent, wrong_kind, not_boolean] {
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }

    #[test]
    fn text_that_is_no_expression_is_refused() {
        for bad in ["", "status ==", "a b", "((("] {
            assert!(matches!(Condition::compile(bad), Err(ConditionError::Syntax { .. })), "{bad:?}");
        }
    }

    #[test]
    fn costly_conditions_are_refused() {
        let long = format!("status == {}", "1".repeat(2_000));
        let nested = "a.all(x, a.all(y, a.all(z, x == y)))";
        let deep = format!("{}1{} == 1", "(".repeat(200), ")".repeat(200));

        assert_eq!(Condition::compile(&long).unwrap_err(), ConditionError::TooLong);
        assert_eq!(Condition::compile(nested).unwrap_err(), ConditionError::TooManyLoops);
        assert!(Condition::compile(&deep).is_err());
        assert!(Condition::compile("a.all(x, a.all(y, x == y))").is_ok());
    }

    #[test]
    fn variables_are_the_free_names() {
        let text =
            "domain == 'eu' && items.exists(item, item.id == workspace.id) && {'a': kind}['a'] == size([x])";
        let condition = Condition::compile(text).unwrap();

        assert_eq!(condition.variables(), ["domain", "items", "kind", "workspace", "x"]);
    }
}

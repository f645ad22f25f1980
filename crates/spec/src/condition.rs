//! Conditions of a file, written in CEL. The `cel` crate is used here and nowhere else.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::ast::{EntryExpr, Expr};
use cel::parser::Parser;
use cel::{Context, Env, ExecutionError, IdedExpr, Program};
use model::Row;
use serde_json::Value;
use thiserror::Error;

/// Longest condition, in bytes.
const MAX_LENGTH: usize = 2_000;
/// Most loops inside each other: time grows with the power of this number.
const MAX_NESTED_LOOPS: usize = 2;
/// Most brackets inside each other.
const MAX_RECURSION: u16 = 32;

/// A CEL condition, compiled when the file is read (architecture §5: `when`, `required_when`, `retry`).
///
/// It sees only the variables it is given and can call nothing outside itself. Length, nesting of
/// brackets and nesting of loops are bounded, so evaluation ends soon for any answer that fits into
/// memory.
#[derive(Clone)]
pub struct Condition {
    source: String,
    program: Arc<Program>,
}

impl Condition {
    /// Compiles `text`.
    ///
    /// # Errors
    /// If it is no CEL expression or exceeds a bound.
    pub fn compile(text: &str) -> Result<Self, ConditionError> {
        if text.len() > MAX_LENGTH {
            return Err(ConditionError::TooLong);
        }
        // The parser bounds recursion; `Program::compile` alone would use its own, larger bound.
        Parser::new().max_recursion_depth(MAX_RECURSION).parse(text).map_err(|errors| {
            ConditionError::Syntax {
                detail: errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default(),
            }
        })?;
        let program = ENVIRONMENT.compile(text).map_err(|errors| ConditionError::Syntax {
            detail: errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default(),
        })?;
        if nested_loops(program.expression()) > MAX_NESTED_LOOPS {
            return Err(ConditionError::TooManyLoops);
        }
        Ok(Self { source: text.to_owned(), program: Arc::new(program) })
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Names of the variables it uses, sorted; names that its loops make up are not among them.
    pub fn variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        free_names(self.program.expression(), &mut Vec::new(), &mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether the condition holds for `variables`.
    ///
    /// # Errors
    /// If it uses a variable or key that is absent (test keys with `has(…)`), compares what cannot
    /// be compared, or is not a boolean. Errors never hold values.
    pub fn evaluate(&self, variables: &Row) -> Result<bool, ConditionError> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        for (name, value) in variables {
            context.add_variable_from_value(name.clone(), cel_value(value));
        }
        match self.program.execute(&context) {
            Ok(cel::Value::Bool(holds)) => Ok(holds),
            Ok(_) => Err(ConditionError::NotBoolean { condition: self.source.clone() }),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// The crate's errors print values, so only their kinds are passed on.
    fn failure(&self, error: &ExecutionError) -> ConditionError {
        let condition = self.source.clone();
        match error {
            ExecutionError::UndeclaredReference(name) => {
                ConditionError::UnknownName { condition, name: name.to_string() }
            }
            ExecutionError::NoSuchKey(name) => ConditionError::NoSuchKey { condition, key: name.to_string() },
            _ => ConditionError::NotComputable { condition },
        }
    }
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.source).finish()
    }
}

/// Why a condition cannot be used or has no result.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
pub enum ConditionError {
    /// The text is no CEL expression.
    #[error("not a CEL expression: {detail}")]
    Syntax {
        /// What the parser said.
        detail: String,
    },
    /// The text is too long.
    #[error("a condition has at most {MAX_LENGTH} bytes")]
    TooLong,
    /// Loops are nested too deep.
    #[error("`all`, `exists`, `map` and `filter` may stand inside each other {MAX_NESTED_LOOPS} levels deep")]
    TooManyLoops,
    /// A name that is no variable.
    #[error("condition `{condition}` uses `{name}`, which is not known here")]
    UnknownName {
        /// The condition.
        condition: String,
        /// The name.
        name: String,
    },
    /// A key that the value does not have.
    #[error("condition `{condition}` uses key `{key}`, which is absent; ask with `has(…)` first")]
    NoSuchKey {
        /// The condition.
        condition: String,
        /// The key.
        key: String,
    },
    /// The values do not fit the operations.
    #[error("condition `{condition}` cannot be computed: an operation meets a value of the wrong kind")]
    NotComputable {
        /// The condition.
        condition: String,
    },
    /// The result is neither true nor false.
    #[error("condition `{condition}` gives a value that is neither true nor false")]
    NotBoolean {
        /// The condition.
        condition: String,
    },
}

fn cel_value(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(flag) => cel::Value::Bool(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => cel::Value::Int(integer),
            (None, Some(integer)) => cel::Value::UInt(integer),
            (None, None) => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.clone())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(cel_value).collect())),
        Value::Object(members) => {
            let members: HashMap<String, cel::Value> =
                members.iter().map(|(key, member)| (key.clone(), cel_value(member))).collect();
            cel::Value::Map(members.into())
        }
    }
}

/// How many loops stand inside each other at most.
fn nested_loops(node: &IdedExpr) -> usize {
    if let Expr::Comprehension(looped) = &node.expr {
        let inside = [&looped.accu_init, &looped.loop_cond, &looped.loop_step, &looped.result];
        let inside = inside.into_iter().map(nested_loops).max().unwrap_or_default();
        return nested_loops(&looped.iter_range).max(inside + 1);
    }
    parts(node).into_iter().map(nested_loops).max().unwrap_or_default()
}

/// Adds the names in `node` that no loop around it has made; `made` are those that one has.
fn free_names(node: &IdedExpr, made: &mut Vec<String>, names: &mut Vec<String>) {
    match &node.expr {
        Expr::Ident(name) => {
            if !made.contains(name) {
                names.push(name.clone());
            }
        }
        Expr::Comprehension(looped) => {
            free_names(&looped.iter_range, made, names);
            free_names(&looped.accu_init, made, names);
            let before = made.len();
            made.push(looped.iter_var.clone());
            made.push(looped.accu_var.clone());
            made.extend(looped.iter_var2.clone());
            for part in [&looped.loop_cond, &looped.loop_step, &looped.result] {
                free_names(part, made, names);
            }
            made.truncate(before);
        }
        _ => parts(node).into_iter().for_each(|part| free_names(part, made, names)),
    }
}

/// The expressions directly inside one that is no loop.
fn parts(node: &IdedExpr) -> Vec<&IdedExpr> {
    match &node.expr {
        Expr::Unspecified | Expr::Ident(_) | Expr::Literal(_) | Expr::Comprehension(_) => Vec::new(),
        Expr::Call(call) => call.args.iter().chain(call.target.as_deref()).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Select(select) => vec![&select.operand],
        Expr::Map(map) => map.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
        Expr::Struct(message) => message.entries.iter().flat_map(|entry| entry_parts(&entry.expr)).collect(),
    }
}

fn entry_parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

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
        assert!(matches!(not_boolean, ConditionError::NotBoolean { .. }), "{not_boolean:?}");
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
        let long = format!("status == {}", "1".repeat(MAX_LENGTH));
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

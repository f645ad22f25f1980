//! Expressions of a file, written in CEL. The `cel` crate is used in this module and nowhere else.

mod big_number;
mod bounds;
mod error;
mod json_value;
mod outcome;
mod scope;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cel::common::types::CelBool;
use cel::{Context, Env, IdedExpr};
use serde_json::Value;

pub use error::ExpressionError;
pub use scope::Scope;

/// A CEL expression, compiled when the file is read (architecture §5: `governance`, `activity`).
///
/// It sees only the variables it is given and can call nothing outside itself. Length, nesting of
/// brackets and nesting of loops are bounded, so evaluation ends soon for any answer that fits into
/// memory.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    tree: Arc<IdedExpr>,
}

impl Expression {
    /// Compiles `text`.
    ///
    /// # Errors
    /// If it is no CEL expression or exceeds a bound.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > bounds::MAX_LENGTH {
            return Err(ExpressionError::TooLong);
        }
        let parser = ENVIRONMENT.parser().max_recursion_depth(bounds::MAX_RECURSION);
        let tree = parser.parse(text).map_err(|errors| ExpressionError::Syntax {
            detail: errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default(),
        })?;
        bounds::check(&tree)?;
        Ok(Self { source: text.into(), tree: Arc::new(tree) })
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Names of the variables it uses, sorted; names that its loops make up are not among them.
    pub fn variables(&self) -> Vec<String> {
        bounds::variables(&self.tree)
    }

    /// The value for the variables of `scope`.
    ///
    /// # Errors
    /// If it uses a variable or key that is absent (test keys with `has(…)`), applies an operation
    /// to what it does not fit, or gives what JSON cannot say. Errors never hold values.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, ExpressionError> {
        self.interpret(scope, |value| outcome::to_json(value).ok_or_else(|| self.not_computable()))
    }

    /// The value as a text: numbers and booleans as they are written, none for null.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and if it is a list or an object.
    pub fn evaluate_text(&self, scope: &Scope<'_>) -> Result<Option<String>, ExpressionError> {
        match self.evaluate(scope)? {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text)),
            Value::Bool(flag) => Ok(Some(flag.to_string())),
            Value::Number(number) => Ok(Some(number.to_string())),
            other => Err(ExpressionError::wrong_kind(&self.source, kind(&other), "a text")),
        }
    }

    /// The items of the list that it gives; null counts as the empty list, as many services write it.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and if it is anything else.
    pub fn evaluate_list(&self, scope: &Scope<'_>) -> Result<Vec<Value>, ExpressionError> {
        match self.evaluate(scope)? {
            Value::Null => Ok(Vec::new()),
            Value::Array(items) => Ok(items),
            other => Err(ExpressionError::wrong_kind(&self.source, kind(&other), "a list")),
        }
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and if it is neither true nor false.
    pub fn evaluate_bool(&self, scope: &Scope<'_>) -> Result<bool, ExpressionError> {
        self.interpret(scope, |value| {
            let holds = value.downcast_ref::<CelBool>().map(|holds| *holds.inner());
            holds.ok_or_else(|| {
                let given = outcome::to_json(value).as_ref().map_or("something else", kind);
                ExpressionError::wrong_kind(&self.source, given, "true or false")
            })
        })
    }

    fn interpret<T>(
        &self,
        scope: &Scope<'_>,
        take: impl FnOnce(&dyn cel::common::value::Val) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(scope);
        match cel::Value::resolve_val(&self.tree, &context) {
            Ok(value) => take(value.as_ref()),
            Err(error) => Err(ExpressionError::of(&self.source, &error)),
        }
    }

    fn not_computable(&self) -> ExpressionError {
        ExpressionError::NotComputable { expression: self.source.to_string() }
    }
}

static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source).finish()
    }
}

//! Expressions of a file, written in CEL. The `cel` crate is used in this module and nowhere else.

mod arguments;
mod big_number;
mod bounds;
#[cfg(test)]
mod conformance;
mod environment;
mod error;
pub mod functions;
pub mod gaps;
mod json_value;
mod list_functions;
mod looked_at;
pub mod operators;
mod outcome;
mod path;
mod rewrite;
mod scope;
mod shape;
#[cfg(test)]
mod tests;
mod text_functions;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use cel::common::types::CelBool;
use cel::common::value::Val;
use cel::{Context, IdedExpr};
use serde_json::Value;

use self::environment::ENVIRONMENT;
pub use self::error::ExpressionError;
use self::path::Astray;
pub use self::scope::Scope;
use self::shape::{Given, Shape};

/// A CEL expression, compiled when the file is read (architecture §5: `governance`, `activity`).
///
/// It sees only the variables it is given and can call nothing outside itself. Length, depth, loops
/// and what functions make are bounded, so evaluation ends soon for any answer that fits into
/// memory; equal variables give equal results.
///
/// ```
/// use serde_json::json;
/// use spec::{Expression, Scope};
///
/// let slug = Expression::compile("snakeCase(item.name)").unwrap();
/// let item = json!({"name": "Source Read-only"});
///
/// let slug = slug.evaluate_text(&Scope::new().with("item", &item)).unwrap();
/// assert_eq!(slug.as_deref(), Some("source_read_only"));
/// ```
#[derive(Clone)]
pub struct Expression(Arc<Compiled>);

struct Compiled {
    source: String,
    variables: Vec<String>,
    /// None if it needs the interpreter.
    shape: Option<Shape>,
    tree: IdedExpr,
}

impl Expression {
    /// Compiles `text`.
    ///
    /// # Errors
    /// If it is no CEL expression, calls what is no function, or exceeds a bound.
    pub fn compile(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > bounds::MAX_LENGTH {
            return Err(ExpressionError::TooLong);
        }
        let parser = ENVIRONMENT.parser().max_recursion_depth(bounds::MAX_RECURSION);
        let parser = parser.enable_ident_escape_syntax(true);
        let mut tree = parser.parse(text).map_err(|errors| ExpressionError::Syntax {
            detail: errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default(),
        })?;
        bounds::check(&tree)?;
        rewrite::check_calls(&tree)?;
        let (variables, shape) = (bounds::variables(&tree), Shape::of(&tree));
        rewrite::redirect(&mut tree);
        Ok(Self(Arc::new(Compiled { source: text.to_owned(), variables, shape, tree })))
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// Names of the variables it uses, sorted; names that its loops make up are not among them.
    pub fn variables(&self) -> Vec<String> {
        self.0.variables.clone()
    }

    /// Paths to every value whose content it may depend on, each a variable and the keys selected from it, sorted.
    /// Whether something is there (`has`, a comparison with null, `size`) is no content; an entry of a list has the
    /// path of the list. A recording keeps what is decided by (architecture §13.20).
    pub fn paths(&self) -> Vec<Vec<String>> {
        looked_at::paths(&self.0.tree)
    }

    /// The text that it is, if it is a text literal and nothing else.
    pub fn literal_text(&self) -> Option<&str> {
        match &self.0.shape {
            Some(Shape::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value for the variables of `scope`.
    ///
    /// # Errors
    /// If it uses a variable or key that is absent (test keys with `has(…)`), applies an operation
    /// to what it does not fit, or gives what JSON cannot say. Errors never hold values.
    pub fn evaluate(&self, scope: &Scope<'_>) -> Result<Value, ExpressionError> {
        Ok(match self.look(scope)? {
            Cow::Borrowed(value) => path::copy(value),
            Cow::Owned(value) => value,
        })
    }

    /// As [`evaluate`](Self::evaluate), without a copy where the value stands in a variable: then it is as it stands
    /// there, and numbers and the order of members may be spelled otherwise.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn look<'v>(&self, scope: &Scope<'v>) -> Result<Cow<'v, Value>, ExpressionError> {
        let value = match self.shortly(scope) {
            Some(given) => match given? {
                Given::Text(text) => Value::String(text.to_owned()),
                Given::Joined(text) => Value::String(text),
                Given::Bool(flag) => Value::Bool(flag),
                Given::Json(value) => return Ok(Cow::Borrowed(value)),
            },
            None => self.interpret(scope, |value| self.json(value))?,
        };
        Ok(Cow::Owned(value))
    }

    /// The value as a text: numbers and booleans as they are written, none for null.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and if it is a list or an object.
    pub fn evaluate_text(&self, scope: &Scope<'_>) -> Result<Option<String>, ExpressionError> {
        let value = match self.shortly(scope) {
            Some(given) => match given? {
                Given::Text(text) => return Ok(Some(text.to_owned())),
                Given::Joined(text) => return Ok(Some(text)),
                Given::Bool(flag) => return Ok(Some(flag.to_string())),
                Given::Json(value) => Cow::Borrowed(value),
            },
            None => Cow::Owned(self.interpret(scope, |value| self.json(value))?),
        };
        match value.as_ref() {
            Value::Null => Ok(None),
            Value::String(text) => Ok(Some(text.clone())),
            Value::Bool(flag) => Ok(Some(flag.to_string())),
            Value::Number(number) => Ok(Some(path::usual(number).to_string())),
            other => Err(self.wrong_kind(kind(other), "a text")),
        }
    }

    /// The items of the list that it gives; null counts as the empty list, as many services write it.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and if it is anything else.
    pub fn evaluate_list(&self, scope: &Scope<'_>) -> Result<Vec<Value>, ExpressionError> {
        Ok(match self.list(scope)? {
            Cow::Borrowed(items) => items.iter().map(path::copy).collect(),
            Cow::Owned(items) => items,
        })
    }

    /// As [`evaluate_list`](Self::evaluate_list), without a copy where the list stands in a variable
    /// as it is.
    ///
    /// # Errors
    /// As [`evaluate_list`](Self::evaluate_list).
    pub fn list<'v>(&self, scope: &Scope<'v>) -> Result<Cow<'v, [Value]>, ExpressionError> {
        match self.look(scope)? {
            Cow::Borrowed(Value::Array(items)) => Ok(Cow::Borrowed(items)),
            Cow::Owned(Value::Array(items)) => Ok(Cow::Owned(items)),
            other if other.is_null() => Ok(Cow::Borrowed(&[])),
            other => Err(self.wrong_kind(kind(&other), "a list")),
        }
    }

    /// Whether it holds.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate), and if it is neither true nor false.
    pub fn evaluate_bool(&self, scope: &Scope<'_>) -> Result<bool, ExpressionError> {
        let wanted = "true or false";
        match self.shortly(scope) {
            Some(given) => match given? {
                Given::Bool(holds) | Given::Json(&Value::Bool(holds)) => Ok(holds),
                other => Err(self.wrong_kind(kind_given(&other), wanted)),
            },
            None => self.interpret(scope, |value| {
                let holds = value.downcast_ref::<CelBool>().map(|holds| *holds.inner());
                holds.map_or_else(|| Err(self.wrong_kind(kind(&self.json(value)?), wanted)), Ok)
            }),
        }
    }

    /// What it gives, as far as that can be told without the interpreter.
    fn shortly<'e, 'v>(&'e self, scope: &Scope<'v>) -> Option<Result<Given<'e, 'v>, ExpressionError>> {
        match self.0.shape.as_ref()? {
            Shape::Path(path) => Some(match path.find(scope)? {
                Ok(value) => Ok(Given::Json(value)),
                Err(Astray::NoObject) => Err(self.not_computable()),
                Err(Astray::NoSuchKey(key)) => {
                    let (expression, key) = (self.source().to_owned(), key.to_owned());
                    Err(ExpressionError::NoSuchKey { expression, key })
                }
            }),
            shape => shape.give(scope).map(Ok),
        }
    }

    fn interpret<T>(
        &self,
        scope: &Scope<'_>,
        take: impl FnOnce(&dyn Val) -> Result<T, ExpressionError>,
    ) -> Result<T, ExpressionError> {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.set_variable_resolver(scope);
        match cel::Value::resolve_val(&self.0.tree, &context) {
            Ok(value) => take(value.as_ref()),
            Err(error) => Err(ExpressionError::of(self.source(), &error)),
        }
    }

    fn json(&self, value: &dyn Val) -> Result<Value, ExpressionError> {
        outcome::to_json(value).ok_or_else(|| self.not_computable())
    }

    fn not_computable(&self) -> ExpressionError {
        ExpressionError::NotComputable { expression: self.source().to_owned() }
    }

    fn wrong_kind(&self, given: &'static str, wanted: &'static str) -> ExpressionError {
        ExpressionError::WrongKind { expression: self.source().to_owned(), given, wanted }
    }
}

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

fn kind_given(given: &Given<'_, '_>) -> &'static str {
    match given {
        Given::Text(_) | Given::Joined(_) => "a text",
        Given::Bool(_) => "true or false",
        Given::Json(value) => kind(value),
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.source()).finish()
    }
}

//! Values of expressions as texts.

use std::borrow::Cow;

use serde_json::Value;
use spec::condition::Condition;
use spec::expression::{Expression, ExpressionError, Scope};

use super::MappingError;

/// Kind and key, for messages.
pub(crate) type At<'a> = (&'a str, &'static str);

fn failed((kind, what): At<'_>, source: ExpressionError) -> MappingError {
    MappingError::Expression { kind: kind.to_owned(), what, source }
}

/// The text that an expression gives, which may not be empty.
pub(crate) fn required(
    expression: &Expression,
    scope: &Scope<'_>,
    at: At<'_>,
) -> Result<String, MappingError> {
    let text = expression.evaluate_text(scope).map_err(|source| failed(at, source))?;
    text.filter(|text| !text.is_empty())
        .ok_or_else(|| MappingError::Nothing { kind: at.0.to_owned(), what: at.1 })
}

/// The text that an expression gives, if it gives one: for names and other things that may be absent.
pub(crate) fn optional(expression: Option<&Expression>, scope: &Scope<'_>) -> Option<String> {
    expression?.evaluate_text(scope).ok().flatten().filter(|text| !text.is_empty())
}

/// The value that an expression gives, if it gives one.
pub(super) fn value(expression: Option<&Expression>, scope: &Scope<'_>) -> Option<Value> {
    expression?.evaluate(scope).ok().filter(|value| !value.is_null())
}

/// Whether a condition holds.
pub(super) fn holds(condition: &Condition, scope: &Scope<'_>, at: At<'_>) -> Result<bool, MappingError> {
    condition.holds(scope).map_err(|source| failed(at, source))
}

/// The list that an expression gives; nothing else is one.
pub(super) fn list<'v>(
    expression: &Expression,
    scope: &Scope<'v>,
    at: At<'_>,
) -> Result<Cow<'v, [Value]>, MappingError> {
    match expression.look(scope) {
        Ok(Cow::Borrowed(Value::Array(items))) => Ok(Cow::Borrowed(items)),
        Ok(Cow::Owned(Value::Array(items))) => Ok(Cow::Owned(items)),
        Ok(_) | Err(ExpressionError::NoSuchKey { .. }) => {
            Err(MappingError::NoList { kind: at.0.to_owned(), what: at.1 })
        }
        Err(source) => Err(failed(at, source)),
    }
}

/// The members of a profile that have a value, in order.
pub(super) fn profile(members: &[(String, Expression)], scope: &Scope<'_>) -> Vec<(String, Value)> {
    let member =
        |(name, expression): &(String, Expression)| Some((name.clone(), value(Some(expression), scope)?));
    members.iter().filter_map(member).collect()
}

//! A variable and the keys selected from it.

use cel::IdedExpr;
use cel::common::ast::Expr;
use serde_json::{Number, Value};

use super::Scope;
use super::big_number::BigNumber;

/// A variable and the keys selected from it.
#[derive(Debug)]
pub(super) struct Path {
    root: String,
    keys: Vec<String>,
}

/// Why a path leads nowhere.
#[derive(Debug)]
pub(super) enum Astray<'e> {
    /// An object lacks the key.
    NoSuchKey(&'e str),
    /// A key is selected from what is no object.
    NoObject,
}

impl Path {
    /// The path that `tree` is, if it is one.
    pub(super) fn of(tree: &IdedExpr) -> Option<Self> {
        let mut keys = Vec::new();
        let mut node = tree;
        loop {
            match &node.expr {
                Expr::Ident(root) => {
                    keys.reverse();
                    return Some(Self { root: root.clone(), keys });
                }
                Expr::Select(select) if !select.test => {
                    keys.push(select.field.clone());
                    node = &select.operand;
                }
                _ => return None,
            }
        }
    }

    /// The value at the path; none if there is no such variable, for which the interpreter knows
    /// more (names of kinds).
    pub(super) fn find<'v>(&self, scope: &Scope<'v>) -> Option<Result<&'v Value, Astray<'_>>> {
        let root = scope.find(&self.root)?;
        let found = self.keys.iter().try_fold(root, |value, key| {
            let members = value.as_object().ok_or(Astray::NoObject)?;
            members.get(key).ok_or(Astray::NoSuchKey(key))
        });
        Some(found)
    }
}

/// A copy of `value` as the interpreter would give it back: numbers in their usual spelling, members
/// in the order of their keys.
pub(super) fn copy(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
        Value::Number(number) => Value::Number(usual(number)),
        Value::Array(items) => Value::Array(items.iter().map(copy).collect()),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            Value::Object(members.into_iter().map(|(key, member)| (key.clone(), copy(member))).collect())
        }
    }
}

/// `number` in its usual spelling: `1.50` is `1.5`.
pub(super) fn usual(number: &Number) -> Number {
    match (number.as_i64(), number.as_u64()) {
        (Some(integer), _) => integer.into(),
        (None, Some(integer)) => integer.into(),
        (None, None) if BigNumber::of(number).is_some() => number.clone(),
        (None, None) => number.as_f64().and_then(Number::from_f64).unwrap_or_else(|| number.clone()),
    }
}

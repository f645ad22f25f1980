//! The commonest expressions, answered without the interpreter.
//!
//! Only what surely succeeds is answered here. Wherever something could fail, or mean more than
//! texts and booleans, the interpreter is asked, so that there is one place that says what an
//! operation means and how it fails.

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};
use serde_json::Value;

use super::Scope;
use super::path::Path;

/// What an expression consists of, as far as the interpreter is not needed for it.
#[derive(Debug)]
pub(super) enum Shape {
    /// A text.
    Text(String),
    /// `item.profile.email`
    Path(Path),
    /// `has(item.profile.email)`: the path before the last key, and that key.
    Has(Path, String),
    /// `!a`
    Not(Box<Shape>),
    /// `a == b`, or `a != b` if negated.
    Equal { sides: Box<(Shape, Shape)>, negated: bool },
    /// `a && b`
    Both(Box<(Shape, Shape)>),
    /// `a || b`
    Either(Box<(Shape, Shape)>),
    /// `a ? b : c`
    Choice(Box<(Shape, Shape, Shape)>),
    /// `a + b`
    Joined(Box<(Shape, Shape)>),
    /// `a.contains(b)` and the like.
    Test(Test, Box<(Shape, Shape)>),
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Test {
    Contains,
    Starts,
    Ends,
}

/// What a shape gives.
#[derive(Debug)]
pub(super) enum Given<'e, 'v> {
    Text(&'e str),
    Joined(String),
    Bool(bool),
    Json(&'v Value),
}

impl Given<'_, '_> {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Joined(text) => Some(text),
            Self::Bool(_) => None,
            Self::Json(value) => value.as_str(),
        }
    }

    fn bool(&self) -> Option<bool> {
        match self {
            Self::Bool(holds) => Some(*holds),
            Self::Json(value) => value.as_bool(),
            Self::Text(_) | Self::Joined(_) => None,
        }
    }
}

impl Shape {
    /// The shape of `tree`; none if it needs the interpreter.
    pub(super) fn of(tree: &IdedExpr) -> Option<Self> {
        match &tree.expr {
            Expr::Literal(LiteralValue::String(text)) => Some(Self::Text(text.inner().to_owned())),
            Expr::Select(select) if select.test => {
                Some(Self::Has(Path::of(&select.operand)?, select.field.clone()))
            }
            Expr::Call(call) => Self::of_call(call),
            _ => Path::of(tree).map(Self::Path),
        }
    }

    fn of_call(call: &CallExpr) -> Option<Self> {
        match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
            (operators::LOGICAL_NOT, None, [side]) => Self::of(side).map(Box::new).map(Self::Not),
            (operators::EQUALS, None, [one, other]) => {
                Some(Self::Equal { sides: pair(one, other)?, negated: false })
            }
            (operators::NOT_EQUALS, None, [one, other]) => {
                Some(Self::Equal { sides: pair(one, other)?, negated: true })
            }
            (operators::LOGICAL_AND, None, [one, other]) => pair(one, other).map(Self::Both),
            (operators::LOGICAL_OR, None, [one, other]) => pair(one, other).map(Self::Either),
            (operators::ADD, None, [one, other]) => pair(one, other).map(Self::Joined),
            (operators::CONDITIONAL, None, [asked, one, other]) => {
                let parts = (Self::of(asked)?, Self::of(one)?, Self::of(other)?);
                Some(Self::Choice(Box::new(parts)))
            }
            ("contains", Some(text), [part]) => Some(Self::Test(Test::Contains, pair(text, part)?)),
            ("startsWith", Some(text), [part]) => Some(Self::Test(Test::Starts, pair(text, part)?)),
            ("endsWith", Some(text), [part]) => Some(Self::Test(Test::Ends, pair(text, part)?)),
            _ => None,
        }
    }

    /// What it gives; none if only the interpreter can tell.
    pub(super) fn give<'e, 'v>(&'e self, scope: &Scope<'v>) -> Option<Given<'e, 'v>> {
        Some(match self {
            Self::Text(text) => Given::Text(text),
            Self::Path(path) => Given::Json(path.find(scope)?.ok()?),
            Self::Has(path, key) => Given::Bool(path.find(scope)?.ok()?.as_object()?.contains_key(key)),
            Self::Not(side) => Given::Bool(!side.holds(scope)?),
            Self::Equal { sides, negated } => Given::Bool(equal(sides, scope)? != *negated),
            Self::Both(sides) => Given::Bool(sides.0.holds(scope)? && sides.1.holds(scope)?),
            Self::Either(sides) => Given::Bool(sides.0.holds(scope)? || sides.1.holds(scope)?),
            Self::Choice(parts) if parts.0.holds(scope)? => parts.1.give(scope)?,
            Self::Choice(parts) => parts.2.give(scope)?,
            Self::Joined(sides) => {
                let (one, other) = (sides.0.give(scope)?, sides.1.give(scope)?);
                Given::Joined([one.text()?, other.text()?].concat())
            }
            Self::Test(test, sides) => {
                let (whole, part) = (sides.0.give(scope)?, sides.1.give(scope)?);
                Given::Bool(test.holds(whole.text()?, part.text()?))
            }
        })
    }

    fn holds(&self, scope: &Scope<'_>) -> Option<bool> {
        self.give(scope)?.bool()
    }
}

impl Test {
    fn holds(self, text: &str, part: &str) -> bool {
        match self {
            Self::Contains => text.contains(part),
            Self::Starts => text.starts_with(part),
            Self::Ends => text.ends_with(part),
        }
    }
}

fn pair(one: &IdedExpr, other: &IdedExpr) -> Option<Box<(Shape, Shape)>> {
    Some(Box::new((Shape::of(one)?, Shape::of(other)?)))
}

/// Whether two sides are equal, of which at least one is a text: a text equals nothing but a text.
fn equal(sides: &(Shape, Shape), scope: &Scope<'_>) -> Option<bool> {
    let (one, other) = (sides.0.give(scope)?, sides.1.give(scope)?);
    match (one.text(), other.text()) {
        (Some(one), Some(other)) => Some(one == other),
        (Some(_), None) | (None, Some(_)) => Some(false),
        (None, None) => None,
    }
}

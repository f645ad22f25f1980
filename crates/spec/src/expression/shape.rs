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
    /// `null`
    Null,
    /// `item.profile.email`
    Path(Path),
    /// `has(item.profile.email)`: the path before the last key, and that key.
    Has(Path, String),
    /// `!a`
    Not(Box<Shape>),
    /// `a == b`, or `a != b` if negated.
    Equal { sides: Box<(Shape, Shape)>, negated: bool },
    /// `a in ["b", null]`
    Among(Box<Shape>, Vec<Shape>),
    /// `size(a) > 0`, of a list or an object.
    Sized(Box<Shape>, Order, i64),
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
    /// `a.split(" ", 2)[0]`
    Part { text: Box<Shape>, separator: String, most: usize, place: usize },
    /// `a.lowerAscii()`, or `a.upperAscii()`
    Letters(Letters, Box<Shape>),
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Letters {
    Lower,
    Upper,
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

    fn is_null(&self) -> bool {
        matches!(self, Self::Json(Value::Null))
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
            Expr::Literal(LiteralValue::Null) => Some(Self::Null),
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
            (operators::INDEX, None, [text, place]) => Self::of_part(text, place),
            (operators::IN, None, [one, list]) => Self::among(one, list),
            (name, None, [sized, number]) if size_of(sized).is_some() => {
                let of = Self::of(size_of(sized)?).map(Box::new)?;
                Some(Self::Sized(of, Order::of(name)?, integer(number)?))
            }
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
            ("lowerAscii", Some(text), []) => {
                Self::of(text).map(|of| Self::Letters(Letters::Lower, Box::new(of)))
            }
            ("upperAscii", Some(text), []) => {
                Self::of(text).map(|of| Self::Letters(Letters::Upper, Box::new(of)))
            }
            _ => None,
        }
    }

    /// One of `literals`, which are texts or null: anything can be compared with these.
    fn among(one: &IdedExpr, literals: &IdedExpr) -> Option<Self> {
        let Expr::List(list) = &literals.expr else { return None };
        let literal = |of: &IdedExpr| Self::of(of).filter(|of| matches!(of, Self::Text(_) | Self::Null));
        let literals = list.elements.iter().map(literal).collect::<Option<Vec<_>>>()?;
        (list.optional_indices.is_empty()).then_some(Self::Among(Box::new(Self::of(one)?), literals))
    }

    /// A part of a text that is split at a text.
    fn of_part(split: &IdedExpr, place: &IdedExpr) -> Option<Self> {
        let Expr::Call(call) = &split.expr else { return None };
        let (text, separator, most) = match (call.target.as_deref(), call.args.as_slice()) {
            (Some(text), [separator]) => (text, separator, usize::MAX),
            (Some(text), [separator, most]) => (text, separator, usize::try_from(integer(most)?).ok()?),
            _ => return None,
        };
        let Expr::Literal(LiteralValue::String(separator)) = &separator.expr else { return None };
        if call.func_name != "split" || separator.inner().is_empty() {
            return None;
        }
        let (separator, place) = (separator.inner().to_owned(), usize::try_from(integer(place)?).ok()?);
        Some(Self::Part { text: Box::new(Self::of(text)?), separator, most, place })
    }

    /// What it gives; none if only the interpreter can tell.
    pub(super) fn give<'e, 'v>(&'e self, scope: &Scope<'v>) -> Option<Given<'e, 'v>> {
        Some(match self {
            Self::Text(text) => Given::Text(text),
            Self::Null => Given::Json(&Value::Null),
            Self::Path(path) => Given::Json(path.find(scope)?.ok()?),
            Self::Has(path, key) => Given::Bool(path.find(scope)?.ok()?.as_object()?.contains_key(key)),
            Self::Not(side) => Given::Bool(!side.holds(scope)?),
            Self::Equal { sides, negated } => Given::Bool(equal(sides, scope)? != *negated),
            Self::Among(one, literals) => {
                let one = one.give(scope)?;
                let is_it = |literal: &Self| match literal {
                    Self::Text(text) => one.text() == Some(text.as_str()),
                    _ => one.is_null(),
                };
                Given::Bool(literals.iter().any(is_it))
            }
            Self::Sized(of, order, number) => {
                let Given::Json(of) = of.give(scope)? else { return None };
                let size =
                    of.as_array().map(Vec::len).or_else(|| of.as_object().map(serde_json::Map::len))?;
                Given::Bool(order.holds(i64::try_from(size).ok()?, *number))
            }
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
            Self::Part { text, separator, most, place } => {
                let text = text.give(scope)?;
                Given::Joined(text.text()?.splitn(*most, separator.as_str()).nth(*place)?.to_owned())
            }
            Self::Letters(letters, text) => {
                let text = text.give(scope)?;
                Given::Joined(match letters {
                    Letters::Lower => text.text()?.to_ascii_lowercase(),
                    Letters::Upper => text.text()?.to_ascii_uppercase(),
                })
            }
        })
    }

    fn holds(&self, scope: &Scope<'_>) -> Option<bool> {
        self.give(scope)?.bool()
    }
}

impl Order {
    fn of(operator: &str) -> Option<Self> {
        Some(match operator {
            operators::EQUALS => Self::Equal,
            operators::NOT_EQUALS => Self::NotEqual,
            operators::LESS => Self::Less,
            operators::LESS_EQUALS => Self::LessOrEqual,
            operators::GREATER => Self::Greater,
            operators::GREATER_EQUALS => Self::GreaterOrEqual,
            _ => return None,
        })
    }

    fn holds(self, one: i64, other: i64) -> bool {
        match self {
            Self::Equal => one == other,
            Self::NotEqual => one != other,
            Self::Less => one < other,
            Self::LessOrEqual => one <= other,
            Self::Greater => one > other,
            Self::GreaterOrEqual => one >= other,
        }
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

/// Of what `tree` asks the size.
fn size_of(tree: &IdedExpr) -> Option<&IdedExpr> {
    let Expr::Call(call) = &tree.expr else { return None };
    match (call.func_name.as_str(), call.target.as_deref(), call.args.as_slice()) {
        ("size", None, [of]) | ("size", Some(of), []) => Some(of),
        _ => None,
    }
}

fn integer(tree: &IdedExpr) -> Option<i64> {
    match &tree.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(*number.inner()),
        _ => None,
    }
}

/// Whether two sides are equal, of which at least one is a text or null: these equal nothing but their like.
fn equal(sides: &(Shape, Shape), scope: &Scope<'_>) -> Option<bool> {
    let (one, other) = (sides.0.give(scope)?, sides.1.give(scope)?);
    match (one.text(), other.text()) {
        (Some(one), Some(other)) => Some(one == other),
        (Some(_), None) | (None, Some(_)) => Some(false),
        (None, None) if one.is_null() || other.is_null() => Some(one.is_null() && other.is_null()),
        (None, None) => None,
    }
}

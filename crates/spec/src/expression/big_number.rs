//! Numbers of JSON that no number of CEL holds.

use std::any::Any;

use cel::common::types::Type;
use cel::common::value::{StaticVal, Val};
use serde_json::Number;

static BIG_NUMBER: Type = Type::new_unspecified_type("number");

/// A whole number beyond 64 bits, or a number beyond the range of a double, as written.
///
/// As a double it would lose digits, and two different ids could become one. So it passes through
/// an expression as it is; it can be compared with `==`, and `string(…)` writes it. Arithmetic and
/// order are errors.
#[derive(Clone)]
pub(super) struct BigNumber(String);

impl BigNumber {
    /// `number`, if no number of CEL holds it.
    pub(super) fn of(number: &Number) -> Option<Self> {
        let written = number.to_string();
        let whole = !written.contains(['.', 'e', 'E']);
        let fits = number.as_i64().is_some() || number.as_u64().is_some();
        let finite = number.as_f64().is_some_and(f64::is_finite);
        (!fits && (whole || !finite)).then_some(Self(written))
    }

    pub(super) fn type_of() -> &'static Type {
        &BIG_NUMBER
    }

    pub(super) fn written(&self) -> &str {
        &self.0
    }
}

impl Val for BigNumber {
    fn get_type(&self) -> &Type {
        &BIG_NUMBER
    }

    fn cel_type() -> &'static Type {
        &BIG_NUMBER
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v> {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for BigNumber {}

/// The kind only: values may be personal data.
impl std::fmt::Debug for BigNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("number")
    }
}

//! Arguments and errors of our own functions.

use cel::ExecutionError;
use cel::common::types::{CelInt, CelString};
use cel::common::value::{CowVal, Val};

/// Longest text that a function may make, in bytes.
pub(super) const MAX_TEXT: usize = 1 << 20;
/// Most items that a function may put into a list.
pub(super) const MAX_ITEMS: usize = 1_000_000;
/// The name by which [`too_large`] is known again.
pub(super) const TOO_LARGE: &str = "@too_large";

/// The error of a result beyond its bound.
pub(super) fn too_large() -> ExecutionError {
    ExecutionError::function_error(TOO_LARGE, "")
}

/// The text at `position`.
///
/// # Errors
/// If there is none; overloads are picked by kind, so this is for calls that bypass them.
pub(super) fn text<'a>(arguments: &'a [CowVal<'_, '_>], position: usize) -> Result<&'a str, ExecutionError> {
    arguments.get(position).and_then(|value| text_of(value.as_ref())).ok_or_else(|| wrong_kind("string"))
}

/// The whole number at `position`, if there is such an argument.
pub(super) fn integer(arguments: &[CowVal<'_, '_>], position: usize) -> Option<i64> {
    arguments.get(position)?.downcast_ref::<CelInt>().map(|integer| *integer.inner())
}

/// `value`, if it is a text.
pub(super) fn text_of<'a>(value: &'a (dyn Val + '_)) -> Option<&'a str> {
    value.downcast_ref::<CelString<'_>>().map(CelString::inner)
}

/// Copies of the items of the list `value`, each of which costs little: texts, objects and lists of
/// JSON are borrowed.
///
/// # Errors
/// If it is no list.
pub(super) fn items<'v>(value: &(dyn Val + 'v)) -> Result<Vec<Box<dyn Val + 'v>>, ExecutionError> {
    let mut items = value.as_iterable().ok_or_else(|| wrong_kind("list"))?.iter();
    let mut copies = Vec::new();
    while let Some(item) = items.next() {
        copies.push(item.clone_as_boxed());
    }
    Ok(copies)
}

pub(super) fn wrong_kind(wanted: &str) -> ExecutionError {
    ExecutionError::UnexpectedType { got: String::new(), want: wanted.to_owned() }
}

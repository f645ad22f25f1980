//! Our own functions of texts.

#![expect(clippy::needless_pass_by_value, reason = "the interpreter's functions own their arguments")]

use cel::ExecutionError;
use cel::common::types::CelString;
use cel::common::value::CowVal;

use super::arguments::{MAX_TEXT, integer, items, text, text_of, too_large, wrong_kind};
use super::big_number::BigNumber;

type Outcome<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

fn given<'b, 'v>(text: String) -> CowVal<'b, 'v> {
    CowVal::owned(CelString::from(text))
}

pub(super) fn to_lower<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    Ok(given(text(&arguments, 0)?.to_lowercase()))
}

pub(super) fn to_upper<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    Ok(given(text(&arguments, 0)?.to_uppercase()))
}

/// The first letter of each word in upper case. The others stay, so that `API` is still one.
pub(super) fn title_case<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let mut titled = String::new();
    let mut inside = false;
    for character in text(&arguments, 0)?.chars() {
        if inside {
            titled.push(character);
        } else {
            titled.extend(character.to_uppercase());
        }
        inside = character.is_alphanumeric() || (inside && matches!(character, '\'' | '’'));
    }
    Ok(given(titled))
}

/// `Source Read-only` → `source_read_only` (baton.md SG-6).
pub(super) fn snake_case<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    Ok(given(joined_words(text(&arguments, 0)?, '_', Humps::Split)))
}

/// `Unify Read-only, Engage User` → `unify-read-only-engage-user`.
pub(super) fn slugify<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    Ok(given(joined_words(text(&arguments, 0)?, '-', Humps::Keep)))
}

/// Whether `sourceAdmin` is two words or one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Humps {
    Split,
    Keep,
}

/// The words of `text` in lower case. Everything between letters and digits is one separator, so
/// that names which differ in punctuation alone (`Unify Read-only, Engage User`) stay readable;
/// nothing is left at the ends.
fn joined_words(text: &str, separator: char, humps: Humps) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut before: Option<char> = None;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if !character.is_alphanumeric() {
            before = None;
            continue;
        }
        // `sourceAdmin` has two words, and so has `HTTPServer`.
        let ends_capitals = characters.peek().is_some_and(|next| next.is_lowercase());
        let hump = before
            .is_some_and(|before| character.is_uppercase() && (!before.is_uppercase() || ends_capitals));
        if !joined.is_empty() && (before.is_none() || (hump && humps == Humps::Split)) {
            joined.push(separator);
        }
        joined.extend(character.to_lowercase());
        before = Some(character);
    }
    joined
}

/// `replace` with a bound on what it makes.
pub(super) fn replace<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let (whole, from, to) = (text(&arguments, 0)?, text(&arguments, 1)?, text(&arguments, 2)?);
    // A negative number means all, as published.
    let most = integer(&arguments, 3).map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX));
    let times = whole.matches(from).count().min(most);
    if whole.len().saturating_add(times.saturating_mul(to.len())) > MAX_TEXT {
        return Err(too_large());
    }
    Ok(given(whole.replacen(from, to, most)))
}

/// `join` with a bound on what it makes.
pub(super) fn join<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let separator = if arguments.len() > 1 { text(&arguments, 1)? } else { "" };
    let list = arguments.first().ok_or_else(|| wrong_kind("list"))?;
    let mut joined = String::new();
    for (position, item) in items(list.as_ref())?.iter().enumerate() {
        let item = text_of(item.as_ref()).ok_or_else(|| wrong_kind("string"))?;
        if joined.len() + separator.len() + item.len() > MAX_TEXT {
            return Err(too_large());
        }
        if position > 0 {
            joined.push_str(separator);
        }
        joined.push_str(item);
    }
    Ok(given(joined))
}

/// `string` of a number that no number of CEL holds.
pub(super) fn big_number<'b, 'v>(arguments: Vec<CowVal<'b, 'v>>) -> Outcome<'b, 'v> {
    let number = arguments.first().and_then(|value| value.downcast_ref::<BigNumber>());
    number.map(|number| given(number.written().to_owned())).ok_or_else(|| wrong_kind("number"))
}

//! Data into a script and out of it.
//!
//! Numbers keep their digits. Integers are exact however long they are; a decimal that the language
//! would write in another way (`1.10`, `1e999`) comes as text.

use num_bigint::BigInt;
use serde_json::{Map, Number, Value};
use starlark::values::dict::DictRef;
use starlark::values::float::StarlarkFloat;
use starlark::values::list::{AllocList, ListRef};
use starlark::values::tuple::TupleRef;
use starlark::values::{Heap, Value as StarlarkValue, dict::AllocDict};
use thiserror::Error;

/// How deep values may be nested: as deep as JSON is read.
const DEEPEST: usize = 120;
/// Longer integers come as text.
const LONGEST_INTEGER: usize = 1_000;
/// What a value counts for, its text aside.
const BYTES_OF_VALUE: usize = 16;

/// Why a value of a script is no data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum DataError {
    /// Something else than text, numbers, lists and dicts.
    #[error("only text, numbers, lists and dicts are data")]
    NotData,
    /// Lists in lists, without end.
    #[error("values are nested too deeply")]
    TooNested,
    /// More of it than a script may hold.
    #[error("there is too much of it")]
    TooMuch,
}

/// `data` as a value of the language.
pub(super) fn give<'v>(heap: Heap<'v>, data: &Value) -> StarlarkValue<'v> {
    match data {
        Value::Null => StarlarkValue::new_none(),
        Value::Bool(flag) => StarlarkValue::new_bool(*flag),
        Value::Number(number) => give_number(heap, number),
        Value::String(text) => heap.alloc(text.as_str()),
        Value::Array(items) => heap.alloc(AllocList(items.iter().map(|item| give(heap, item)))),
        Value::Object(members) => {
            heap.alloc(AllocDict(members.iter().map(|(name, value)| (name.as_str(), give(heap, value)))))
        }
    }
}

fn give_number<'v>(heap: Heap<'v>, number: &Number) -> StarlarkValue<'v> {
    let text = number.to_string();
    if text.len() <= LONGEST_INTEGER
        && let Ok(integer) = text.parse::<BigInt>()
        && integer.to_string() == text
    {
        return heap.alloc(integer);
    }
    match number.as_f64().filter(|float| float.is_finite()) {
        Some(float) if StarlarkFloat(float).to_string() == text => heap.alloc(float),
        Some(_) | None => heap.alloc(text),
    }
}

/// The data that `value` is; `most_bytes` bounds their size.
pub(super) fn take(value: StarlarkValue<'_>, most_bytes: usize) -> Result<Value, DataError> {
    Taker { left: most_bytes }.take(value, 0)
}

/// Takes data out; the same list may stand in another one many times.
struct Taker {
    left: usize,
}

impl Taker {
    fn take(&mut self, value: StarlarkValue<'_>, depth: usize) -> Result<Value, DataError> {
        self.count(BYTES_OF_VALUE)?;
        if let Some(text) = value.unpack_str() {
            return self.text(text).map(Value::String);
        }
        if depth >= DEEPEST {
            return Err(DataError::TooNested);
        }
        if let Some(items) = ListRef::from_value(value) {
            return items.iter().map(|item| self.take(item, depth + 1)).collect();
        }
        if let Some(items) = TupleRef::from_value(value) {
            return items.iter().map(|item| self.take(item, depth + 1)).collect();
        }
        if let Some(members) = DictRef::from_value(value) {
            let mut taken = Map::new();
            for (name, value) in members.iter() {
                let name = self.text(name.unpack_str().ok_or(DataError::NotData)?)?;
                taken.insert(name, self.take(value, depth + 1)?);
            }
            return Ok(Value::Object(taken));
        }
        match value.get_type() {
            "NoneType" | "bool" | "int" => value.to_json_value().map_err(|_| DataError::NotData),
            "float" => match value.to_json_value() {
                Ok(number @ Value::Number(_)) => Ok(number),
                // What is no finite number would become null.
                Ok(_) | Err(_) => Err(DataError::NotData),
            },
            _ => Err(DataError::NotData),
        }
    }

    fn text(&mut self, text: &str) -> Result<String, DataError> {
        self.count(text.len())?;
        Ok(text.to_owned())
    }

    fn count(&mut self, bytes: usize) -> Result<(), DataError> {
        self.left = self.left.checked_sub(bytes).ok_or(DataError::TooMuch)?;
        Ok(())
    }
}

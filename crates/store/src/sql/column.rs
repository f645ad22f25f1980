use sqlx::{Any, Decode, Type};

use super::row::Value;

/// What a column of a row may be read as.
pub(crate) trait Column<'r>: Decode<'r, Any> + Type<Any> {
    /// Nothing if the value is of another kind.
    fn of(value: &'r Value) -> Option<Self>;
}

impl<'r, T: Column<'r>> Column<'r> for Option<T> {
    fn of(value: &'r Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            Value::Number(_) | Value::Real(_) | Value::Text(_) | Value::Bytes(_) => T::of(value).map(Some),
        }
    }
}

/// One kind of value each.
macro_rules! column {
    ($($of:ty => $kind:ident, $value:ident, $read:expr;)+) => {$(
        impl<'r> Column<'r> for $of {
            fn of(value: &'r Value) -> Option<Self> {
                if let Value::$kind($value) = value { Some($read) } else { None }
            }
        }
    )+};
}

column! {
    i64 => Number, value, *value;
    f64 => Real, value, *value;
    &'r str => Text, value, value;
    String => Text, value, value.clone();
    &'r [u8] => Bytes, value, value;
    Vec<u8> => Bytes, value, value.clone();
}

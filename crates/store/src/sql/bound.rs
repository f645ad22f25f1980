use std::borrow::Cow;
use std::fmt;

use sqlx::Arguments as _;
use sqlx::any::AnyArguments;

use super::DatabaseError;

/// A value of a statement. Never shown: it may be anything.
#[derive(PartialEq)]
pub(crate) enum Bound<'a> {
    Number(Option<i64>),
    Real(Option<f64>),
    Text(Option<Cow<'a, str>>),
    Bytes(Option<Cow<'a, [u8]>>),
}

/// What may be a value of a statement.
pub(crate) trait Bind<'a> {
    fn bound(self) -> Bound<'a>;
}

impl<'a> Bind<'a> for Bound<'a> {
    fn bound(self) -> Bound<'a> {
        self
    }
}

/// As PostgreSQL's driver takes them.
pub(super) fn arguments(values: Vec<Bound<'_>>) -> Result<AnyArguments, DatabaseError> {
    let mut arguments = AnyArguments::default();
    for value in values {
        let added = match value {
            Bound::Number(number) => arguments.add(number),
            Bound::Real(real) => arguments.add(real),
            Bound::Text(text) => arguments.add(text.map(Cow::into_owned)),
            Bound::Bytes(bytes) => arguments.add(bytes.map(Cow::into_owned)),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

impl fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Number(_) => "a number",
            Self::Real(_) => "a real number",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
        })
    }
}

/// Each of these alone and as what may be missing.
macro_rules! bind {
    ($($of:ty => $kind:ident, $value:ident, $converted:expr;)+) => {$(
        impl<'a> Bind<'a> for $of {
            fn bound(self) -> Bound<'a> {
                let $value = self;
                Bound::$kind(Some($converted))
            }
        }

        impl<'a> Bind<'a> for Option<$of> {
            fn bound(self) -> Bound<'a> {
                Bound::$kind(self.map(|$value| $converted))
            }
        }
    )+};
}

bind! {
    i64 => Number, value, value;
    i32 => Number, value, i64::from(value);
    f64 => Real, value, value;
    &'a str => Text, value, Cow::Borrowed(value);
    &'a String => Text, value, Cow::Borrowed(value.as_str());
    String => Text, value, Cow::Owned(value);
    &'a [u8] => Bytes, value, Cow::Borrowed(value);
    &'a Vec<u8> => Bytes, value, Cow::Borrowed(value.as_slice());
    Vec<u8> => Bytes, value, Cow::Owned(value);
}

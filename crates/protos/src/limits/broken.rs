use std::fmt;

use thiserror::Error;

/// How a field breaks a limit.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Broken {
    /// A message has to be there.
    #[error("is missing")]
    Missing,
    /// One choice of a group has to be there.
    #[error("is missing: one of its choices has to be set")]
    NoChoice,
    /// Too short, too long, too few or too many.
    #[error("has {found} {unit}; it may have {bound}")]
    Size {
        /// How many it has.
        found: u64,
        /// Of what.
        unit: Unit,
        /// How many it may have.
        bound: Bound,
    },
    /// A number outside its bounds.
    #[error("has to be {bound}")]
    Number {
        /// The bounds.
        bound: Bound,
    },
    /// The text starts otherwise.
    #[error("has to start with `{0}`")]
    Prefix(String),
    /// The text has another form.
    #[error("has to match `{0}`")]
    Pattern(String),
    /// The text is none of the words.
    #[error("has to be one of: {}", .0.join(", "))]
    OneOf(Vec<String>),
    /// The text is not an address with a scheme and a host.
    #[error("has to be a URL with scheme and host")]
    Uri,
    /// The text is not an e-mail address.
    #[error("has to be an e-mail address")]
    Email,
    /// The enum has no such value.
    #[error("has to be one of the values of its enum")]
    Enum,
    /// The list has an item twice.
    #[error("comes a second time in its list")]
    Twice,
    /// The message is nested deeper than one from the wire may be.
    #[error("is nested too deep")]
    Depth,
    /// The message is not of this crate, so nothing is known about its fields.
    #[error("is unknown: its type is not described in this crate")]
    Unknown,
}

/// What a size is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes, of a text in UTF-8.
    Bytes,
    /// Characters.
    Characters,
    /// Items of a list, entries of a map.
    Items,
}

impl fmt::Display for Unit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Bytes => "bytes",
            Self::Characters => "characters",
            Self::Items => "items",
        })
    }
}

/// Between what a size or a number has to lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The least, if there is one.
    pub least: Option<i64>,
    /// The most, if there is one.
    pub most: Option<i64>,
}

impl Bound {
    /// Whether `number` lies outside.
    pub(super) fn excludes(self, number: i64) -> bool {
        self.least.is_some_and(|least| number < least) || self.most.is_some_and(|most| number > most)
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.least, self.most) {
            (Some(least), Some(most)) if least == most => write!(formatter, "exactly {least}"),
            (Some(least), Some(most)) => write!(formatter, "{least} to {most}"),
            (Some(least), None) => write!(formatter, "{least} or more"),
            (None, Some(most)) => write!(formatter, "{most} at most"),
            (None, None) => formatter.write_str("any number"),
        }
    }
}

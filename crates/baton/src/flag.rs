//! The flags of a connector process (baton §12.2): what each is called, takes and means, as data.

mod common;
mod field;
mod relation;

pub use common::{COMMON, CommonFlag};
pub use field::{ConnectorField, ConnectorFields, FieldError};
pub use relation::{EXCLUSIVE, NEEDS, TOGETHER};

/// One flag, common or a connector's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flag {
    /// Its name, without `--`; also its key in the configuration file.
    pub name: String,
    /// Its short form.
    pub short: Option<char>,
    /// Other names that mean the same.
    pub aliases: Vec<String>,
    /// What it takes.
    pub kind: FlagKind,
    /// What holds if nobody says anything; empty for nothing.
    pub default: String,
    /// Whether the help shows it.
    pub visibility: Visibility,
    /// What it means, for people.
    pub meaning: String,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlagKind {
    /// Any text.
    Text,
    /// A text that nobody may see.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// On or off; alone it means on.
    Switch,
    /// A whole number within these limits.
    Number {
        /// The smallest.
        least: i64,
        /// The largest.
        most: i64,
    },
    /// Texts with commas between them, or the flag several times.
    List,
    /// An instant in the form of RFC 3339.
    Instant,
}

impl FlagKind {
    /// The smallest and the largest number, if it takes numbers.
    pub fn limits(self) -> Option<(i64, i64)> {
        match self {
            Self::Number { least, most } => Some((least, most)),
            Self::Text | Self::Secret | Self::Choice(_) | Self::Switch | Self::List | Self::Instant => None,
        }
    }
}

/// Whether the help shows a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// It does.
    Shown,
    /// It is taken, and not shown.
    Hidden,
}

impl Flag {
    /// The environment variable that says the same (baton C-2).
    pub fn variable(&self) -> String {
        variable(&self.name)
    }

    /// All variables that say the same, the flag's own first.
    pub fn variables(&self) -> Vec<String> {
        std::iter::once(&self.name).chain(&self.aliases).map(|name| variable(name)).collect()
    }

    /// Whether `name` is this flag.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
}

fn variable(name: &str) -> String {
    format!("BATON_{}", name.to_ascii_uppercase().replace('-', "_"))
}

#[cfg(test)]
pub(crate) mod tests;

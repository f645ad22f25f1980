//! Parts of lists, for pages with numbers.

/// Which part of a list: so many after the first `offset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// How many to leave out.
    pub offset: u64,
    /// How many to return at most.
    pub limit: u32,
}

impl Window {
    /// Everything; only for lists that people write by hand.
    pub const ALL: Self = Self { offset: 0, limit: u32::MAX };
}

/// A part of a list, and how many there are in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The part.
    pub items: Vec<T>,
    /// How many fit the filter, on all parts.
    pub total: u64,
}

/// A pattern for `LOWER(…) LIKE … ESCAPE '\\'` that finds `text` anywhere.
pub(crate) fn containing(text: &str) -> String {
    let escaped = text.to_lowercase().replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

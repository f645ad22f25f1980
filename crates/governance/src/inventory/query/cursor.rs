//! Where a page of a list ends.

use std::fmt;
use std::str::FromStr;

use super::QueryError;

/// Stands behind one row of a list: the list goes on after it, also in a later inventory that still has the row.
///
/// It is made of ids, and nobody need take it apart. Where an application takes addresses for ids, as for those who are
/// invited, it has the address in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(Vec<String>);

impl Cursor {
    pub(super) fn of<const N: usize>(ids: [&str; N]) -> Self {
        Self(ids.map(str::to_owned).to_vec())
    }

    pub(super) fn ids<const N: usize>(&self) -> Result<[&str; N], QueryError> {
        let ids: Vec<&str> = self.0.iter().map(String::as_str).collect();
        ids.try_into().map_err(|_| QueryError::Cursor)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = serde_json::to_string(&self.0).map_err(|_| fmt::Error)?;
        f.write_str(&crypto::hex(text.as_bytes()))
    }
}

impl FromStr for Cursor {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, QueryError> {
        let digits = text.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Vec<u8> = digits.collect::<Option<_>>().ok_or(QueryError::Cursor)?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| QueryError::Cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written_and_nothing_else_is_one() {
        let cursor = Cursor::of(["user", "a:\"b\",é"]);

        let again: Cursor = cursor.to_string().parse().unwrap();

        assert_eq!(again.ids::<2>(), Ok(["user", "a:\"b\",é"]));
        assert_eq!(again.ids::<3>(), Err(QueryError::Cursor));
        for text in ["x", "5b", "7b7d", "é", "5b225d0"] {
            assert_eq!(text.parse::<Cursor>(), Err(QueryError::Cursor), "{text}");
        }
    }
}

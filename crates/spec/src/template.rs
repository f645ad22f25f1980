//! Texts with placeholders.

use std::fmt;

use model::Path;

/// A text with `<placeholders>`, cut into pieces when the file is read (saas-config 11.1–11.3).
///
/// It only holds what stands in the file. Filling it in, with the escaping that each place needs,
/// is the runtime's part.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    pieces: Vec<Piece>,
}

/// One piece of a [`Template`].
#[derive(Debug, Clone)]
pub enum Piece {
    /// Text that stays.
    Literal(String),
    /// A placeholder.
    Placeholder(Placeholder),
}

/// `<name>` or `<name?>`.
#[derive(Debug, Clone)]
pub struct Placeholder {
    /// The name without brackets and without the final `?`.
    pub name: String,
    /// The name as a path into the value map.
    pub path: Path,
    /// Ends in `?`: may have no value.
    pub optional: bool,
}

impl Template {
    /// Cuts `text` into pieces. Every text is a template.
    pub fn parse(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('<') {
            let (before, from) = rest.split_at(open);
            literal.push_str(before);
            let inside = from.get(1..).unwrap_or_default();
            match inside.find(['<', '>']) {
                Some(end) if end > 0 && inside[end..].starts_with('>') => {
                    let name = &inside[..end];
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Placeholder(Placeholder::parse(name)));
                    rest = &inside[end + 1..];
                }
                _ => {
                    literal.push('<');
                    rest = inside;
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Self { source: text.to_owned(), pieces }
    }

    /// The text as written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The placeholders in order, repeated ones repeated.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(placeholder),
            Piece::Literal(_) => None,
        })
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }
}

impl Placeholder {
    fn parse(inside: &str) -> Self {
        let (name, optional) = match inside.strip_suffix('?') {
            Some(name) if !name.is_empty() => (name, true),
            _ => (inside, false),
        };
        // A name with text in brackets is no path; it can only be looked up as one plain key.
        let path = name.parse().unwrap_or_else(|_| Path::key(name));
        Self { name: name.to_owned(), path, optional }
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

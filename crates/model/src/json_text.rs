mod copy;
mod seen;

use std::ops::Range;

use seen::Seen;

/// Nested deeper than this, a text is left to a parser that makes values.
const DEEPEST: usize = 100;

/// Room for the keys of most rows from the start.
const FIRST_KEYS: usize = 32;

/// What of a text is looked at together.
const BLOCK_BYTES: usize = 16;

/// With more keys in one object, finding out that none comes twice takes longer than making values.
const MOST_KEYS: usize = 128;

/// JSON text that is gone through from front to end without making values of it.
///
/// For rows that are only passed on, or taken apart by name: values would take many times as long. What is
/// copied is checked and has the form in which `serde_json` writes the value that it reads from the same
/// text: without spaces, numbers to the digit, texts with the fewest escapes.
///
/// Every function gives `None` for a text that is no JSON, and for one that only a parser can do justice
/// to (a key that comes twice, deep nesting). What was copied until then is of no use. Whoever gets `None`
/// makes values of the text, which tells the two apart.
///
/// ```
/// let mut text = model::JsonText::of(r#"{ "id": 1.50, "tags": [ "a\/b" ] }"#);
/// let mut copy = Vec::new();
/// text.copy(&mut copy).unwrap();
/// assert_eq!(copy, br#"{"id":1.50,"tags":["a/b"]}"#);
/// ```
pub struct JsonText<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    /// Where in the copy the keys of the objects that are being copied stand.
    keys: Vec<Range<usize>>,
    /// Keys of the objects that are being gone through.
    names: Vec<&'t str>,
}

/// What a value begins like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// An object.
    Object,
    /// An array.
    Array,
    /// Anything else.
    Scalar,
}

impl<'t> JsonText<'t> {
    /// Before the first byte of `text`.
    pub fn of(text: &'t str) -> Self {
        Self { text, at: 0, depth: 0, keys: Vec::new(), names: Vec::with_capacity(FIRST_KEYS) }
    }

    /// Where it stands, in bytes.
    pub fn position(&self) -> usize {
        self.at
    }

    /// What comes next.
    pub fn kind(&mut self) -> Option<JsonKind> {
        Some(match self.next()? {
            b'{' => JsonKind::Object,
            b'[' => JsonKind::Array,
            _ => JsonKind::Scalar,
        })
    }

    /// Whether nothing but spaces follows.
    pub fn is_over(&mut self) -> bool {
        self.next().is_none()
    }

    /// Goes through an object: `member` is told each name and must go over its value. `None` also for a
    /// name that is written with escapes.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, &'t str) -> Option<()>) -> Option<()> {
        self.open(b'{')?;
        if self.ends(b'}') {
            self.close();
            return Some(());
        }
        let (first_name, mut seen) = (self.names.len(), Seen::default());
        loop {
            let name = self.plain_name()?;
            let others = self.names.get(first_name..)?;
            if others.len() >= MOST_KEYS || (seen.may_hold(name.as_bytes()) && others.contains(&name)) {
                return None;
            }
            self.names.push(name);
            self.eat(b':')?;
            member(self, name)?;
            match self.take()? {
                b',' => {}
                b'}' => {
                    self.names.truncate(first_name);
                    self.close();
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Goes through an array: `item` must go over each of its values.
    pub fn array(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.open(b'[')?;
        if self.ends(b']') {
            self.close();
            return Some(());
        }
        loop {
            item(self)?;
            match self.take()? {
                b',' => {}
                b']' => {
                    self.close();
                    return Some(());
                }
                _ => return None,
            }
        }
    }

    /// Goes over a text that stands there as it is, without escapes. `None` for every other value, which
    /// then still comes next.
    pub fn plain_text(&mut self) -> Option<&'t str> {
        if self.next()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let rest = self.bytes().get(start..)?;
        let length = position(rest, is_not_plain)?;
        if rest.get(length) != Some(&b'"') {
            return None;
        }
        self.at = start + length + 1;
        self.text.get(start..start + length)
    }

    /// Goes over a value. What it holds is looked at only as far as finding its end takes.
    pub fn skip(&mut self) -> Option<()> {
        let mut open = 0_usize;
        loop {
            match self.next()? {
                b'"' => {
                    self.at += 1;
                    self.skip_string()?;
                }
                b'{' | b'[' => {
                    open += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    open = open.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if open == 0 => return None,
                b',' | b':' => self.at += 1,
                _ => {
                    let word = |byte: &u8| !matches!(byte, b',' | b':' | b'}' | b']' | b'{' | b'[' | b'"');
                    self.at += self.rest().iter().take_while(|byte| word(byte) && !is_space(**byte)).count();
                }
            }
            if open == 0 {
                return Some(());
            }
        }
    }

    /// To the end of a text that has begun.
    fn skip_string(&mut self) -> Option<()> {
        loop {
            let rest = self.rest();
            let length = position(rest, |byte| matches!(byte, b'"' | b'\\'))?;
            if rest.get(length) == Some(&b'"') {
                self.at += length + 1;
                return Some(());
            }
            self.at += length + 2;
        }
    }

    /// A name without escapes, as it is. Names are short: looking at blocks of them would not pay.
    fn plain_name(&mut self) -> Option<&'t str> {
        self.eat(b'"')?;
        let length = self.rest().iter().position(|byte| is_not_plain(*byte))?;
        let found = self.text.get(self.at..self.at + length)?;
        self.at += length;
        self.eat(b'"')?;
        Some(found)
    }

    fn open(&mut self, bracket: u8) -> Option<()> {
        self.depth += 1;
        if self.depth > DEEPEST { None } else { self.eat(bracket) }
    }

    fn close(&mut self) {
        self.depth -= 1;
    }

    /// Goes over the bracket if it comes next.
    fn ends(&mut self, bracket: u8) -> bool {
        let ends = self.next() == Some(bracket);
        self.at += usize::from(ends);
        ends
    }

    fn eat(&mut self, wanted: u8) -> Option<()> {
        (self.take()? == wanted).then_some(())
    }

    fn take(&mut self) -> Option<u8> {
        let byte = self.next()?;
        self.at += 1;
        Some(byte)
    }

    /// The next byte that is no space; stands before it.
    fn next(&mut self) -> Option<u8> {
        loop {
            let byte = self.here()?;
            if !is_space(byte) {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    fn here(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    fn bytes(&self) -> &'t [u8] {
        self.text.as_bytes()
    }

    fn rest(&self) -> &'t [u8] {
        self.bytes().get(self.at..).unwrap_or_default()
    }
}

/// Where the first such byte stands. Long texts have none for a while, which is seen block by block.
fn position(text: &[u8], is_wanted: impl Fn(u8) -> bool) -> Option<usize> {
    let (blocks, _) = text.as_chunks::<BLOCK_BYTES>();
    let has_none = |block: &&[u8; BLOCK_BYTES]| !block.iter().fold(false, |any, byte| any | is_wanted(*byte));
    let before = BLOCK_BYTES * blocks.iter().take_while(has_none).count();
    let within = text.get(before..)?.iter().position(|byte| is_wanted(*byte))?;
    Some(before + within)
}

/// What ends a text, or is not copied as it is.
fn is_not_plain(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Where it stands: what it goes through is personal data.
impl std::fmt::Debug for JsonText<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonText").field("at", &self.at).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

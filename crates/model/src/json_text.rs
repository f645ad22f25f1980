use std::ops::Range;

/// Nested deeper than this, a text is left to a parser that makes values.
const DEEPEST: usize = 100;

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
        Self { text, at: 0, depth: 0, keys: Vec::new(), names: Vec::new() }
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
        let first_name = self.names.len();
        loop {
            let name = self.plain_string()?;
            let others = self.names.get(first_name..)?;
            if others.len() >= MOST_KEYS || others.contains(&name) {
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

    /// Goes over a value and adds it to `out`.
    pub fn copy(&mut self, out: &mut Vec<u8>) -> Option<()> {
        match self.next()? {
            b'{' => self.copy_object(out),
            b'[' => {
                out.push(b'[');
                let mut is_first = true;
                self.array(|text| {
                    if !std::mem::take(&mut is_first) {
                        out.push(b',');
                    }
                    text.copy(out)
                })?;
                out.push(b']');
                Some(())
            }
            b'"' => self.copy_string(out),
            b'-' | b'0'..=b'9' => self.copy_number(out),
            b't' => self.copy_word("true", out),
            b'f' => self.copy_word("false", out),
            b'n' => self.copy_word("null", out),
            _ => None,
        }
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
            let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if rest.get(length) == Some(&b'"') {
                self.at += length + 1;
                return Some(());
            }
            self.at += length + 2;
        }
    }

    fn copy_object(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.open(b'{')?;
        out.push(b'{');
        let first_key = self.keys.len();
        if !self.ends(b'}') {
            loop {
                let start = out.len();
                if self.next()? != b'"' {
                    return None;
                }
                self.copy_string(out)?;
                self.note_key(first_key, start..out.len(), out)?;
                self.eat(b':')?;
                out.push(b':');
                self.copy(out)?;
                match self.take()? {
                    b',' => out.push(b','),
                    b'}' => break,
                    _ => return None,
                }
            }
        }
        self.keys.truncate(first_key);
        out.push(b'}');
        self.close();
        Some(())
    }

    /// Texts have one form in the copy, so that equal keys are equal bytes.
    fn note_key(&mut self, first_key: usize, key: Range<usize>, out: &[u8]) -> Option<()> {
        let others = self.keys.get(first_key..)?;
        let text = out.get(key.clone())?;
        let is_known =
            |other: &Range<usize>| other.len() == key.len() && out.get(other.clone()) == Some(text);
        if others.len() >= MOST_KEYS || others.iter().any(is_known) {
            return None;
        }
        self.keys.push(key);
        Some(())
    }

    /// A text without escapes, as it is.
    fn plain_string(&mut self) -> Option<&'t str> {
        self.eat(b'"')?;
        let length = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
        let found = self.text.get(self.at..self.at + length)?;
        self.at += length;
        self.eat(b'"')?;
        Some(found)
    }

    fn copy_string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        out.push(b'"');
        self.at += 1;
        loop {
            let rest = self.rest();
            let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
            out.extend_from_slice(rest.get(..length)?);
            self.at += length;
            match (rest.get(length)?, rest.get(length + 1)) {
                (b'"', _) => {
                    self.at += 1;
                    out.push(b'"');
                    return Some(());
                }
                (b'\\', Some(escaped @ (b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't'))) => {
                    self.at += 2;
                    out.extend_from_slice(&[b'\\', *escaped]);
                }
                (b'\\', Some(b'/')) => {
                    self.at += 2;
                    out.push(b'/');
                }
                (b'\\', Some(b'u')) => self.copy_escape(out)?,
                _ => return None,
            }
        }
    }

    /// A character by its number, or by two if it is outside of the first plane: a parser makes of it what
    /// it is.
    fn copy_escape(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let is_half = matches!(self.rest(), [_, _, b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', ..]);
        let end = self.at + if is_half { 12 } else { 6 };
        let escapes = self.text.get(self.at..end)?;
        let character: String = serde_json::from_str(&format!("\"{escapes}\"")).ok()?;
        let written = serde_json::to_vec(&character).ok()?;
        out.extend_from_slice(written.get(1..written.len() - 1)?);
        self.at = end;
        Some(())
    }

    fn copy_number(&mut self, out: &mut Vec<u8>) -> Option<()> {
        if self.here() == Some(b'-') {
            self.at += 1;
            out.push(b'-');
        }
        match self.here()? {
            b'0' => {
                self.at += 1;
                out.push(b'0');
            }
            b'1'..=b'9' => self.copy_digits(out)?,
            _ => return None,
        }
        if self.here() == Some(b'.') {
            self.at += 1;
            out.push(b'.');
            self.copy_digits(out)?;
        }
        if matches!(self.here(), Some(b'e' | b'E')) {
            self.at += 1;
            out.push(b'e');
            match self.here()? {
                sign @ (b'+' | b'-') => {
                    self.at += 1;
                    out.push(sign);
                }
                _ => out.push(b'+'),
            }
            self.copy_digits(out)?;
        }
        // A digit behind a leading zero, or a letter: whoever called finds no comma there.
        Some(())
    }

    fn copy_digits(&mut self, out: &mut Vec<u8>) -> Option<()> {
        let rest = self.rest();
        let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        out.extend_from_slice(rest.get(..length)?);
        self.at += length;
        (length > 0).then_some(())
    }

    fn copy_word(&mut self, word: &str, out: &mut Vec<u8>) -> Option<()> {
        self.rest().starts_with(word.as_bytes()).then(|| {
            self.at += word.len();
            out.extend_from_slice(word.as_bytes());
        })
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

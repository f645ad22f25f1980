//! Copying values from text to text.

use std::ops::Range;

use super::seen::Seen;
use super::{JsonText, MOST_KEYS, is_not_plain, position};

impl JsonText<'_> {
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

    fn copy_object(&mut self, out: &mut Vec<u8>) -> Option<()> {
        self.open(b'{')?;
        out.push(b'{');
        let (first_key, mut seen) = (self.keys.len(), Seen::default());
        if !self.ends(b'}') {
            loop {
                let start = out.len();
                if self.next()? != b'"' {
                    return None;
                }
                self.copy_string(out)?;
                self.note_key((first_key, &mut seen), start..out.len(), out)?;
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
    fn note_key(
        &mut self,
        (first_key, seen): (usize, &mut Seen),
        key: Range<usize>,
        out: &[u8],
    ) -> Option<()> {
        let others = self.keys.get(first_key..)?;
        let text = out.get(key.clone())?;
        let is_known =
            |other: &Range<usize>| other.len() == key.len() && out.get(other.clone()) == Some(text);
        if others.len() >= MOST_KEYS || (seen.may_hold(text) && others.iter().any(is_known)) {
            return None;
        }
        self.keys.push(key);
        Some(())
    }

    fn copy_string(&mut self, out: &mut Vec<u8>) -> Option<()> {
        out.push(b'"');
        self.at += 1;
        loop {
            let rest = self.rest();
            let length = position(rest, is_not_plain)?;
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
}

//! The names and ids of an inventory, each distinct text once, in one piece of memory.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use crate::inventory::InventoryError;

/// Where a text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::inventory) struct Text {
    start: u32,
    end: u32,
}

/// All texts.
#[derive(Default)]
pub(in crate::inventory) struct Texts {
    all: String,
}

/// Texts while they are gathered.
#[derive(Default)]
pub(in crate::inventory) struct TextWriter {
    texts: Texts,
    /// By hash. Of two texts that share one, the second stands again where it is wanted.
    known: HashMap<u64, Text>,
    hasher: RandomState,
}

impl Text {
    /// Nothing.
    pub(in crate::inventory) const EMPTY: Text = Text { start: 0, end: 0 };

    pub(in crate::inventory) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

impl Texts {
    pub(in crate::inventory) fn get(&self, text: Text) -> &str {
        self.all.get(text.start as usize..text.end as usize).unwrap_or_default()
    }

    /// A text that may be missing.
    pub(in crate::inventory) fn find(&self, text: Text) -> Option<&str> {
        Some(self.get(text)).filter(|text| !text.is_empty())
    }

    pub(in crate::inventory) fn bytes(&self) -> usize {
        self.all.capacity()
    }
}

impl TextWriter {
    /// Keeps a text.
    pub(in crate::inventory) fn add(&mut self, text: &str) -> Result<Text, InventoryError> {
        if text.is_empty() {
            return Ok(Text::EMPTY);
        }
        let hash = self.hasher.hash_one(text);
        if let Some(known) = self.known.get(&hash)
            && self.texts.get(*known) == text
        {
            return Ok(*known);
        }
        let place = |length: usize| u32::try_from(length).map_err(|_| InventoryError::TooLarge);
        let start = place(self.texts.all.len())?;
        let end = place(self.texts.all.len() + text.len())?;
        self.texts.all.push_str(text);
        let text = Text { start, end };
        self.known.insert(hash, text);
        Ok(text)
    }

    pub(in crate::inventory) fn get(&self, text: Text) -> &str {
        self.texts.get(text)
    }

    pub(in crate::inventory) fn finish(mut self) -> Texts {
        self.texts.all.shrink_to_fit();
        self.texts
    }
}

/// A text as searches and matches compare it: without case.
pub(in crate::inventory) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Whether a text is `wanted`, which is folded already. Of plain text no copy is made: whole tables are gone through.
pub(in crate::inventory) fn is_folded(text: &str, wanted: &str) -> bool {
    if text.is_ascii() { text.trim().eq_ignore_ascii_case(wanted) } else { folded(text) == wanted }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_compared_with_a_folded_one_as_if_it_were_folded() {
        let texts = [" Ana ", "ana", "ÄNNE", "änne ", "\u{212a}ai", "kai", "", "an"];

        for wanted in texts.map(folded) {
            for text in texts {
                assert_eq!(is_folded(text, &wanted), folded(text) == wanted, "{text:?} {wanted:?}");
            }
        }
    }

    #[test]
    fn equal_texts_stand_once_and_all_are_found_again() {
        let mut writer = TextWriter::default();

        let texts = ["member", "", "Ångström", "member"].map(|text| writer.add(text).unwrap());

        assert_eq!(texts[0], texts[3]);
        let texts = (texts, writer.finish());
        assert_eq!(texts.0.map(|text| texts.1.get(text)), ["member", "", "Ångström", "member"]);
        assert_eq!(texts.1.find(Text::EMPTY), None);
    }
}

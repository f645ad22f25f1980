use serde::{Deserialize, Serialize};

use super::Steps;
use crate::fingerprint::Fingerprint;

/// From where the reading of a unit goes on: the next page, and what is known of the pages before it.
///
/// It holds the address of a page, and so perhaps something of a person: keep it sealed. `Debug` shows
/// the number of pages only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePoint {
    /// What the unit asks; another one means that the file or the values changed.
    pub(crate) of: Fingerprint,
    /// Address of the next page.
    pub(crate) next: String,
    /// What of the body counts when requests are compared.
    pub(crate) body: Fingerprint,
    /// Pages read.
    pub(crate) pages: u64,
    /// Whether one of them had the object that holds link or cursor.
    pub(crate) had_paging_object: bool,
    /// Whether fixed steps left something out; only lists of access ask.
    #[serde(default)]
    pub(crate) steps: Steps,
}

/// By what a page that was read is known when it comes again. Says nothing of its content to anybody
/// who does not have the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageMark {
    /// The request.
    pub(crate) request: Fingerprint,
    /// The page; only where pages are counted up.
    pub(crate) page: Option<Fingerprint>,
}

impl PageMark {
    /// As bytes, to be kept.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut bytes = self.request.to_bytes().to_vec();
        if let Some(page) = self.page {
            bytes.extend(page.to_bytes());
        }
        bytes
    }

    /// The mark in such bytes; `None` if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (request, page) = bytes.split_first_chunk()?;
        let page = match page {
            [] => None,
            page => Some(Fingerprint::from_bytes(page.try_into().ok()?)),
        };
        Some(Self { request: Fingerprint::from_bytes(*request), page })
    }
}

impl std::fmt::Debug for ResumePoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResumePoint").field("pages", &self.pages).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_comes_back_from_its_bytes_and_others_are_none() {
        let of = |text: &str| Fingerprint::of_bytes(text.as_bytes());
        for mark in
            [PageMark { request: of("a"), page: None }, PageMark { request: of("a"), page: Some(of("b")) }]
        {
            assert_eq!(PageMark::from_bytes(&mark.to_bytes()), Some(mark));
        }
        assert_eq!(PageMark::from_bytes(b"short"), None);
        assert_eq!(PageMark::from_bytes(&[0; 20]), None);
    }

    #[test]
    fn an_address_stays_out_of_debug() {
        let of = Fingerprint::of_bytes(b"");
        let next = "https://api.acme.test/p?email=ana@example.com".to_owned();
        let steps = Steps::default();
        let point = ResumePoint { of, next, body: of, pages: 3, had_paging_object: false, steps };

        assert!(!format!("{point:?}").contains("ana@"));
    }
}

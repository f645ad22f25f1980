//! What addresses and names are compared by.

use crate::inventory::view::texts::folded;

/// What becomes of `+news` in `ana+news@example.com`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PlusSuffix {
    /// It tells addresses apart.
    #[default]
    Kept,
    /// It does not.
    Removed,
}

/// An address as it is compared: without case, and without a suffix if that is wanted. Nothing if it is no address.
pub(super) fn email(text: &str, suffix: PlusSuffix) -> Option<String> {
    let text = folded(text);
    let (local, domain) = text.rsplit_once('@')?;
    let domain = domain.trim_end_matches('.');
    if local.is_empty() || domain.is_empty() {
        return None;
    }
    let local = match suffix {
        PlusSuffix::Kept => local,
        // What begins with a plus has nothing in front of it to be compared.
        PlusSuffix::Removed => local.split('+').next().filter(|first| !first.is_empty()).unwrap_or(local),
    };
    Some(format!("{local}@{domain}"))
}

/// A name to sign in with as it is compared.
pub(super) fn user_name(text: &str) -> Option<String> {
    Some(folded(text)).filter(|name| !name.is_empty())
}

/// A first and a last name as they are compared: without case, with single spaces.
pub(super) fn full_name(text: &str) -> Option<String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    // One word is no first and last name; too many people share it.
    (words.len() >= 2).then(|| words.join(" "))
}

/// Local part and domain of an address that was made comparable.
pub(super) fn parts(email: &str) -> (&str, &str) {
    email.rsplit_once('@').unwrap_or((email, ""))
}

/// The domain of an address, as it is compared.
pub(in crate::inventory) fn domain(text: &str) -> Option<String> {
    let email = email(text, PlusSuffix::Kept)?;
    Some(parts(&email).1.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(" Ana@Example.COM ", PlusSuffix::Kept, Some("ana@example.com"))]
    #[case("ana+news@example.com", PlusSuffix::Kept, Some("ana+news@example.com"))]
    #[case("ana+news+x@example.com", PlusSuffix::Removed, Some("ana@example.com"))]
    #[case("+news@example.com", PlusSuffix::Removed, Some("+news@example.com"))]
    #[case("\"a@b\"@example.com.", PlusSuffix::Kept, Some("\"a@b\"@example.com"))]
    #[case("ÄNNE@example.com", PlusSuffix::Kept, Some("änne@example.com"))]
    #[case("ana", PlusSuffix::Kept, None)]
    #[case("@example.com", PlusSuffix::Kept, None)]
    #[case("ana@", PlusSuffix::Kept, None)]
    fn acc10_addresses_are_compared_without_case(
        #[case] text: &str,
        #[case] suffix: PlusSuffix,
        #[case] key: Option<&str>,
    ) {
        assert_eq!(email(text, suffix).as_deref(), key);
    }

    #[test]
    fn a_single_word_is_no_first_and_last_name() {
        assert_eq!(full_name("  Ana   LIMA "), Some("ana lima".to_owned()));
        assert_eq!(full_name("Ana"), None);
    }
}

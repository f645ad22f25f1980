/// Whether `text` is an e-mail address, with or without the holder's name before it.
///
/// As in the reference: the address is at most 254 bytes long, the part before the `@` at most 64, and what follows is a
/// host name.
pub(super) fn is_email(text: &str) -> bool {
    let address = match text.trim().strip_suffix('>') {
        Some(rest) => rest.rsplit_once('<').map_or("", |(_, address)| address),
        None => text.trim(),
    };
    let Some((local, host)) = address.rsplit_once('@') else { return false };
    let is_plain = |byte: u8| byte > b' ' && !matches!(byte, b'@' | b'<' | b'>' | b',' | b';' | 0x7f);
    let is_quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    address.len() <= 254
        && (1..=64).contains(&local.len())
        && (is_quoted || local.bytes().all(is_plain))
        && is_host_name(host)
}

fn is_host_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

/// Whether `text` is an absolute URL.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let has_host = match rest.strip_prefix("//") {
        Some(rest) => rest.starts_with(|first: char| !matches!(first, '/' | '?' | '#')),
        None => !rest.is_empty(),
    };
    is_scheme && has_host && !text.bytes().any(|byte| byte <= b' ' || byte == 0x7f)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("a@example.com", true)]
    #[case("Ann Example <ann@example.com>", true)]
    #[case("a@localhost", true)]
    #[case("\"odd name\"@example.com", true)]
    #[case("", false)]
    #[case("a", false)]
    #[case("@example.com", false)]
    #[case("a@", false)]
    #[case("a b@example.com", false)]
    #[case("a@b@example.com", false)]
    #[case("a@-example.com", false)]
    #[case("a@exa mple.com", false)]
    #[case("a>", false)]
    fn addresses_of_mail(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_email(text), expected);
    }

    #[test]
    fn a_long_address_is_refused() {
        assert!(is_email(&format!("{}@example.com", "a".repeat(64))));
        assert!(!is_email(&format!("{}@example.com", "a".repeat(65))));
        assert!(!is_email(&format!("a@{}.com", "a.".repeat(130))));
    }

    #[rstest]
    #[case("https://example.com/a?b", true)]
    #[case("mailto:a@example.com", true)]
    #[case("https://", false)]
    #[case("https:///path", false)]
    #[case("/path", false)]
    #[case("1a:b", false)]
    #[case("https://example.com/a b", false)]
    fn urls(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(is_uri(text), expected);
    }
}

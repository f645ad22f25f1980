/// Values that must never show up where they do not belong: plant them as secrets and personal
/// data, then search all output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canary {
    /// To be planted as a secret (token, password, key).
    pub secret: String,
    /// To be planted as personal data; an e-mail address of an invented person.
    pub personal: String,
}

impl Canary {
    /// Two values that hold `name`, so that a failing test says which one leaked.
    pub fn new(name: &str) -> Self {
        Self {
            secret: format!("canary-secret-{name}-7d1f3b"),
            personal: format!("canary-{name}-4e9a2c@example.com"),
        }
    }

    /// Fails if either value is in any of the texts, plain, percent-encoded, JSON-escaped or in
    /// base64 (also as the user name of Basic authentication).
    ///
    /// # Panics
    /// One of the values was found; the message says in which text, by position, without it.
    pub fn assert_absent<T: AsRef<[u8]>>(&self, haystacks: impl IntoIterator<Item = T>) {
        for (position, haystack) in haystacks.into_iter().enumerate() {
            if let Some(kind) = self.find_in(haystack.as_ref()) {
                panic!("the {kind} canary was found in text {position} of those searched");
            }
        }
    }

    /// Which of the two values is in the text (`secret` or `personal`), if any.
    pub fn find_in(&self, haystack: &[u8]) -> Option<&'static str> {
        [("secret", &self.secret), ("personal", &self.personal)]
            .into_iter()
            .find(|(_, value)| holds(haystack, value))
            .map(|(kind, _)| kind)
    }
}

/// Whether `value` is in `haystack`, plain or in one of the forms that [`Canary::assert_absent`]
/// looks for.
pub fn holds(haystack: &[u8], value: &str) -> bool {
    forms(value).iter().any(|form| contains(haystack, form.as_bytes()))
}

/// The forms a value takes on its way out. Base64 depends on the position in its group of three,
/// so all three are made and their uncertain ends dropped.
fn forms(value: &str) -> Vec<String> {
    use base64::Engine as _;
    let percent = |space| value.replace('@', "%40").replace('+', "%2B").replace(' ', space);
    let mut forms = vec![value.to_owned(), percent("%20"), percent("+"), value.replace('@', "\\u0040")];
    for engine in [base64::engine::general_purpose::STANDARD, base64::engine::general_purpose::URL_SAFE] {
        for (shift, skip) in [(0, 0), (1, 2), (2, 3)] {
            let padded = format!("{}{value}", "x".repeat(shift));
            let encoded = engine.encode(padded);
            let sure: String = encoded.trim_end_matches('=').chars().skip(skip).collect();
            forms.push(sure.chars().take(sure.chars().count().saturating_sub(2)).collect());
        }
    }
    forms
}

/// By a crate that is optimized in tests too: logs at the level `trace` are searched for hundreds of forms.
fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    memchr::memmem::find(haystack, needle).is_some()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn every_form_of_a_leak_is_found() {
        let canary = Canary::new("token");
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("ab:{}", canary.secret));

        for leak in [
            format!("Bearer {}", canary.secret),
            format!("authorization: Basic {basic}"),
            format!("/users?email={}", canary.personal.replace('@', "%40")),
        ] {
            assert!(canary.find_in(leak.as_bytes()).is_some(), "{leak}");
        }
        assert!(holds(b"/search?phone=%2B4915550199&name=Ana+Canary", "+4915550199"));
        assert!(holds(b"/search?name=Ana+Canary", "Ana Canary"));
        canary.assert_absent(["nothing here", "canary-secret-other"]);
    }
}

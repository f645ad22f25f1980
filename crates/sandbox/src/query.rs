use percent_encoding::percent_decode_str;

/// Decoded query or form parameters, in the order sent; names may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes `text`, where `+` is a space and everything else is percent-encoded.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a name.
    pub fn find(&self, name: &str) -> Option<&str> {
        self.pairs().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The values of a name that takes a list, in any spelling that clients use: repeated, `name[0]`,
    /// `name.0`, `name[]`, or one JSON array.
    pub fn list(&self, name: &str) -> Vec<String> {
        let mut values = Vec::new();
        for (found, value) in self.pairs() {
            let Some(rest) = found.strip_prefix(name) else { continue };
            let index = match rest.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                Some(index) => index,
                None => rest.strip_prefix('.').unwrap_or(rest),
            };
            if !index.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            match serde_json::from_str::<Vec<String>>(value) {
                Ok(list) => values.extend(list),
                Err(_) => values.push(value.to_owned()),
            }
        }
        values
    }

    /// All parameters.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Percent-decodes one part of a query or form.
fn decode(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule: segment-api A24
    #[test]
    fn lists_are_understood_in_every_spelling_and_plus_is_a_space() {
        for text in [
            "emails=a%2Bb@x&emails=c@x",
            "emails%5B0%5D=a%2Bb@x&emails[1]=c@x",
            "emails.0=a%2Bb@x&emails.1=c@x",
            "emails=%5B%22a%2Bb@x%22,%22c@x%22%5D",
        ] {
            assert_eq!(Query::parse(text).list("emails"), ["a+b@x", "c@x"], "{text}");
        }
        assert_eq!(Query::parse("emails=a+b@x").list("emails"), ["a b@x"]);
        assert!(Query::parse("emailsOther=a").list("emails").is_empty());
    }
}

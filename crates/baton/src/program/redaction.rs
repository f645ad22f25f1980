use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use crypto::Secret;
use zeroize::Zeroizing;

/// What stands in place of a secret.
const STARS: &str = "***";
/// Lines of a secret of several lines that are looked for by themselves.
const LEAST_LINE: usize = 4;

/// Takes secrets out of what a program prints: as they are, and in the forms in which programs print them.
pub(super) struct Redaction {
    /// Longest first: a short secret may be a part of a long one.
    words: Vec<Zeroizing<String>>,
}

impl Redaction {
    pub(super) fn of<'a>(secrets: impl Iterator<Item = &'a Secret<String>>) -> Self {
        let mut words: Vec<Zeroizing<String>> = Vec::new();
        for secret in secrets {
            let secret = secret.expose();
            let lines = secret.lines().filter(|line| line.len() >= LEAST_LINE && line.len() < secret.len());
            for word in std::iter::once(secret.as_str()).chain(lines).filter(|word| !word.is_empty()) {
                words.extend(forms(word));
            }
        }
        words.sort_by(|left, right| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        words.dedup();
        Self { words }
    }

    /// Length of the longest word that is looked for.
    pub(super) fn longest(&self) -> usize {
        self.words.first().map_or(0, |word| word.len())
    }

    /// The line without secrets.
    pub(super) fn apply(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for word in &self.words {
            if line.contains(word.as_str()) {
                line = line.replace(word.as_str(), STARS);
            }
        }
        line
    }
}

/// A secret as texts, JSON, addresses and headers have it.
fn forms(word: &str) -> Vec<Zeroizing<String>> {
    let json = serde_json::to_string(word).unwrap_or_default();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    // As the JSON of Go has it, in which most connectors are written.
    let page_json = json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    // A body in a line of a log is JSON in JSON.
    let nested = |form: &str| form.replace('\\', "\\\\").replace('"', "\\\"");
    let (nested_json, nested_page_json) = (nested(&json), nested(&page_json));
    let encoded: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
    // Go writes other bytes as they are, and a space in a path in another way.
    let go_encoded = encoded.replace('*', "%2A").replace("%7E", "~");
    let go_path = go_encoded.replace('+', "%20");
    let texts = [word.to_owned(), json, page_json, nested_json, nested_page_json];
    let addresses = [encoded, go_encoded, go_path];
    let base64 =
        [STANDARD_NO_PAD, URL_SAFE_NO_PAD].into_iter().flat_map(|engine| base64_forms(word, &engine));
    let forms = texts.into_iter().chain(addresses).chain(base64);
    forms.filter(|form| !form.is_empty()).map(Zeroizing::new).collect()
}

/// A word in base64: by itself, and wherever it stands in what is encoded, as a password does behind a name.
fn base64_forms(word: &str, engine: &impl Engine) -> Vec<String> {
    // So many bytes of a group of three stand before it, and so many letters are theirs.
    let within = [(0, 0), (1, 2), (2, 3)].into_iter().filter_map(|(before, from)| {
        let bytes = [vec![0; before].as_slice(), word.as_bytes()].concat();
        // What its last bits share with what follows is left out.
        let whole_letters = bytes.len() * 8 / 6;
        engine.encode(&bytes).get(from..whole_letters).map(str::to_owned)
    });
    let within = within.filter(|form| form.len() >= LEAST_LINE);
    std::iter::once(engine.encode(word)).chain(within).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redaction(secrets: &[&str]) -> Redaction {
        let secrets: Vec<Secret<String>> =
            secrets.iter().map(|secret| Secret::new((*secret).to_owned())).collect();
        Redaction::of(secrets.iter())
    }

    // rule: architecture law 8
    #[test]
    fn a_secret_is_taken_out_in_each_form() {
        let redaction = redaction(&["can/ary+\"7\"", "first line\nsecond line", "can"]);
        let encoded = STANDARD_NO_PAD.encode("can/ary+\"7\"");

        for line in [
            "token=can/ary+\"7\" refused",
            r#"{"token":"can/ary+\"7\""}"#,
            "GET /?token=can%2Fary%2B%227%22",
            &format!("authorization: Basic {encoded}=="),
            "key second line is wrong",
        ] {
            let told = redaction.apply(line);

            assert!(told.contains(STARS), "{told}");
            for part in ["ary", "line is", &encoded[3..], "second line"] {
                assert!(!told.contains(part) || part == "line is", "{told}");
            }
        }
        assert_eq!(redaction.apply("nothing of it"), "nothing of it");
    }

    // rule: architecture law 8
    #[test]
    fn a_secret_is_taken_out_of_what_is_encoded_with_it() {
        for secret in ["canary-4f1c8a", "canary-4f1c8ab", "canary-4f1c8abc", "can?~>>/"] {
            let redaction = redaction(&[secret]);
            for (before, behind) in [("", ":"), ("a:", ""), ("ab:", ""), ("abc:", "\n"), ("api:", ":x")] {
                for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                    let told = redaction.apply(&engine.encode(format!("{before}{secret}{behind}")));

                    // What is left holds no more than a letter or two at either end.
                    let left = told.split(STARS).map(str::len).sum::<usize>();
                    let most = (before.len() + behind.len()) * 8 / 6 + 4;
                    assert!(told.contains(STARS) && left <= most, "{before} {secret} {behind}: {told}");
                }
            }
        }
    }

    // rule: architecture law 8
    #[test]
    fn a_secret_is_taken_out_of_json_that_may_stand_in_a_page() {
        let redaction = redaction(&["can&ary<7>"]);

        let told = redaction.apply(r#"{"token":"can\u0026ary\u003c7\u003e","other":"can\u0026did"}"#);

        assert_eq!(told, r#"{"token":"***","other":"can\u0026did"}"#);
    }

    // rule: architecture law 8
    #[test]
    fn a_secret_is_taken_out_of_bodies_in_lines_of_logs_and_of_addresses_as_go_writes_them() {
        let redaction = redaction(&["can&ary<7>", "p*s~s w\"d"]);

        for line in [
            r#"{"body":"{\"token\":\"can\\u0026ary\\u003c7\\u003e\"}"}"#,
            r#"{"body":"{\"token\":\"p*s~s w\\\"d\"}"}"#,
            "GET /?token=p%2As~s+w%22d",
            "GET /of/p%2As~s%20w%22d",
        ] {
            let told = redaction.apply(line);

            assert!(told.contains(STARS) && !told.contains("ary") && !told.contains("s~s"), "{told}");
        }
    }

    #[test]
    fn nothing_is_looked_for_where_there_are_no_secrets() {
        assert_eq!(redaction(&["", "\n"]).apply("a\nb"), "a***b");
        assert_eq!(redaction(&[]).longest(), 0);
    }
}

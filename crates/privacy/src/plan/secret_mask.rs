use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// Hides secrets in what a plan shows of a write.
pub struct SecretMask {
    /// Every form in which a secret may stand, longest first.
    forms: Vec<String>,
}

/// What stands in the place of a secret.
const HIDDEN: &str = "***";

/// Shorter secrets are no secrets, and hiding them would tear words apart.
const SHORTEST: usize = 4;

impl SecretMask {
    /// Hides `secrets`: as they are, escaped for JSON and URLs, and in base64.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.into_iter().filter(|secret| secret.len() >= SHORTEST) {
            let escaped = Value::from(secret).to_string();
            let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
            let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            forms.push(escaped.trim_matches('"').to_owned());
            forms.extend([encoded.to_lowercase(), encoded, form, STANDARD.encode(secret)]);
            forms.extend([URL_SAFE_NO_PAD.encode(secret), secret.to_owned()]);
        }
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        forms.dedup();
        Self { forms }
    }

    /// `text` without the secrets.
    pub fn text(&self, text: &str) -> String {
        self.forms.iter().fold(text.to_owned(), |text, form| text.replace(form.as_str(), HIDDEN))
    }

    /// `value` without the secrets, in keys and in values.
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::from(self.text(text)),
            Value::Number(number) => {
                let text = number.to_string();
                if self.forms.contains(&text) { Value::from(HIDDEN) } else { value.clone() }
            }
            Value::Array(items) => Value::Array(items.iter().map(|item| self.value(item)).collect()),
            Value::Object(members) => Value::Object(
                members.iter().map(|(name, value)| (self.text(name), self.value(value))).collect(),
            ),
            Value::Null | Value::Bool(_) => value.clone(),
        }
    }
}

impl std::fmt::Debug for SecretMask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretMask(…)")
    }
}

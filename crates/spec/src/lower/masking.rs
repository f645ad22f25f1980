//! Masking strategies and their settings (privacy-requests M-1).

use serde_json::Value;

use super::{Finding, Lowering};
use crate::dataset_file::MaskingStrategy;
use crate::diagnostic::nearest_of;

/// One setting of a strategy.
struct Setting {
    name: &'static str,
    kind: Kind,
    required: bool,
}

/// What a setting may be.
enum Kind {
    Text,
    Length,
    OneOf(&'static [&'static str]),
    /// `{suffix: text}`.
    Format,
}

const fn optional(name: &'static str, kind: Kind) -> Setting {
    Setting { name, kind, required: false }
}

const FORMAT: Setting = optional("format_preservation", Kind::Format);
const ALGORITHM: Setting = optional("algorithm", Kind::OneOf(&["SHA-256", "SHA-512"]));

/// Every strategy with its settings, by name.
const STRATEGIES: &[(&str, &[Setting])] = &[
    ("aes_encrypt", &[optional("mode", Kind::OneOf(&["GCM"])), FORMAT]),
    ("hash", &[ALGORITHM, FORMAT]),
    ("hmac", &[ALGORITHM, FORMAT]),
    ("null_rewrite", &[]),
    ("preserve", &[]),
    ("random_string_rewrite", &[optional("length", Kind::Length), FORMAT]),
    ("string_rewrite", &[Setting { name: "rewrite_value", kind: Kind::Text, required: true }, FORMAT]),
];

impl Lowering<'_> {
    /// Checks the strategy at `place`, name and settings. Null counts as absent.
    pub(super) fn masking(&mut self, place: &str, masking: &MaskingStrategy) {
        let name = masking.strategy.as_str();
        let Some((_, settings)) = STRATEGIES.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = STRATEGIES.iter().map(|(name, _)| *name).collect();
            let message =
                format!("Strategy '{name}' does not exist. Valid strategies are [{}]", names.join(", "));
            let help = match nearest_of(name, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write one of these names".to_owned(),
            };
            self.error(&format!("{place}.strategy"), Finding::new("spec::unknown_masking", message, help));
            return;
        };
        let place = format!("{place}.configuration");
        let empty = serde_json::Map::new();
        let written = masking.configuration.as_object().unwrap_or(&empty);
        let names: Vec<&str> = settings.iter().map(|known| known.name).collect();
        self.no_others(&place, written, &names);
        for setting in *settings {
            match written.get(setting.name).filter(|value| !value.is_null()) {
                Some(value) => self.setting(&format!("{place}.{}", setting.name), setting, value),
                None if setting.required => {
                    let message = format!("`{name}` needs the setting `{}`", setting.name);
                    let help = format!("add `configuration: {{ {}: … }}`", setting.name);
                    self.key_error(&place, Finding::new("spec::masking_setting", message, help));
                }
                None => {}
            }
        }
    }

    fn setting(&mut self, place: &str, setting: &Setting, value: &Value) {
        let wanted = match &setting.kind {
            Kind::Text if value.is_string() => return,
            Kind::Length if value.as_u64().is_some_and(|length| length > 0) => return,
            Kind::OneOf(words) if value.as_str().is_some_and(|word| words.contains(&word)) => return,
            Kind::Format => {
                let suffix = value.get("suffix").filter(|suffix| !suffix.is_null());
                if let Some(members) = value.as_object() {
                    self.no_others(place, members, &["suffix"]);
                }
                if suffix.is_some_and(Value::is_string) {
                    return;
                }
                "a mapping with the text `suffix`".to_owned()
            }
            Kind::Text => "text".to_owned(),
            Kind::Length => "an integer from 1 on".to_owned(),
            Kind::OneOf(words) => words.join(" or "),
        };
        let message = format!("`{}` is not what this strategy takes", setting.name);
        let help = format!("write {wanted}");
        self.error(place, Finding::new("spec::masking_setting", message, help));
    }

    fn no_others(&mut self, place: &str, written: &serde_json::Map<String, Value>, known: &[&str]) {
        for key in written.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("`{key}` is not known here");
            let help = match nearest_of(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "remove it: it takes none".to_owned(),
                None => format!("settings are {}", known.join(", ")),
            };
            self.key_error(&format!("{place}.{key}"), Finding::new("spec::masking_setting", message, help));
        }
    }
}

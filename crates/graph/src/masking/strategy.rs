use crypto::{MaskDigest, MaskSecrets};
use serde_json::Value;
use spec::dataset_file::{DataKind, MaskingStrategy};
use thiserror::Error;

use super::MaskingGrade;

/// One masking strategy with its configuration, checked (privacy-requests M-1, M-2).
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// Null.
    NullRewrite,
    /// The value itself: excepts one field from a rule.
    Preserve,
    /// A constant.
    StringRewrite {
        /// The constant.
        rewrite_value: String,
        /// Kept at the end.
        suffix: String,
    },
    /// Random letters and digits; never the same twice.
    RandomStringRewrite {
        /// How many.
        length: usize,
        /// Kept at the end.
        suffix: String,
    },
    /// A digest of value and salt.
    Hash {
        /// The digest.
        algorithm: MaskDigest,
        /// Kept at the end.
        suffix: String,
    },
    /// A keyed digest of value and salt.
    Hmac {
        /// The digest.
        algorithm: MaskDigest,
        /// Kept at the end.
        suffix: String,
    },
    /// The value, encrypted so that equal values stay equal.
    AesEncrypt {
        /// Kept at the end.
        suffix: String,
    },
}

/// Why a masking strategy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StrategyError {
    /// No strategy of this name (privacy-requests M-1).
    #[error(
        "Strategy '{name}' does not exist. Valid strategies are [aes_encrypt, hash, hmac, null_rewrite, \
         preserve, random_string_rewrite, string_rewrite]"
    )]
    Unknown {
        /// The name as written.
        name: String,
    },
    /// A key of the configuration is missing.
    #[error("masking strategy `{strategy}` needs `{key}` in its configuration")]
    Missing {
        /// The strategy.
        strategy: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A key of the configuration has another kind of value than it should.
    #[error("`{key}` of masking strategy `{strategy}` must be {expected}")]
    WrongValue {
        /// The strategy.
        strategy: &'static str,
        /// The key.
        key: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

impl Strategy {
    /// Checks a strategy as it stands in a file. Unknown keys of its configuration are ignored.
    ///
    /// # Errors
    /// [`StrategyError`] for an unknown name, and for missing or ill-typed configuration.
    pub fn parse(written: &MaskingStrategy) -> Result<Self, StrategyError> {
        let read = |strategy| Configuration { strategy, value: &written.configuration };
        Ok(match written.strategy.as_str() {
            "null_rewrite" => Self::NullRewrite,
            "preserve" => Self::Preserve,
            "string_rewrite" => {
                let configuration = read("string_rewrite");
                let rewrite_value = configuration
                    .text("rewrite_value")?
                    .ok_or(StrategyError::Missing { strategy: "string_rewrite", key: "rewrite_value" })?;
                Self::StringRewrite { rewrite_value, suffix: configuration.suffix()? }
            }
            "random_string_rewrite" => {
                let configuration = read("random_string_rewrite");
                Self::RandomStringRewrite {
                    length: configuration.length()?.unwrap_or(30),
                    suffix: configuration.suffix()?,
                }
            }
            "hash" => {
                let configuration = read("hash");
                Self::Hash { algorithm: configuration.algorithm()?, suffix: configuration.suffix()? }
            }
            "hmac" => {
                let configuration = read("hmac");
                Self::Hmac { algorithm: configuration.algorithm()?, suffix: configuration.suffix()? }
            }
            "aes_encrypt" => {
                let configuration = read("aes_encrypt");
                configuration.only("mode", &["GCM"], "`GCM`")?;
                Self::AesEncrypt { suffix: configuration.suffix()? }
            }
            name => return Err(StrategyError::Unknown { name: name.to_owned() }),
        })
    }

    /// Its name in files.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NullRewrite => "null_rewrite",
            Self::Preserve => "preserve",
            Self::StringRewrite { .. } => "string_rewrite",
            Self::RandomStringRewrite { .. } => "random_string_rewrite",
            Self::Hash { .. } => "hash",
            Self::Hmac { .. } => "hmac",
            Self::AesEncrypt { .. } => "aes_encrypt",
        }
    }

    /// How well a value is gone after it.
    pub fn grade(&self) -> MaskingGrade {
        match self {
            Self::NullRewrite | Self::StringRewrite { .. } | Self::RandomStringRewrite { .. } => {
                MaskingGrade::Overwritten
            }
            Self::Hash { .. } | Self::Hmac { .. } => MaskingGrade::KeyedHash,
            Self::AesEncrypt { .. } => MaskingGrade::Encrypted,
            Self::Preserve => MaskingGrade::Kept,
        }
    }

    /// Whether it draws on secrets, and so may not be a field's override (privacy-requests M-7).
    pub fn needs_secrets(&self) -> bool {
        match self {
            Self::Hash { .. } | Self::Hmac { .. } | Self::AesEncrypt { .. } => true,
            Self::NullRewrite
            | Self::Preserve
            | Self::StringRewrite { .. }
            | Self::RandomStringRewrite { .. } => false,
        }
    }

    /// Whether it takes values of every type; else only texts.
    pub fn takes_any_type(&self) -> bool {
        match self {
            Self::NullRewrite | Self::Preserve => true,
            Self::StringRewrite { .. }
            | Self::RandomStringRewrite { .. }
            | Self::Hash { .. }
            | Self::Hmac { .. }
            | Self::AesEncrypt { .. } => false,
        }
    }

    /// Whether it can mask a field declared as `kind`.
    pub fn supports(&self, kind: DataKind) -> bool {
        self.takes_any_type() || kind == DataKind::String
    }

    /// The mask of `value`, cut to `longest` characters. A text is cut before its suffix, which is
    /// what keeps its format (the better side of privacy-requests M-3). Scalars that are no text are masked by their text form.
    pub fn mask(&self, value: &Value, secrets: &MaskSecrets, longest: Option<u64>) -> Value {
        let text_of = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
        };
        let masked = match self {
            Self::NullRewrite => None,
            Self::Preserve => return value.clone(),
            Self::StringRewrite { rewrite_value, suffix } => Some((rewrite_value.clone(), suffix)),
            Self::RandomStringRewrite { length, suffix } => Some((crypto::random_text(*length), suffix)),
            Self::Hash { algorithm, suffix } => {
                text_of(value).map(|text| (secrets.hash(*algorithm, &text), suffix))
            }
            Self::Hmac { algorithm, suffix } => {
                text_of(value).map(|text| (secrets.hmac(*algorithm, &text), suffix))
            }
            Self::AesEncrypt { suffix } => text_of(value).map(|text| (secrets.encrypt(&text), suffix)),
        };
        masked.map_or(Value::Null, |(body, suffix)| Value::from(joined(&body, suffix, longest)))
    }
}

/// Masks `values` by each strategy in turn (privacy-requests M-10); no list stays no list.
pub fn mask_values(
    strategies: &[Strategy],
    values: Option<&[Value]>,
    secrets: &MaskSecrets,
) -> Option<Vec<Value>> {
    let mask_one = |value: &Value| {
        strategies.iter().fold(value.clone(), |value, strategy| strategy.mask(&value, secrets, None))
    };
    values.map(|values| values.iter().map(mask_one).collect())
}

fn joined(body: &str, suffix: &str, longest: Option<u64>) -> String {
    let Some(longest) = longest.map(|longest| usize::try_from(longest).unwrap_or(usize::MAX)) else {
        return format!("{body}{suffix}");
    };
    let room = longest.saturating_sub(suffix.chars().count());
    let cut: String = body.chars().take(room).collect();
    cut.chars().chain(suffix.chars()).take(longest).collect()
}

/// The configuration of one strategy.
#[derive(Clone, Copy)]
struct Configuration<'a> {
    strategy: &'static str,
    value: &'a Value,
}

impl Configuration<'_> {
    fn find(&self, key: &'static str) -> Option<&Value> {
        self.value.get(key).filter(|value| !value.is_null())
    }

    fn wrong(&self, key: &'static str, expected: &'static str) -> StrategyError {
        StrategyError::WrongValue { strategy: self.strategy, key, expected }
    }

    fn text(&self, key: &'static str) -> Result<Option<String>, StrategyError> {
        match self.find(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(self.wrong(key, "a text")),
        }
    }

    fn length(&self) -> Result<Option<usize>, StrategyError> {
        /// Longer texts fit into no field that a person's data stands in.
        const LONGEST: u64 = 1_000_000;
        match self.find("length") {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(length @ 1..=LONGEST) => Ok(usize::try_from(length).ok()),
                Some(_) | None => Err(self.wrong("length", "a number from 1 to 1000000")),
            },
        }
    }

    fn suffix(&self) -> Result<String, StrategyError> {
        match self.find("format_preservation") {
            None => Ok(String::new()),
            Some(Value::Object(members)) => match members.get("suffix") {
                Some(Value::String(suffix)) => Ok(suffix.clone()),
                Some(_) | None => Err(self.wrong("format_preservation", "an object with the text `suffix`")),
            },
            Some(_) => Err(self.wrong("format_preservation", "an object with the text `suffix`")),
        }
    }

    fn algorithm(&self) -> Result<MaskDigest, StrategyError> {
        let name = self.only("algorithm", &["SHA-256", "SHA-512"], "`SHA-256` or `SHA-512`")?;
        Ok(if name == Some("SHA-512") { MaskDigest::Sha512 } else { MaskDigest::Sha256 })
    }

    fn only(
        &self,
        key: &'static str,
        allowed: &[&'static str],
        expected: &'static str,
    ) -> Result<Option<&'static str>, StrategyError> {
        let Some(value) = self.find(key) else { return Ok(None) };
        let found = allowed.iter().copied().find(|name| value.as_str() == Some(name));
        found.map(Some).ok_or_else(|| self.wrong(key, expected))
    }
}

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::KeyError;

/// A key of a policy, rule, target, storage or the like (fides-api 1): letters, digits, `_`, `.`, `-`,
/// `<` and `>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct FidesKey(String);

impl FidesKey {
    /// The key of a thing that has a name only: in small letters, what no key may have as `_`; `None`
    /// for a name without a letter or digit.
    ///
    /// ```
    /// use model::FidesKey;
    ///
    /// assert_eq!(FidesKey::from_name("Erase Ana's data").unwrap().as_str(), "erase_ana_s_data");
    /// assert!(FidesKey::from_name("…").is_none());
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        let small = name.trim().to_lowercase();
        let key: String = small.chars().map(|c| if is_allowed(c) { c } else { '_' }).collect();
        key.chars().any(|c| c.is_ascii_alphanumeric()).then_some(Self(key))
    }

    /// The key's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key's text, taken out.
    pub fn into_string(self) -> String {
        self.0
    }
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '<' | '>')
}

impl FromStr for FidesKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.is_empty() || !text.chars().all(is_allowed) {
            return Err(KeyError { text: text.to_owned() });
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for FidesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FidesKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_letters_digits_and_five_signs() {
        for good in ["a", "Erase-all_2.0", "<instance_fides_key>"] {
            assert_eq!(good.parse::<FidesKey>().unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a/b", "../x", "ключ", "a\n", "a'--"] {
            assert!(bad.parse::<FidesKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_made_of_a_name_is_a_key() {
        for name in ["Policy 1", "Zoë’s", " a/b ", "../../etc"] {
            let key = FidesKey::from_name(name).unwrap();

            assert!(key.as_str().parse::<FidesKey>().is_ok(), "{name}");
        }
    }
}

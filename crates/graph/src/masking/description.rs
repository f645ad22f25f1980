/// A masking strategy, for those who choose one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrategyDescription {
    /// Its name in files.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// What its configuration may hold.
    pub keys: &'static [StrategyKey],
}

/// One key of a strategy's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StrategyKey {
    /// The key.
    pub key: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it says.
    pub description: &'static str,
}

const SUFFIX: StrategyKey = StrategyKey {
    key: "format_preservation",
    optional: true,
    description: "an object with the text `suffix`, which is put at the end of each mask",
};

const ALGORITHM: StrategyKey = StrategyKey {
    key: "algorithm",
    optional: true,
    description: "`SHA-256`, which is taken if nothing is said, or `SHA-512`",
};

/// All strategies (privacy-requests M-1), by name.
pub const STRATEGIES: &[StrategyDescription] = &[
    StrategyDescription {
        name: "aes_encrypt",
        description: "encrypts the value, so that equal values stay equal and nobody keeps the key",
        keys: &[
            StrategyKey { key: "mode", optional: true, description: "`GCM`, the only one there is" },
            SUFFIX,
        ],
    },
    StrategyDescription {
        name: "hash",
        description: "puts a digest of the value and a salt that nobody keeps in its place",
        keys: &[ALGORITHM, SUFFIX],
    },
    StrategyDescription {
        name: "hmac",
        description: "puts a keyed digest of the value in its place; nobody keeps the key",
        keys: &[ALGORITHM, SUFFIX],
    },
    StrategyDescription {
        name: "null_rewrite",
        description: "puts null in the place of the value",
        keys: &[],
    },
    StrategyDescription {
        name: "preserve",
        description: "keeps the value, to except a field from its rule",
        keys: &[],
    },
    StrategyDescription {
        name: "random_string_rewrite",
        description: "puts random lower-case letters and digits in the place of the value",
        keys: &[
            StrategyKey { key: "length", optional: true, description: "how many; 30 if nothing is said" },
            SUFFIX,
        ],
    },
    StrategyDescription {
        name: "string_rewrite",
        description: "puts one and the same text in the place of every value",
        keys: &[StrategyKey { key: "rewrite_value", optional: false, description: "the text" }, SUFFIX],
    },
];

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};
    use spec::dataset_file::MaskingStrategy;

    use super::*;
    use crate::{Strategy, StrategyError};

    fn parse(name: &str, configuration: Value) -> Result<Strategy, StrategyError> {
        Strategy::parse(&MaskingStrategy { strategy: name.to_owned(), configuration })
    }

    // rule: privacy-requests M-1
    #[test]
    fn every_strategy_that_is_described_exists_and_needs_what_is_said() {
        let error = parse("no_such", json!({})).unwrap_err().to_string();
        let names: Vec<&str> = STRATEGIES.iter().map(|strategy| strategy.name).collect();

        assert!(error.ends_with(&format!("[{}]", names.join(", "))), "{error}");
        for strategy in STRATEGIES {
            let required = strategy.keys.iter().filter(|key| !key.optional);
            let whole: Map<String, Value> = required.map(|key| (key.key.to_owned(), json!("x"))).collect();
            for key in whole.keys() {
                let mut without = whole.clone();
                without.remove(key);
                assert!(parse(strategy.name, Value::Object(without)).is_err(), "{}: {key}", strategy.name);
            }
            assert_eq!(parse(strategy.name, Value::Object(whole)).unwrap().name(), strategy.name);
        }
    }
}

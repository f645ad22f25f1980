use rstest::rstest;
use serde_json::json;

use super::*;

fn strategy(name: &str, configuration: Value) -> Result<Strategy, StrategyError> {
    Strategy::parse(&MaskingStrategy { strategy: name.to_owned(), configuration })
}

fn masked(name: &str, configuration: Value, value: &Value, longest: Option<u64>) -> Value {
    strategy(name, configuration).unwrap().mask(value, &MaskSecrets::random(), longest)
}

// rule: privacy-requests M-1
#[test]
fn an_unknown_strategy_names_the_valid_ones() {
    let error = strategy("shred", json!({})).unwrap_err();

    assert_eq!(
        error.to_string(),
        "Strategy 'shred' does not exist. Valid strategies are [aes_encrypt, hash, hmac, null_rewrite, \
         preserve, random_string_rewrite, string_rewrite]"
    );
}

// rule: privacy-requests M-1
#[rstest]
#[case("string_rewrite", json!({}), "masking strategy `string_rewrite` needs `rewrite_value` in its configuration")]
#[case("string_rewrite", json!({"rewrite_value": 5}), "`rewrite_value` of masking strategy `string_rewrite` must be a text")]
#[case("random_string_rewrite", json!({"length": 0}), "`length` of masking strategy `random_string_rewrite` must be a number from 1 to 1000000")]
#[case("hash", json!({"algorithm": "MD5"}), "`algorithm` of masking strategy `hash` must be `SHA-256` or `SHA-512`")]
#[case("hmac", json!({"format_preservation": {"prefix": "x"}}), "`format_preservation` of masking strategy `hmac` must be an object with the text `suffix`")]
#[case("aes_encrypt", json!({"mode": "CBC"}), "`mode` of masking strategy `aes_encrypt` must be `GCM`")]
fn bad_configurations_are_named(#[case] name: &str, #[case] configuration: Value, #[case] message: &str) {
    assert_eq!(strategy(name, configuration).unwrap_err().to_string(), message);
}

#[test]
fn unknown_configuration_keys_are_ignored() {
    assert_eq!(strategy("null_rewrite", json!({"colour": "red"})), Ok(Strategy::NullRewrite));
}

// rule: privacy-requests M-2
#[rstest]
#[case("null_rewrite", json!({}), json!(null))]
#[case("preserve", json!({}), json!("ana@example.com"))]
#[case("string_rewrite", json!({"rewrite_value": "M"}), json!("M"))]
fn constants_replace_the_value(#[case] name: &str, #[case] configuration: Value, #[case] expected: Value) {
    assert_eq!(masked(name, configuration, &json!("ana@example.com"), None), expected);
}

// rule: privacy-requests M-2
// rule: privacy-requests M-3
#[rstest]
#[case("random_string_rewrite", json!({"length": 12}), 12)]
#[case("random_string_rewrite", json!({}), 30)]
#[case("hash", json!({}), 64)]
#[case("hash", json!({"algorithm": "SHA-512"}), 128)]
#[case("hmac", json!({"algorithm": "SHA-256"}), 64)]
#[case("aes_encrypt", json!({"mode": "GCM"}), 44)]
fn masks_have_the_length_of_their_kind_and_keep_the_suffix(
    #[case] name: &str,
    #[case] configuration: Value,
    #[case] length: usize,
) {
    let value = json!("ana@example.com");
    let mut suffixed = configuration.clone();
    suffixed["format_preservation"] = json!({"suffix": "@masked.com"});

    let plain = masked(name, configuration, &value, None);
    let formatted = masked(name, suffixed, &value, None);

    assert_eq!(plain.as_str().unwrap().len(), length);
    assert_eq!(formatted.as_str().unwrap().len(), length + "@masked.com".len());
    assert!(formatted.as_str().unwrap().ends_with("@masked.com"));
}

// rule: privacy-requests M-3
// rule: privacy-requests E-5
#[rstest]
#[case(Some(16), "aaaaa@masked.com")]
#[case(Some(11), "@masked.com")]
#[case(Some(4), "@mas")]
#[case(None, "aaaaaaaaaa@masked.com")]
fn a_short_field_cuts_the_body_and_keeps_the_suffix(#[case] longest: Option<u64>, #[case] expected: &str) {
    let configuration =
        json!({"rewrite_value": "aaaaaaaaaa", "format_preservation": {"suffix": "@masked.com"}});

    assert_eq!(masked("string_rewrite", configuration, &json!("x"), longest), json!(expected));
}

#[test]
fn length_counts_characters() {
    assert_eq!(
        masked("string_rewrite", json!({"rewrite_value": "äöü€"}), &json!("x"), Some(3)),
        json!("äöü")
    );
}

// rule: privacy-requests M-4
#[rstest]
#[case("hash", json!({}), true)]
#[case("hmac", json!({}), true)]
#[case("aes_encrypt", json!({}), true)]
#[case("null_rewrite", json!({}), true)]
#[case("preserve", json!({}), true)]
#[case("string_rewrite", json!({"rewrite_value": "M"}), false)]
#[case("random_string_rewrite", json!({}), false)]
fn null_stays_null_except_under_rewriting(
    #[case] name: &str,
    #[case] configuration: Value,
    #[case] stays: bool,
) {
    assert_eq!(masked(name, configuration, &json!(null), None).is_null(), stays);
}

// rule: privacy-requests M-10
#[test]
fn strategies_apply_from_left_to_right_and_no_list_stays_none() {
    let chain = [
        strategy("string_rewrite", json!({"rewrite_value": "one"})).unwrap(),
        strategy("hash", json!({})).unwrap(),
    ];
    let secrets = MaskSecrets::random();

    let values = mask_values(&chain, Some(&[json!("a"), json!("b")]), &secrets).unwrap();

    assert_eq!(values.len(), 2);
    assert_eq!(values[0], values[1]);
    assert_eq!(values[0], json!(secrets.hash(MaskDigest::Sha256, "one")));
    assert_eq!(mask_values(&chain, None, &secrets), None);
}

#[rstest]
#[case("null_rewrite", json!({}), MaskingGrade::Overwritten)]
#[case("string_rewrite", json!({"rewrite_value": ""}), MaskingGrade::Overwritten)]
#[case("random_string_rewrite", json!({}), MaskingGrade::Overwritten)]
#[case("hash", json!({}), MaskingGrade::KeyedHash)]
#[case("hmac", json!({}), MaskingGrade::KeyedHash)]
#[case("aes_encrypt", json!({}), MaskingGrade::Encrypted)]
#[case("preserve", json!({}), MaskingGrade::Kept)]
fn every_strategy_has_a_grade(#[case] name: &str, #[case] configuration: Value, #[case] grade: MaskingGrade) {
    let strategy = strategy(name, configuration).unwrap();

    assert_eq!(strategy.grade(), grade);
    assert_eq!(strategy.name(), name);
}

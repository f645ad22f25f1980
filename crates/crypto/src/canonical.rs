use serde_json::{Number, Value};

/// The one byte form of a JSON value (RFC 8785): keys sorted by UTF-16 units, no spaces, shortest
/// numbers. Two values that are equal have equal bytes, so that a digest can stand for the value.
///
/// RFC 8785 writes every number as a 64-bit float. A number that such a float cannot hold (an id of
/// 19 digits) would be rounded, and two different values would share one digest; those numbers keep
/// the digits they came with. Input within the RFC's own limits gets exactly the RFC's bytes.
///
/// ```
/// let value = serde_json::json!({"b": 1.0, "a": [true, null]});
///
/// assert_eq!(crypto::canonical_json(&value), br#"{"a":[true,null],"b":1}"#);
/// ```
pub fn canonical_json(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write_value(value, &mut out);
    out.into_bytes()
}

fn write_value(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => write_string(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|(one, _), (two, _)| one.encode_utf16().cmp(two.encode_utf16()));
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(key, out);
                out.push(':');
                write_value(value, out);
            }
            out.push('}');
        }
    }
}

/// serde_json escapes exactly what the RFC asks for: short forms where there are some, else `\u00xx`.
fn write_string(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string is always JSON"));
}

fn number_text(number: &Number) -> String {
    let text = number.to_string();
    let Some(float) = text.parse::<f64>().ok().filter(|float| float.is_finite()) else { return text };
    let shortest = Decimal::parse(&format!("{float:e}"));
    if Decimal::parse(&text) == shortest { shortest.to_ecmascript() } else { text }
}

/// Lengths of texts, far below the limit.
fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX / 2)
}

/// A decimal number without leading or trailing zeros: 0.`digits` × 10^`point`.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    point: i64,
}

impl Decimal {
    fn parse(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i64 = exponent.parse().unwrap_or(i64::MAX / 2);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let leading = signed(all.len() - significant.len());
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Self { negative: false, digits, point: 0 };
        }
        Self { negative, digits, point: exponent.saturating_add(signed(whole.len()) - leading) }
    }

    /// `Number.prototype.toString` of ECMAScript, which the RFC refers to.
    fn to_ecmascript(&self) -> String {
        let Self { negative, digits, point } = self;
        let count = signed(digits.len());
        let zeros = |n: i64| "0".repeat(usize::try_from(n).unwrap_or_default());
        let sign = if *negative { "-" } else { "" };
        let body = if digits.is_empty() {
            "0".to_owned()
        } else if count <= *point && *point <= 21 {
            format!("{digits}{}", zeros(point - count))
        } else if 0 < *point && *point <= 21 {
            let (whole, fraction) = digits.split_at(usize::try_from(*point).unwrap_or_default());
            format!("{whole}.{fraction}")
        } else if -6 < *point && *point <= 0 {
            format!("0.{}{digits}", zeros(-point))
        } else {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            let exponent = point - 1;
            let plus = if exponent > 0 { "+" } else { "" };
            format!("{first}{dot}{rest}e{plus}{exponent}")
        };
        format!("{sign}{body}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> String {
        String::from_utf8(canonical_json(&serde_json::from_str(text).unwrap())).unwrap()
    }

    #[test]
    fn the_example_of_the_rfc_comes_out_but_for_the_number_a_float_would_round() {
        // RFC 8785 §3.2.2 and §3.2.3
        let input = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;

        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
                        \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        // 333333333.33333329 is not what a 64-bit float holds, so its digits stay (see the function's text).
        assert_eq!(canonical(input), expected.replace("333333333.3333333,", "333333333.33333329,"));
        assert_eq!(canonical("333333333.3333333"), "333333333.3333333");
    }

    #[test]
    fn keys_sort_by_utf16_units_as_in_the_rfc() {
        let input = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;

        let text = canonical(input);

        let order = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .map(|word| text.find(word).unwrap());
        assert!(order.is_sorted(), "{text}");
    }

    #[test]
    fn numbers_of_the_rfc_appendix_b_are_written_as_it_says() {
        let table: [(u64, &str); 17] = [
            (0x0000_0000_0000_0000, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ];
        for (bits, expected) in table {
            let shortest = format!("{:e}", f64::from_bits(bits));

            assert_eq!(canonical(&shortest), expected, "{bits:x}");
        }
    }

    #[test]
    fn numbers_that_a_float_would_merge_stay_apart() {
        assert_eq!(canonical("9007199254740993"), "9007199254740993");
        assert_eq!(canonical("1e999"), "1e+999");
        assert_ne!(canonical("0.1"), canonical("0.10000000000000000001"));
    }

    proptest! {
        #[test]
        fn the_form_of_a_form_is_itself(text in r#"[a-z\u{0}-\u{1f}"\\é😀]{0,12}"#, number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let value = serde_json::json!({text.clone(): [text, number]});

            let once = canonical_json(&value);
            let again = canonical_json(&serde_json::from_slice(&once).unwrap());

            prop_assert_eq!(once, again);
        }
    }
}

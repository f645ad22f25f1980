//! From PostgreSQL's text form of a value to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::table::ColumnKind;
use crate::value::exact_number;

/// Writes the value that `text` stands for as JSON; `None` if it is not what the column's type writes.
pub(super) fn write(out: &mut Vec<u8>, text: &str, kind: &ColumnKind, is_json: bool) -> Option<()> {
    match kind {
        _ if is_json => {}
        ColumnKind::Boolean => {
            out.extend_from_slice(if text == "t" { b"true" } else { b"false" });
            return Some(());
        }
        ColumnKind::Integer { .. } | ColumnKind::Decimal | ColumnKind::Float if is_plain(text) => {
            out.extend_from_slice(text.as_bytes());
            return Some(());
        }
        ColumnKind::Text | ColumnKind::Uuid | ColumnKind::Date | ColumnKind::Time | ColumnKind::Other => {
            return serde_json::to_writer(out, text).ok();
        }
        ColumnKind::Integer { .. }
        | ColumnKind::Decimal
        | ColumnKind::Float
        | ColumnKind::DateTime
        | ColumnKind::Instant
        | ColumnKind::Bytes
        | ColumnKind::Json
        | ColumnKind::Array(_)
        | ColumnKind::Any => {}
    }
    serde_json::to_writer(out, &decode(text, kind, is_json)?).ok()
}

/// Whether `text` is a JSON number without exponent, which stays as it is.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    are_digits(whole) && are_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

/// The value that `text` stands for; `None` if it is not what the column's type writes.
pub(super) fn decode(text: &str, kind: &ColumnKind, is_json: bool) -> Option<Value> {
    if is_json {
        // A text column may hold anything; what is no JSON stays the text it is.
        return Some(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)));
    }
    Some(match kind {
        ColumnKind::Boolean => Value::from(text == "t"),
        ColumnKind::Integer { .. } => text.parse::<i64>().map_or_else(|_| exact_number(text), Value::from),
        ColumnKind::Decimal | ColumnKind::Float => exact_number(text),
        ColumnKind::DateTime => Value::from(text.replacen(' ', "T", 1)),
        ColumnKind::Instant => Value::from(instant(text)),
        ColumnKind::Bytes => Value::from(STANDARD.encode(bytes(text)?)),
        ColumnKind::Array(element) => array(text, element)?,
        ColumnKind::Text
        | ColumnKind::Uuid
        | ColumnKind::Date
        | ColumnKind::Time
        | ColumnKind::Json
        | ColumnKind::Any
        | ColumnKind::Other => Value::from(text),
    })
}

/// `2024-05-01 12:00:00+00` becomes `2024-05-01T12:00:00Z`; `infinity` stays.
fn instant(text: &str) -> String {
    match text.strip_suffix("+00") {
        Some(utc) => format!("{}Z", utc.replacen(' ', "T", 1)),
        None => text.replacen(' ', "T", 1),
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// `{1,NULL,"a \"b\"",{…}}`, after an optional `[0:1]=`.
fn array(text: &str, element: &ColumnKind) -> Option<Value> {
    let start = if text.starts_with('[') { text.find('=')? + 1 } else { 0 };
    let mut reader = ArrayReader { rest: text.get(start..)?, element };
    let value = reader.list()?;
    reader.rest.is_empty().then_some(value)
}

struct ArrayReader<'a> {
    rest: &'a str,
    element: &'a ColumnKind,
}

impl ArrayReader<'_> {
    fn take(&mut self, expected: char) -> bool {
        match self.rest.strip_prefix(expected) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn list(&mut self) -> Option<Value> {
        if !self.take('{') {
            return None;
        }
        let mut items = Vec::new();
        if self.take('}') {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.item()?);
            if self.take('}') {
                return Some(Value::Array(items));
            }
            if !self.take(',') {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Value> {
        if self.rest.starts_with('{') {
            return self.list();
        }
        let is_json = *self.element == ColumnKind::Json;
        if self.take('"') {
            let text = self.quoted()?;
            return decode(&text, self.element, is_json);
        }
        let end = self.rest.find([',', '}'])?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        if text == "NULL" { Some(Value::Null) } else { decode(text, self.element, is_json) }
    }

    fn quoted(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut characters = self.rest.char_indices();
        while let Some((position, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = self.rest.get(position + 1..)?;
                    return Some(text);
                }
                '\\' => text.push(characters.next()?.1),
                other => text.push(other),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::value::Scalar;

    #[rstest]
    #[case("t", ColumnKind::Boolean, json!(true))]
    #[case("9223372036854775807", ColumnKind::integer(64, true), json!(9_223_372_036_854_775_807_i64))]
    #[case("NaN", ColumnKind::Decimal, json!("NaN"))]
    #[case("2024-05-01 12:00:00.5+00", ColumnKind::Instant, json!("2024-05-01T12:00:00.5Z"))]
    #[case("infinity", ColumnKind::Instant, json!("infinity"))]
    #[case("\\x00ff", ColumnKind::Bytes, json!("AP8="))]
    #[case("[0:1]={1,2}", ColumnKind::Array(Box::new(ColumnKind::integer(32, true))), json!([1, 2]))]
    #[case(r#"{{a,NULL},{"b,\"c\\",""}}"#, ColumnKind::Array(Box::new(ColumnKind::Text)), json!([["a", null], ["b,\"c\\", ""]]))]
    #[case("{}", ColumnKind::Array(Box::new(ColumnKind::Text)), json!([]))]
    fn texts_become_values(#[case] text: &str, #[case] kind: ColumnKind, #[case] expected: Value) {
        assert_eq!(decode(text, &kind, false), Some(expected));
    }

    #[rstest]
    #[case("t", ColumnKind::Boolean)]
    #[case("-9223372036854775808", ColumnKind::integer(64, true))]
    #[case("0", ColumnKind::integer(32, true))]
    #[case("007", ColumnKind::Decimal)]
    #[case("-0.00", ColumnKind::Decimal)]
    #[case(".5", ColumnKind::Decimal)]
    #[case("5.", ColumnKind::Decimal)]
    #[case("-", ColumnKind::Decimal)]
    #[case("1.5.2", ColumnKind::Decimal)]
    #[case("12345678901234567890.10", ColumnKind::Decimal)]
    #[case("NaN", ColumnKind::Decimal)]
    #[case("-Infinity", ColumnKind::Float)]
    #[case("1e+300", ColumnKind::Float)]
    #[case("1e-07", ColumnKind::Float)]
    #[case("a\"b\\\n\u{1}\u{2028}é", ColumnKind::Text)]
    #[case("2024-05-01 12:00:00.5+00", ColumnKind::Instant)]
    #[case("2024-05-01 12:00:00", ColumnKind::DateTime)]
    #[case("\\x00ff", ColumnKind::Bytes)]
    #[case("{1,NULL}", ColumnKind::Array(Box::new(ColumnKind::integer(32, true))))]
    #[case("{\"a\": [1.10,\n 2]}", ColumnKind::Json)]
    #[case("P1D", ColumnKind::Other)]
    fn a_text_is_written_as_the_value_it_stands_for(#[case] text: &str, #[case] kind: ColumnKind) {
        for is_json in [false, true] {
            let mut written = Vec::new();
            write(&mut written, text, &kind, is_json).unwrap();

            let value = decode(text, &kind, is_json).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), value.to_string());
        }
    }

    #[test]
    fn decimals_keep_every_digit() {
        let value = decode("12345678901234567890.10", &ColumnKind::Decimal, false).unwrap();

        assert_eq!(value.to_string(), "12345678901234567890.10");
    }

    #[rstest]
    #[case("{1,2")]
    #[case("{1}x")]
    #[case("{\"a")]
    #[case("1")]
    fn broken_arrays_are_refused(#[case] text: &str) {
        assert_eq!(array(text, &ColumnKind::Text), None);
    }

    proptest! {
        #[test]
        fn arrays_of_texts_survive_both_ways(items in proptest::collection::vec(any::<Option<String>>(), 0..5)) {
            let value = json!(items);
            let kind = ColumnKind::Array(Box::new(ColumnKind::Text));
            let written = Scalar::of(&value, &kind).unwrap().into_text().unwrap();

            prop_assert_eq!(decode(&written, &kind, false), Some(value));
        }
    }
}

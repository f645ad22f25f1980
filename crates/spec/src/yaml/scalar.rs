use serde_json::Number;

/// A scalar as written and as meant.
#[derive(Clone)]
pub(crate) struct Scalar {
    /// The text, escapes resolved.
    pub(crate) text: String,
    /// What it means.
    pub(crate) meaning: Meaning,
}

/// What a scalar means by the rules of YAML 1.1 as PyYAML applies them.
#[derive(Clone, PartialEq)]
pub(crate) enum Meaning {
    /// `null`, `~`, or nothing at all.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Boolean(bool),
    /// Decimal, octal with a leading zero, hexadecimal, binary, or base sixty with colons.
    Integer(Number),
    /// With a point; infinite and undefined values have no number.
    Float(Option<Number>),
    /// A date, with or without a time.
    Date,
    /// Everything else, and everything in quotes.
    Text,
}

impl Scalar {
    /// A scalar without quotes and without a tag.
    pub(crate) fn plain(text: String) -> Self {
        let meaning = Meaning::of_plain(&text);
        Self { text, meaning }
    }

    /// A scalar that is text whatever it looks like.
    pub(crate) fn text(text: String) -> Self {
        Self { text, meaning: Meaning::Text }
    }
}

impl Meaning {
    /// What the plain scalar `text` means.
    pub(crate) fn of_plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Self::Null,
            "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
                return Self::Boolean(true);
            }
            "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
                return Self::Boolean(false);
            }
            _ => {}
        }
        if !text.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '+' | '-' | '.')) {
            return Self::Text;
        }
        if let Some(number) = integer(text) {
            return Self::Integer(number);
        }
        if let Some(number) = float(text) {
            return Self::Float(number);
        }
        if is_date(text) { Self::Date } else { Self::Text }
    }

    /// The kind in words for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Date => "a date",
            Self::Text => "text",
        }
    }
}

/// The number that `text` spells as an integer of YAML 1.1.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let plain: String = digits.chars().filter(|character| *character != '_').collect();
    let magnitude = if let Some(binary) = digits.strip_prefix("0b") {
        only(binary, |c| matches!(c, '0' | '1'))?;
        radix(&plain[2..], 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        only(hexadecimal, |c| c.is_ascii_hexdigit())?;
        radix(&plain[2..], 16)?
    } else if digits.contains(':') {
        base_sixty(digits)?
    } else if digits.len() > 1 && digits.starts_with('0') {
        only(digits, |c| ('0'..='7').contains(&c))?;
        radix(&plain, 8)?
    } else {
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        only(digits, |c| c.is_ascii_digit())?;
        plain
    };
    let signed = if negative && magnitude != "0" { format!("-{magnitude}") } else { magnitude };
    signed.parse().ok()
}

fn only(text: &str, allowed: impl Fn(char) -> bool) -> Option<()> {
    (!text.is_empty() && text.chars().all(|c| c == '_' || allowed(c))).then_some(())
}

fn radix(digits: &str, radix: u32) -> Option<String> {
    if digits.is_empty() {
        return None;
    }
    Some(u128::from_str_radix(digits, radix).ok()?.to_string())
}

/// `1:30` is ninety: each part after a colon is below sixty.
fn base_sixty(digits: &str) -> Option<String> {
    let mut parts = digits.split(':');
    let first = parts.next()?;
    if !first.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return None;
    }
    only(first, |c| c.is_ascii_digit())?;
    let mut total: u128 = first.replace('_', "").parse().ok()?;
    for part in parts {
        total = total.checked_mul(60)?.checked_add(u128::from(sixtieth(part)?))?;
    }
    Some(total.to_string())
}

fn sixtieth(part: &str) -> Option<u8> {
    let short = matches!(part.len(), 1 | 2) && part.chars().all(|c| c.is_ascii_digit());
    part.parse().ok().filter(|value| short && *value < 60)
}

/// The value of a float of YAML 1.1; `Some(None)` for one that has no JSON number.
#[expect(clippy::option_option, reason = "no float, a float without a number, a float with one")]
fn float(text: &str) -> Option<Option<Number>> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(None);
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.')?;
    if whole.contains(':') {
        base_sixty(whole)?;
        return (exponent.is_none() && all_digits(fraction)).then_some(None);
    }
    let signed_without_whole = whole.is_empty() && unsigned.len() != text.len();
    if !all_digits(whole) || !all_digits(fraction) || signed_without_whole || whole.starts_with('_') {
        return None;
    }
    if whole.is_empty() && !fraction.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-'])?;
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
    }
    let value: f64 = text.replace('_', "").parse().ok()?;
    Some(Number::from_f64(value))
}

fn all_digits(text: &str) -> bool {
    text.chars().all(|c| c == '_' || c.is_ascii_digit())
}

/// `2022-08-01`, or with a time behind it.
fn is_date(text: &str) -> bool {
    let (date, time) = match text.find(['T', 't', ' ', '\t']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let digits = |part: &str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit())
    };
    if !digits(year, 4, 4) {
        return false;
    }
    if time.is_empty() {
        return digits(month, 2, 2) && digits(day, 2, 2);
    }
    digits(month, 1, 2) && digits(day, 1, 2) && is_time(time.trim_start_matches(['T', 't', ' ', '\t']))
}

fn is_time(text: &str) -> bool {
    let clock_end = text.find(|c: char| !c.is_ascii_digit() && c != ':' && c != '.').unwrap_or(text.len());
    let (clock, zone) = text.split_at(clock_end);
    let clock = clock.split_once('.').map_or(clock, |(clock, _)| clock);
    let parts: Vec<&str> = clock.split(':').collect();
    let zone = zone.trim_start();
    let zone_fits = zone.is_empty()
        || zone == "Z"
        || zone
            .strip_prefix(['+', '-'])
            .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == ':'));
    parts.len() == 3 && parts.iter().all(|part| matches!(part.len(), 1 | 2)) && zone_fits
}

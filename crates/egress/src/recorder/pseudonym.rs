use std::collections::{HashMap, HashSet};

use crypto::HashKey;
use url::Url;

/// Tries for a pseudonym that is neither taken nor the value itself.
const MOST_TRIES: u32 = 64;

/// Stand-ins for values: the same value gets the same one, two values never share one, and the
/// way back is lost with the key.
///
/// Shapes stay, so that files and programs that read them still work: an e-mail address becomes
/// one at `example.com`, a date a date, a number a number of as many digits, a URL a URL; other
/// texts keep their length, case and punctuation.
pub(super) struct Pseudonyms {
    key: HashKey,
    issued: HashMap<String, String>,
    taken: HashSet<String>,
}

impl Pseudonyms {
    /// With a random key, which is never written anywhere.
    pub(super) fn new() -> Self {
        Self { key: HashKey::random(), issued: HashMap::new(), taken: HashSet::new() }
    }

    /// The stand-in for `value`. Spellings of one e-mail address have one.
    pub(super) fn of(&mut self, value: &str) -> String {
        let shape = Shape::of(value);
        let value = match shape {
            Shape::Email => value.to_ascii_lowercase(),
            Shape::Empty | Shape::Url | Shape::Date | Shape::Hexadecimal | Shape::Number | Shape::Text => {
                value.to_owned()
            }
        };
        if let Some(known) = self.issued.get(&value) {
            return known.clone();
        }
        let made = self.make(&value, shape);
        self.taken.insert(made.clone());
        self.issued.insert(value, made.clone());
        made
    }

    /// The stand-in for `value`, if it has one already.
    pub(super) fn find(&self, value: &str) -> Option<&str> {
        self.issued.get(value).map(String::as_str)
    }

    fn make(&mut self, value: &str, shape: Shape) -> String {
        if matches!(shape, Shape::Empty) || !value.chars().any(|c| c.is_ascii_alphanumeric() || !c.is_ascii())
        {
            return value.to_owned();
        }
        let mut made = String::new();
        for attempt in 0..MOST_TRIES {
            made = self.draw(value, shape, attempt);
            if made != value && !self.taken.contains(&made) {
                return made;
            }
        }
        // Shapes as small as one digit run out: then the stand-in grows.
        let mut noise = Noise::new(&self.key, value, MOST_TRIES);
        loop {
            made.push(noise.digit());
            if made != value && !self.taken.contains(&made) {
                return made;
            }
        }
    }

    fn draw(&mut self, value: &str, shape: Shape, attempt: u32) -> String {
        if matches!(shape, Shape::Url) {
            return self.url(value);
        }
        let mut noise = Noise::new(&self.key, value, attempt);
        match shape {
            Shape::Email => {
                let name: String = (0..12).map(|_| noise.hexadecimal()).collect();
                format!("p{name}@example.com")
            }
            Shape::Date => date(value, &mut noise),
            Shape::Hexadecimal => value.chars().map(|c| replace_hexadecimal(c, &mut noise)).collect(),
            Shape::Number => number(value, &mut noise),
            Shape::Empty | Shape::Url | Shape::Text => {
                value.chars().map(|c| replace(c, &mut noise)).collect()
            }
        }
    }

    fn url(&mut self, value: &str) -> String {
        let Ok(mut url) = Url::parse(value) else { return self.of(&format!("{value} ")) };
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut noise = Noise::new(&self.key, &host, 0);
        let name: String = (0..8).map(|_| noise.hexadecimal()).collect();
        let segments: Vec<String> = url
            .path_segments()
            .into_iter()
            .flatten()
            .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let segments: Vec<String> = segments.iter().map(|segment| self.of(segment)).collect();
        let pairs: Vec<(String, String)> =
            url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let pairs: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (name, self.of(&value))).collect();
        // The setters below fail only for URLs without a host, and http URLs have one.
        let _ = url.set_host(Some(&format!("h{name}.example.com")));
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let _ = url.set_port(None);
        url.set_fragment(None);
        if let Ok(mut path) = url.path_segments_mut() {
            path.clear().extend(&segments);
        }
        url.set_query(None);
        if !pairs.is_empty() {
            url.query_pairs_mut().extend_pairs(pairs);
        }
        url.into()
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Empty,
    Email,
    Url,
    Date,
    Hexadecimal,
    Number,
    Text,
}

impl Shape {
    fn of(value: &str) -> Self {
        if value.is_empty() {
            Self::Empty
        } else if is_email(value) {
            Self::Email
        } else if is_url(value) {
            Self::Url
        } else if is_date(value) {
            Self::Date
        } else if value.parse::<serde_json::Number>().is_ok() || value.bytes().all(|b| b.is_ascii_digit()) {
            Self::Number
        } else if value.len() >= 8 && value.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
            Self::Hexadecimal
        } else {
            Self::Text
        }
    }
}

/// Whether all of `text` is an e-mail address.
pub(super) fn is_email(text: &str) -> bool {
    match text.split_once('@') {
        Some((name, domain)) => {
            let in_name =
                |c: char| !c.is_whitespace() && !matches!(c, '@' | '<' | '>' | ',' | ';' | '/' | ':');
            let in_domain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
            // A mark at the start is a quotation, one inside a name like O'Neill.
            !name.is_empty()
                && !name.starts_with('\'')
                && name.chars().all(in_name)
                && domain.chars().all(in_domain)
                && domain.trim_matches('.').contains('.')
        }
        None => false,
    }
}

/// Whether `text` is a web address.
pub(super) fn is_url(text: &str) -> bool {
    (text.starts_with("http://") || text.starts_with("https://")) && Url::parse(text).is_ok()
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let fits = |pattern: &[u8]| {
        bytes.len() >= pattern.len()
            && pattern.iter().zip(bytes).all(|(expected, byte)| match expected {
                b'0' => byte.is_ascii_digit(),
                other => other == byte,
            })
    };
    (fits(b"0000-00-00T00:00") || fits(b"0000-00-00 00:00")) || (fits(b"0000-00-00") && bytes.len() == 10)
}

fn date(value: &str, noise: &mut Noise<'_>) -> String {
    let day = format!("{:04}-{:02}-{:02}", 1950 + noise.below(70), 1 + noise.below(12), 1 + noise.below(28));
    let Some(time) = value.get(10..).filter(|rest| !rest.is_empty()) else { return day };
    let separator = time.get(..1).unwrap_or("T");
    let clock = format!("{:02}:{:02}", noise.below(24), noise.below(60));
    let rest = time.get(6..).unwrap_or_default();
    let zone_at = rest.find(|c: char| !matches!(c, '0'..='9' | ':' | '.')).unwrap_or(rest.len());
    let (seconds, zone) = rest.split_at_checked(zone_at).unwrap_or((rest, ""));
    let mut place = 0;
    let seconds: String = seconds
        .chars()
        .map(|c| match c {
            '0'..='9' => {
                place += 1;
                // The first digit of the seconds; fractions follow from the third on.
                if place == 1 { char::from(b'0' + noise.below(6) as u8) } else { noise.digit() }
            }
            other => other,
        })
        .collect();
    format!("{day}{separator}{clock}{seconds}{zone}")
}

/// As many digits, the exponent as it is; a first digit is not made zero, and stays small where
/// a larger one would leave 64 bits.
fn number(value: &str, noise: &mut Noise<'_>) -> String {
    const DIGITS_OF_64_BITS: usize = 19;
    let exponent_at = value.find(['e', 'E']).unwrap_or(value.len());
    let (digits, exponent) = value.split_at_checked(exponent_at).unwrap_or((value, ""));
    let whole = digits.trim_start_matches('-').bytes().take_while(u8::is_ascii_digit).count();
    let fraction = digits.contains('.');
    let mut first = true;
    let replaced: String = digits
        .chars()
        .map(|c| match c {
            '0'..='9' if first => {
                first = false;
                match (c, whole) {
                    ('0', 2..) => '0',
                    ('0', _) if fraction => '0',
                    (_, DIGITS_OF_64_BITS..) => '1',
                    (_, 2..) => char::from(b'1' + noise.below(9) as u8),
                    (_, _) => noise.digit(),
                }
            }
            '0'..='9' => noise.digit(),
            other => other,
        })
        .collect();
    format!("{replaced}{exponent}")
}

fn replace(c: char, noise: &mut Noise<'_>) -> char {
    match c {
        '0'..='9' => noise.digit(),
        'A'..='Z' => char::from(b'A' + noise.below(26) as u8),
        'a'..='z' => char::from(b'a' + noise.below(26) as u8),
        other if other.is_ascii() => other,
        _ => char::from(b'a' + noise.below(26) as u8),
    }
}

fn replace_hexadecimal(c: char, noise: &mut Noise<'_>) -> char {
    match c {
        '-' => '-',
        'A'..='F' => noise.hexadecimal().to_ascii_uppercase(),
        _ => noise.hexadecimal(),
    }
}

/// An endless stream of bytes that only the key and the value determine.
struct Noise<'a> {
    key: &'a HashKey,
    input: Vec<u8>,
    prefix: usize,
    block: u32,
    bytes: [u8; 32],
    at: usize,
}

impl<'a> Noise<'a> {
    fn new(key: &'a HashKey, value: &str, attempt: u32) -> Self {
        let mut input = value.as_bytes().to_vec();
        input.extend_from_slice(&attempt.to_be_bytes());
        let prefix = input.len();
        Self { key, input, prefix, block: 0, bytes: [0; 32], at: 32 }
    }

    fn byte(&mut self) -> u8 {
        if self.at == self.bytes.len() {
            self.input.truncate(self.prefix);
            self.input.extend_from_slice(&self.block.to_be_bytes());
            self.bytes = self.key.keyed_hash(&self.input);
            self.block += 1;
            self.at = 0;
        }
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    fn below(&mut self, limit: u32) -> u32 {
        (u32::from(self.byte()) << 8 | u32::from(self.byte())) % limit
    }

    fn digit(&mut self) -> char {
        char::from(b'0' + self.below(10) as u8)
    }

    fn hexadecimal(&mut self) -> char {
        char::from_digit(self.below(16), 16).unwrap_or('0')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[test]
    fn same_value_has_one_stand_in_and_another_key_another() {
        let (mut first, mut second) = (Pseudonyms::new(), Pseudonyms::new());

        assert_eq!(first.of("use_1234567890"), first.of("use_1234567890"));
        assert_eq!(first.of("Ana@example.com"), first.of("ana@EXAMPLE.com"));
        assert_ne!(first.of("use_1234567890"), second.of("use_1234567890"));
    }

    #[test]
    fn two_values_never_share_a_stand_in_however_few_there_are() {
        let mut names = Pseudonyms::new();

        let made: HashSet<String> = (0..100).map(|id: u32| names.of(&id.to_string())).collect();

        assert_eq!(made.len(), 100);
    }

    #[rstest]
    #[case("ana@example.com")]
    #[case("Ana.María+shop@mail.example.org")]
    fn mail_addresses_move_to_example_com(#[case] value: &str) {
        let made = Pseudonyms::new().of(value);

        assert!(is_email(&made) && made.ends_with("@example.com") && made != value, "{made}");
    }

    #[rstest]
    #[case("2024-02-29")]
    #[case("2024-02-29T12:34:56Z")]
    #[case("2024-02-29T12:34:56.123+02:00")]
    fn dates_stay_dates(#[case] value: &str) {
        let made = Pseudonyms::new().of(value);

        assert_eq!(made.len(), value.len());
        match value.len() {
            10 => assert!(made.parse::<jiff::civil::Date>().is_ok(), "{made}"),
            _ => assert!(made.parse::<jiff::Timestamp>().is_ok(), "{made}"),
        }
    }

    #[rstest]
    #[case("123456")]
    #[case("-12.50")]
    #[case("0.5")]
    #[case("1.5e300")]
    #[case("9223372036854775807")]
    fn numbers_stay_numbers_of_as_many_digits(#[case] value: &str) {
        let made = Pseudonyms::new().of(value);

        assert!(made.parse::<serde_json::Number>().is_ok(), "{made}");
        assert_eq!(made.len(), value.len());
        assert!(value.parse::<i64>().is_err() || made.parse::<i64>().is_ok(), "{made}");
    }

    #[test]
    fn addresses_on_the_web_keep_their_parts_and_lose_their_content() {
        let made = Pseudonyms::new().of("https://ana.example.org/blog/ana-lopez?user=ana#me");

        let url = Url::parse(&made).unwrap();
        assert_eq!(url.path_segments().unwrap().count(), 2);
        assert_eq!(url.query_pairs().next().unwrap().0, "user");
        assert!(!made.contains("ana"), "{made}");
    }

    #[test]
    fn ids_of_hexadecimal_digits_stay_so() {
        let made = Pseudonyms::new().of("0190a8b2-7c1e-7d3f-9a4b-5c6d7e8f9012");

        assert!(made.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'), "{made}");
        assert_eq!(made.matches('-').count(), 4);
    }

    proptest! {
        #[test]
        fn no_word_of_a_text_survives(value in "[A-Za-z]{12,20}( [A-Za-z]{12,20}){0,3}") {
            let made = Pseudonyms::new().of(&value);

            for word in value.split(' ') {
                prop_assert!(!made.contains(word));
            }
        }

        #[test]
        fn any_text_has_a_stand_in(value in ".{0,60}") {
            let _ = Pseudonyms::new().of(&value);
        }
    }
}

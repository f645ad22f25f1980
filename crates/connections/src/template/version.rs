//! Which of two versions is the newer one (saas-config 24.12).

use std::cmp::Ordering;

/// A version: numbers with dots between them, perhaps a word after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version {
    /// The numbers, without zeros at the end.
    numbers: Vec<u64>,
    /// What stands behind them.
    stage: Stage,
}

/// How far a version is: what comes before a release is older than it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// `-alpha.1`, `rc2`, `.dev3`: the word in small letters, its number.
    Before(String, u64),
    Release,
    /// `.post1`, `-1`.
    After(u64),
}

impl Version {
    /// `None` for a text that says no version.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_start_matches(['v', 'V']).to_lowercase();
        // What stands behind a plus says where it was built.
        let text = text.split('+').next().unwrap_or_default();
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let numbers = numbers.trim_end_matches('.').split('.').map(str::parse).collect::<Result<_, _>>();
        let mut numbers: Vec<u64> = numbers.ok()?;
        while numbers.last() == Some(&0) {
            numbers.pop();
        }
        Some(Self { numbers, stage: Stage::parse(rest)? })
    }
}

impl Stage {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim_start_matches(['-', '.', '_']);
        if text.is_empty() {
            return Some(Self::Release);
        }
        let digits = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
        let (word, number) = text.split_at(digits);
        let number = if number.is_empty() { 0 } else { number.parse().ok()? };
        Some(match word.trim_end_matches(['-', '.', '_']) {
            "" | "post" | "rev" | "r" => Self::After(number),
            "alpha" => Self::Before("a".to_owned(), number),
            "beta" => Self::Before("b".to_owned(), number),
            "c" | "pre" | "preview" => Self::Before("rc".to_owned(), number),
            // Older than every other stage.
            "dev" => Self::Before(String::new(), number),
            word => Self::Before(word.to_owned(), number),
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| self.stage.cmp(&other.stage))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: saas-config 24.12
    #[rstest]
    #[case::number_not_text("0.0.9", "0.0.10")]
    #[case::longer("1.2", "1.2.1")]
    #[case::first_number("9.9.9", "10.0.0")]
    #[case::before_a_release("1.0.0-rc1", "1.0.0")]
    #[case::words("1.0a2", "1.0b1")]
    #[case::numbers_of_words("1.0-rc.2", "1.0rc10")]
    #[case::development("1.0.dev1", "1.0alpha1")]
    #[case::after_a_release("1.0", "1.0.post1")]
    #[case::with_a_letter("v1.0", "1.1")]
    fn older_and_newer(#[case] older: &str, #[case] newer: &str) {
        let version = |text| Version::parse(text).unwrap();

        assert!(version(older) < version(newer));
        assert!(version(newer) > version(older));
    }

    #[rstest]
    #[case("1.0", "1")]
    #[case("v1.2.0", "1.2")]
    #[case("1.0+built", "1.0")]
    #[case("1.0-alpha", "1.0a0")]
    fn other_ways_to_write_a_version_are_the_same(#[case] one: &str, #[case] other: &str) {
        assert_eq!(Version::parse(one).unwrap(), Version::parse(other).unwrap());
    }

    #[rstest]
    #[case("")]
    #[case("newest")]
    #[case("1..2")]
    #[case("99999999999999999999999")]
    #[case("1.0rc1.2.3")]
    fn text_that_says_no_version(#[case] text: &str) {
        assert_eq!(Version::parse(text), None);
    }
}

//! Lengths of time as files write them.

use std::time::Duration;

/// `30s`, `15m`, `2h` or `7d` as a length of time; `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let unit = text.chars().next_back()?;
    let number = text.get(..text.len() - unit.len_utf8())?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = if digits { number.parse().ok()? } else { return None };
    number.checked_mul(seconds).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("0s", Some(0))]
    #[case("90s", Some(90))]
    #[case("15m", Some(900))]
    #[case("2h", Some(7_200))]
    #[case("30d", Some(2_592_000))]
    #[case("", None)]
    #[case("s", None)]
    #[case("5", None)]
    #[case("-5s", None)]
    #[case("+5s", None)]
    #[case("1.5h", None)]
    #[case("5 s", None)]
    #[case("5w", None)]
    #[case("99999999999999999999s", None)]
    #[case("999999999999999999d", None)]
    #[case("5é", None)]
    fn length_is_digits_and_one_unit(#[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(parse(text), seconds.map(Duration::from_secs));
    }
}

use std::time::Duration;

/// Reads `250ms`, `5s`, `2m`, `1h`, `3d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds = match unit {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok();
    let total = number.zip(milliseconds).and_then(|(number, unit)| number.checked_mul(unit));
    total
        .map(Duration::from_millis)
        .ok_or_else(|| "write a number and a unit, as in `5ms`, `1s` or `2h`".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("5ms"), Ok(Duration::from_millis(5)));
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(duration("1d"), Ok(Duration::from_hours(24)));
        for bad in ["5", "ms", "5 ms", "-1s", "5w", "99999999999999999h"] {
            assert!(duration(bad).is_err(), "{bad:?} should be refused");
        }
    }
}

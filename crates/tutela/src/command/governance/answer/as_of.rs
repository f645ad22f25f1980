use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

/// Reads a time with its offset, or a date: its last moment in UTC, so that what changed on the day counts.
pub(crate) fn as_of(text: &str) -> Result<Timestamp, String> {
    let end = |day: Date| {
        let next: Timestamp = format!("{}T00:00:00Z", day.tomorrow().ok()?).parse().ok()?;
        next.checked_sub(Duration::from_micros(1)).ok()
    };
    let day = || text.parse::<Date>().ok().filter(|_| text.len() == 10).and_then(end);
    text.parse().ok().or_else(day).ok_or_else(|| {
        "write a date or a time with its offset, as in `2026-03-01` or `2026-03-01T12:00:00Z`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_date_the_end_counts() {
        assert_eq!(as_of("2026-03-01").unwrap().to_string(), "2026-03-01T23:59:59.999999Z");
        assert_eq!(as_of("2026-03-01T12:00:00+02:00").unwrap().to_string(), "2026-03-01T10:00:00Z");
        assert!(as_of("yesterday").is_err());
        assert!(as_of("2026-03-01T12:00:00").is_err());
    }
}

use jiff::Timestamp;

/// Reads a time with its offset, or a date: its beginning in UTC.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let date = || format!("{text}T00:00:00Z").parse().ok();
    text.parse().ok().or_else(date).ok_or_else(|| {
        "write a date or a time with its offset, as in `2026-03-01` or `2026-03-01T12:00:00Z`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_date_or_a_time_with_its_offset() {
        assert_eq!(moment("2026-03-01").unwrap().to_string(), "2026-03-01T00:00:00Z");
        assert_eq!(moment("2026-03-01T12:00:00+02:00").unwrap().to_string(), "2026-03-01T10:00:00Z");
        assert!(moment("yesterday").is_err());
    }
}

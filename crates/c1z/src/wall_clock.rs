use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use protos::Ksuid;

/// A time as files hold it (baton DB-5), in UTC.
pub(crate) fn write_time(time: Timestamp) -> String {
    let clock = TimeZone::UTC.to_datetime(time);
    let whole = clock.strftime("%Y-%m-%d %H:%M:%S").to_string();
    match clock.subsec_nanosecond() {
        0 => whole,
        fraction => format!("{whole}.{}", format!("{fraction:09}").trim_end_matches('0')),
    }
}

/// Reads a time of a file, as a wall clock of wherever it was written.
pub(crate) fn read_clock(text: &str) -> Option<DateTime> {
    // Other writers keep an offset or a `T`, which jiff takes, or a `Z`, which it does not take for a wall clock.
    text.strip_suffix('Z').unwrap_or(text).parse::<DateTime>().ok()
}

/// How far the clock of a run's writer was from UTC.
///
/// The start is a wall clock without a zone, but the run's id holds the same second in UTC: the difference, to a
/// quarter of an hour, is the zone. If the two are not of the same minute, the clock is taken for UTC.
pub(crate) fn writer_offset(sync_id: &str, started: DateTime) -> Offset {
    const QUARTER: i64 = 15 * 60;
    let difference = sync_id.parse::<Ksuid>().ok().and_then(|id| {
        let clock = Offset::UTC.to_timestamp(started).ok()?.as_second();
        let difference = clock - id.unix_seconds();
        let quarters = (difference + QUARTER / 2).div_euclid(QUARTER);
        let off = (difference - quarters * QUARTER).abs();
        (off <= 60 && quarters.abs() <= 14 * 4).then_some(quarters * QUARTER)
    });
    difference
        .and_then(|seconds| Offset::from_seconds(i32::try_from(seconds).ok()?).ok())
        .unwrap_or(Offset::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_lose_their_zeros_at_the_end() {
        let texts =
            ["2026-11-22T04:37:37.993928827Z", "2026-11-22T04:37:37.99584852Z", "2026-11-22T04:37:37Z"]
                .map(|text| write_time(text.parse().unwrap()));

        assert_eq!(
            texts,
            ["2026-11-22 04:37:37.993928827", "2026-11-22 04:37:37.99584852", "2026-11-22 04:37:37"]
        );
        for text in texts {
            assert!(read_clock(&text).is_some());
        }
        assert_eq!(read_clock("2026-11-22T04:37:37Z"), read_clock("2026-11-22 04:37:37"));
    }

    #[test]
    fn the_zone_of_the_writer_is_told_by_the_id_of_its_run() {
        let id = "3MRtGGH2nQlWkwulXiopoxBpLgw";
        let clock = |text: &str| text.parse::<DateTime>().unwrap();

        assert_eq!(writer_offset(id, clock("2026-11-22 05:25:10.19")), Offset::UTC);
        assert_eq!(writer_offset(id, clock("2026-11-22 06:25:10.19")).seconds(), 3_600);
        assert_eq!(writer_offset(id, clock("2026-11-22 00:55:10.19")).seconds(), -4 * 3_600 - 1_800);
        assert_eq!(
            writer_offset(id, clock("2026-11-22 05:35:10")),
            Offset::UTC,
            "no zone is ten minutes off"
        );
        assert_eq!(writer_offset("not an id", clock("2026-11-22 09:00:00")), Offset::UTC);
    }
}

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// A moment as callers write it: ISO 8601. Without a zone it is UTC, without a time it is midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

/// What the databases can keep, with room for arithmetic: years 1 to 9998.
const YEARS: std::ops::RangeInclusive<i16> = 1..=9998;

impl Moment {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let utc =
            |civil: DateTime| civil.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
        let zoned = || text.parse::<Timestamp>().ok();
        let local = || text.parse::<DateTime>().ok().and_then(utc);
        let date =
            || text.parse::<Date>().ok().and_then(|date| utc(date.to_datetime(jiff::civil::Time::MIN)));
        let found = zoned().or_else(local).or_else(date)?;
        YEARS.contains(&found.to_zoned_datetime(TimeZone::UTC).year()).then_some(Self(found))
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("write a time as in `2026-03-01T12:00:00Z`, or a date as in `2026-03-01`")
        })
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .into()
    }
}

impl ToSchema for Moment {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Moment")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    // rule: fides-api 1
    #[rstest]
    #[case("2026-03-01T12:00:00Z", Some("2026-03-01T12:00:00Z"))]
    #[case("2026-03-01T12:00:00.5+02:00", Some("2026-03-01T10:00:00.5Z"))]
    #[case("2026-03-01T12:00:00", Some("2026-03-01T12:00:00Z"))]
    #[case("2026-03-01", Some("2026-03-01T00:00:00Z"))]
    #[case("2026-02-30", None)]
    #[case("-000500-01-01T00:00:00Z", None)]
    #[case("yesterday", None)]
    #[case("", None)]
    fn a_moment_is_read_with_or_without_zone(#[case] text: &str, #[case] expected: Option<&str>) {
        let found = Moment::parse(text).map(|moment| moment.0.to_string());

        assert_eq!(found.as_deref(), expected);
    }
}

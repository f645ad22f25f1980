use std::time::Duration;

use connector::Settings;
use engine::Limits;
use spec::ReadingSettings;

/// How reads are tried again and where they stop; what the project does not say takes the default.
pub(crate) fn reading(settings: &ReadingSettings) -> Settings {
    let defaults = Settings::default();
    Settings {
        attempts: settings.attempts.unwrap_or(defaults.attempts),
        retry_wait: settings.retry_wait_ms.map_or(defaults.retry_wait, Duration::from_millis),
        page_cap: settings.page_cap.unwrap_or(defaults.page_cap),
        time_cap: settings.time_cap_s.map_or(defaults.time_cap, Duration::from_secs),
        ..defaults
    }
}

/// Calls in flight.
pub(crate) fn limits(settings: &ReadingSettings) -> Limits {
    let defaults = Limits::default();
    Limits {
        per_connection: settings.in_flight_per_connection.unwrap_or(defaults.per_connection),
        total: settings.in_flight.unwrap_or(defaults.total),
    }
}

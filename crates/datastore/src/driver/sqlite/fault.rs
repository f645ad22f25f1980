use crate::Fault;
use crate::driver::driver_fault;

/// What an error means, by SQLite's extended code; names are taken out of two fixed sentences.
pub(super) fn fault(error: &sqlx::Error) -> Fault {
    let Some(database) = error.as_database_error() else { return driver_fault(error) };
    let code: i32 = database.code().and_then(|code| code.parse().ok()).unwrap_or_default();
    let named = |start: &str| database.message().split_once(start).map(|(_, rest)| last_name(rest));
    match code {
        787 => Fault::ForeignKey { table: None, constraint: None },
        1299 => Fault::NotNull { column: named("NOT NULL constraint failed: ") },
        1555 | 2067 | 2579 => Fault::Unique { constraint: named("UNIQUE constraint failed: ") },
        275 | 3091 => Fault::Refused { constraint: None },
        1 if database.message().starts_with("no such") => Fault::SchemaChanged,
        _ => match code & 0xff {
            5 | 6 => Fault::Deadlock,
            8 => Fault::ReadOnly,
            9 => Fault::Timeout,
            10 => Fault::Lost,
            13 => Fault::DiskFull,
            14 | 23 => Fault::File { problem: "cannot be opened; check its rights" },
            17 => Fault::SchemaChanged,
            11 | 26 => Fault::File { problem: "is not a SQLite database, or is damaged" },
            _ => Fault::Code { code: code.to_string() },
        },
    }
}

fn last_name(names: &str) -> String {
    names.rsplit('.').next().unwrap_or(names).to_owned()
}

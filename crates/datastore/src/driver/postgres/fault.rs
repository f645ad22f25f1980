use sqlx::postgres::PgDatabaseError;

use crate::Fault;
use crate::driver::driver_fault;

/// What an error means; the server's sentences stay here.
pub(super) fn fault(error: &sqlx::Error) -> Fault {
    let Some(database) = error.as_database_error() else { return driver_fault(error) };
    let Some(postgres) = database.try_downcast_ref::<PgDatabaseError>() else { return driver_fault(error) };
    let named = |name: Option<&str>| name.map(str::to_owned);
    match postgres.code() {
        "23503" => {
            Fault::ForeignKey { table: named(postgres.table()), constraint: named(postgres.constraint()) }
        }
        "23502" => Fault::NotNull { column: named(postgres.column()) },
        "23505" => Fault::Unique { constraint: named(postgres.constraint()) },
        "23514" | "23P01" => Fault::Refused { constraint: named(postgres.constraint()) },
        // A value that is too long or out of range says no column; a wrong text form neither.
        "22001" | "22003" | "22P02" | "22007" | "22008" => {
            Fault::Refused { constraint: named(postgres.column()) }
        }
        "25006" => Fault::ReadOnly,
        "28000" | "28P01" => Fault::Credentials,
        "3D000" => Fault::NoDatabase,
        "3F000" | "42P01" | "42703" => Fault::SchemaChanged,
        "40001" | "40P01" | "55P03" => Fault::Deadlock,
        "42501" => Fault::Denied { privilege: "SELECT` or `UPDATE" },
        "53100" => Fault::DiskFull,
        "53300" | "57P03" => Fault::Busy,
        "57014" => Fault::Timeout,
        "57P01" | "57P02" | "57P05" | "08000" | "08003" | "08006" => Fault::Lost,
        code => Fault::Code { code: code.to_owned() },
    }
}

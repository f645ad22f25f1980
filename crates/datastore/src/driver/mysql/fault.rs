use sqlx::mysql::MySqlDatabaseError;

use crate::Fault;
use crate::driver::driver_fault;

/// What an error means; the server's sentences stay here, only names in backticks are taken out.
pub(super) fn fault(error: &sqlx::Error) -> Fault {
    let Some(database) = error.as_database_error() else { return driver_fault(error) };
    let Some(mysql) = database.try_downcast_ref::<MySqlDatabaseError>() else { return driver_fault(error) };
    match mysql.number() {
        1216 | 1217 | 1451 | 1452 => {
            let message = mysql.message();
            Fault::ForeignKey {
                table: referring_table(message),
                constraint: between(message, "CONSTRAINT `", "`"),
            }
        }
        1048 | 1364 => Fault::NotNull { column: between(mysql.message(), "'", "'") },
        1062 => Fault::Unique { constraint: None },
        1264 | 1265 | 1292 | 1366 | 1406 | 1411 | 3140 => Fault::Refused {
            constraint: between(mysql.message(), "column ", " at row").as_deref().map(unquoted),
        },
        3819 | 4025 => Fault::Refused {
            constraint: between(mysql.message(), "onstraint ", " ").as_deref().map(unquoted),
        },
        1290 | 1792 | 1836 => Fault::ReadOnly,
        1045 | 1698 | 1251 | 1524 => Fault::Credentials,
        1049 => Fault::NoDatabase,
        1044 | 1142 | 1143 | 1227 | 1370 => Fault::Denied { privilege: "SELECT` or `UPDATE" },
        1054 | 1146 | 1412 => Fault::SchemaChanged,
        1205 | 1213 | 1020 => Fault::Deadlock,
        1040 | 1203 | 1226 | 1053 => Fault::Busy,
        1021 | 1114 => Fault::DiskFull,
        1317 | 1969 | 3024 => Fault::Timeout,
        1077 | 1080 | 1152 | 1158 | 1159 | 1160 | 1161 | 1927 | 4031 => Fault::Lost,
        number => Fault::Code { code: number.to_string() },
    }
}

/// ``(`shop`.`orders`, CONSTRAINT …``: the table that refers.
fn referring_table(message: &str) -> Option<String> {
    let before = message.split(", CONSTRAINT").next()?;
    let name = before.rsplit('`').nth(1)?;
    message.contains(", CONSTRAINT").then(|| name.to_owned())
}

fn between(message: &str, start: &str, end: &str) -> Option<String> {
    let (_, rest) = message.split_once(start)?;
    let (name, _) = rest.split_once(end)?;
    Some(name.to_owned())
}

/// The last name of `` `shop`.`customers`.`email` ``.
fn unquoted(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    last.trim_matches(['`', '\'', '"']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_taken_from_a_message() {
        let message = "Cannot delete or update a parent row: a foreign key constraint fails (`shop`.`orders`, CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`))";

        assert_eq!(referring_table(message).as_deref(), Some("orders"));
        assert_eq!(between(message, "CONSTRAINT `", "`").as_deref(), Some("orders_ibfk_1"));
        assert_eq!(referring_table("something else"), None);
    }
}

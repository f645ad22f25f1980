//! The steps that bring a database to what this version needs.

use std::sync::LazyLock;

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Number, name and text of each file.
type File = (i64, &'static str, &'static str);

const FILES: &[File] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// All of them, by number.
pub(crate) static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let steps = FILES.iter().map(|&(version, name, text)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.collect())
});

#[cfg(test)]
mod tests {
    use super::*;

    // Databases remember the checksum of each step: one that ran somewhere never changes.
    #[test]
    fn steps_keep_the_checksums_that_databases_remember() {
        let first = MIGRATIONS.iter().next().unwrap();

        assert_eq!((first.version, first.description.as_ref()), (1, "state"));
        assert_eq!(first.checksum[..6], [0x84, 0x8b, 0x4a, 0x19, 0x03, 0xf5]);
    }

    #[test]
    fn no_two_steps_have_one_number() {
        let numbers: Vec<i64> = MIGRATIONS.iter().map(|step| step.version).collect();

        assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
        assert_eq!(numbers.len(), FILES.len());
    }
}

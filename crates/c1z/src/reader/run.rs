use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::ReadError;
use super::database::Database;
use super::decode::read_bytes;
use crate::layout::Table;
use crate::statistics::Statistics;
use crate::wall_clock::{read_clock, writer_offset};

/// How long a run that was begun counts as under way (baton R-3).
const UNDER_WAY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A sync run of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRun {
    /// Its id.
    pub id: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; nothing, if it is unfinished.
    pub ended_at: Option<Timestamp>,
    /// Whether it has ended, also at a time that cannot be read.
    pub finished: bool,
    /// Where it stopped, or what it left when it was finished.
    pub token: String,
    /// What it covers, as the file says: `full`, `partial`, ….
    pub sync_type: String,
    /// The run it adds to, or nothing.
    pub parent_sync_id: String,
    /// What it holds, if its writer counted.
    pub statistics: Option<Statistics>,
}

/// Which run is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunChoice {
    /// The one with this id.
    Named(String),
    /// The newest finished one of everything, or else the newest that was begun in the seven days before `now`.
    Newest {
        /// The time.
        now: Timestamp,
    },
}

/// All runs, by when they began.
pub(super) fn list(database: &Database) -> Result<Vec<SyncRun>, ReadError> {
    let failed = |source| ReadError::Database { what: "its sync runs", source };
    let optional = |column, otherwise| if database.has(Table::SyncRuns, column) { column } else { otherwise };
    let sql = format!(
        "SELECT id, sync_id, started_at, ended_at, sync_token, {}, {}, {} FROM main.v1_sync_runs NOT INDEXED \
         ORDER BY id",
        optional("sync_type", "'full'"),
        optional("parent_sync_id", "''"),
        optional("stats", "NULL"),
    );
    database.refill();
    let mut statement = database.connection().prepare(&sql).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut runs = Vec::new();
    let mut before = i64::MIN;
    let mut bytes_left = database.bytes();
    while let Some(row) = rows.next().map_err(failed)? {
        let number: i64 = row.get(0).map_err(failed)?;
        let run = read(row, number)?;
        let held = bytes_left.checked_sub(read_bytes(row) as u64);
        bytes_left = held.filter(|_| number > before).ok_or_else(|| ReadError::Rows {
            table: Table::SyncRuns.name(),
            row: number,
            why: "comes again",
        })?;
        before = number;
        runs.push(run);
    }
    runs.sort_by(|left, right| (left.started_at, &left.id).cmp(&(right.started_at, &right.id)));
    Ok(runs)
}

fn read(row: &Row<'_>, number: i64) -> Result<SyncRun, ReadError> {
    let id = text(row, 1, number, "sync_id")?;
    let started = read_clock(&text(row, 2, number, "started_at")?);
    let ended = optional_text(row, 3, number, "ended_at")?;
    let offset = started.map_or(Offset::UTC, |started| writer_offset(&id, started));
    let time = |clock: jiff::civil::DateTime| offset.to_timestamp(clock).ok();
    Ok(SyncRun {
        started_at: started.and_then(time),
        ended_at: ended.as_deref().and_then(read_clock).and_then(time),
        finished: ended.is_some(),
        token: text(row, 4, number, "sync_token")?,
        sync_type: text(row, 5, number, "sync_type")?,
        parent_sync_id: text(row, 6, number, "parent_sync_id")?,
        // Counts that cannot be read are counted again by whoever asks.
        statistics: optional_text(row, 7, number, "stats")?.and_then(|text| serde_json::from_str(&text).ok()),
        id,
    })
}

fn text(row: &Row<'_>, place: usize, number: i64, column: &'static str) -> Result<String, ReadError> {
    optional_text(row, place, number, column)?.ok_or_else(|| no_text(number, column))
}

fn optional_text(
    row: &Row<'_>,
    place: usize,
    number: i64,
    column: &'static str,
) -> Result<Option<String>, ReadError> {
    match row.get_ref(place) {
        Ok(ValueRef::Null) => Ok(None),
        Ok(ValueRef::Text(text)) => {
            String::from_utf8(text.to_vec()).map(Some).map_err(|_| no_text(number, column))
        }
        Ok(ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_)) | Err(_) => {
            Err(no_text(number, column))
        }
    }
}

fn no_text(row: i64, column: &'static str) -> ReadError {
    ReadError::Value { table: Table::SyncRuns.name(), column, row, expected: "text" }
}

/// The run to look at (baton R-4).
pub(super) fn choose<'a>(runs: &'a [SyncRun], choice: &RunChoice) -> Result<&'a SyncRun, ReadError> {
    match choice {
        RunChoice::Named(id) => runs
            .iter()
            .find(|run| run.id == *id)
            .ok_or_else(|| ReadError::NoSuchRun { sync_id: model::visible(id).into_owned() }),
        RunChoice::Newest { now } => {
            full(runs).first().copied().or_else(|| under_way(runs, *now)).ok_or(ReadError::NoRun)
        }
    }
}

/// Finished runs of everything, newest first.
pub(super) fn full(runs: &[SyncRun]) -> Vec<&SyncRun> {
    let mut full: Vec<_> = runs.iter().filter(|run| run.finished && run.sync_type == "full").collect();
    full.sort_by(|left, right| (right.ended_at, &right.id).cmp(&(left.ended_at, &left.id)));
    full
}

/// The newest unfinished run that is young enough to be still under way.
fn under_way(runs: &[SyncRun], now: Timestamp) -> Option<&SyncRun> {
    let young = |run: &&SyncRun| {
        !run.finished && run.started_at.is_some_and(|started| now.duration_since(started) < UNDER_WAY)
    };
    runs.iter()
        .filter(young)
        .max_by(|left, right| (left.started_at, &left.id).cmp(&(right.started_at, &right.id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str, started: &str, ended: Option<&str>, sync_type: &str) -> SyncRun {
        SyncRun {
            id: id.to_owned(),
            started_at: Some(started.parse().unwrap()),
            ended_at: ended.map(|time| time.parse().unwrap()),
            finished: ended.is_some(),
            token: String::new(),
            sync_type: sync_type.to_owned(),
            parent_sync_id: String::new(),
            statistics: None,
        }
    }

    /// baton R-4: finished and full first, by its end; else the newest that was begun in seven days.
    #[test]
    fn the_newest_finished_full_run_is_looked_at_and_else_one_under_way() {
        let now = RunChoice::Newest { now: "2026-11-20T00:00:00Z".parse().unwrap() };
        let mut runs = vec![
            run("a", "2026-11-01T00:00:00Z", None, "full"),
            run("b", "2026-11-18T00:00:00Z", None, "full"),
        ];
        assert_eq!(choose(&runs, &now).unwrap().id, "b");
        runs.remove(1);
        assert!(matches!(choose(&runs, &now), Err(ReadError::NoRun)), "older than seven days");

        runs.push(run("c", "2026-10-01T00:00:00Z", Some("2026-10-09T00:00:00Z"), "full"));
        runs.push(run("d", "2026-10-02T00:00:00Z", Some("2026-10-02T00:00:00Z"), "full"));
        runs.push(run("e", "2026-11-19T00:00:00Z", Some("2026-11-19T00:00:00Z"), "partial"));
        assert_eq!(choose(&runs, &now).unwrap().id, "c");
        assert_eq!(choose(&runs, &RunChoice::Named("e".to_owned())).unwrap().id, "e");
        assert!(matches!(
            choose(&runs, &RunChoice::Named("x".to_owned())),
            Err(ReadError::NoSuchRun { sync_id }) if sync_id == "x"
        ));
    }
}

use super::{StoredConnection, columns, connection};
use crate::sql::query;
use crate::store::{count, signed};
use crate::{Listed, Store, StoreError, Window};

/// What the last test of a connection said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestStatus {
    /// It went well.
    Passed,
    /// It did not.
    Failed,
    /// There was none.
    Untested,
}

impl TestStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Untested => "untested",
        }
    }
}

/// Which connections are wanted; what is not given does not matter.
#[derive(Debug, Clone, Default)]
pub struct ConnectionFilter {
    /// Part of key, name or description, in any case.
    pub search: Option<String>,
    /// Switched off, or not.
    pub disabled: Option<bool>,
    /// What their last test said.
    pub test_status: Option<TestStatus>,
    /// One of these connection types, or types of connector files.
    pub types: Option<Vec<String>>,
    /// One of these connection types, whatever else was asked for.
    pub among: Option<Vec<String>>,
    /// Belonging to no system, or to one.
    pub orphaned: Option<bool>,
    /// Belonging to this system.
    pub system_key: Option<String>,
}

/// `$1` … `$7` are the fields of the filter. Texts are looked for exactly, not by pattern.
macro_rules! matching {
    () => {
        " FROM connection WHERE (CAST($1 AS TEXT) IS NULL OR LENGTH(REPLACE(search_text, CAST($1 AS TEXT), '')) < LENGTH(search_text)) AND disabled = COALESCE(CAST($2 AS BIGINT), disabled) AND (CAST($3 AS TEXT) IS NULL OR CAST($3 AS TEXT) = CASE COALESCE(test_succeeded, 2) WHEN 1 THEN 'passed' WHEN 0 THEN 'failed' ELSE 'untested' END) AND (CAST($4 AS TEXT) IS NULL OR LENGTH(REPLACE(CAST($4 AS TEXT), '|' || connection_type || '|', '')) < LENGTH(CAST($4 AS TEXT)) OR LENGTH(REPLACE(CAST($4 AS TEXT), '|' || connector_type || '|', '')) < LENGTH(CAST($4 AS TEXT))) AND (CAST($5 AS TEXT) IS NULL OR LENGTH(REPLACE(CAST($5 AS TEXT), '|' || connection_type || '|', '')) < LENGTH(CAST($5 AS TEXT))) AND (CAST($6 AS BIGINT) IS NULL OR CAST($6 AS BIGINT) = CASE WHEN system_key IS NULL THEN 1 ELSE 0 END) AND (CAST($7 AS TEXT) IS NULL OR system_key = CAST($7 AS TEXT))"
    };
}

impl Store {
    /// The connections that fit, ordered by name.
    pub async fn connection_list(
        &self,
        filter: &ConnectionFilter,
        window: Window,
    ) -> Result<Listed<StoredConnection>, StoreError> {
        const LIST: &str = concat!(
            "SELECT ",
            columns!(),
            matching!(),
            " ORDER BY COALESCE(name, key), key LIMIT $8 OFFSET $9"
        );
        const COUNT: &str = concat!("SELECT COUNT(*)", matching!());
        let bound = |sql| {
            query(sql)
                .bind(filter.search.as_deref().filter(|text| !text.is_empty()).map(str::to_lowercase))
                .bind(filter.disabled.map(i64::from))
                .bind(filter.test_status.map(TestStatus::as_str))
                .bind(filter.types.as_deref().map(listed))
                .bind(filter.among.as_deref().map(listed))
                .bind(filter.orphaned.map(i64::from))
                .bind(filter.system_key.clone())
        };
        let (limit, offset) = (i64::from(window.limit), signed(window.offset));
        let rows = bound(LIST).bind(limit).bind(offset).fetch_all(&self.inner.reader).await?;
        let items: Vec<_> = rows.iter().map(connection).collect::<Result<_, _>>()?;
        // The first page counts itself if it is the last one, too.
        let is_whole = window.offset == 0 && items.len() < window.limit as usize;
        let total = if is_whole {
            items.len() as u64
        } else {
            count(bound(COUNT).fetch_one(&self.inner.reader).await?.try_get(0)?)?
        };
        Ok(Listed { items, total })
    }
}

/// `||a||b||`: each text stands between bars of its own.
fn listed(texts: &[String]) -> String {
    texts.iter().flat_map(|text| ["|", text, "|"]).collect()
}

use super::{Login, select};
use crate::listed::containing;
use crate::sql::query;
use crate::store::{count, signed};
use crate::{Listed, Store, StoreError, Window};

macro_rules! named {
    () => {
        "WHERE username_folded LIKE $1 ESCAPE '\\'"
    };
}

impl Store {
    /// People who sign in, newest first; those with `username` in theirs, whatever the case.
    pub async fn login_list(
        &self,
        username: Option<&str>,
        window: Window,
    ) -> Result<Listed<Login>, StoreError> {
        const LIST: &str =
            select!(concat!(named!(), " ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"));
        const COUNT: &str = concat!("SELECT COUNT(*) FROM login ", named!());
        let pattern = containing(username.unwrap_or_default());
        if pattern.contains('\0') {
            return Ok(Listed { items: Vec::new(), total: 0 });
        }
        let total = query(COUNT).bind(pattern.as_str()).fetch_one(&self.inner.reader).await?;
        let rows = query(LIST)
            .bind(pattern)
            .bind(i64::from(window.limit))
            .bind(signed(window.offset))
            .fetch_all(&self.inner.reader)
            .await?;
        Ok(Listed {
            items: rows.iter().map(|row| self.login_of(row)).collect::<Result<_, _>>()?,
            total: count(total.try_get(0)?)?,
        })
    }
}

use std::future::Future;

use sqlx::AssertSqlSafe;

use super::bound::arguments;
use super::{Answer, Connection, DatabaseError, Pool, Query, Row, Wanted};

/// Something that statements can be said to.
pub(crate) trait Executor {
    fn run(
        self,
        query: Query<'_>,
        wanted: Wanted,
    ) -> impl Future<Output = Result<Answer, DatabaseError>> + Send;
}

impl Executor for &mut Connection<'_> {
    async fn run(self, query: Query<'_>, wanted: Wanted) -> Result<Answer, DatabaseError> {
        match self {
            Connection::Sqlite(connection) => connection.run(query, wanted).await,
            // Its state is large, and whoever calls would carry it along.
            Connection::Postgres(connection) => Box::pin(on_postgres(connection, query, wanted)).await,
        }
    }
}

impl Executor for Connection<'_> {
    async fn run(mut self, query: Query<'_>, wanted: Wanted) -> Result<Answer, DatabaseError> {
        (&mut self).run(query, wanted).await
    }
}

/// On a connection of its own for the one statement.
impl Executor for &Pool {
    async fn run(self, query: Query<'_>, wanted: Wanted) -> Result<Answer, DatabaseError> {
        let mut lent = self.acquire().await?;
        lent.connection().run(query, wanted).await
    }
}

async fn on_postgres(
    connection: &mut sqlx::AnyConnection,
    query: Query<'_>,
    wanted: Wanted,
) -> Result<Answer, DatabaseError> {
    let statement = sqlx::query_with(AssertSqlSafe(query.text), arguments(query.values)?);
    let mut answer = Answer::default();
    match wanted {
        Wanted::None => answer.changed = statement.execute(connection).await?.rows_affected(),
        Wanted::First => {
            answer.rows.extend(statement.fetch_optional(connection).await?.map(Row::Postgres));
        }
        Wanted::All => {
            let rows = statement.fetch_all(connection).await?;
            answer.rows = rows.into_iter().map(Row::Postgres).collect();
        }
    }
    Ok(answer)
}

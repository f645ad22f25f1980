use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crypto::PartsHash;
use model::{Clock, CollectionAddress, ConnectionKey};
use spec::Access;

use crate::driver::Driver;
use crate::table::{Table, TableName};
use crate::{DatabaseError, DatabaseKind, DatabaseSettings, Fault, ReadLimits};

/// A connection to a database of the company: reading by a dataset, changing by primary key.
///
/// Cheap to clone. Nothing is dialled before it is needed.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    connection: ConnectionKey,
    kind: DatabaseKind,
    access: Access,
    schema: Option<String>,
    /// Stands for where the database is and as whom it is asked.
    place: [u8; 32],
    limits: ReadLimits,
    clock: Arc<dyn Clock>,
    driver: Driver,
}

impl Database {
    /// Checks the settings; no input or output.
    ///
    /// # Errors
    /// [`Fault::NotBuiltIn`], or [`Fault::Secrets`] if they do not say where the database is.
    pub fn new(settings: &DatabaseSettings, clock: Arc<dyn Clock>) -> Result<Self, DatabaseError> {
        let connection = settings.connection.clone();
        let driver = Driver::new(settings).map_err(|fault| DatabaseError {
            connection: connection.clone(),
            collection: None,
            fault,
        })?;
        let namespace = &settings.namespace;
        let schema = match settings.kind {
            DatabaseKind::PostgreSql | DatabaseKind::SqlServer => namespace.schema.clone(),
            DatabaseKind::MySql => namespace.database.clone().or_else(|| namespace.schema.clone()),
            DatabaseKind::Sqlite | DatabaseKind::MongoDb => None,
        };
        let inner = Inner {
            connection,
            kind: settings.kind,
            access: settings.access,
            schema,
            place: place_hash(settings),
            limits: settings.limits.clone(),
            clock,
            driver,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Key of the connection.
    pub fn connection(&self) -> &ConnectionKey {
        &self.inner.connection
    }

    /// Which database it is.
    pub fn kind(&self) -> DatabaseKind {
        self.inner.kind
    }

    /// Connects and asks for 1 (privacy-requests C-8).
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn test(&self) -> Result<(), DatabaseError> {
        self.inner.driver.test().await.map_err(|fault| self.error(None, fault))
    }

    /// Looks at the table of a collection, without reading a row: it is there, with these columns, and
    /// they may be read.
    ///
    /// # Errors
    /// Why the table cannot be read as its dataset says; [`Fault::Denied`] without the right to.
    pub async fn look(&self, collection: &CollectionAddress, columns: &[&str]) -> Result<(), DatabaseError> {
        let limit = self.inner.limits.statement_timeout;
        let looked = tokio::time::timeout(limit, self.look_at(collection, columns)).await;
        looked.unwrap_or(Err(Fault::Timeout)).map_err(|fault| self.error(Some(collection), fault))
    }

    async fn look_at(&self, collection: &CollectionAddress, columns: &[&str]) -> Result<(), Fault> {
        let (table, dialect) = (self.table(collection).await?, self.driver().dialect());
        let mut names = BTreeSet::new();
        for column in columns {
            names.insert(dialect.quote(&table.column(column)?.name));
        }
        // The catalogue says nothing about rights. Asking for no row of them does.
        let names = if names.is_empty() { "1".to_owned() } else { Vec::from_iter(names).join(", ") };
        self.number_of(&format!("SELECT {names} FROM {} LIMIT 0", dialect.table(&table.name))).await?;
        Ok(())
    }

    pub(crate) fn place(&self) -> [u8; 32] {
        self.inner.place
    }

    pub(crate) fn schema(&self) -> Option<String> {
        self.inner.schema.clone()
    }

    pub(crate) fn driver(&self) -> &Driver {
        &self.inner.driver
    }

    pub(crate) fn limits(&self) -> &ReadLimits {
        &self.inner.limits
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    pub(crate) fn access(&self) -> Access {
        self.inner.access
    }

    /// The table of a collection, as the database has it now.
    pub(crate) async fn table(&self, collection: &CollectionAddress) -> Result<Table, Fault> {
        let name = TableName { schema: self.inner.schema.clone(), name: collection.collection().to_owned() };
        let described =
            tokio::time::timeout(self.inner.limits.statement_timeout, self.inner.driver.describe(name));
        described.await.unwrap_or(Err(Fault::Timeout))
    }

    pub(crate) fn error(&self, collection: Option<&CollectionAddress>, fault: Fault) -> DatabaseError {
        DatabaseError {
            connection: self.inner.connection.clone(),
            collection: collection.cloned().map(Box::new),
            fault,
        }
    }
}

fn place_hash(settings: &DatabaseSettings) -> [u8; 32] {
    let mut hash = PartsHash::new();
    hash.add(settings.connection.as_str());
    hash.add(format!("{:?} {:?}", settings.kind, settings.namespace));
    for (name, value) in &settings.secrets {
        hash.add(name);
        hash.add(value.to_string());
    }
    hash.finish()
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("connection", &self.inner.connection)
            .field("kind", &self.inner.kind)
            .finish_non_exhaustive()
    }
}

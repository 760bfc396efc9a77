//! One way to speak to either database: statements, values and rows, and what a connection may be trusted with.
//!
//! `SQLite` and `PostgreSQL` get the same text with the same numbered parameters; only texts and whole
//! numbers go in and out. What differs between them is here and in how they are opened, nowhere else.

use super::gate::Gate;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgPool, PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr, Transaction};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a writer waits for its turn with `PostgreSQL`.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a statement may take with `PostgreSQL` before its connection is given up.
///
/// The server's own `statement_timeout` comes first; this one is for servers that do not answer at all.
const PATIENCE: Duration = Duration::from_secs(4);
/// Every transaction that writes to `PostgreSQL` begins with this lock, for the same order of things that
/// `SQLite`'s one writer gives. Each statement after it sees what the holder before it has committed.
pub(super) const BEGIN_POSTGRES: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
     SELECT pg_advisory_xact_lock(8531337069452059244)";

/// How often something was written, so that what was read before can be told from what was read after; and whether
/// anything may be.
#[derive(Debug, Default)]
pub(super) struct Writes {
    count: AtomicU64,
    pub(super) gate: Gate,
}

impl Writes {
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// Counts a write when dropped: done, failed or given up by its caller, which may be any of the three.
    pub(super) const fn counted(&self) -> Counted<'_> {
        Counted(self)
    }
}

pub(super) struct Counted<'a>(&'a Writes);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.count.fetch_add(1, Ordering::AcqRel);
    }
}

/// Connections to one database.
#[derive(Clone, Debug)]
pub(super) enum Pool {
    Sqlite(SqlitePool, Arc<Writes>),
    /// With turns, callers wait for theirs before they wait for a connection: a long queue is not yet
    /// a server that is away, and may take longer than that to be found out.
    Postgres(PgPool, Option<Arc<Semaphore>>),
}

impl Pool {
    pub(super) async fn acquire(&self) -> Result<Conn, sqlx::Error> {
        Ok(Conn(match self {
            Self::Sqlite(pool, writes) => {
                writes.gate.pass()?;
                let conn = pool.acquire().await?;
                // The one connection that writes may have been the copy's until now.
                writes.gate.pass()?;
                Handle::Sqlite(conn)
            }
            Self::Postgres(pool, turns) => {
                Handle::Postgres(PgConn::acquire(pool, turns.as_ref()).await?)
            }
        }))
    }

    /// Begins a transaction that writes; dropped without a commit, it changes nothing.
    pub(super) async fn begin(&self) -> Result<Tx, sqlx::Error> {
        Ok(Tx(Conn(match self {
            Self::Sqlite(pool, writes) => {
                writes.gate.pass()?;
                let tx = immediate(pool).await?;
                // As above.
                writes.gate.pass()?;
                Handle::Writing(tx, Arc::clone(writes))
            }
            Self::Postgres(pool, turns) => {
                let mut conn = PgConn::acquire(pool, turns.as_ref()).await?;
                conn.begin().await?;
                Handle::Postgres(conn)
            }
        })))
    }

    /// The same, whether or not the gate is shut, and for reading: what `SQLite` holds cannot change until it is dropped.
    ///
    /// It waits for whoever writes; what was sent before on that connection has been dealt with by then.
    pub(super) async fn stand_still(&self) -> Result<Tx, sqlx::Error> {
        match self {
            Self::Sqlite(pool, writes) => {
                let tx = immediate(pool).await?;
                Ok(Tx(Conn(Handle::Writing(tx, Arc::clone(writes)))))
            }
            Self::Postgres(..) => self.begin().await,
        }
    }

    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(pool, _) => pool.close().await,
            Self::Postgres(pool, _) => pool.close().await,
        }
    }
}

/// A plain BEGIN would take the lock at the first write, and fail there if what was read before it has changed by then.
async fn immediate(pool: &SqlitePool) -> Result<Transaction<'static, Sqlite>, sqlx::Error> {
    pool.begin_with("BEGIN IMMEDIATE").await
}

/// A connection of our own for a while, inside a transaction or not.
#[derive(Debug)]
pub(super) struct Conn(Handle);

#[derive(Debug)]
enum Handle {
    Sqlite(PoolConnection<Sqlite>),
    Writing(Transaction<'static, Sqlite>, Arc<Writes>),
    Postgres(PgConn),
}

/// A connection inside a transaction that writes.
#[derive(Debug)]
pub(super) struct Tx(Conn);

impl Tx {
    pub(super) async fn commit(self) -> Result<(), sqlx::Error> {
        match self.0.0 {
            Handle::Sqlite(_) => Ok(()),
            Handle::Writing(tx, writes) => {
                let _counted = writes.counted();
                tx.commit().await
            }
            Handle::Postgres(mut conn) => conn.commit().await,
        }
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}

/// A connection to `PostgreSQL` that goes back to its pool only when nothing is under way on it.
///
/// Asking a connection whether it is well, as the pool does, may take forever when the server has
/// gone without a word: one that was left in the middle of anything is closed instead.
#[derive(Debug)]
struct PgConn {
    conn: PoolConnection<Postgres>,
    in_transaction: bool,
    is_busy: bool,
    /// Given back when the connection is.
    _turn: Option<OwnedSemaphorePermit>,
}

impl PgConn {
    async fn acquire(pool: &PgPool, turns: Option<&Arc<Semaphore>>) -> Result<Self, sqlx::Error> {
        let turn = match turns {
            None => None,
            Some(turns) => {
                let turn = tokio::time::timeout(QUEUE_TIMEOUT, Arc::clone(turns).acquire_owned());
                let turn = turn.await.map_err(|_| sqlx::Error::PoolTimedOut)?;
                Some(turn.map_err(|_| sqlx::Error::PoolClosed)?)
            }
        };
        Ok(Self {
            conn: pool.acquire().await?,
            in_transaction: false,
            is_busy: false,
            _turn: turn,
        })
    }

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        self.in_transaction = true;
        self.simple(BEGIN_POSTGRES).await
    }

    async fn commit(&mut self) -> Result<(), sqlx::Error> {
        self.simple("COMMIT").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Several statements without values, in one round trip.
    async fn simple(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        self.is_busy = true;
        let done = patiently(sqlx::raw_sql(sql).execute(&mut *self.conn)).await?;
        self.is_busy = false;
        done.map(drop)
    }
}

impl Drop for PgConn {
    fn drop(&mut self) {
        if self.is_busy || self.in_transaction {
            self.conn.close_on_drop();
        }
    }
}

async fn patiently<T>(work: impl Future<Output = T>) -> Result<T, sqlx::Error> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| {
        sqlx::Error::Io(std::io::Error::new(
            std::io::ErrorKind::TimedOut,
            "PostgreSQL does not answer",
        ))
    })
}

/// What a column may hold.
#[derive(Debug)]
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

/// A statement and its values.
pub(super) struct Query {
    sql: SqlStr,
    values: Vec<Value>,
}

/// A statement that is written here, values left out as `$1`, `$2` and so on.
pub(super) fn query(sql: &'static str) -> Query {
    Query {
        sql: sql.into_sql_str(),
        values: Vec::new(),
    }
}

/// A statement whose text was put together: of parts written here, and of names that have been looked at.
pub(super) fn composed(sql: String) -> Query {
    Query {
        sql: AssertSqlSafe(sql).into_sql_str(),
        values: Vec::new(),
    }
}

/// The query as one of sqlx's, for that database.
macro_rules! of_sqlx {
    ($query:expr, $database:ty) => {{
        let mut query = sqlx::query::<$database>($query.sql);
        for value in $query.values {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Query {
    /// The next value.
    pub(super) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(super) async fn fetch_all(self, on: impl Executor) -> Result<Vec<Row>, sqlx::Error> {
        on.rows(self).await
    }

    pub(super) async fn fetch_optional(
        self,
        on: impl Executor,
    ) -> Result<Option<Row>, sqlx::Error> {
        Ok(on.rows(self).await?.into_iter().next())
    }

    pub(super) async fn fetch_one(self, on: impl Executor) -> Result<Row, sqlx::Error> {
        let row = self.fetch_optional(on).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }

    pub(super) async fn execute(self, on: impl Executor) -> Result<Done, sqlx::Error> {
        on.done(self).await.map(Done)
    }
}

/// What a statement that writes has done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done(u64);

impl Done {
    pub(super) const fn rows_affected(self) -> u64 {
        self.0
    }
}

/// Where a query can run: on a connection, or on any of a pool.
pub(super) trait Executor: Send {
    fn rows(self, query: Query) -> impl Future<Output = Result<Vec<Row>, sqlx::Error>> + Send;
    fn done(self, query: Query) -> impl Future<Output = Result<u64, sqlx::Error>> + Send;
}

impl Executor for &Pool {
    async fn rows(self, query: Query) -> Result<Vec<Row>, sqlx::Error> {
        self.acquire().await?.rows(query).await
    }

    async fn done(self, query: Query) -> Result<u64, sqlx::Error> {
        let _counted = match self {
            Pool::Sqlite(_, writes) => Some(writes.counted()),
            Pool::Postgres(..) => None,
        };
        self.acquire().await?.done(query).await
    }
}

impl Executor for &mut Conn {
    async fn rows(self, query: Query) -> Result<Vec<Row>, sqlx::Error> {
        let sqlite = match &mut self.0 {
            Handle::Sqlite(conn) => &mut **conn,
            Handle::Writing(tx, _) => &mut **tx,
            Handle::Postgres(pg) => {
                pg.is_busy = true;
                let work = of_sqlx!(query, Postgres).fetch_all(&mut *pg.conn);
                let found = patiently(work).await?;
                pg.is_busy = false;
                return Ok(found?.into_iter().map(Row::Postgres).collect());
            }
        };
        let found = of_sqlx!(query, Sqlite).fetch_all(sqlite).await?;
        Ok(found.into_iter().map(Row::Sqlite).collect())
    }

    async fn done(self, query: Query) -> Result<u64, sqlx::Error> {
        let sqlite = match &mut self.0 {
            Handle::Sqlite(conn) => &mut **conn,
            Handle::Writing(tx, _) => &mut **tx,
            Handle::Postgres(pg) => {
                pg.is_busy = true;
                let work = of_sqlx!(query, Postgres).execute(&mut *pg.conn);
                let done = patiently(work).await?;
                pg.is_busy = false;
                return Ok(done?.rows_affected());
            }
        };
        let done = of_sqlx!(query, Sqlite).execute(sqlite).await?;
        Ok(done.rows_affected())
    }
}

/// A statement put together from parts that are written here; values never become part of its text.
pub(super) struct Builder {
    sql: String,
    values: Vec<Value>,
}

impl Builder {
    pub(super) fn new(sql: &'static str) -> Self {
        Self {
            sql: sql.to_owned(),
            values: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    pub(super) fn push_bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
        self
    }

    pub(super) fn build(self) -> Query {
        Query {
            values: self.values,
            ..composed(self.sql)
        }
    }
}

/// A row of either database.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column.
    pub(super) fn try_get<'r, T>(&'r self, column: &str) -> Result<T, sqlx::Error>
    where
        T: sqlx::Decode<'r, Sqlite> + sqlx::Type<Sqlite>,
        T: sqlx::Decode<'r, Postgres> + sqlx::Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => sqlx::Row::try_get(row, column),
            Self::Postgres(row) => sqlx::Row::try_get(row, column),
        }
    }
}

//! Copying the directory from `SQLite` to `PostgreSQL`: every table, in one transaction, checked on arrival.
//!
//! What there is to copy is read from the source's own schema, in the order it was made, in which no row
//! refers to one that comes later. A table or column added by a migration needs nothing here.

use super::engine::{Conn, Query, Row, Value, composed};
use super::{PostgresOptions, SqlDirectory, failed};
use crate::domain::directory::{Census, CopiedTable};
use crate::domain::failure::StoreError;
use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;

/// Rows read and written at a time.
const BATCH: usize = 500;

/// Copies a directory into an empty database, or changes nothing there; `progress` hears rows done and in all.
///
/// Nobody writes to the source meanwhile.
pub async fn copy(
    from: &Path,
    to: &PostgresOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> anyhow::Result<Vec<CopiedTable>> {
    let source = SqlDirectory::open_sqlite(from).await?;
    copy_from(&source, to, progress).await
}

/// The same from a directory that is open, which may be read meanwhile.
pub(super) async fn copy_from(
    source: &SqlDirectory,
    to: &PostgresOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> anyhow::Result<Vec<CopiedTable>> {
    let target = SqlDirectory::open_postgres(to).await?;
    let copied = between(source, &target, progress).await;
    // Not left to a time-out of the database: it may be looked at, or emptied, next.
    target.close().await;
    copied
}

async fn between(
    source: &SqlDirectory,
    target: &SqlDirectory,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> anyhow::Result<Vec<CopiedTable>> {
    // Held to the end and never committed: it keeps every other writer away.
    let mut source = source.writer.stand_still().await.map_err(failed)?;
    let mut target = target.begin().await?;
    let tables = tables(&mut source).await?;
    require_empty(&mut target, &tables).await?;
    let mut total = 0;
    for table in &tables {
        total += count(&mut source, &table.name).await?;
    }
    progress(0, total);

    let mut done = 0;
    let mut copied = Vec::with_capacity(tables.len());
    for table in &tables {
        let mut sent = Sum::default();
        let mut after = 0;
        loop {
            let (rows, last) = table.read(&mut source, after).await?;
            let Some(last) = last else { break };
            after = last;
            for row in &rows {
                sent.add(row);
            }
            done += rows.len() as u64;
            table.write(&mut target, rows).await?;
            progress(done, total);
        }
        let arrived = table.sum(&mut target).await?;
        ensure!(
            arrived == sent,
            "{}: {} rows were sent and {} arrived, or some of them changed; nothing was copied",
            table.name,
            sent.rows,
            arrived.rows
        );
        copied.push(CopiedTable {
            table: table.name.clone(),
            rows: arrived.rows,
            checksum: arrived.text(),
        });
    }
    target.commit().await.map_err(failed)?;
    Ok(copied)
}

/// How much there is to copy, for people.
pub(super) async fn census(source: &SqlDirectory) -> Result<Census, StoreError> {
    let mut conn = source.reader.acquire().await.map_err(failed)?;
    Ok(Census {
        users: count(&mut conn, "users").await?,
        orgs: count(&mut conn, "orgs").await?,
        keys: count(&mut conn, "secret_keys").await?,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Int,
    Text,
}

struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
}

/// Every table of ours and its columns.
async fn tables(source: &mut Conn) -> anyhow::Result<Vec<Table>> {
    let rows = composed(
        "SELECT m.name AS \"table\", p.name AS \"column\", p.type AS \"type\"
         FROM sqlite_master AS m, pragma_table_info(m.name) AS p
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         AND m.name NOT LIKE '\\_sqlx\\_%' ESCAPE '\\'
         ORDER BY m.rowid, p.cid"
            .to_owned(),
    )
    .fetch_all(source)
    .await
    .map_err(failed)?;
    let mut tables: Vec<Table> = Vec::new();
    for row in &rows {
        let text = |column| row.try_get::<String>(column).map_err(failed);
        let (table, column) = (text("table")?, text("column")?);
        let kind = match text("type")?.as_str() {
            "BIGINT" | "INTEGER" => Kind::Int,
            "TEXT" => Kind::Text,
            other => bail!("{table}.{column}: a column of type {other} cannot be copied"),
        };
        // These become part of statements.
        ensure!(
            is_plain(&table) && is_plain(&column),
            "{table}.{column} is not a table of this server's"
        );
        match tables.last_mut() {
            Some(last) if last.name == table => last.columns.push((column, kind)),
            _ => tables.push(Table {
                name: table,
                columns: vec![(column, kind)],
            }),
        }
    }
    Ok(tables)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Leaves the target without any row: the Primary Org that every new database has comes from the source.
async fn require_empty(target: &mut Conn, tables: &[Table]) -> anyhow::Result<()> {
    for table in tables {
        let own = u64::from(table.name == "orgs");
        let rows = count(target, &table.name).await?;
        ensure!(
            rows <= own,
            "the target is not empty: its table {} has {rows} rows; copy into a new database",
            table.name
        );
    }
    composed("DELETE FROM orgs WHERE id = 0".to_owned())
        .execute(&mut *target)
        .await
        .map_err(failed)?;
    ensure!(
        count(target, "orgs").await? == 0,
        "the target is not empty: it has an Org of its own; copy into a new database"
    );
    Ok(())
}

async fn count(conn: &mut Conn, table: &str) -> Result<u64, StoreError> {
    let row = composed(format!("SELECT COUNT(*) AS n FROM {table}"))
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    let n: i64 = row.try_get("n").map_err(failed)?;
    u64::try_from(n).map_err(StoreError::corrupt)
}

impl Table {
    fn column_list(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    fn values(&self, row: &Row) -> Result<Vec<Value>, StoreError> {
        let value = |(name, kind): &(String, Kind)| match kind {
            Kind::Int => row.try_get(name).map(Value::Int),
            Kind::Text => row.try_get(name).map(Value::Text),
        };
        let values: Result<_, _> = self.columns.iter().map(value).collect();
        values.map_err(failed)
    }

    /// The next rows of the source, and the last one's place.
    async fn read(
        &self,
        source: &mut Conn,
        after: i64,
    ) -> anyhow::Result<(Vec<Vec<Value>>, Option<i64>)> {
        let rows = composed(format!(
            "SELECT rowid AS place_, {} FROM {} WHERE rowid > $1 ORDER BY rowid LIMIT {BATCH}",
            self.column_list(),
            self.name
        ))
        .bind(after)
        .fetch_all(source)
        .await
        .map_err(failed)?;
        let last = rows.last().map(|row| row.try_get("place_"));
        let values: Result<_, _> = rows.iter().map(|row| self.values(row)).collect();
        Ok((values?, last.transpose().map_err(failed)?))
    }

    async fn write(&self, target: &mut Conn, rows: Vec<Vec<Value>>) -> anyhow::Result<()> {
        let mut sql = format!("INSERT INTO {} ({}) VALUES ", self.name, self.column_list());
        let width = self.columns.len();
        for row in 0..rows.len() {
            let numbers: Vec<String> = (1..=width)
                .map(|n| format!("${}", row * width + n))
                .collect();
            let comma = if row == 0 { "" } else { ", " };
            let _infallible = write!(sql, "{comma}({})", numbers.join(", "));
        }
        let query = rows.into_iter().flatten().fold(composed(sql), Query::bind);
        query
            .execute(target)
            .await
            .map_err(failed)
            .with_context(|| format!("writing to the table {}", self.name))?;
        Ok(())
    }

    /// What the target holds, read back.
    async fn sum(&self, target: &mut Conn) -> anyhow::Result<Sum> {
        // A name of its own for each: the statement that fetches is remembered with its columns' types.
        let cursor = format!("arrived_{}", self.name);
        let columns = self.column_list();
        let open = format!(
            "DECLARE {cursor} CURSOR FOR SELECT {columns} FROM {}",
            self.name
        );
        composed(open).execute(&mut *target).await.map_err(failed)?;
        let mut sum = Sum::default();
        loop {
            let rows = composed(format!("FETCH {BATCH} FROM {cursor}"))
                .fetch_all(&mut *target)
                .await
                .map_err(failed)?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                sum.add(&self.values(row)?);
            }
        }
        let close = composed(format!("CLOSE {cursor}"));
        close.execute(target).await.map_err(failed)?;
        Ok(sum)
    }
}

/// Rows counted, and their digests added up: the same in whatever order they come.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    digests: [u64; 4],
}

impl Sum {
    fn add(&mut self, row: &Vec<Value>) {
        let mut digest = Sha256::new();
        for value in row {
            match value {
                Value::Int(None) | Value::Text(None) => digest.update([0]),
                Value::Int(Some(number)) => {
                    digest.update([1]);
                    digest.update(number.to_be_bytes());
                }
                Value::Text(Some(text)) => {
                    digest.update([2]);
                    digest.update((text.len() as u64).to_be_bytes());
                    digest.update(text);
                }
            }
        }
        self.rows += 1;
        let digest = digest.finalize();
        for (sum, bytes) in self.digests.iter_mut().zip(digest.as_chunks::<8>().0) {
            *sum = sum.wrapping_add(u64::from_be_bytes(*bytes));
        }
    }

    fn text(&self) -> String {
        self.digests.iter().fold(String::new(), |mut text, part| {
            let _infallible = write!(text, "{part:016x}");
            text
        })
    }
}

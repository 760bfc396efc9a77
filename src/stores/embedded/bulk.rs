//! New sessions and tokens, many to a statement: each statement costs two changes of thread.

use crate::domain::session::Session;
use crate::domain::token::TokenRecord;
use crate::stores::embedded::journal::{Op, column};
use crate::stores::embedded::memory::Digest;
use sqlx::QueryBuilder;
use sqlx::sqlite::{Sqlite, SqliteConnection};

/// How many rows one statement has, the largest that fits first. Few sizes, so that few statements are prepared.
const SIZES: [usize; 4] = [64, 16, 4, 1];

struct NewSession<'a>(&'a Digest, &'a Session, &'a [u8]);
struct NewToken<'a>(&'a Digest, &'a TokenRecord, &'a [u8]);

/// Writes what is new, and hands back the rest in its order.
///
/// What is new goes first: nothing in the same commit can be about it yet, for its id is told to nobody before. A token
/// that supersedes another is not among it, since there order counts.
pub async fn write_new<'a>(
    db: &mut SqliteConnection,
    ops: &[&'a Op],
) -> Result<Vec<&'a Op>, sqlx::Error> {
    let (mut sessions, mut tokens, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for op in ops {
        match op {
            Op::Open {
                digest,
                session,
                record,
                ..
            } => sessions.push(NewSession(digest, session, record)),
            Op::Put {
                digest,
                record,
                bytes,
                supersedes: false,
            } => tokens.push(NewToken(digest, record, bytes)),
            _ => rest.push(*op),
        }
    }
    for part in pieces(&sessions) {
        QueryBuilder::<Sqlite>::new("INSERT INTO sessions (digest, record, org, seen) ")
            .push_values(part, |mut row, new| {
                row.push_bind(&new.0[..])
                    .push_bind(new.2)
                    .push_bind(new.1.org.0)
                    .push_bind(column(new.1.last_seen_at));
            })
            .push(" ON CONFLICT DO NOTHING")
            .build()
            .execute(&mut *db)
            .await?;
    }
    for part in pieces(&tokens) {
        QueryBuilder::<Sqlite>::new("INSERT INTO tokens (digest, record, expires_at) ")
            .push_values(part, |mut row, new| {
                row.push_bind(&new.0[..])
                    .push_bind(new.2)
                    .push_bind(column(new.1.expires_at));
            })
            .push(" ON CONFLICT DO NOTHING")
            .build()
            .execute(&mut *db)
            .await?;
    }
    Ok(rest)
}

/// All of it in pieces of those sizes.
fn pieces<T>(mut all: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.into_iter().find(|size| *size <= all.len())?;
        let (piece, rest) = all.split_at(size);
        all = rest;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_of_few_sizes_and_leave_nothing_out() {
        for length in 0..300 {
            let all: Vec<usize> = (0..length).collect();
            assert!(pieces(&all).all(|piece| SIZES.contains(&piece.len())));
            assert_eq!(pieces(&all).flatten().copied().collect::<Vec<_>>(), all);
        }
    }
}

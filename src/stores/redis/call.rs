//! What is asked of Redis: a command or a script, and the key that says which server has to answer it.

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, FromRedisValue, RedisResult, RedisWrite, Script, ToRedisArgs, pipe};
use ::redis::{ErrorKind, ServerErrorKind};
use std::io::{self, Write};

/// Room for what a check says: four keys and four arguments.
const CALL_BYTES: usize = 400;
/// Keys and arguments of a check.
const CALL_PARTS: usize = 8;
/// Digits of any number.
const NUMBER_BYTES: usize = 20;

/// A script with its keys and arguments.
pub struct Call<'a> {
    script: &'a Script,
    /// Keys, then arguments.
    parts: Parts,
    keys: usize,
    lasts: bool,
}

/// Texts one behind another, so that a call is a handful of allocations and not two for each of its parts.
struct Parts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Parts {
    fn each(&self) -> impl Iterator<Item = &[u8]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins
            .zip(&self.ends)
            .map(|(begin, &end)| self.bytes.get(begin..end).unwrap_or_default())
    }
}

impl RedisWrite for Parts {
    fn write_arg(&mut self, part: &[u8]) {
        self.bytes.extend_from_slice(part);
        self.ends.push(self.bytes.len());
    }

    fn writer_for_next_arg(&mut self) -> impl Write + '_ {
        self.ends.push(self.bytes.len());
        Writer(self)
    }
}

/// Writes on at the last part.
struct Writer<'a>(&'a mut Parts);

impl Write for Writer<'_> {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        self.0.bytes.extend_from_slice(more);
        if let Some(end) = self.0.ends.last_mut() {
            *end = self.0.bytes.len();
        }
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> Call<'a> {
    /// Of a script that only looks.
    pub fn look(script: &'a Script) -> Self {
        Self {
            script,
            parts: Parts {
                bytes: Vec::with_capacity(CALL_BYTES),
                ends: Vec::with_capacity(CALL_PARTS),
            },
            keys: 0,
            lasts: false,
        }
    }

    /// Of a script that writes what must not be lost once it is acknowledged.
    pub fn write(script: &'a Script) -> Self {
        Self {
            lasts: true,
            ..Self::look(script)
        }
    }

    /// Adds a key, before any argument; all keys of a call are in the slot of the first.
    pub fn key(&mut self, key: impl AsRef<str>) -> &mut Self {
        debug_assert_eq!(self.keys, self.parts.ends.len(), "keys come first");
        self.parts.write_arg(key.as_ref().as_bytes());
        self.keys += 1;
        self
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.parts);
        self
    }
}

/// A call or a command, as a line carries it out.
#[derive(Clone, Copy)]
pub enum Work<'a> {
    /// A command on one key.
    Command(&'a str, &'a Cmd),
    /// A script.
    Script(&'a Call<'a>),
}

impl Work<'_> {
    /// The key that leads to the server.
    pub fn key(&self) -> &str {
        match self {
            Self::Command(key, _) => key,
            Self::Script(call) => call.first_key(),
        }
    }

    /// Whether replicas are to be waited for.
    pub fn lasts(&self) -> bool {
        matches!(self, Self::Script(Call { lasts: true, .. }))
    }

    /// Does it; with `is_asking` on a server that a slot is just moving to.
    pub async fn done_on<T: FromRedisValue>(
        &self,
        mut connection: MultiplexedConnection,
        is_asking: bool,
    ) -> RedisResult<T> {
        let command = match self {
            Self::Command(_, command) => (*command).clone(),
            Self::Script(call) => call.command(),
        };
        let first = ask(&command, &mut connection, is_asking).await;
        match (first, self) {
            (Err(error), Self::Script(call))
                if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                call.script.load_async(&mut connection).await?;
                ask(&command, &mut connection, is_asking).await
            }
            (answer, _) => answer,
        }
    }
}

impl Call<'_> {
    fn first_key(&self) -> &str {
        let first = self.parts.each().next().filter(|_| self.keys > 0);
        first
            .and_then(|key| std::str::from_utf8(key).ok())
            .unwrap_or_default()
    }

    fn command(&self) -> Cmd {
        let head = "EVALSHA".len() + self.script.get_hash().len() + NUMBER_BYTES;
        let mut command =
            Cmd::with_capacity(self.parts.ends.len() + 3, self.parts.bytes.len() + head);
        command
            .arg("EVALSHA")
            .arg(self.script.get_hash())
            .arg(self.keys);
        for part in self.parts.each() {
            command.arg(part);
        }
        command
    }
}

async fn ask<T: FromRedisValue>(
    command: &Cmd,
    connection: &mut MultiplexedConnection,
    is_asking: bool,
) -> RedisResult<T> {
    if !is_asking {
        return command.query_async(connection).await;
    }
    // Counts for the one command behind it, so nothing may come between.
    let (answer,) = pipe()
        .cmd("ASKING")
        .ignore()
        .add_command(command.clone())
        .query_async(connection)
        .await?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_says_its_keys_and_arguments_as_they_were_given() {
        let script = Script::new("return 1");
        let mut call = Call::look(&script);
        call.key("first").key(String::new());
        call.arg("").arg(7).arg(vec![b'x'; 600]).arg(0.5);
        assert_eq!(Work::Script(&call).key(), "first");
        let mut plain = ::redis::cmd("EVALSHA");
        plain.arg(script.get_hash()).arg(2).arg("first").arg("");
        plain.arg("").arg(7).arg(vec![b'x'; 600]).arg(0.5);
        assert_eq!(
            call.command().get_packed_command(),
            plain.get_packed_command()
        );
        assert_eq!(Work::Script(&Call::look(&script)).key(), "");
    }
}

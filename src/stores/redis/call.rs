//! What is asked of Redis: a command or a script, and the key that says which server has to answer it.

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, FromRedisValue, RedisResult, Script, ToRedisArgs, pipe};
use ::redis::{ErrorKind, ServerErrorKind};

/// A script with its keys and arguments.
pub struct Call<'a> {
    script: &'a Script,
    keys: Vec<String>,
    arguments: Vec<Vec<u8>>,
    lasts: bool,
}

impl<'a> Call<'a> {
    /// Of a script that only looks.
    pub fn look(script: &'a Script) -> Self {
        Self {
            script,
            keys: Vec::new(),
            arguments: Vec::new(),
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

    /// Adds a key; all keys of a call are in the slot of the first.
    pub fn key(&mut self, key: impl Into<String>) -> &mut Self {
        self.keys.push(key.into());
        self
    }

    /// Adds an argument.
    pub fn arg(&mut self, argument: impl ToRedisArgs) -> &mut Self {
        argument.write_redis_args(&mut self.arguments);
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
            Self::Script(call) => call.keys.first().map_or("", String::as_str),
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
    fn command(&self) -> Cmd {
        let mut command = ::redis::cmd("EVALSHA");
        command
            .arg(self.script.get_hash())
            .arg(self.keys.len())
            .arg(&self.keys)
            .arg(&self.arguments);
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

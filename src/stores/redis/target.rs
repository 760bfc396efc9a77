//! What a line leads to: a server of a fixed address, or whichever one the sentinels call the master.

use crate::settings::Endpoint;
use crate::stores::redis::dial::Dial;
use crate::stores::redis::ear::Listening;
use crate::stores::redis::line::{Trouble, is_line_dead};
use crate::stores::redis::sentinel::Sentinels;
use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, RedisResult};
use anyhow::anyhow;
use std::time::Duration;
use tokio::time::timeout;

/// Commands that may wait to be written; beyond that callers wait.
const QUEUE: usize = 1_024;

/// Connections to one server.
pub struct Connected {
    /// For everything.
    pub connection: MultiplexedConnection,
    /// For what waits for replicas, when something does: others must not wait behind it.
    pub lasting: Option<MultiplexedConnection>,
    /// Makes more of them.
    pub client: Client,
    /// Who was the master, where that was asked.
    pub master: Option<Endpoint>,
}

/// Where a line leads.
pub struct Target {
    /// How long an answer may take.
    pub patience: Duration,
    /// Who hears of changes there.
    pub listening: Option<Listening>,
    place: Place,
    has_lasting: bool,
}

enum Place {
    Fixed(Client),
    Master(Sentinels),
}

impl Target {
    /// One server.
    pub fn server(client: Client, dial: &Dial) -> Self {
        Self {
            patience: dial.patience,
            listening: dial.listening.clone(),
            place: Place::Fixed(client),
            has_lasting: dial.has_lasting,
        }
    }

    /// A sentinel or a seed, which replicates nothing and has no sessions.
    pub fn sentinel(client: Client, dial: &Dial) -> Self {
        Self {
            has_lasting: false,
            listening: None,
            ..Self::server(client, dial)
        }
    }

    /// The master, wherever it is.
    pub fn master(sentinels: Sentinels, dial: &Dial) -> Self {
        Self {
            patience: dial.patience,
            listening: dial.listening.clone(),
            place: Place::Master(sentinels),
            has_lasting: dial.has_lasting,
        }
    }

    /// What it is called in the log; no credentials.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Fixed(client) => client.get_connection_info().addr().to_string(),
            Place::Master(_) => "the master".to_owned(),
        }
    }

    /// Connects; bounded.
    pub async fn connect(&self) -> Result<Connected, Trouble> {
        match &self.place {
            Place::Fixed(client) => {
                let connected = self.connect_to(client, None).await?;
                self.heard(&connected).await.map(|()| connected)
            }
            Place::Master(sentinels) => {
                let (client, master) = sentinels.master().await?;
                let connected = self.connect_to(&client, Some(master)).await?;
                // A sentinel may not have heard yet, or name one whose demotion is on its way.
                sentinels
                    .verify(connected.connection.clone())
                    .await
                    .map(|()| connected)
            }
        }
    }

    async fn connect_to(
        &self,
        client: &Client,
        master: Option<Endpoint>,
    ) -> Result<Connected, Trouble> {
        let connection = self.once(client).await.map_err(Trouble::Refused)?;
        let lasting = if self.has_lasting {
            Some(self.once(client).await.map_err(Trouble::Refused)?)
        } else {
            None
        };
        Ok(Connected {
            connection,
            lasting,
            client: client.clone(),
            master,
        })
    }

    /// That the server answers on these connections; what it answers matters only where a new one could help.
    async fn heard(&self, connected: &Connected) -> Result<(), Trouble> {
        let answer = timeout(self.patience, self.is_still_right(connected)).await;
        match answer {
            Ok(Err(error)) if is_line_dead(&error) => Err(Trouble::Refused(error)),
            Ok(_) => Ok(()),
            Err(_) => Err(Trouble::Away(anyhow!(
                "no answer from Redis to a PING within {:?}",
                self.patience
            ))),
        }
    }

    /// Whether the connections work and still lead where they should.
    pub async fn is_still_right(&self, connected: &Connected) -> RedisResult<bool> {
        let ping = ::redis::cmd("PING");
        if let Some(lasting) = &connected.lasting {
            ping.exec_async(&mut lasting.clone()).await?;
        }
        let mut connection = connected.connection.clone();
        if let (Place::Master(sentinels), Some(master)) = (&self.place, &connected.master) {
            return sentinels.is_still(master, connection).await;
        }
        ping.exec_async(&mut connection).await?;
        Ok(true)
    }

    /// One connection; the attempt has as long as an answer, handshake included.
    async fn once(&self, client: &Client) -> RedisResult<MultiplexedConnection> {
        let settings = settings_within(self.patience);
        client
            .get_multiplexed_async_connection_with_config(&settings)
            .await
    }
}

/// How connections to servers are made.
pub fn settings_within(patience: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(patience))
        // Whoever asks has a deadline of their own; a second timer for each command would be for nothing.
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE)
}

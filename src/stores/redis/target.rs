//! What a line leads to: a server of a fixed address, or whichever one the sentinels call the master.

use crate::settings::Endpoint;
use crate::stores::redis::dial::Dial;
use crate::stores::redis::line::Trouble;
use crate::stores::redis::sentinel::Sentinels;
use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, RedisResult};
use std::time::Duration;

/// Commands that may wait to be written; beyond that callers wait.
const QUEUE: usize = 1_024;

/// Connections to one server.
#[derive(Clone)]
pub struct Connected {
    /// For everything.
    pub connection: MultiplexedConnection,
    /// For what waits for replicas, when something does: others must not wait behind it.
    pub lasting: Option<MultiplexedConnection>,
    /// Who was the master, where that was asked.
    pub master: Option<Endpoint>,
}

/// Where a line leads.
pub struct Target {
    /// How long an answer may take.
    pub patience: Duration,
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
            place: Place::Fixed(client),
            has_lasting: dial.has_lasting,
        }
    }

    /// A sentinel, which replicates nothing.
    pub fn sentinel(client: Client, dial: &Dial) -> Self {
        Self {
            has_lasting: false,
            ..Self::server(client, dial)
        }
    }

    /// The master, wherever it is.
    pub fn master(sentinels: Sentinels, dial: &Dial) -> Self {
        Self {
            patience: dial.patience,
            place: Place::Master(sentinels),
            has_lasting: dial.has_lasting,
        }
    }

    /// Connects; bounded.
    pub async fn connect(&self) -> Result<Connected, Trouble> {
        match &self.place {
            Place::Fixed(client) => self.connect_to(client, None).await,
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
            master,
        })
    }

    /// Whether the connections work and still lead where they should.
    pub async fn is_still_right(&self, mut connected: Connected) -> RedisResult<bool> {
        if let Some(lasting) = &mut connected.lasting {
            ::redis::cmd("PING").exec_async(lasting).await?;
        }
        if let (Place::Master(sentinels), Some(master)) = (&self.place, &connected.master) {
            return sentinels.is_still(master, connected.connection).await;
        }
        let ping = ::redis::cmd("PING");
        ping.exec_async(&mut connected.connection).await?;
        Ok(true)
    }

    /// One connection; the attempt has as long as an answer, handshake included.
    async fn once(&self, client: &Client) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(Some(self.patience))
            .set_pipeline_buffer_size(QUEUE);
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }
}

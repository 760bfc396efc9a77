//! What a line leads to: a server of a fixed address, or whichever one the sentinels call the master.

use crate::settings::Endpoint;
use crate::stores::redis::ear::Listening;
use crate::stores::redis::line::Trouble;
use crate::stores::redis::sentinel::Sentinels;
use ::redis::aio::MultiplexedConnection;
use ::redis::{AsyncConnectionConfig, Client, RedisResult};
use std::time::Duration;

/// How long an attempt to connect may take, handshake included.
const CONNECT_WITHIN: Duration = Duration::from_millis(200);
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
    place: Place,
    has_lasting: bool,
    /// Who hears of changes there.
    pub listening: Option<Listening>,
}

enum Place {
    Fixed(Client),
    Master(Sentinels),
}

impl Target {
    /// One server.
    pub fn server(client: Client, has_lasting: bool) -> Self {
        Self {
            place: Place::Fixed(client),
            has_lasting,
            listening: None,
        }
    }

    /// The master, wherever it is.
    pub fn master(sentinels: Sentinels, has_lasting: bool) -> Self {
        Self {
            place: Place::Master(sentinels),
            has_lasting,
            listening: None,
        }
    }

    /// The same, listened to.
    #[must_use]
    pub fn heard_by(self, listening: Option<Listening>) -> Self {
        Self { listening, ..self }
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
        let connection = connect(client).await.map_err(Trouble::Refused)?;
        let lasting = if self.has_lasting {
            Some(connect(client).await.map_err(Trouble::Refused)?)
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

    /// Whether the connections work and still lead where they should.
    pub async fn is_still_right(&self, connected: &Connected) -> RedisResult<bool> {
        if let Some(lasting) = &connected.lasting {
            ::redis::cmd("PING")
                .exec_async(&mut lasting.clone())
                .await?;
        }
        let mut connection = connected.connection.clone();
        match (&self.place, &connected.master) {
            (Place::Master(sentinels), Some(master)) => {
                sentinels.is_still(master, connection).await
            }
            _ => {
                let ping = ::redis::cmd("PING");
                ping.exec_async(&mut connection).await?;
                Ok(true)
            }
        }
    }
}

async fn connect(client: &Client) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_WITHIN))
        // Whoever asks has a deadline of their own; a second timer for each command would be for nothing.
        .set_response_timeout(None)
        .set_pipeline_buffer_size(QUEUE);
    client
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

//! Where Redis is: one server, three and more behind Sentinel, or a Cluster, all in one URL.
//!
//! ```text
//! redis://[user:password@]host[:6379][/database]
//! redis-sentinel://[user:password@]host[:26379][,host…]/master[/database]
//! redis-cluster://[user:password@]host[:6379][,host…]
//! ```
//!
//! With `rediss` in place of `redis` the same over TLS. User and password are Redis's own, percent-encoded;
//! sentinels have theirs in settings beside the URL.

use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use url::{Host, Url};

/// What a good one looks like, for error messages.
pub(in crate::settings) const EXPECTED: &str = "embedded, redis://host[:port][/database], \
     redis-sentinel://host[:port][,host…]/master[/database], redis-cluster://host[:port][,host…], or these with rediss";
const REDIS_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// What stands at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisTopology {
    /// One server.
    Single,
    /// Sentinels that know which server is the master of that name.
    Sentinel {
        /// The name the sentinels know the master by.
        master: String,
    },
    /// A Cluster.
    Cluster,
}

/// A host and its port; the host of an IPv6 address without brackets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Endpoint {
    /// Reads `host:port`; the port is what follows the last colon.
    pub fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        Some(Self {
            host: host.to_owned(),
            port: port.parse().ok()?,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A Redis URL, taken apart.
#[derive(Clone, Debug)]
pub struct RedisAddress {
    /// What stands there.
    pub topology: RedisTopology,
    /// Whether to speak TLS, to sentinels as well.
    pub is_encrypted: bool,
    /// `user:password@` as the URL has it, or nothing.
    pub credentials: SecretString,
    /// Servers to begin with, at least one: the server, sentinels, or nodes of the Cluster.
    pub seeds: Vec<Endpoint>,
    /// The database's number; 0 in a Cluster, which has no other.
    pub database: u32,
}

impl RedisAddress {
    /// Takes a URL apart; none when it is not one of the three.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (kind, is_encrypted) = match scheme.strip_prefix("rediss") {
            Some(kind) => (kind, true),
            None => (scheme.strip_prefix("redis")?, false),
        };
        // Only the plain form goes to the client crate as it is, which knows a few parameters.
        let rest = match rest.split_once('?') {
            Some((rest, _)) if kind.is_empty() => rest,
            Some(_) => return None,
            None => rest,
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let credentials = match credentials {
            "" => String::new(),
            given => format!("{given}@"),
        };
        let mut path = path.trim_end_matches('/').split('/');
        let (topology, port) = match kind {
            "" => (RedisTopology::Single, REDIS_PORT),
            "-sentinel" => {
                let master = path.next().filter(|name| is_master_name(name))?.to_owned();
                (RedisTopology::Sentinel { master }, SENTINEL_PORT)
            }
            "-cluster" => (RedisTopology::Cluster, REDIS_PORT),
            _ => return None,
        };
        let database: u32 = match path.next() {
            None | Some("") => 0,
            Some(number) => number.parse().ok()?,
        };
        let seeds: Vec<Endpoint> = hosts
            .split(',')
            .map(|host| endpoint(&credentials, host, port))
            .collect::<Option<_>>()?;
        let is_single = topology == RedisTopology::Single;
        let is_good = path.next().is_none()
            && (!is_single || seeds.len() == 1)
            && (topology != RedisTopology::Cluster || database == 0);
        is_good.then(|| Self {
            topology,
            is_encrypted,
            credentials: credentials.into(),
            seeds,
            database,
        })
    }

    /// Where that is, as an operator knows it: without user and password.
    pub fn place(&self) -> String {
        let seeds: Vec<String> = self.seeds.iter().map(Endpoint::to_string).collect();
        let seeds = seeds.join(", ");
        match &self.topology {
            RedisTopology::Single => seeds,
            RedisTopology::Sentinel { master } => {
                format!("the master {master:?} of the sentinels {seeds}")
            }
            RedisTopology::Cluster => format!("the Cluster of {seeds}"),
        }
    }

    /// The URL of one server with the same credentials, for the client crate.
    pub fn url_of(&self, server: &Endpoint) -> SecretString {
        let scheme = if self.is_encrypted { "rediss" } else { "redis" };
        let credentials = self.credentials.expose_secret();
        format!("{scheme}://{credentials}{server}/{}", self.database).into()
    }
}

/// What Sentinel takes for a name.
fn is_master_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn endpoint(credentials: &str, text: &str, port: u16) -> Option<Endpoint> {
    // The parser knows what a host may look like, and a user or password that is not encoded.
    let url = Url::parse(&format!("redis://{credentials}{text}")).ok()?;
    if !url.path().is_empty() || url.fragment().is_some() || url.query().is_some() {
        return None;
    }
    let host = match url.host()? {
        Host::Ipv6(address) => address.to_string(),
        other => other.to_string(),
    };
    (!host.is_empty()).then(|| Endpoint {
        host,
        port: url.port().unwrap_or(port),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(text: &str) -> Vec<String> {
        let address = RedisAddress::parse(text).unwrap();
        address.seeds.iter().map(Endpoint::to_string).collect()
    }

    #[test]
    fn a_url_of_each_topology_is_taken_apart() {
        let one = RedisAddress::parse("rediss://user:p%40ss@host/3").unwrap();
        assert_eq!(one.topology, RedisTopology::Single);
        assert!(one.is_encrypted);
        let url = one.url_of(&one.seeds[0]);
        assert_eq!(url.expose_secret(), "rediss://user:p%40ss@host:6379/3");

        let sentinel = "redis-sentinel://:pw@one,two:7000,[::1]:7001/my.master-1/2";
        assert_eq!(seeds(sentinel), ["one:26379", "two:7000", "[::1]:7001"]);
        let sentinel = RedisAddress::parse(sentinel).unwrap();
        let master = "my.master-1".to_owned();
        assert_eq!(sentinel.topology, RedisTopology::Sentinel { master });
        assert_eq!((sentinel.database, sentinel.is_encrypted), (2, false));

        let cluster = "rediss-cluster://u:p@one:7000,two";
        assert_eq!(seeds(cluster), ["one:7000", "two:6379"]);
        assert_eq!(
            RedisAddress::parse(cluster).unwrap().topology,
            RedisTopology::Cluster
        );
    }

    #[test]
    fn what_is_not_such_a_url_is_refused() {
        for text in [
            "embedded",
            "redis://",
            "redis://one,two",
            "redis://host/zero",
            "redis://host/0/1",
            "redis-sentinel://host",
            "redis-sentinel://host/",
            "redis-sentinel://host/my master",
            "redis-sentinel://host/m/x",
            "redis-sentinel://a,,b/m",
            "redis-sentinel://host/m?db=1",
            "redis-cluster://host/1",
            "redis-cluster://host:port",
            "redis-ring://host",
            "http://host",
        ] {
            assert!(RedisAddress::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn case_56_a_taken_apart_url_does_not_show_its_password() {
        let address = RedisAddress::parse("redis-cluster://u:p1anted@host").unwrap();
        assert!(!format!("{address:?}").contains("p1anted"));
    }
}

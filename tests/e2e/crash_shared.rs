//! `kill -9` of each part of several nodes: node, Redis, PostgreSQL. What was acknowledged holds (case 60, promises R1 and R2).

use crate::database::Postgres;
use crate::support::{Cookies, Home, Ran, Redis, SECRET_KEY, Server, until};

const STORE: &str = "VESTIBULE__DIRECTORY__STORE";
const DEMO_PASSWORD: &str = "vestibule-demo";

/// Two nodes and what they stand on.
struct Site {
    redis: Redis,
    postgres: Postgres,
    url: String,
    homes: [Home; 2],
}

impl Site {
    /// With Redis writing its log to the disk as `appendfsync` says.
    fn new(appendfsync: &str) -> Self {
        let keeping = ["--save", "", "--appendonly", "yes", "--appendfsync"];
        let redis = Redis::start_with(&[&keeping[..], &[appendfsync]].concat());
        let postgres = Postgres::start();
        let url = postgres.database("site");
        let homes = [Home::on(&redis), Home::on(&redis)];
        Self {
            redis,
            postgres,
            url,
            homes,
        }
    }

    fn node(&self, number: usize) -> Server {
        let node = self.homes[number].server().planted().with("--demo");
        node.env(STORE, &self.url).start()
    }

    /// An operator's command, on the first node's machine.
    fn run(&self, line: &str) -> Ran {
        let mut command = self.homes[0].command();
        command.env(STORE, &self.url).args(line.split_whitespace());
        Ran::of(&mut command, "")
    }
}

/// What was acknowledged, to be asked for after the crash.
struct Acknowledged {
    open: Vec<Cookies>,
    over: Vec<Cookies>,
    token: String,
    dead_token: String,
}

impl Acknowledged {
    /// Logins, logouts, revocations, tokens and a change of the directory, on the nodes in turn.
    async fn by(site: &Site, nodes: &[Server; 2]) -> Self {
        let visitors = nodes.each_ref().map(Server::visitor);
        let dead_token = visitors[0].mint("bob").await;
        let mut over = vec![visitors[1].sign_in("bob", DEMO_PASSWORD).await];
        site.run("user disable bob").good();
        let token = visitors[1].mint("alice").await;
        let mut open = Vec::new();
        for number in 0..6 {
            let visitor = &visitors[number % 2];
            open.push(visitor.redeem(&token).await);
            let left = visitor.redeem(&token).await;
            assert_eq!(visitors[(number + 1) % 2].sign_out(&left).await, 204);
            over.push(left);
        }
        Self {
            open,
            over,
            token,
            dead_token,
        }
    }

    /// Every part of it still holds on that node.
    async fn holds_on(&self, node: &Server) {
        let visitor = node.visitor();
        for cookies in &self.open {
            assert_eq!(visitor.check(cookies).await, 204, "an open session");
        }
        for cookies in &self.over {
            assert_eq!(visitor.check(cookies).await, 401, "an ended one");
        }
        assert_eq!(visitor.try_redeem(&self.token).await.status(), 204);
        let dead = visitor.try_redeem(&self.dead_token).await;
        assert_eq!(dead.status(), 401);
        let disabled = visitor.try_sign_in("bob", DEMO_PASSWORD).await;
        assert_eq!(disabled.status(), 401);
    }
}

/// Waits until a node is well again.
async fn ready(node: &Server) {
    until("the node is ready", async || {
        node.visitor().get("/health/ready").await.status() == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_what_nodes_acknowledged_survives_the_death_of_either() {
    let site = Site::new("no");
    let nodes = [site.node(0), site.node(1)];
    let kept = Acknowledged::by(&site, &nodes).await;
    let [first, second] = nodes;
    first.crash();
    kept.holds_on(&second).await;
    second.crash();
    kept.holds_on(&site.node(0)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_what_nodes_acknowledged_survives_the_death_of_redis_and_postgresql() {
    let mut site = Site::new("always");
    let nodes = [site.node(0), site.node(1)];
    let kept = Acknowledged::by(&site, &nodes).await;
    site.redis.kill();
    for node in &nodes {
        let reply = node.visitor().check(&kept.open[0]).await;
        assert_eq!(reply, 503, "nobody is signed out meanwhile");
    }
    site.redis.start_again();
    site.postgres.kill();
    site.postgres.start_again();
    for node in &nodes {
        ready(node).await;
        kept.holds_on(node).await;
        let mint = node.visitor().try_mint(SECRET_KEY, "alice").await;
        assert_eq!(mint.status(), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn case_60_with_everysec_only_the_last_second_is_at_stake() {
    let mut site = Site::new("everysec");
    let nodes = [site.node(0), site.node(1)];
    let kept = Acknowledged::by(&site, &nodes).await;
    // The stated window, during which nothing else is written: Redis has no clock that a test could advance.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    site.redis.kill();
    site.redis.start_again();
    for node in &nodes {
        ready(node).await;
        kept.holds_on(node).await;
    }
}

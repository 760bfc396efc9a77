//! What can be wrong, set up beneath the dialects and then asked for through one of them.

use crate::parity::dialects::Dialect;
use crate::support::{
    ALICE_PASSWORD, Client, PASSWORD, Redis, Reply, SECRET_KEY, TestApp, on_redis,
};
use std::time::Duration;
use vestibule::domain::directory::OrgStatus;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    UnknownUser,
    WrongPassword,
    DisabledUserWithTheRightPassword,
    DisabledUserWithAWrongPassword,
    LoginToAnOrgOfOthers,
    LoginToADisabledOrg,
    TooManyGuesses,
    TokenExpired,
    TokenRevoked,
    TokenOfAnotherServer,
    TokenDamaged,
    TokenOfADisabledUser,
    BearerExpired,
    BearerDamaged,
    BearerDamagedBesideAGoodCookie,
    KeyWrong,
    KeyRetired,
    KeyOfAnotherOrg,
    TrustedAuthenticationOff,
    TokenForAnUnknownUser,
    TokenForADisabledUser,
    TokenForAnOrgOfOthers,
    StoreAwayAtALogin,
    StoreAwayAtATokenLogin,
    StoreAwayAtAMinting,
    StoreAwayAtACheck,
    StoreAwayAtALogout,
    CookieOfAnEndedSession,
    CookieDamaged,
    NothingPresented,
    LogoutOfNobody,
}

use Situation as S;

/// A server in that situation, with what there is to present.
pub struct Stage {
    pub app: TestApp,
    /// A good session's cookie, or one that was.
    alice: Client,
    /// A token for Alice, good, dead or never made here.
    token: String,
    /// The key to mint with.
    key: String,
    _redis: Option<Redis>,
}

const WRONG_KEY: &str = "0c9d1c3e-wrong-wrong-wrong-000000000000";

impl Situation {
    const fn needs_redis(self) -> bool {
        matches!(
            self,
            S::StoreAwayAtALogin
                | S::StoreAwayAtATokenLogin
                | S::StoreAwayAtAMinting
                | S::StoreAwayAtACheck
                | S::StoreAwayAtALogout
        )
    }
}

impl Stage {
    /// Makes it so; what was audited on the way is forgotten.
    pub async fn set<D: Dialect>(situation: Situation) -> Self {
        let mut redis = situation.needs_redis().then(Redis::start);
        let app = TestApp::with(|settings| {
            if let Some(redis) = &redis {
                on_redis(settings, redis);
            }
            settings.trusted_auth.enabled = situation != S::TrustedAuthenticationOff;
        });
        let alice = D::alice(&app).await;
        let mut stage = Self {
            token: String::new(),
            key: SECRET_KEY.to_owned(),
            alice,
            app,
            _redis: None,
        };
        if situation != S::TrustedAuthenticationOff {
            stage.token = stage.app.token("alice").await;
        }
        stage.app.tick();
        stage.spoil::<D>(situation).await;
        if let Some(redis) = &mut redis {
            redis.kill();
        }
        stage.app.trail.clear();
        Self {
            _redis: redis,
            ..stage
        }
    }

    async fn spoil<D: Dialect>(&mut self, situation: Situation) {
        let (administration, by) = self.app.administration();
        match situation {
            S::LoginToADisabledOrg => {
                let mut sales = administration.require_org("Sales").await.unwrap();
                sales.status = OrgStatus::Disabled;
                administration.update_org(&sales, &by).await.unwrap();
            }
            S::TooManyGuesses => {
                let guess = async || self.app.anon().post_login("alice", "wrong").await.status;
                while guess().await != 429 {}
            }
            S::TokenExpired | S::BearerExpired => self.app.advance(Duration::from_hours(25)),
            S::TokenRevoked => {
                let bearer = self.app.anon().with_bearer(&self.token);
                let url = "!/api/rest/2.0/auth/token/revoke";
                let reply = bearer
                    .send(bearer.request(reqwest::Method::POST, url))
                    .await;
                assert_eq!(reply.status, 204);
            }
            S::TokenOfAnotherServer => {
                let other = TestApp::spawn();
                self.token = other.token("alice").await;
                self.app.plant(&self.token);
            }
            S::TokenDamaged | S::BearerDamaged | S::BearerDamagedBesideAGoodCookie => {
                self.token.pop();
            }
            S::TokenOfADisabledUser => {
                administration.disable_user("alice", &by).await.unwrap();
            }
            S::KeyWrong => {
                self.app.plant(WRONG_KEY);
                WRONG_KEY.clone_into(&mut self.key);
            }
            S::KeyRetired => {
                let (id, key) = self.app.org_key("Sales").await;
                administration.retire_key(id, &by).await.unwrap();
                self.key = key;
            }
            S::KeyOfAnotherOrg => (_, self.key) = self.app.org_key("Sales").await,
            S::CookieOfAnEndedSession => {
                let reply = self.alice.send(D::log_out(&self.alice)).await;
                assert_eq!(reply.status, 204);
            }
            S::CookieDamaged => {
                let cookie = self.alice.cookie().replacen('=', "=x", 1);
                self.alice = self.alice.with_cookie(&cookie);
            }
            _ => {}
        }
    }

    /// Asks for what the situation is about, in that dialect.
    pub async fn play<D: Dialect>(&self, situation: Situation) -> Reply {
        let nobody = self.app.anon();
        let sales = Some(self.app.sales.0);
        let request = match situation {
            S::UnknownUser => D::log_in(&nobody, "nobody", PASSWORD, None),
            S::WrongPassword => D::log_in(&nobody, "alice", "wrong", None),
            S::DisabledUserWithTheRightPassword => D::log_in(&nobody, "dora", PASSWORD, None),
            S::DisabledUserWithAWrongPassword => D::log_in(&nobody, "dora", "wrong", None),
            S::LoginToAnOrgOfOthers => D::log_in(&nobody, "bob", PASSWORD, sales),
            S::LoginToADisabledOrg => D::log_in(&nobody, "alice", ALICE_PASSWORD, sales),
            // Even the right password waits.
            S::TooManyGuesses | S::StoreAwayAtALogin => {
                D::log_in(&nobody, "alice", ALICE_PASSWORD, None)
            }
            S::TokenExpired
            | S::TokenRevoked
            | S::TokenOfAnotherServer
            | S::TokenDamaged
            | S::TokenOfADisabledUser
            | S::StoreAwayAtATokenLogin => D::redeem(&nobody, &self.token),
            S::BearerExpired | S::BearerDamaged => D::ask_who(&nobody.with_bearer(&self.token)),
            S::BearerDamagedBesideAGoodCookie => D::ask_who(&self.alice.with_bearer(&self.token)),
            S::KeyWrong | S::KeyRetired | S::TrustedAuthenticationOff | S::StoreAwayAtAMinting => {
                D::mint(&nobody, &self.key, "alice", None)
            }
            S::KeyOfAnotherOrg => D::mint(&nobody, &self.key, "alice", Some(0)),
            S::TokenForAnUnknownUser => D::mint(&nobody, &self.key, "nobody", None),
            S::TokenForADisabledUser => D::mint(&nobody, &self.key, "dora", None),
            S::TokenForAnOrgOfOthers => D::mint(&nobody, &self.key, "bob", sales),
            S::StoreAwayAtACheck | S::CookieOfAnEndedSession | S::CookieDamaged => {
                D::ask_who(&self.alice)
            }
            S::StoreAwayAtALogout => D::log_out(&self.alice),
            S::NothingPresented => D::ask_who(&nobody),
            S::LogoutOfNobody => D::log_out(&nobody),
        };
        nobody.send(request).await
    }
}

//! Whose password it is and who judges it: the hash kept here, or the LDAP directory.

use crate::domain::audit::{Client, Refusal};
use crate::domain::authn::{Authenticated, LdapAnswer, LdapAuth, NotSettled, PasswordHash};
use crate::domain::directory::{AccountStatus, AccountType, NameKey, User, UserId};
use crate::domain::login::{Login, LoginError};
use crate::domain::throttle::{Admission, Bucket};
use secrecy::SecretString;

/// Which users may come in through a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain::login) enum Realm {
    /// All, each judged where their password lives.
    Everybody,
    /// Those whom the LDAP directory judges.
    LdapOnly,
}

/// Who judges a password.
enum Judge<'a> {
    /// The hash kept here; for somebody unknown the same work.
    Here,
    /// The LDAP directory.
    Ldap(&'a LdapAuth),
    /// Nobody: refused whatever it is.
    Nobody(Refusal),
}

impl Login {
    pub(in crate::domain::login) async fn verify_password(
        &self,
        username: &str,
        password: &SecretString,
        realm: Realm,
        client: &Client,
    ) -> Result<Authenticated, LoginError> {
        let (proof, bucket) = self.try_password(username, password, realm, client).await?;
        self.throttle.succeeded(&bucket).await;
        Ok(proof)
    }

    /// The same and whom the attempt is counted against: the caller has to say that it succeeded.
    pub(in crate::domain::login) async fn try_password(
        &self,
        username: &str,
        password: &SecretString,
        realm: Realm,
        client: &Client,
    ) -> Result<(Authenticated, Bucket), LoginError> {
        let began_at = self.clock.now();
        let key = NameKey::new(username).ok();
        let bucket = self.throttle.bucket(key.as_ref(), client.address);
        if let Admission::Wait(pause) = self.throttle.admit(&bucket).await? {
            return Err(LoginError::Throttled(pause));
        }
        let name = key.as_ref().map(|key| (username, key));
        let result = self.judge(name, password, realm, client).await;
        if let Err(error) = &result
            && !matches!(error, LoginError::BadCredentials(_))
        {
            self.throttle.unjudged(&bucket).await;
        }
        result.map(|user| (Authenticated::by_password(user, began_at), bucket))
    }

    /// The user of that name (as typed, and folded) if the password is theirs.
    async fn judge(
        &self,
        name: Option<(&str, &NameKey)>,
        password: &SecretString,
        realm: Realm,
        client: &Client,
    ) -> Result<User, LoginError> {
        let user = match name {
            Some((_, key)) => self.directory.find_user(key).await?,
            None => None,
        };
        match (self.judge_of(user.as_ref(), realm), name) {
            (Judge::Ldap(ldap), Some((typed, key))) => {
                self.judge_by_ldap(ldap, user, typed, key, password, client)
                    .await
            }
            (Judge::Nobody(why), _) => {
                self.hash_in_vain(password).await?;
                Err(LoginError::BadCredentials(why))
            }
            (Judge::Here | Judge::Ldap(_), _) => self.judge_here(user, password).await,
        }
    }

    fn judge_of(&self, user: Option<&User>, realm: Realm) -> Judge<'_> {
        match (user.map(|user| user.account_type), &self.ldap) {
            (Some(AccountType::Ldap), Some(ldap)) => Judge::Ldap(ldap),
            (Some(AccountType::Ldap), None) => Judge::Nobody(Refusal::SwitchedOff),
            // They have no password anywhere; who they are is said elsewhere.
            (Some(AccountType::Saml | AccountType::Oidc), _) => {
                Judge::Nobody(Refusal::OtherAccountType)
            }
            (Some(AccountType::Local), _) if realm == Realm::LdapOnly => {
                Judge::Nobody(Refusal::OtherAccountType)
            }
            (None, Some(ldap)) if ldap.creates_users() => Judge::Ldap(ldap),
            (Some(AccountType::Local) | None, _) => Judge::Here,
        }
    }

    async fn judge_here(
        &self,
        user: Option<User>,
        password: &SecretString,
    ) -> Result<User, LoginError> {
        let hash = match &user {
            Some(user) => self.directory.password_hash(user.id).await?,
            // The same look-up an existing user costs: the answer must not come sooner.
            None => {
                self.directory
                    .password_hash(UserId(uuid::Uuid::nil()))
                    .await?
            }
        };
        let matches = self.passwords.verify(password, hash.as_ref()).await?;
        match user {
            None => Err(LoginError::BadCredentials(Refusal::UnknownUser)),
            Some(_) if !matches => Err(LoginError::BadCredentials(Refusal::WrongPassword)),
            Some(user) if user.status != AccountStatus::Active => {
                Err(LoginError::BadCredentials(Refusal::UserDisabled))
            }
            Some(user) => {
                if let Some(hash) = hash {
                    self.upgrade_hash(&user, password, &hash).await;
                }
                Ok(user)
            }
        }
    }

    /// Hashes anew what was hashed at another cost, now that the password is at hand. A convenience: its failure
    /// fails nothing, and a password that was changed meanwhile stays changed.
    async fn upgrade_hash(&self, user: &User, password: &SecretString, old: &PasswordHash) {
        let Some(new) = self.passwords.renewed(password, old).await else {
            return;
        };
        match self.directory.upgrade_password(user.id, old, &new).await {
            Ok(true) => tracing::debug!(user = %user.id, "the password was hashed anew"),
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, user = %user.id, "the new hash was not kept"),
        }
    }

    /// Hashes while LDAP thinks: a directory that answers within a millisecond would otherwise tell its users from
    /// ours by the time of a refusal.
    async fn judge_by_ldap(
        &self,
        ldap: &LdapAuth,
        user: Option<User>,
        typed: &str,
        key: &NameKey,
        password: &SecretString,
        client: &Client,
    ) -> Result<User, LoginError> {
        let name = user.as_ref().map_or(typed, |user| &user.name);
        let asked = async { Ok(ldap.judge(name, password).await?) };
        // The hash goes first: in a flood nobody is sent to LDAP who is turned away here.
        let ((), answer) = tokio::try_join!(biased; self.hash_in_vain(password), asked)?;
        let identity = match answer {
            LdapAnswer::Right(identity) => identity,
            LdapAnswer::UnknownUser => {
                return Err(LoginError::BadCredentials(Refusal::UnknownUser));
            }
            LdapAnswer::WrongPassword => {
                return Err(LoginError::BadCredentials(Refusal::WrongPassword));
            }
        };
        ldap.settle(user, key, &identity, client)
            .await
            .map_err(|error| match error {
                NotSettled::Refused(why) => LoginError::BadCredentials(why),
                NotSettled::Store(error) => LoginError::Store(error),
            })
    }

    async fn hash_in_vain(&self, password: &SecretString) -> Result<(), LoginError> {
        self.passwords
            .verify(password, None)
            .await
            .map(drop)
            .map_err(LoginError::from)
    }
}

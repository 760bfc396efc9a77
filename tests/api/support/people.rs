//! Who is there: looked up, and added.

use crate::support::TestApp;
use secrecy::{ExposeSecret, SecretString};
use vestibule::domain::administration::NewUser;
use vestibule::domain::directory::{KeyId, NameKey, OrgId, User, UserId};

impl TestApp {
    /// The user's record.
    pub async fn user(&self, name: &str) -> User {
        self.find_user(name).await.unwrap()
    }

    /// The user's record, if there is one.
    pub async fn find_user(&self, name: &str) -> Option<User> {
        let key = NameKey::new(name).unwrap();
        self.services.directory.find_user(&key).await.unwrap()
    }

    /// The names of the user's groups in that Org.
    pub async fn groups(&self, user: UserId, org: OrgId) -> Vec<String> {
        let groups = self.services.directory.groups_of(user, org).await.unwrap();
        groups.into_iter().map(|group| group.name).collect()
    }

    /// A new secret key for one Org: its id and the key.
    pub async fn org_key(&self, org: &str) -> (KeyId, String) {
        let (administration, by) = self.administration();
        let (key, secret) = administration
            .create_key("of an Org", Some(org), &by)
            .await
            .unwrap();
        let secret = secret.expose_secret().to_owned();
        self.plant(&secret);
        (key.id, secret)
    }

    /// A user with that password, in the Primary Org.
    pub async fn add_user(&self, name: &str, password: &str) -> User {
        self.plant(password);
        let (administration, by) = self.administration();
        let user = NewUser {
            password: Some(SecretString::from(password)),
            ..NewUser::named(name)
        };
        administration.create_user(user, &by).await.unwrap()
    }
}

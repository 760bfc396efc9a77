//! The first start: on an empty directory there is an administrator and a secret key to begin with.

use crate::domain::administration::{Actor, AdminError, Administration, NewUser};
use crate::domain::directory::{DirectoryError, Org, OrgId, OrgStatus};
use crate::domain::random;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

/// The administrator's sign-in name.
pub const ADMINISTRATOR: &str = "tsadmin";
/// The saved setting that says the first start is done.
const MARK: &str = "bootstrapped";
/// The first key's label.
const KEY_LABEL: &str = "bootstrap";
/// What a drawn password is made of: 24 characters.
const PASSWORD_BYTES: usize = 18;

/// What the first start made. Only what it drew itself is here: to be shown once.
#[derive(Debug)]
pub struct Bootstrapped {
    /// The administrator's password, if it was drawn.
    pub admin_password: Option<SecretString>,
    /// The secret key, if it was drawn.
    pub secret_key: Option<SecretString>,
}

impl Administration {
    /// Makes the Primary Org, the administrator and one secret key, once in the life of a directory.
    ///
    /// Remembered by a mark rather than judged by what is there: users that an operator created before
    /// the first start do not prevent it, and an administrator deleted later does not come back.
    /// Several nodes may start at once: one of them makes the administrator, the others answer none.
    pub async fn bootstrap(
        &self,
        admin_password: Option<SecretString>,
        secret_key: Option<SecretString>,
    ) -> Result<Option<Bootstrapped>, AdminError> {
        let by = self.operator();
        self.ensure_primary_org(&by).await?;
        if self.has_begun().await? {
            return Ok(None);
        }
        let drawn_password = admin_password.is_none().then(|| self.draw_password());
        let drawn_key = secret_key
            .is_none()
            .then(|| SecretString::from(random::uuid(&*self.random).to_string()));

        // The user comes last, the mark after it: a crash on the way leaves no mark, and the next start
        // begins again.
        // A key left by such a start was never shown to anyone who did not give it.
        let key = match (&secret_key, &drawn_key) {
            (Some(given), _) => match self.add_key(KEY_LABEL, None, given, &by).await {
                Ok(key) => Some(key.id),
                Err(AdminError::Exists { .. }) => None,
                Err(error) => return Err(error),
            },
            (None, Some(drawn)) => Some(self.add_key(KEY_LABEL, None, drawn, &by).await?.id),
            (None, None) => None,
        };
        let password = admin_password.or_else(|| drawn_password.clone());
        let administrator = NewUser {
            display_name: Some("Administration".to_owned()),
            password,
            is_admin: true,
            ..NewUser::named(ADMINISTRATOR)
        };
        let made = self.create_user(administrator, &by).await;
        if matches!(made, Ok(_) | Err(AdminError::Exists { .. })) {
            let at = self.clock.now().millis().to_string();
            self.directory.set(MARK, &at).await?;
        }
        match made {
            Ok(_) => Ok(Some(Bootstrapped {
                admin_password: drawn_password,
                secret_key: drawn_key,
            })),
            Err(AdminError::Exists { .. }) => {
                // Another node was faster, so nobody will be shown this node's drawn key.
                if let (Some(id), Some(_)) = (key, &drawn_key) {
                    self.retire_key(id, &by).await?;
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the first start is done; until then an administrator is still to be made.
    pub(in crate::domain::administration) async fn has_begun(&self) -> Result<bool, AdminError> {
        Ok(self.directory.get(MARK).await?.is_some())
    }

    async fn ensure_primary_org(&self, by: &Actor) -> Result<(), AdminError> {
        if self.directory.find_org(OrgId::PRIMARY).await?.is_some() {
            return Ok(());
        }
        let org = Org {
            id: OrgId::PRIMARY,
            name: "Primary".to_owned(),
            description: String::new(),
            status: OrgStatus::Active,
        };
        match self.directory.create_org(&org).await {
            Ok(()) => {
                self.changed("org_created", format!("{} ({})", org.name, org.id), by);
                Ok(())
            }
            Err(DirectoryError::Exists { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn draw_password(&self) -> SecretString {
        let drawn: Zeroizing<[u8; PASSWORD_BYTES]> = Zeroizing::new(random::bytes(&*self.random));
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(drawn.as_slice()));
        SecretString::from(text.as_str())
    }
}

impl Bootstrapped {
    /// The drawn password in the clear, for the one time it is shown.
    pub fn expose_password(&self) -> Option<&str> {
        self.admin_password
            .as_ref()
            .map(ExposeSecret::expose_secret)
    }

    /// The drawn key in the clear, for the one time it is shown.
    pub fn expose_key(&self) -> Option<&str> {
        self.secret_key.as_ref().map(ExposeSecret::expose_secret)
    }
}

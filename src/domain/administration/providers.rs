//! Users and the identity providers that sign them in.

use crate::domain::administration::{Actor, AdminError, Administration};
use crate::domain::directory::User;
use crate::domain::login::bond_of;

impl Administration {
    /// Forgets which provider signed the user in, and whom there: the next one who comes with that name and may sign
    /// in such users has the account. Sessions go on. False when there was nothing to forget.
    pub async fn release_user(&self, name: &str, by: &Actor) -> Result<(User, bool), AdminError> {
        let user = self.require_user(name).await?;
        let place = bond_of(user.id);
        while let Some(bond) = self.directory.get(&place).await? {
            if self.directory.replace(&place, Some(&bond), None).await? {
                self.changed("user_released", &user.name, by);
                return Ok((user, true));
            }
        }
        Ok((user, false))
    }
}

//! What a sign-in at a provider would come to, with nothing done: for an administrator who sets one up.

use crate::domain::audit::Refusal;
use crate::domain::authn::{NotSettled, judge};
use crate::domain::directory::{Group, NameKey, Org, OrgId, User};
use crate::domain::failure::StoreError;
use crate::domain::login::sso::rules_of;
use crate::domain::login::{Login, LoginError};
use crate::domain::sso::{Provider, SsoIdentity};

/// What a sign-in would come to.
#[derive(Debug)]
pub struct Foreseen {
    /// Who they are here already.
    pub user: Option<User>,
    /// The Orgs they would belong to afterwards.
    pub orgs: Vec<Org>,
    /// The groups they are in now, in the Org of the provider's groups.
    pub groups: Vec<Group>,
    /// Why they would be refused all the same.
    pub refusal: Option<Refusal>,
}

impl Login {
    /// Whom somebody the provider so describes would be here, judged as at a sign-in; nothing is changed.
    pub async fn foresee(
        &self,
        provider: &Provider,
        identity: &SsoIdentity,
    ) -> Result<Foreseen, StoreError> {
        let mut foreseen = Foreseen {
            user: None,
            orgs: Vec::new(),
            groups: Vec::new(),
            refusal: None,
        };
        let Ok(key) = NameKey::new(&identity.username) else {
            foreseen.refusal = Some(Refusal::UnknownUser);
            return Ok(foreseen);
        };
        foreseen.user = self.directory.find_user(&key).await?;
        let user = foreseen.user.as_ref();
        foreseen.refusal = self.foresee_refusal(provider, identity, user).await?;
        let rules = rules_of(provider);
        let mut orgs = match user {
            Some(user) => self.directory.orgs_of(user.id).await?,
            None => Vec::new(),
        };
        orgs.retain(|org| !rules.orgs.contains(&org.id) || identity.orgs.contains(&org.id));
        let mut due: Vec<OrgId> = identity.orgs.clone();
        if user.is_none() && due.is_empty() {
            due.push(rules.org);
        }
        for id in due {
            let is_new = orgs.iter().all(|org| org.id != id);
            if is_new && let Some(org) = self.directory.find_org(id).await? {
                orgs.push(org);
            }
        }
        if orgs.is_empty() && foreseen.refusal.is_none() {
            foreseen.refusal = Some(Refusal::OrgNotAllowed);
        }
        foreseen.orgs = orgs;
        if let Some(user) = user {
            foreseen.groups = self.directory.groups_of(user.id, rules.org).await?;
        }
        Ok(foreseen)
    }

    /// In the order of a sign-in.
    async fn foresee_refusal(
        &self,
        provider: &Provider,
        identity: &SsoIdentity,
        user: Option<&User>,
    ) -> Result<Option<Refusal>, StoreError> {
        let rules = rules_of(provider);
        let Some(user) = user else {
            return Ok((!rules.creates_users).then_some(Refusal::UnknownUser));
        };
        if user.is_admin && !provider.policy.accepts_admins {
            return Ok(Some(Refusal::AdminElsewhere));
        }
        match judge(user, &rules) {
            Err(NotSettled::Refused(why)) => return Ok(Some(why)),
            Err(NotSettled::Store(error)) => return Err(error),
            Ok(()) => {}
        }
        let person = identity.person.as_deref();
        match self.may_claim(provider, person, user).await {
            Ok(()) => Ok(None),
            Err(LoginError::Store(error)) => Err(error),
            Err(LoginError::BadCredentials(why)) => Ok(Some(why)),
            Err(_) => Ok(Some(Refusal::OtherProvider)),
        }
    }
}

//! Access rules of a token and of its user: who may set them, and for whom.

use crate::domain::administration::AdminScope;
use crate::domain::audit::{Act, AuditEvent, Client, Refusal};
use crate::domain::authn::TrustedAuth;
use crate::domain::authn::trusted::issue::{Vouched, parameter};
use crate::domain::authn::trusted::request::{IssueError, IssueRequest, Persist, Voucher};
use crate::domain::clock::Timestamp;
use crate::domain::directory::{DirectoryError, User, UserChange, privileges_in};
use crate::domain::failure::StoreError;
use crate::domain::token::Attributes;

impl TrustedAuth {
    /// Whether what all Orgs share of the user, such as the address, is the voucher's to change: with the key of one
    /// Org it is what an administrator of that Org may change.
    pub(super) async fn may_change_account(
        &self,
        vouched: &Vouched,
        user: &User,
    ) -> Result<bool, StoreError> {
        let Some(own) = vouched.key_org() else {
            return Ok(true);
        };
        let orgs = self.org_ids_of(user).await?;
        let rights = privileges_in(&*self.directory, user, own).await?;
        let rights: Vec<String> = rights.into_iter().collect();
        let scope = AdminScope::Org(own);
        Ok(scope.may_manage_account(user, &orgs, &rights).is_ok())
    }

    /// Whether the voucher may have the access rules it asks for, beside the user's own or in their place.
    async fn judge_attributes(
        &self,
        request: &IssueRequest,
        vouched: &Vouched,
        user: &User,
    ) -> Result<(), IssueError> {
        // Whom rules limit must not be the one who lifts them. An administrator of the server may anyway.
        let is_limited = matches!(request.voucher, Voucher::Proof(_)) && !user.is_admin;
        match request.persist {
            Persist::No if is_limited && !user.attributes.hold_beside(&request.attributes) => {
                Err(IssueError::RulesNotTheirs(
                    "beside a password, access rules are added to the user's own only where those say nothing: \
                     for other columns and parameters, and for no choice of objects",
                ))
            }
            Persist::No => Ok(()),
            Persist::Replace | Persist::Append | Persist::Reset if is_limited => {
                Err(IssueError::RulesNotTheirs(
                    "a user's own access rules are changed by the holder of a secret key or an administrator of the \
                     server, not by the user's password; persist_option NONE keeps them as they are",
                ))
            }
            Persist::Replace | Persist::Append | Persist::Reset => {
                if self.may_change_account(vouched, user).await? {
                    return Ok(());
                }
                Err(IssueError::RulesNotTheirs(
                    "the key of one Org changes the access rules of users of that Org alone, who have no right beyond \
                     it; persist_option NONE leaves them as they are",
                ))
            }
        }
    }

    /// The token's attributes, after the user's own were changed as asked.
    pub(super) async fn settle_attributes(
        &self,
        request: &IssueRequest,
        vouched: &Vouched,
        user: &User,
        client: &Client,
        at: Timestamp,
    ) -> Result<Attributes, IssueError> {
        if let Some(held) = &vouched.attributes {
            return Ok(held.clone());
        }
        self.judge_attributes(request, vouched, user).await?;
        let own = match request.persist {
            Persist::No => return Ok(user.attributes.clone().with(&request.attributes)),
            Persist::Replace => request.attributes.clone(),
            Persist::Append => user.attributes.clone().with(&request.attributes),
            Persist::Reset => Attributes::default(),
        };
        own.validate()
            .map_err(|error| parameter(error.part, error.to_string(), Refusal::BadRequest))?;
        // Applications ask for the same rules with every token.
        if own == user.attributes {
            return Ok(own);
        }
        let change = UserChange {
            attributes: Some(own.clone()),
            at,
            ..UserChange::default()
        };
        match self.directory.update_user(user.id, &change).await {
            Ok(user) => {
                self.audit.record(AuditEvent {
                    at,
                    act: Act::DirectoryChanged {
                        what: "attributes_changed",
                        target: user.name.clone(),
                    },
                    user_id: Some(user.id),
                    user_name: Some(user.name),
                    client: client.clone(),
                });
                Ok(own)
            }
            Err(DirectoryError::Store(error)) => Err(IssueError::Store(error)),
            Err(other) => Err(parameter(
                "username",
                other.to_string(),
                Refusal::BadRequest,
            )),
        }
    }
}

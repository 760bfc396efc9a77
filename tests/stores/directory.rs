//! What every directory promises: one suite, run against each database it can be kept in.
#![expect(clippy::unwrap_used, reason = "a step that fails fails its test")]

mod administrators;
mod api_tokens;
mod durability;
mod keys;
mod orgs;
mod postgres;
mod provision;
mod relocation;
mod sqlite;
mod users;

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use vestibule::domain::clock::Timestamp;
use vestibule::domain::directory::{
    AccountType, Directory, Membership, NameKey, Org, OrgId, OrgStatus, Provision, UserDraft,
    UserId,
};
use vestibule::domain::random::{self, SystemRandom};

/// A database of one test's own. Each `open` is like another process that starts.
#[async_trait]
pub trait Database: Send + Sync {
    async fn fresh() -> Self;
    async fn open(&self) -> Arc<dyn Directory>;
}

/// Runs every case against one database; another database is one more line below.
macro_rules! suite {
    ($name:ident: $database:ty; $($room:ident: [$($case:ident),+ $(,)?])+) => {
        mod $name {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    let database = <$database as super::Database>::fresh().await;
                    super::$room::$case(&database).await;
                }
            )+)+
        }
    };
}
macro_rules! every_case {
    ($name:ident: $database:ty) => {
        suite! { $name: $database;
            users: [
                case_42_a_name_in_other_case_or_form_is_taken,
                case_46_names_with_special_characters_are_kept_and_found_literally,
                where_a_password_lives_is_kept,
                a_group_that_is_missing_leaves_no_user_behind,
                an_org_that_is_missing_leaves_no_user_behind,
                names_have_one_order_whatever_language_the_database_speaks,
                the_longest_name_fits,
                ten_thousand_users_are_listed_in_pages_without_gaps_or_repeats,
                searches_combine_name_org_and_group,
                a_change_leaves_alone_what_it_does_not_name,
                memberships_are_added_replaced_and_removed,
                groups_of_an_org_the_user_is_not_in_are_refused_and_nothing_changes,
                a_last_org_that_was_left_falls_back,
                passwords_and_status_change_and_a_deleted_user_leaves_no_membership,
                users_and_groups_that_are_deleted_while_others_add_to_them_leave_nothing_behind,
            ]
            administrators: [
                the_last_administrator_stays_unless_they_may_go,
                of_two_administrators_who_take_each_other_away_one_stays,
            ]
            provision: [
                case_38_twenty_simultaneous_creations_make_one_user,
                case_38_another_case_of_the_name_is_the_same_user,
                case_38_a_provisioned_user_has_no_password_and_no_rights,
                case_38_a_group_in_other_case_is_the_same_group,
                case_36_groups_are_added_or_replaced_in_that_org_only,
                case_37_who_may_not_join_is_refused_and_unchanged,
                a_disabled_user_is_returned_as_is,
                an_unknown_org_is_missing_and_nobody_is_created,
                naming_no_org_never_adds_one,
                asking_for_what_is_so_already_changes_nothing,
            ]
            orgs: [
                members_of_an_org_are_found_among_many_names_at_once,
                the_primary_org_exists_and_stays,
                org_names_and_numbers_are_unique,
                a_deleted_org_takes_its_groups_memberships_and_keys_along,
                group_names_are_unique_within_their_org,
                groups_change_and_go,
            ]
            keys: [
                a_key_is_found_by_its_digest_until_it_is_retired,
                a_digest_is_never_accepted_twice,
                a_use_is_written_once_a_minute_and_never_moves_back,
                twenty_first_starts_agree_on_one_secret,
                saved_settings_are_replaced_by_name,
                of_many_who_replace_the_same_setting_one_does,
                liveboards_come_back_whole_and_are_replaced,
            ]
            api_tokens: [
                a_new_token_takes_the_place_of_the_old_one,
                a_token_goes_with_its_user,
            ]
            durability: [
                everything_is_there_after_opening_again,
                two_processes_write_at_once_and_nothing_is_lost,
                two_processes_provision_the_same_user_at_once,
                many_processes_may_start_at_once,
            ]
        }
    };
}
every_case!(on_sqlite: super::sqlite::SqliteFile);
every_case!(on_postgres: super::postgres::PostgresDatabase);

pub const NOW: Timestamp = Timestamp::from_millis(1_750_000_000_000);

pub fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

pub fn key(name: &str) -> NameKey {
    NameKey::new(name).unwrap()
}

pub fn fresh_uuid() -> uuid::Uuid {
    random::uuid(&SystemRandom::open().unwrap())
}

pub fn draft(name: &str) -> UserDraft {
    UserDraft {
        id: UserId(fresh_uuid()),
        name: name.into(),
        key: key(name),
        display_name: format!("{name} (shown)"),
        email: None,
        account_type: AccountType::Local,
        password: None,
        is_admin: false,
        memberships: vec![in_org(OrgId::PRIMARY, &[])],
        create_groups: true,
        at: NOW,
    }
}

pub fn in_org(org: OrgId, groups: &[&str]) -> Membership {
    Membership {
        org,
        groups: groups.iter().map(|&name| name.to_owned()).collect(),
    }
}

pub fn just_in_time(name: &str) -> Provision {
    Provision {
        fresh_id: UserId(fresh_uuid()),
        name: name.into(),
        key: key(name),
        display_name: None,
        email: None,
        org: None,
        may_join: true,
        groups: None,
        replace_groups: false,
        at: NOW,
    }
}

pub fn org(id: i64, name: &str) -> Org {
    Org {
        id: OrgId(id),
        name: name.into(),
        description: format!("what {name} is for"),
        status: OrgStatus::Active,
    }
}

pub async fn group_names(directory: &dyn Directory, user: UserId, org: OrgId) -> Vec<String> {
    let groups = directory.groups_of(user, org).await.unwrap();
    groups.into_iter().map(|group| group.name).collect()
}

pub async fn org_ids(directory: &dyn Directory, user: UserId) -> Vec<i64> {
    let orgs = directory.orgs_of(user).await.unwrap();
    orgs.into_iter().map(|org| org.id.0).collect()
}

//! One table of refusals, each dialect in its own words: the same failure, the same line in the audit trail.
//!
//! A new dialect implements [`Dialect`] in [`dialects`] and gets every row for one line below.

pub mod dialects;
mod situations;

use crate::parity::dialects::{Dialect, MicroStrategy, V1, V2};
use crate::parity::situations::{Situation, Stage};
use crate::support::Reply;

/// What a caller is told, whatever the dialect makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    BadRequest,
    /// Unauthenticated.
    SignInFirst,
    /// Unauthenticated, by a token that is no good: browsers and clients hear of it in a header.
    DeadToken,
    Forbidden,
    TryLater,
    SwitchedOff,
    Away,
}

use Situation as S;

/// What is told, what is audited, when. A check of a session or of a Bearer is not audited.
const TABLE: &[(Told, &[&str], &[Situation])] = &[
    (
        Told::SignInFirst,
        &["login_refused unknown_user"],
        &[S::UnknownUser],
    ),
    (
        Told::SignInFirst,
        &["login_refused wrong_password"],
        &[S::WrongPassword, S::DisabledUserWithAWrongPassword],
    ),
    (
        Told::SignInFirst,
        &["login_refused user_disabled"],
        &[S::DisabledUserWithTheRightPassword],
    ),
    (
        Told::BadRequest,
        &["login_refused org_not_allowed"],
        &[S::LoginToAnOrgOfOthers, S::LoginToADisabledOrg],
    ),
    (
        Told::TryLater,
        &["login_refused throttled"],
        &[S::TooManyGuesses],
    ),
    (
        Told::DeadToken,
        &["login_refused dead_token"],
        &[S::TokenExpired, S::TokenRevoked, S::TokenOfADisabledUser],
    ),
    (
        Told::DeadToken,
        &["login_refused unknown_token"],
        &[S::TokenOfAnotherServer, S::TokenDamaged],
    ),
    (
        Told::DeadToken,
        &[],
        &[
            S::BearerExpired,
            S::BearerDamaged,
            S::BearerDamagedBesideAGoodCookie,
        ],
    ),
    (
        Told::SignInFirst,
        &["token_refused wrong_key"],
        &[S::KeyWrong, S::KeyRetired],
    ),
    (
        Told::Forbidden,
        &["token_refused key_of_other_org"],
        &[S::KeyOfAnotherOrg],
    ),
    (
        Told::SwitchedOff,
        &["token_refused switched_off"],
        &[S::TrustedAuthenticationOff],
    ),
    (
        Told::BadRequest,
        &["token_refused unknown_user"],
        &[S::TokenForAnUnknownUser],
    ),
    (
        Told::BadRequest,
        &["token_refused user_disabled"],
        &[S::TokenForADisabledUser],
    ),
    (
        Told::BadRequest,
        &["token_refused org_not_allowed"],
        &[S::TokenForAnOrgOfOthers],
    ),
    (
        Told::Away,
        &["login_refused store_unavailable"],
        &[S::StoreAwayAtALogin, S::StoreAwayAtATokenLogin],
    ),
    (
        Told::Away,
        &["token_refused store_unavailable"],
        &[S::StoreAwayAtAMinting],
    ),
    (
        Told::Away,
        &[],
        &[S::StoreAwayAtACheck, S::StoreAwayAtALogout],
    ),
    (
        Told::SignInFirst,
        &[],
        &[
            S::CookieOfAnEndedSession,
            S::CookieDamaged,
            S::NothingPresented,
            S::LogoutOfNobody,
        ],
    ),
];

#[tokio::test]
async fn every_refusal_of_rest_v1_is_told_and_audited_as_the_table_says() {
    compare::<V1>().await;
}

#[tokio::test]
async fn every_refusal_of_rest_v2_is_told_and_audited_as_the_table_says() {
    compare::<V2>().await;
}

#[tokio::test]
async fn every_refusal_of_microstrategy_is_told_and_audited_as_the_table_says() {
    compare::<MicroStrategy>().await;
}

async fn compare<D: Dialect>() {
    let mut wrong = Vec::new();
    for (told, audited, situations) in TABLE {
        for situation in situations.iter().filter(|one| D::has(**one)) {
            let stage = Stage::set::<D>(*situation).await;
            let reply = stage.play::<D>(*situation).await;
            let words = stage.app.trail.words();
            for problem in problems::<D>(&reply, *told, &words, audited) {
                wrong.push(format!("{situation:?}: {problem}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", D::NAME, wrong.join("\n"));
}

fn problems<D: Dialect>(
    reply: &Reply,
    told: Told,
    words: &[String],
    audited: &[&str],
) -> Vec<String> {
    let mut problems = Vec::new();
    let mut check = |is_so: bool, what: String| {
        if !is_so {
            problems.push(what);
        }
    };
    let wanted = D::status(told);
    check(
        reply.status == wanted,
        format!("{} in place of {wanted}: {}", reply.status, reply.text()),
    );
    check(words == audited, format!("audited {words:?}"));
    check(
        D::is_refusal(reply),
        format!("the body is {}", reply.text()),
    );
    check(
        D::names_incident(reply),
        "header and body name no incident, or not the same".to_owned(),
    );
    let waits = matches!(told, Told::TryLater | Told::Away);
    check(
        reply.header("retry-after").is_some() == waits,
        format!("retry-after: {:?}", reply.header("retry-after")),
    );
    let challenge = reply.header("www-authenticate").unwrap_or_default();
    check(
        challenge.contains("invalid_token") == (told == Told::DeadToken),
        format!("www-authenticate: {challenge:?}"),
    );
    let cookies = reply.cookies();
    check(cookies.is_empty(), format!("sets {cookies:?}"));
    problems
}

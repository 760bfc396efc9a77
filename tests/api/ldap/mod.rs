//! Logins that an LDAP directory judges, over HTTP, against a real `slapd`.

mod outage;
mod provisioning;
mod sign_in;

use crate::slapd::{LENA_WORD, MAX_WORD, OTHER_WORD, SERVICE_WORD, Slapd};
use crate::support::TestApp;
use vestibule::domain::administration::NewUser;
use vestibule::domain::directory::{AccountType, User};
use vestibule::settings::Ldap;

/// A server that asks that directory, its settings changed once more.
fn app_with(slapd: &Slapd, change: impl FnOnce(&mut Ldap)) -> TestApp {
    let mut ldap = slapd.settings();
    change(&mut ldap);
    let app = TestApp::with(|settings| settings.ldap = ldap);
    for word in [LENA_WORD, MAX_WORD, OTHER_WORD, SERVICE_WORD] {
        app.plant(word);
    }
    app
}

/// A server on which LDAP users must have been made beforehand, and lena was.
async fn app_with_lena(slapd: &Slapd) -> TestApp {
    let app = app_with(slapd, |_| {});
    add_ldap_user(&app, "lena").await;
    app
}

async fn add_ldap_user(app: &TestApp, name: &str) -> User {
    let (administration, by) = app.administration();
    let user = NewUser {
        account_type: AccountType::Ldap,
        ..NewUser::named(name)
    };
    administration.create_user(user, &by).await.unwrap()
}

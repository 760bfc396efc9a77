//! Where the directory is, and how it moves to PostgreSQL: by a button where the settings name a database, else at a
//! shell, while the server stands still.

use crate::api::admin::copying;
use crate::api::admin::desk::{Looks, Refusal};
use actix_web::HttpResponse;
use serde_json::{Value, json};
use std::path::Path;

/// `GET directory`: the store, its address without a password, how much there is, how far a copy is, and the commands
/// that move an embedded one.
pub async fn show(Looks(desk): Looks) -> Result<HttpResponse, Refusal> {
    desk.require_server()?;
    let console = &desk.services().console;
    let mut settings = console.settings.iter();
    let store = settings.find(|one| one.key == "directory.store");
    let store = store.map_or("", |one| one.value.as_str());
    let is_embedded = store == "embedded";
    let commands = if is_embedded {
        moving(&console.folder, console.config_file.as_deref())
    } else {
        Vec::new()
    };
    let census = match &console.copier {
        Some(copier) => {
            let census = copier.census().await?;
            json!({ "users": census.users, "orgs": census.orgs, "keys": census.keys })
        }
        None => Value::Null,
    };
    let copied_before = console.copier.as_ref().and_then(|it| it.copied_before());
    Ok(HttpResponse::Ok().json(json!({
        "node": desk.node(),
        "census": census,
        "copied_before": copied_before,
        "copy": copying::state(&desk),
        "store": store,
        "is_embedded": is_embedded,
        "commands": commands,
    })))
}

/// What a shell is told. The database's address holds a password, so it goes past arguments and history.
fn moving(folder: &Path, config_file: Option<&Path>) -> Vec<String> {
    let config = config_file.map(|file| format!(" --config {}", quoted(file)));
    vec![
        "read -rs NEW_DIRECTORY && export NEW_DIRECTORY".to_owned(),
        format!(
            "vestibule directory copy --from {} --to-env NEW_DIRECTORY{}",
            quoted(folder),
            config.unwrap_or_default()
        ),
    ]
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.into_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_whatever_it_holds() {
        for (path, word) in [
            ("/var/lib/vestibule", "/var/lib/vestibule"),
            ("/a b", "'/a b'"),
            ("/a'; rm x", r"'/a'\''; rm x'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
        let commands = moving(Path::new("/d"), Some(Path::new("/e/v.toml")));
        assert_eq!(
            commands[1],
            "vestibule directory copy --from /d --to-env NEW_DIRECTORY --config /e/v.toml"
        );
    }
}

//! What parses, and what must not.

use super::*;
use clap::CommandFactory;

fn parse(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_grammar_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn serving_is_the_default_and_flags_stand_on_either_side_of_a_command() {
    let cli = parse("vestibule --demo --http 127.0.0.1:0").unwrap();
    assert!(cli.command.is_none() && cli.serve.demo);
    let cli = parse("vestibule serve --demo --set a.b=c=d --set e=").unwrap();
    assert!(matches!(
        cli.command,
        Some(Command::Serve(ServeArgs { demo: true }))
    ));
    assert_eq!(
        cli.sources.set,
        [("a.b".into(), "c=d".into()), ("e".into(), String::new())]
    );
    for line in [
        "vestibule --data-dir /d user list --json",
        "vestibule user list --json --data-dir /d",
    ] {
        let cli = parse(line).unwrap();
        assert_eq!(cli.sources.data_dir.as_deref(), Some("/d"), "{line}");
    }
}

#[test]
fn the_documented_commands_parse() {
    for line in [
        "org create Sales --description x",
        "org list --json",
        "group create east --org Sales",
        "group list --org 0 --json",
        "user create alice --display-name A --email a@b --org 1 --group g --admin --password-stdin",
        "user create lena --ldap",
        "user list",
        "user show alice --json",
        "user passwd alice --password-stdin",
        "user disable alice",
        "user enable alice",
        "user admin alice",
        "user admin alice --revoke",
        "user delete alice --yes",
        "user import users.csv",
        "key list --json",
        "key create --label app --org 0",
        "key retire 6f0e",
        "password calibrate --target-ms 20 --memory-mib 64 --json",
        "session list --user alice --json",
        "session revoke 00112233aabb-0011223344556677",
        "session revoke --user alice --yes",
        "session revoke --user alice --except 00112233aabb-0011223344556677",
        "session revoke --org Sales",
        "session revoke --key 6f0e",
        "session revoke --all",
        "redirect check https://a.example/x --json",
        "directory copy --from ./data --to-env NAME",
        "directory copy --from sqlite:x.db --to-stdin --json",
        "config show --json --config x.toml",
        "config check",
        "sso test corp --claims - --json",
        "health",
    ] {
        let line = format!("vestibule {line}");
        assert!(parse(&line).is_ok(), "{line}: {:?}", parse(&line).err());
    }
}

#[test]
fn sessions_are_revoked_by_exactly_one_word() {
    for line in [
        "",
        "--user alice --all",
        "00112233aabb-0011223344556677 --org 0",
        "--except 00112233aabb-0011223344556677",
        "--all --except 00112233aabb-0011223344556677",
    ] {
        assert!(
            parse(&format!("vestibule session revoke {line}")).is_err(),
            "{line}"
        );
    }
}

#[test]
fn a_password_cannot_be_an_argument() {
    assert!(parse("vestibule user create alice --password secret").is_err());
    assert!(parse("vestibule user passwd alice secret").is_err());
    assert!(parse("vestibule --set nonsense").is_err());
}

//! Where passwords come from: a prompt, or standard input.

use crate::cli::args::PasswordArgs;
use anyhow::{Context, bail, ensure};
use secrecy::{ExposeSecret, SecretString};
use std::io::{IsTerminal, Read};
use zeroize::Zeroizing;

/// More than any password may have; what is longer was not meant as one.
const MAX_INPUT_BYTES: u64 = 64 * 1024;

/// Reads a new password.
pub(in crate::cli) fn read(args: PasswordArgs) -> anyhow::Result<SecretString> {
    let stdin = std::io::stdin();
    if args.password_stdin {
        return from_reader(stdin.lock());
    }
    if !stdin.is_terminal() {
        bail!(
            "a password is needed and there is no terminal to ask on: pipe it in and add --password-stdin"
        );
    }
    let first = SecretString::from(rpassword::prompt_password("Password: ")?);
    let again = SecretString::from(rpassword::prompt_password("Once more: ")?);
    ensure!(
        first.expose_secret() == again.expose_secret(),
        "the two passwords differ"
    );
    Ok(first)
}

/// Reads a secret that is not new, such as an address with a password in it.
pub(in crate::cli) fn read_known() -> anyhow::Result<SecretString> {
    from_reader(std::io::stdin().lock())
}

/// Everything there is, but for one newline at the end, which `echo` adds. Spaces belong to the password.
fn from_reader(reader: impl Read) -> anyhow::Result<SecretString> {
    let mut text = Zeroizing::new(String::new());
    reader
        .take(MAX_INPUT_BYTES + 1)
        .read_to_string(&mut text)
        .context("standard input is not a password in UTF-8")?;
    ensure!(
        text.len() as u64 <= MAX_INPUT_BYTES,
        "standard input is too long for a password"
    );
    let password = text
        .strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'))
        .unwrap_or(&text);
    ensure!(!password.is_empty(), "standard input holds no password");
    Ok(SecretString::from(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_44_one_newline_at_the_end_is_dropped_and_nothing_else() {
        for (input, password) in [
            ("secret", "secret"),
            ("secret\n", "secret"),
            ("secret\r\n", "secret"),
            ("secret\n\n", "secret\n"),
            (" two words ", " two words "),
            ("a\0b\n", "a\0b"),
        ] {
            let read = from_reader(input.as_bytes()).unwrap();
            assert_eq!(read.expose_secret(), password, "{input:?}");
        }
        assert!(from_reader("\n".as_bytes()).is_err());
        assert!(from_reader(&b"\xff\xfe"[..]).is_err());
        assert!(from_reader("x".repeat(70_000).as_bytes()).is_err());
    }
}

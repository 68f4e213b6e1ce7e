//! A token that somebody put into a variable by hand, or a pipeline did: what is wrong with it, where that can be
//! seen. Nothing is mended: whose token it is decides who mends it.

use crate::error::{Error, Kind};
use crate::os::env::Environment;
use crate::provider::{self, LoginWay, ProviderId};
use crate::secret::Secret;
use crate::session::exports;
use crate::target::Target;

/// What is wrong with the first of a platform's token variables that has a value, in a sentence that names it.
pub fn complaint(provider: ProviderId, env: &impl Environment) -> Option<String> {
    let (name, value) = exports::given_tokens(provider, env).next()?;
    complaint_of(name, &value)
}

fn complaint_of(variable: &str, value: &[u8]) -> Option<String> {
    Some(format!("{variable} holds no {} that can be used: {}", secret(variable), flaw(value)?))
}

/// What a person calls what is in this variable.
fn secret(variable: &str) -> &'static str {
    let owner = provider::ALL.iter().find(|provider| provider.variables().tokens.contains(&variable));
    owner.map_or(LoginWay::OAuth, |owner| owner.login_way()).secret()
}

/// What is wrong with the token in a variable, and what to do about it.
pub fn advice(variable: &str, token: &Secret) -> Option<String> {
    Some(format!("{}; correct it, or unset it", complaint_of(variable, token.expose())?))
}

/// Makes sure that nothing is wrong with the token in a variable, as far as that can be seen.
///
/// # Errors
/// Something is.
pub fn must_be_usable(variable: &str, token: &Secret) -> Result<(), Error> {
    match complaint_of(variable, token.expose()) {
        Some(complaint) => {
            Err(Error::not_logged_in(complaint).next("correct it, or unset it to use a login"))
        }
        None => Ok(()),
    }
}

/// That a server refused the token in a variable.
pub fn refused(variable: &str, token: &Secret, server: &Target) -> Error {
    let what = format!("{} rejected the {} in {variable}", server.authority(), secret(variable));
    let flaw = flaw(token.expose()).map(|flaw| format!(": {flaw}")).unwrap_or_default();
    Error::not_logged_in(format!("{what}{flaw}")).next("correct it, or unset it to use a login")
}

/// A server's refusal, with the variable that its token is in and what is wrong with it.
pub fn named(error: Error, variable: &str, token: &Secret) -> Error {
    if !matches!(error.kind(), Kind::NotLoggedIn | Kind::Failed) {
        return error;
    }
    match advice(variable, token) {
        Some(advice) => Error::new(error.kind(), error.what()).next(advice),
        None if error.kind() == Kind::NotLoggedIn => Error::new(error.kind(), error.what()).next(format!(
            "the {} is the one in {variable}: correct it, or unset it to use a login",
            secret(variable)
        )),
        None => error,
    }
}

/// What is wrong with a token; nothing where it may be one.
pub fn flaw(value: &[u8]) -> Option<&'static str> {
    let value = value.trim_ascii_end();
    let text = String::from_utf8_lossy(value);
    let begins = |word: &str| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let quotes = ['"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'];
    if value.is_empty() {
        None
    } else if value.starts_with(&[0xff, 0xfe]) || value.starts_with(&[0xfe, 0xff]) {
        Some("it is UTF-16; save it as UTF-8")
    } else if text.starts_with('\u{feff}') {
        Some("it begins with a byte-order mark; save it as UTF-8 without one")
    } else if text.contains("${") || text.starts_with('$') || text.starts_with('%') {
        Some("it is the name of a variable that nothing has replaced")
    } else if ["null", "undefined", "none", "nil"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Some("it is a program's word for nothing")
    } else if text.starts_with("***")
        || text.chars().all(|c| matches!(c, '*' | '\u{2022}'))
        || text.trim_matches(['[', ']', '<', '>', '(', ')']).eq_ignore_ascii_case("redacted")
    {
        Some("it is a mask of asterisks or the like, as logs show in place of a secret")
    } else if text.starts_with(quotes) || text.ends_with(quotes) {
        Some("it has quotes around it")
    } else if begins("export ") || begins("set ") || is_assignment(&text) {
        Some("it begins as a line of a shell or a file does; only what is behind the name belongs there")
    } else if begins("bearer ") || begins("bearer:") || begins("token ") || begins("authorization:") {
        Some("it begins with a word of an HTTP header; only what follows it belongs there")
    } else if text.starts_with('<') && text.ends_with('>') {
        Some("it is a placeholder")
    } else if text.starts_with(['{', '[']) {
        Some("it is JSON; only the token in it belongs there")
    } else if text.contains("://") {
        Some("it is an address; only the token belongs there")
    } else if text.ends_with([',', ';']) {
        Some("it ends with a comma or a semicolon")
    } else if text.chars().any(char::is_whitespace) {
        Some("it has blanks or line breaks in it")
    } else if !text.chars().all(|c| c.is_ascii_graphic()) {
        Some("it has characters that none has")
    } else {
        None
    }
}

/// `TOWER_ACCESS_TOKEN=…`. A token may end with `=`, and have none before.
fn is_assignment(text: &str) -> bool {
    let is_name = |name: &str| {
        let name = name.trim().to_ascii_lowercase();
        name == "token" || name.ends_with("_token") || name.ends_with("_key")
    };
    text.split_once(['=', ':']).is_some_and(|(name, _)| is_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider;

    #[test]
    fn what_is_wrong_with_a_token_is_said_and_a_token_is_left_alone() {
        for (value, words) in [
            (&b"\"eyJ0aWQ\""[..], "quotes"),
            (b"'eyJ0aWQ'\n", "quotes"),
            ("\u{201c}eyJ0aWQ\u{201d}".as_bytes(), "quotes"),
            (b"export TOWER_ACCESS_TOKEN=eyJ0aWQ", "line of a shell or a file"),
            (b"TOWER_ACCESS_TOKEN=eyJ0aWQ", "line of a shell or a file"),
            (b"Bearer eyJ0aWQ", "HTTP header"),
            (b"bearer eyJ0aWQ", "HTTP header"),
            (b"\xef\xbb\xbfeyJ0aWQ", "byte-order mark"),
            (b"\xff\xfee\x01y", "UTF-16"),
            (b"***", "asterisks"),
            (b"${{ secrets.TOWER_ACCESS_TOKEN }}", "nothing has replaced"),
            (b"$TOWER_ACCESS_TOKEN", "nothing has replaced"),
            (b"%TOWER_ACCESS_TOKEN%", "nothing has replaced"),
            (b"<your-token>", "a placeholder"),
            (b"null", "word for nothing"),
            (b"None", "word for nothing"),
            (b"****1234", "asterisks"),
            (b"[REDACTED]", "asterisks"),
            (b"{\"token\":\"x\"}", "JSON"),
            (b"op://vault/item", "an address"),
            (b"eyJ0aWQ,", "a comma"),
            (b"token=eyJ0aWQ", "line of a shell or a file"),
            (b"access_token: eyJ0aWQ", "line of a shell or a file"),
            (b"eyJ0 aWQ", "blanks"),
            (b" eyJ0aWQ", "blanks"),
            (b"eyJ0\xc3\xa4", "characters"),
        ] {
            let found = flaw(value);
            assert!(found.is_some_and(|found| found.contains(words)), "{value:?}: {found:?}");
        }
        for fine in ["", "eyJ0aWQiOiAxfS4w", "eyJ0aWQ=", "a.b-c_d~e+f/g==", "0f0f", "hunter2", "eyJ0aWQ\r\n"]
        {
            assert_eq!(flaw(fine.as_bytes()), None, "{fine}");
        }
    }

    #[test]
    fn the_variable_that_counts_is_named_and_its_value_is_not() {
        let env = |name: &str| match name {
            "SEQERA_TOKEN" => Some(std::ffi::OsString::from("'hunter2'")),
            "TOWER_ACCESS_TOKEN" => Some(std::ffi::OsString::from("fine")),
            _ => None,
        };
        let complaint = complaint(provider::ALL[0], &env).unwrap();
        assert_eq!(complaint, "SEQERA_TOKEN holds no token that can be used: it has quotes around it");
    }
}

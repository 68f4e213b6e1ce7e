//! A token that the person brings.

use std::io::{self, IsTerminal, Read};

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::oauth::jwt;
use crate::secret::Secret;
use crate::session::outside;
use crate::ui;

/// Many times what any token is long.
const LIMIT: u64 = 64 * 1024;

/// Reads one `secret`, as the person calls it: hidden from a terminal, after `prompt`, else from standard input;
/// `example` shows how.
pub fn read(secret: &str, prompt: &str, example: &str) -> Result<Secret> {
    if io::stdin().is_terminal() {
        return one_word(secret, ui::hidden(prompt)?.as_bytes(), example);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(LIMIT as usize));
    io::stdin()
        .lock()
        .take(LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::io("standard input", &error))?;
    one_word(secret, &bytes, example)
}

fn one_word(secret: &str, bytes: &[u8], example: &str) -> Result<Secret> {
    let word = bytes.trim_ascii();
    if word.is_empty() {
        return Err(Error::usage(format!("there is no {secret} on standard input"))
            .next(format!("give it like this: {example}")));
    }
    match outside::flaw(word) {
        Some(flaw) => Err(Error::usage(format!("this is not a usable {secret}: {flaw}"))
            .next(format!("give the {secret} and nothing else, without 'Bearer' and without quotes"))),
        None => Ok(Secret::new(word.to_vec())),
    }
}

/// What a token looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A personal access token.
    Personal,
    /// An access token of an OAuth login, with its end where it says so.
    Jwt {
        /// In seconds since 1970.
        expires_at: Option<u64>,
    },
    /// What servers gave before: 40 hexadecimal digits.
    Legacy,
}

/// The form of `token`.
///
/// # Errors
/// It is none that the Platform gives.
pub fn form(token: &Secret) -> Result<Form> {
    if let Some(times) = jwt::times(token) {
        return Ok(Form::Jwt { expires_at: times.expires_at });
    }
    let bytes = token.expose();
    if is_personal(bytes) {
        return Ok(Form::Personal);
    }
    if bytes.len() == 40 && bytes.iter().all(u8::is_ascii_hexdigit) {
        return Ok(Form::Legacy);
    }
    let error = Error::usage("this is not a Platform token");
    Err(if bytes.starts_with(b"sk_") {
        error.next("it looks like a key of Sekuire: seqera login --provider sekuire")
    } else {
        error.next("copy the whole token, as the page that made it shows it")
    })
}

/// Base64 of an object with a `tid`, a dot and a signature.
fn is_personal(token: &[u8]) -> bool {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let Ok(text) = GeneralPurpose::new(&STANDARD, lenient).decode(token).map(Zeroizing::new) else {
        return false;
    };
    let Some(dot) = text.iter().rposition(|byte| *byte == b'.') else { return false };
    let number =
        serde_json::from_slice::<Value>(&text[..dot]).is_ok_and(|claims| claims.get("tid").is_some());
    number && dot + 1 < text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};

    #[test]
    fn every_form_of_token_is_known_and_nothing_else() {
        let personal = format!("{{\"tid\": 1234}}.{}", "0f".repeat(20));
        for text in [STANDARD.encode(&personal), STANDARD_NO_PAD.encode(&personal)] {
            assert_eq!(form(&Secret::new(text)).unwrap(), Form::Personal);
        }
        let text = STANDARD.encode(personal.replace("1234", "\"1234\""));
        assert_eq!(form(&Secret::new(text)).unwrap(), Form::Personal);
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let jwt = format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(r#"{"exp":9}"#));
        assert_eq!(form(&Secret::new(jwt)).unwrap(), Form::Jwt { expires_at: Some(9) });
        assert_eq!(form(&Secret::new("0aF9".repeat(10))).unwrap(), Form::Legacy);
        for bad in [
            "hunter2".to_owned(),
            "0f".repeat(19),
            STANDARD.encode("{\"tid\": 1}"),
            STANDARD.encode("{\"tid\": 1}."),
            STANDARD.encode("{\"sub\": 1}.00"),
            "sk_live_0123".to_owned(),
        ] {
            let error = form(&Secret::from(bad.as_str())).unwrap_err();
            assert!(!error.to_string().contains(&bad), "{error}");
        }
    }

    #[test]
    fn one_token_is_one_word() {
        assert_eq!(one_word("token", b" abc\r\n", "").unwrap(), "abc".into());
        assert!(one_word("token", b"\n", "").unwrap_err().what().contains("no token"));
        // As PowerShell writes files.
        let utf16: Vec<u8> = "\u{feff}abc\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, words) in [
            (&b"Bearer abc"[..], "HTTP header"),
            (b"'abc'", "quotes"),
            (b"abc def", "blanks"),
            (b"\xef\xbb\xbfabc\n", "byte-order mark"),
            (&utf16, "UTF-16"),
        ] {
            let error = one_word("token", bytes, "").unwrap_err();
            assert!(error.what().contains(words), "{error}");
        }
        for garbage in [&b"\xff\xfee\x00y\x00"[..], b"\x7fELF\x90\xff"] {
            assert_eq!(one_word("token", garbage, "").unwrap_err().exit_code(), 2);
        }
    }
}

//! The word that stands for a token in the program that is served.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::os::hex::hex;
use crate::secret::Secret;

/// How a personal access token begins whose number is that of none.
const HEAD: &str = r#"{"tid": 0}."#;

/// A random word, new for every relay. It has the form of a personal access token, which makes Nextflow send it
/// as a Bearer token.
#[derive(Debug, Clone)]
pub struct Word(Secret);

impl Word {
    /// A new word of 160 random bits.
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn random() -> Result<Word> {
        let mut bytes = Zeroizing::new([0; 20]);
        getrandom::fill(&mut *bytes).map_err(|_| Error::failed("the system returned no random bytes"))?;
        Ok(Word(Secret::new(STANDARD.encode(format!("{HEAD}{}", hex(&*bytes))))))
    }

    /// What the program gets instead of a token.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    /// Whether this is the word of a relay instead of a token.
    pub fn is_one(token: &Secret) -> bool {
        STANDARD.decode(token.expose()).is_ok_and(|text| Zeroizing::new(text).starts_with(HEAD.as_bytes()))
    }

    /// Whether a request carries the word: exactly one `Authorization`, of the scheme Bearer. How long this takes
    /// does not depend on where two words differ.
    pub fn is_in(&self, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Some((scheme, word)) = split(value.as_bytes()) else { return false };
        scheme.eq_ignore_ascii_case(b"bearer") && bool::from(word.ct_eq(self.0.expose()))
    }
}

fn split(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = value.iter().position(|byte| *byte == b' ')?;
    Some((&value[..space], value[space..].trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carries(word: &Word, values: &[String]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, value.parse().unwrap());
        }
        word.is_in(&headers)
    }

    #[test]
    fn only_the_very_word_counts() {
        let word = Word::random().unwrap();
        let text = word.secret().expose_str().unwrap();
        assert!(carries(&word, &[format!("Bearer {text}")]));
        assert!(carries(&word, &[format!("bearer  {text}")]));
        for other in [
            text.to_owned(),
            format!("Basic {text}"),
            format!("Bearer {text}x"),
            format!("Bearer {}", &text[1..]),
            "Bearer".to_owned(),
            "Bearer ".to_owned(),
            format!("Bearer {}", Word::random().unwrap().secret().expose_str().unwrap()),
        ] {
            assert!(!carries(&word, std::slice::from_ref(&other)), "{other}");
        }
        assert!(!carries(&word, &[]));
        assert!(!carries(&word, &[format!("Bearer {text}"), format!("Bearer {text}")]));
    }

    #[test]
    fn it_looks_like_a_personal_access_token() {
        let word = Word::random().unwrap();
        assert!(word.secret().expose().starts_with(b"eyJ0aWQiOiA"));
        let text = String::from_utf8(STANDARD.decode(word.secret().expose()).unwrap()).unwrap();
        let (head, tail) = text.split_once('.').unwrap();
        assert_eq!(head, r#"{"tid": 0}"#);
        assert!(Word::is_one(word.secret()));
        for other in [STANDARD.encode(r#"{"tid": 7}.00"#), "ey".to_owned(), String::new()] {
            assert!(!Word::is_one(&Secret::new(other)));
        }
        assert!(tail.len() == 40 && tail.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
}

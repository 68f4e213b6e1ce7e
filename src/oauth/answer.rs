//! The answer of a token endpoint (RFC 6749 §5), read as kindly as can be: behind an answer that we threw away
//! there may be a refresh token that has just replaced ours. An `access_token` of text is enough; everything
//! else is read where it makes sense, and the form of the whole (media type, compression, JSON or a form) counts
//! for nothing.

use std::collections::HashMap;
use std::time::Duration;

use http::Response;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use url::Url;
use zeroize::Zeroizing;

use super::{Tokens, jwt, word};
use crate::http::{Failure, Http, Place};
use crate::secret::Secret;

/// Why no tokens came.
#[derive(Debug)]
pub(super) enum Refusal {
    /// An OAuth error code, fit to be shown.
    Oauth(String),
    /// Everything that is not the server's verdict.
    Trouble(Failure),
}

/// Longer than any token is meant to live; what is longer still is a mistake, or meant to harm.
const LONGEST_LIFE: u64 = 100 * 365 * 24 * 60 * 60;

/// Asks a token endpoint, once.
pub(super) fn ask(http: &Http, endpoint: &Url, fields: &[(&str, &str)]) -> Result<Tokens, Refusal> {
    let response = http.post_form(endpoint, fields);
    read(endpoint, response.map_err(|failure| Refusal::Trouble(failure.without_redirects()))?)
}

fn read(endpoint: &Url, response: Response<Vec<u8>>) -> Result<Tokens, Refusal> {
    let place = || Place::of(endpoint);
    let status = response.status();
    let fields = Fields::read(response.body());
    if status.is_success() {
        if let Some(tokens) = fields.as_ref().and_then(Fields::tokens) {
            return Ok(tokens);
        }
        return Err(match verdict(&response, fields.as_ref()) {
            Some(code) => Refusal::Oauth(code),
            None => Refusal::Trouble(Failure::unexpected(place(), &response)),
        });
    }
    // 429 and 5xx are about now and not about the token, whatever stands in the body.
    let code = verdict(&response, fields.as_ref())
        .filter(|_| status.is_client_error() && !matches!(status.as_u16(), 407 | 408 | 429));
    Err(match code {
        Some(code) => Refusal::Oauth(code),
        None => Refusal::Trouble(Failure::status_of(place(), &response)),
    })
}

/// The OAuth `error` of an answer. What a page for people says is nobody's verdict.
pub(super) fn error_code(response: &Response<Vec<u8>>) -> Option<String> {
    verdict(response, Fields::read(response.body()).as_ref())
}

fn verdict(response: &Response<Vec<u8>>, fields: Option<&Fields>) -> Option<String> {
    let media_type =
        response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if media_type.to_ascii_lowercase().contains("html") {
        return None;
    }
    let code = fields.and_then(Fields::error).or_else(|| bare(response.body()))?;
    // These two say that the server is in trouble, in the words of OAuth.
    (!matches!(code.as_str(), "temporarily_unavailable" | "server_error")).then_some(code)
}

/// The one code that must not be overheard, as plain text: `invalid_grant`, `invalid_grant: Token is not active`.
fn bare(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?.trim().trim_matches('"').to_ascii_lowercase();
    let rest = text.strip_prefix("invalid_grant")?;
    let ends = !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    (ends && !rest.contains('<')).then(|| "invalid_grant".to_owned())
}

/// The members of an answer, each still as it came, so that one that makes no sense spoils no other.
enum Fields {
    Json(HashMap<String, Box<RawValue>>),
    Form(HashMap<String, String>),
}

impl Fields {
    fn read(body: &[u8]) -> Option<Fields> {
        // A byte that is not UTF-8 stands in somebody's name, not in a token.
        let text = Zeroizing::new(String::from_utf8_lossy(body).into_owned());
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        if text.starts_with('{') {
            // The first value counts, whatever a cache has added behind it.
            return serde_json::Deserializer::from_str(text).into_iter().next()?.ok().map(Fields::Json);
        }
        let is_form =
            text.contains('=') && text.chars().all(|c| c.is_ascii_graphic()) && !text.contains(['<', '{']);
        is_form.then(|| Fields::Form(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()))
    }

    fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        match self {
            Fields::Json(fields) => serde_json::from_str(fields.get(name)?.get()).ok(),
            Fields::Form(fields) => serde_json::from_value(Value::String(fields.get(name)?.clone())).ok(),
        }
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        let text = Zeroizing::new(self.get::<String>(name)?);
        let text = text.trim();
        (!text.is_empty()).then(|| Secret::from(text))
    }

    /// A number as it was written.
    fn number(&self, name: &str) -> Option<Secret> {
        let Fields::Json(fields) = self else { return None };
        let text = fields.get(name)?.get();
        text.parse::<serde_json::Number>().is_ok().then(|| Secret::from(text))
    }

    fn tokens(&self) -> Option<Tokens> {
        let access = self.secret("access_token")?;
        let kind = self.get::<String>("token_type").unwrap_or_default();
        if !kind.is_empty() && !kind.eq_ignore_ascii_case("bearer") {
            log::warn!("the server calls its token something else than Bearer; it is used as one");
        }
        let expires_in = self.seconds("expires_in").or_else(|| life_of(&access));
        // As Keycloak calls it, where 0 means for ever, and as others do.
        let refresh_expires_in =
            self.seconds("refresh_expires_in").or_else(|| self.seconds("refresh_token_expires_in"));
        Some(Tokens {
            access,
            refresh: self.secret("refresh_token").or_else(|| self.number("refresh_token")),
            expires_in,
            refresh_expires_in,
            scope: self.scope(),
        })
    }

    /// Seconds as a number or as text; nothing that is not more than none.
    fn seconds(&self, name: &str) -> Option<Duration> {
        let text = match self {
            Fields::Json(fields) => fields.get(name)?.get().trim_matches('"').trim(),
            Fields::Form(fields) => fields.get(name)?.trim(),
        };
        let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 1.0)?;
        Some(Duration::from_secs((seconds as u64).min(LONGEST_LIFE)))
    }

    fn scope(&self) -> Option<String> {
        self.get::<String>("scope").or_else(|| Some(self.get::<Vec<String>>("scope")?.join(" ")))
    }

    /// The error code: a word, or an object or a list that holds it.
    fn error(&self) -> Option<String> {
        let found = self.get::<Value>("error").or_else(|| self.get("error_code"))?;
        let inside = |value: &Value| {
            let named = ["code", "error", "type"].iter().find_map(|name| value.get(*name)?.as_str());
            named.or_else(|| value.as_str()).map(str::to_owned)
        };
        let code = inside(&found).or_else(|| inside(found.get(0)?))?;
        let lower = code.trim().to_ascii_lowercase();
        Some(if lower == "invalid_grant" { lower } else { word(&code) })
    }
}

/// How long a token that was issued just now lives, by itself: its two times come from one clock, which need
/// not agree with ours.
fn life_of(access: &Secret) -> Option<Duration> {
    let times = jwt::times(access)?;
    Some(Duration::from_secs(times.expires_at?.checked_sub(times.issued_at?)?.min(LONGEST_LIFE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, kind: &str, body: &[u8]) -> Result<Tokens, Refusal> {
        let response = Response::builder().status(status).header(CONTENT_TYPE, kind);
        let endpoint = Url::parse("https://example.com/token").unwrap();
        super::read(&endpoint, response.body(body.to_vec()).unwrap())
    }

    fn read(json: &str) -> Option<Tokens> {
        answered(200, "application/json", json.as_bytes()).ok()
    }

    fn code(status: u16, kind: &str, body: &str) -> Option<String> {
        match answered(status, kind, body.as_bytes()) {
            Err(Refusal::Oauth(code)) => Some(code),
            Err(Refusal::Trouble(_)) => None,
            Ok(tokens) => panic!("{body}: {tokens:?}"),
        }
    }

    #[test]
    fn odd_answers_do_not_lose_the_tokens() {
        let deep = format!(
            r#"{{"access_token":"a","refresh_token":"r","expires_in":60,"x":{}{}}}"#,
            "[".repeat(500),
            "]".repeat(500)
        );
        for odd in [
            r#"{"access_token":"a","refresh_token":"r","token_type":"Bearer","expires_in":60}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":"BEARER","expires_in":"60"}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":null,"expires_in":60.9}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":"","expires_in":" 60 "}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":"N_A","expires_in":"60.5"}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":"JWT","expires_in":6e1}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":["Bearer"],"expires_in":60}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":{"x":1},"expires_in":60}"#,
            r#"{"access_token":" a\n","refresh_token":"r","expires_in":60,"scope":["x"],"unknown":{}}"#,
            r#"{"access_token":"a","refresh_token":"r","expires_in":60,"id_token":7,"scope":{"a":1e999}}"#,
            r#"{"access_token":"a","refresh_token":"r","expires_in":60,"name":"\ud800"}"#,
            "\r\n {\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":60}\r\n\0",
            "access_token=a&refresh_token=r&expires_in=60&token_type=bearer",
            "{\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":60}<!-- served by cache -->",
            &deep,
        ] {
            let tokens = read(odd).unwrap_or_else(|| panic!("{odd}"));
            assert_eq!(tokens.access, "a".into());
            assert_eq!(tokens.refresh, Some("r".into()));
            assert_eq!(tokens.expires_in, Some(Duration::from_secs(60)), "{odd}");
        }
        let number = read(r#"{"access_token":"a","refresh_token":12345678901234567890123}"#).unwrap();
        assert_eq!(number.refresh, Some("12345678901234567890123".into()));
        for kind in ["text/html", "text/plain; charset=x", "application/octet-stream", ""] {
            assert!(answered(201, kind, br#"{"access_token":"a"}"#).is_ok(), "{kind}");
        }
        assert!(answered(200, "application/json", b"{\"access_token\":\"a\",\"name\":\"\xff\"}").is_ok());
        for end in ["null", "-60", "0", "\"soon\"", "[]", "1e999", "{}", "true", "-1e999"] {
            let tokens =
                read(&format!(r#"{{"access_token":"a","refresh_token":null,"expires_in":{end}}}"#)).unwrap();
            assert!(tokens.refresh.is_none() && tokens.expires_in.is_none(), "{end}");
        }
        let longest = read(r#"{"access_token":"a","expires_in":1e300}"#).unwrap().expires_in.unwrap();
        assert_eq!(longest.as_secs(), LONGEST_LIFE);
        assert_eq!(read(r#"{"access_token":"a","scope":["x","y"]}"#).unwrap().scope.as_deref(), Some("x y"));
    }

    #[test]
    fn without_an_access_token_of_text_it_is_no_answer() {
        for bad in [
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            "[]",
            "",
            r#"{"access_token":"a""#,
            "a=b",
        ] {
            assert!(
                matches!(answered(200, "application/json", bad.as_bytes()), Err(Refusal::Trouble(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn invalid_grant_is_heard_in_whatever_form_it_comes() {
        for (status, kind, body) in [
            (400, "application/json", r#"{"error":"invalid_grant"}"#),
            (400, "text/plain", r#"{"error":"invalid_grant","error_description":7}"#),
            (401, "application/problem+json", r#" {"error":"Invalid_Grant"}"#),
            (403, "", r#"{"error":{"code":"invalid_grant"}}"#),
            (400, "application/json", r#"{"error":["invalid_grant"]}"#),
            (400, "application/json", r#"{"error_code":"invalid_grant"}"#),
            (200, "application/json", r#"{"error":"invalid_grant"}"#),
            (200, "text/plain", "invalid_grant"),
            (400, "text/plain", "invalid_grant: Token is not active\n"),
            (400, "text/plain", "\"invalid_grant\""),
            (400, "application/x-www-form-urlencoded", "error=invalid_grant&error_description=gone"),
        ] {
            assert_eq!(code(status, kind, body).as_deref(), Some("invalid_grant"), "{status} {body}");
        }
        for (status, kind, body) in [
            (400, "text/html", r#"{"error":"invalid_grant"}"#),
            (400, "text/plain", "invalid_grants"),
            (400, "text/plain", "invalid_grant <html>"),
            (400, "text/plain", "the error invalid_grant did not happen"),
            (429, "application/json", r#"{"error":"invalid_grant"}"#),
            (503, "application/json", r#"{"error":"invalid_grant"}"#),
            (400, "application/json", r#"{"error":"temporarily_unavailable"}"#),
            (400, "application/json", r#"{"error":null}"#),
        ] {
            assert_eq!(code(status, kind, body), None, "{status} {body}");
        }
        assert_eq!(code(400, "", r#"{"error":"\u001b[31m"}"#).as_deref(), Some("unknown_error"));
    }

    #[test]
    fn the_life_of_a_refresh_token_is_read_under_both_names() {
        let life =
            |field: &str| read(&format!(r#"{{"access_token":"a",{field}}}"#)).unwrap().refresh_expires_in;
        assert_eq!(life(r#""refresh_expires_in":21600"#), Some(Duration::from_secs(21600)));
        assert_eq!(life(r#""refresh_token_expires_in":21600"#), Some(Duration::from_secs(21600)));
        assert_eq!(life(r#""refresh_expires_in":0"#), None);
    }

    #[test]
    fn no_answer_shows_itself() {
        let json = br#"{"access_token":"hunter2","refresh_token":"hunter3"}"#;
        let shown = format!("{:?}", answered(200, "", json));
        assert!(!shown.contains("hunter"), "{shown}");
    }
}

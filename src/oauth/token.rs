//! The token endpoint: a code, or a refresh token, for tokens.

use std::borrow::Cow;
use std::time::Duration;

use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
};
use oauth2::{
    AccessToken, AuthorizationCode, ClientId, PkceCodeVerifier, RedirectUrl, RefreshToken, RequestTokenError,
    Scope, StandardRevocableToken, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Deserializer, Serialize};
use url::Url;
use zeroize::Zeroize;

use super::authorize::{Code, Pending};
use super::discovery::Server;
use super::{Client, Tokens, ask, jwt, word};
use crate::error::Error;
use crate::http::{Failure, Http, Place, Trouble};
use crate::secret::Secret;

type Oauth = oauth2::Client<
    BasicErrorResponse,
    Reply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// What became of a refresh token. The four are kept apart because what the caller does next differs: only
/// [`Refreshed::SessionOver`] may end a session.
#[derive(Debug)]
pub enum Refreshed {
    /// New tokens. Without a new refresh token among them the old one stays good.
    Tokens(Tokens),
    /// `invalid_grant`: this refresh token is used up, revoked or expired.
    SessionOver,
    /// The server refused for another reason, with this code: the request is wrong, not the session.
    Refused(String),
    /// Server or network trouble: nothing is known about the session. [`Failure::may_have_arrived`] says
    /// whether the server may have rotated the token all the same.
    Trouble(Failure),
}

/// Exchanges the code of a login for tokens (RFC 6749 §4.1.3).
pub fn exchange(
    http: &Http,
    server: &Server,
    client: &Client,
    pending: &Pending,
    code: &Code,
) -> Result<Tokens, Error> {
    let verifier = PkceCodeVerifier::new(text(pending.verifier()));
    let granted = Oauth::new(ClientId::new(client.id.clone()))
        .set_token_uri(TokenUrl::from_url(server.token.clone()))
        .exchange_code(AuthorizationCode::new(text(&code.0)))
        .set_pkce_verifier(verifier)
        .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(pending.redirect().clone())))
        .request(&ask(http));
    match granted
        .map_err(|error| Refusal::sort(error, &server.token))
        .and_then(|reply| reply.tokens(&server.token))
    {
        Ok(tokens) => Ok(tokens),
        Err(Refusal::Oauth(code)) if code == "invalid_grant" => {
            Err(Error::failed("the server does not accept the answer of the browser any more")
                .next("log in again; an answer is good once and for a minute or so"))
        }
        Err(Refusal::Oauth(code)) => Err(refused(&code)),
        Err(Refusal::Trouble(failure)) => Err(failure.into()),
    }
}

/// Refreshes (RFC 6749 §6). A server that rotates takes the refresh token back with this very call: the caller
/// holds the session's lock and stores what comes before anything else.
pub fn refresh(http: &Http, token_endpoint: &Url, client_id: &str, refresh_token: &Secret) -> Refreshed {
    let granted = Oauth::new(ClientId::new(client_id.into()))
        .set_token_uri(TokenUrl::from_url(token_endpoint.clone()))
        .exchange_refresh_token(&RefreshToken::new(text(refresh_token)))
        .request(&ask(http));
    let granted = granted.map_err(|error| Refusal::sort(error, token_endpoint));
    match granted.and_then(|reply| reply.tokens(token_endpoint)) {
        Ok(tokens) => Refreshed::Tokens(tokens),
        Err(Refusal::Oauth(code)) if code == "invalid_grant" => Refreshed::SessionOver,
        Err(Refusal::Oauth(code)) => Refreshed::Refused(code),
        Err(Refusal::Trouble(failure)) => Refreshed::Trouble(failure),
    }
}

/// The error for a request that a server refuses with an OAuth code other than `invalid_grant`.
pub fn refused(code: &str) -> Error {
    match code {
        "invalid_client" | "unauthorized_client" => {
            Error::failed(format!("the server does not let this client log in ({code})"))
                .next("check the client id; it must be registered with that server")
        }
        "invalid_scope" | "invalid_target" => {
            Error::failed(format!("the server does not grant what was asked ({code})"))
                .next("check the audience and the scopes")
        }
        _ => Error::failed(format!("the server refused the request for a token ({code})"))
            .next("check the client id and the address of the server"),
    }
}

/// Why no tokens came.
pub(super) enum Refusal {
    /// An OAuth error code, fit to be shown.
    Oauth(String),
    /// Everything that is not the server's verdict.
    Trouble(Failure),
}

impl Refusal {
    fn sort(error: RequestTokenError<Failure, BasicErrorResponse>, endpoint: &Url) -> Refusal {
        match error {
            RequestTokenError::Request(failure) => Refusal::Trouble(failure),
            RequestTokenError::ServerResponse(answer) => Refusal::Oauth(word(answer.error().as_ref())),
            RequestTokenError::Parse(_, mut body) => {
                body.zeroize();
                Refusal::bad_answer(endpoint)
            }
            RequestTokenError::Other(_) => Refusal::bad_answer(endpoint),
        }
    }

    fn bad_answer(endpoint: &Url) -> Refusal {
        Refusal::Trouble(Failure::new(Place::of(endpoint), Trouble::BadAnswer))
    }
}

/// The answer of a token endpoint. Read as kindly as can be: behind an answer we do not understand there may be
/// a refresh token that has just replaced ours.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Reply {
    #[serde(skip_serializing)]
    access_token: AccessToken,
    #[serde(
        default = "bearer",
        deserialize_with = "oauth2::helpers::deserialize_untagged_enum_case_insensitive"
    )]
    token_type: BasicTokenType,
    #[serde(skip_serializing, default)]
    refresh_token: Option<RefreshToken>,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
    /// As Keycloak calls it, where 0 means for ever.
    #[serde(default, deserialize_with = "seconds")]
    refresh_expires_in: Option<u64>,
    /// As others call it.
    #[serde(default, deserialize_with = "seconds")]
    refresh_token_expires_in: Option<u64>,
    #[serde(default, deserialize_with = "text_if_any")]
    scope: Option<String>,
}

impl Reply {
    pub(super) fn tokens(self, endpoint: &Url) -> Result<Tokens, Refusal> {
        let access = Secret::new(self.access_token.into_secret());
        let refresh = self.refresh_token.map(|token| Secret::new(token.into_secret()));
        if access.is_empty() || self.token_type != BasicTokenType::Bearer {
            return Err(Refusal::bad_answer(endpoint));
        }
        let expires_in = self.expires_in.map(Duration::from_secs).or_else(|| life_of(&access));
        let refresh_expires_in = self.refresh_expires_in.or(self.refresh_token_expires_in);
        Ok(Tokens {
            access,
            refresh: refresh.filter(|token| !token.is_empty()),
            expires_in,
            refresh_expires_in: refresh_expires_in.filter(|seconds| *seconds > 0).map(Duration::from_secs),
            scope: self.scope,
        })
    }
}

/// How long a token that was issued just now lives, by itself: its two times come from one clock, which need
/// not agree with ours.
fn life_of(access: &Secret) -> Option<Duration> {
    let times = jwt::times(access)?;
    Some(Duration::from_secs(times.expires_at?.checked_sub(times.issued_at?)?))
}

fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

/// Seconds as a number, or, as some servers send them, as text; anything else counts as not said.
fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(match serde_json::Value::deserialize(from)? {
        serde_json::Value::Number(n) => {
            n.as_u64().or_else(|| n.as_f64().filter(|n| *n >= 0.0).map(|n| n as u64))
        }
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

fn text_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(serde_json::Value::deserialize(from)?.as_str().map(str::to_owned))
}

impl TokenResponse for Reply {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in.map(Duration::from_secs)
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        None
    }
}

/// OAuth's secrets are text; one that is not cannot have come from a server, and no server will know it.
fn text(secret: &Secret) -> String {
    secret.expose_str().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Option<Tokens> {
        let endpoint = Url::parse("https://example.com/token").unwrap();
        serde_json::from_str::<Reply>(json).ok()?.tokens(&endpoint).ok()
    }

    #[test]
    fn odd_answers_do_not_lose_the_tokens() {
        for odd in [
            r#"{"access_token":"a","refresh_token":"r","token_type":"Bearer","expires_in":60}"#,
            r#"{"access_token":"a","refresh_token":"r","token_type":"BEARER","expires_in":"60"}"#,
            r#"{"access_token":"a","refresh_token":"r","expires_in":60.0,"scope":["x"],"unknown":{}}"#,
        ] {
            let tokens = read(odd).unwrap();
            assert_eq!(tokens.access, "a".into());
            assert_eq!(tokens.refresh, Some("r".into()));
            assert_eq!(tokens.expires_in, Some(Duration::from_secs(60)), "{odd}");
        }
        let tokens = read(r#"{"access_token":"a","refresh_token":null,"expires_in":null}"#).unwrap();
        assert!(tokens.refresh.is_none() && tokens.expires_in.is_none());
    }

    #[test]
    fn what_is_no_bearer_token_is_no_answer() {
        for bad in ["{}", r#"{"access_token":""}"#, r#"{"access_token":"a","token_type":"DPoP"}"#, "[]"] {
            assert!(read(bad).is_none(), "{bad}");
        }
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
        let json = r#"{"access_token":"hunter2","refresh_token":"hunter3"}"#;
        let shown = format!("{:?} {:?}", serde_json::from_str::<Reply>(json).unwrap(), read(json));
        assert!(!shown.contains("hunter"), "{shown}");
    }
}

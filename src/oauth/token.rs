//! The token endpoint: a code, or a refresh token, for tokens.

use url::Url;

use super::answer::{self, Refusal};
use super::authorize::{Code, Pending};
use super::discovery::Server;
use super::{Client, Tokens};
use crate::error::Error;
use crate::http::{Failure, Http};
use crate::secret::Secret;

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

/// What became of the code of a login.
#[derive(Debug)]
pub enum Exchanged {
    /// The tokens.
    Tokens(Tokens),
    /// `invalid_grant`: the server does not know this code, or not any more.
    NotAccepted,
    /// No tokens, for another reason.
    Failed(Error),
}

/// Exchanges the code of a login for tokens (RFC 6749 §4.1.3).
///
/// # Errors
/// There are none, for a reason fit to be shown.
pub fn exchange(
    http: &Http,
    server: &Server,
    client: &Client,
    pending: &Pending,
    code: &Code,
) -> Result<Tokens, Error> {
    match redeem(http, server, client, pending, code) {
        Exchanged::Tokens(tokens) => Ok(tokens),
        Exchanged::NotAccepted => {
            Err(Error::failed("the server does not accept the answer of the browser any more")
                .next("log in again; an answer is good once and for a minute or so"))
        }
        Exchanged::Failed(error) => Err(error),
    }
}

/// The same for a code that may not be whole, since a person pasted it.
pub fn redeem(http: &Http, server: &Server, client: &Client, pending: &Pending, code: &Code) -> Exchanged {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", text(&code.0)),
        ("redirect_uri", pending.redirect().as_str()),
        ("code_verifier", text(pending.verifier())),
        ("client_id", &client.id),
    ];
    match answer::ask(http, &server.token, &fields) {
        Ok(tokens) => Exchanged::Tokens(tokens),
        Err(Refusal::Oauth(code)) if code == "invalid_grant" => Exchanged::NotAccepted,
        Err(Refusal::Oauth(code)) => Exchanged::Failed(refused(&code)),
        Err(Refusal::Trouble(failure)) => Exchanged::Failed(failure.into()),
    }
}

/// Refreshes (RFC 6749 §6). A server that rotates takes the refresh token back with this very call: the caller
/// holds the session's lock and stores what comes before anything else.
pub fn refresh(http: &Http, token_endpoint: &Url, client_id: &str, refresh_token: &Secret) -> Refreshed {
    let fields =
        [("grant_type", "refresh_token"), ("refresh_token", text(refresh_token)), ("client_id", client_id)];
    match answer::ask(http, token_endpoint, &fields) {
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

/// OAuth's secrets are text; one that is not cannot have come from a server, and no server will know it.
fn text(secret: &Secret) -> &str {
    secret.expose_str().unwrap_or_default()
}

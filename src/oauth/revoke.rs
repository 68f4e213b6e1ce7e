//! Giving a token back (RFC 7009).

use url::Url;

use super::answer::error_code;
use crate::http::{Failure, Http, Place};
use crate::secret::Secret;

/// Which kind of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An access token.
    Access,
    /// A refresh token; most servers end everything that came of it.
    Refresh,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revoked {
    /// The token is worth nothing now, if it was before.
    Done,
    /// The server does not revoke this kind; it lives until it expires.
    Unsupported,
}

/// Revokes `token`. A [`Failure`] means that the token may still be good.
pub fn revoke(
    http: &Http,
    endpoint: &Url,
    client_id: &str,
    token: &Secret,
    kind: Kind,
) -> Result<Revoked, Failure> {
    let hint = match kind {
        Kind::Access => "access_token",
        Kind::Refresh => "refresh_token",
    };
    let text = token.expose_str().unwrap_or_default();
    let response =
        http.post_form(endpoint, &[("token", text), ("token_type_hint", hint), ("client_id", client_id)])?;
    match error_code(&response).as_deref() {
        _ if response.status().is_success() => Ok(Revoked::Done),
        Some("unsupported_token_type") => Ok(Revoked::Unsupported),
        _ => Err(Failure::status_of(Place::of(endpoint), &response)),
    }
}

//! Standard OAuth 2.0 for a public native client, and nothing of ours: no provider, no store, no session.
//!
//! | room | standard |
//! |---|---|
//! | [`discovery`] | where a server's endpoints are (OpenID Connect Discovery 1.0, RFC 8414) |
//! | [`authorize`] | PKCE, `state`, the address for the browser, and judging the address it comes back with (RFC 6749 §4.1, 7636, 9207) |
//! | [`loopback`] | the listener the browser comes back to (RFC 8252 §7.3), and [`page`], what it shows |
//! | [`device`] | login on another device (RFC 8628) |
//! | [`token`] | code exchange and refresh (RFC 6749 §4.1.3, §6) |
//! | [`jwt`] | when a token ends that is a JWT (RFC 7519) |
//! | [`revoke`] | giving a token back (RFC 7009) |
//!
//! A browser login in order: [`discovery::discover`], [`loopback::Loopback::bind`], [`authorize::Pending::begin`],
//! [`loopback::Loopback::serve`], open [`authorize::Pending::url`], [`token::exchange`], tell the browser.

mod answer;
pub mod authorize;
pub mod device;
pub mod discovery;
pub mod jwt;
pub mod loopback;
pub mod page;
pub mod revoke;
pub mod token;

use std::time::Duration;

use crate::secret::Secret;

/// How we are registered with a server, and what we ask it for.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// `client_id`. There is no client secret: a program in people's hands cannot keep one.
    pub id: String,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// Parameters that only some servers know, for authorization and device requests: `audience`, `prompt`.
    pub parameters: Vec<(String, String)>,
}

/// What a token endpoint grants. Durations count from the moment of the answer.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// The access token, which is used as a bearer token.
    pub access: Secret,
    /// The refresh token. After a refresh without one, the old one stays good (RFC 6749 §6).
    pub refresh: Option<Secret>,
    /// How long the access token lives, where the server or the token itself says so.
    pub expires_in: Option<Duration>,
    /// How long the refresh token lives, where the server says so (no standard; some servers do).
    pub refresh_expires_in: Option<Duration>,
    /// The scopes granted, separated by spaces, where they are named.
    pub scope: Option<String>,
}

/// An error code of a server, fit to be shown: codes are lower-case words (RFC 6749 §5.2 allows more, nobody
/// uses it). What does not look like one is not repeated.
fn word(code: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !code.is_empty() && code.len() <= 64 && code.chars().all(plain) {
        code.into()
    } else {
        "unknown_error".into()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_looks_like_a_code_is_repeated() {
        assert_eq!(super::word("invalid_grant"), "invalid_grant");
        for bad in ["", "a b", "\u{1b}[31mred", "\u{202e}txt", &"x".repeat(65)] {
            assert_eq!(super::word(bad), "unknown_error", "{bad:?}");
        }
    }
}

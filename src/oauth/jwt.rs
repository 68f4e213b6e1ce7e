//! What a JWT says of its own life (RFC 7519 §4.1). An access token is the server's business and need not be
//! one (RFC 6749 §1.4); but where a server does not say how long a token lives, this is better than not knowing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The times in a JWT, in seconds since 1970 by the clock of its issuer. Nothing vouches for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// `iat`.
    pub issued_at: Option<u64>,
    /// `exp`.
    pub expires_at: Option<u64>,
}

/// Reads the times; nothing where `token` is not a JWT.
pub fn times(token: &Secret) -> Option<Times> {
    #[derive(Deserialize)]
    struct Claims {
        iat: Option<f64>,
        exp: Option<f64>,
    }
    let mut parts = token.expose_str()?.split('.');
    let (Some(header), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    serde_json::from_slice::<Header>(&decoded(header)?).ok()?;
    let claims: Claims = serde_json::from_slice(&decoded(claims)?).ok()?;
    let seconds = |time: Option<f64>| time.filter(|time| *time >= 0.0).map(|time| time as u64);
    Some(Times { issued_at: seconds(claims.iat), expires_at: seconds(claims.exp) })
}

/// A JWT begins with an object that has an `alg` (RFC 7515 §4.1.1).
#[derive(Deserialize)]
struct Header {
    #[serde(rename = "alg")]
    _algorithm: String,
}

fn decoded(part: &str) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode(part).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(header: &str, claims: &str) -> Secret {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        Secret::new(format!("{}.{}.c2ln", part(header), part(claims)))
    }

    #[test]
    fn the_end_of_a_jwt_is_read_and_of_nothing_else() {
        let header = r#"{"alg":"RS256"}"#;
        let read = times(&jwt(header, r#"{"iat":100.9,"exp":4600,"sub":"x"}"#));
        assert_eq!(read, Some(Times { issued_at: Some(100), expires_at: Some(4600) }));
        let read = times(&jwt(header, r#"{"exp":null}"#));
        assert_eq!(read, Some(Times { issued_at: None, expires_at: None }));
        for bad in ["", "a.b.c", "a.b", "..", "eyJ9.e30.x.y"] {
            assert_eq!(times(&Secret::from(bad)), None, "{bad}");
        }
        assert_eq!(times(&jwt("{}", "{}")), None);
        assert_eq!(times(&jwt(header, r#"{"exp":"soon"}"#)), None);
    }
}

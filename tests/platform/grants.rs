//! Codes, access tokens and refresh tokens: who gets one, and what ends them.
//!
//! Everything that comes from one login is a family. A refresh token works once; a second use means that somebody
//! has copied it, so the whole family ends at once (RFC 9700, 4.14.2), access tokens included.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::oidc::Refused;
use super::state::{World, jwt, random_base64url};

const CODE_LIFETIME: Duration = Duration::from_secs(60);

/// How a login stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Live,
    /// Ended at the client's or an administrator's wish.
    Revoked,
    /// Ended because a code or a refresh token was used twice.
    Burnt,
}

/// What a client asked for and a person consented to.
#[derive(Clone)]
pub struct Consent {
    pub user: i64,
    pub client: String,
    pub scope: String,
}

/// A request at the consent page, until the person decides.
pub struct Pending {
    pub consent: Consent,
    pub redirect_uri: String,
    pub state: Option<String>,
    pub challenge: String,
}

#[derive(Default)]
pub struct Grants {
    families: Vec<Family>,
    codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    /// By the handle that the consent page's form carries.
    pub pending: HashMap<String, Pending>,
}

struct Family {
    consent: Consent,
    standing: Standing,
}

struct Code {
    pending: Pending,
    expires: Instant,
    family: Option<usize>,
}

struct Access {
    family: usize,
    expires: Instant,
}

struct Refresh {
    family: usize,
    expires: Instant,
    spent: Option<Instant>,
}

/// What the token endpoint answers with.
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub id: Option<String>,
    pub scope: String,
}

impl Grants {
    /// How each login stands, oldest first.
    pub fn standings(&self) -> Vec<Standing> {
        self.families.iter().map(|family| family.standing).collect()
    }

    pub fn expire_access_tokens(&mut self) {
        self.access.values_mut().for_each(|access| access.expires = Instant::now());
    }

    pub fn expire_refresh_tokens(&mut self) {
        self.refresh.values_mut().for_each(|refresh| refresh.expires = Instant::now());
    }

    pub fn revoke_all(&mut self) {
        (0..self.families.len()).for_each(|family| self.end(family, Standing::Revoked));
    }

    /// The user of a live access token.
    pub fn user_of(&self, access_token: &str) -> Option<i64> {
        let access = self.access.get(access_token)?;
        let family = &self.families[access.family];
        (family.standing == Standing::Live && Instant::now() < access.expires).then_some(family.consent.user)
    }

    /// RFC 7009: a refresh token takes its family with it, an access token goes alone, an unknown one is no error.
    /// With `whole_consent` the families of all logins of that person with that client end.
    pub fn revoke(&mut self, token: &str, whole_consent: bool) {
        if let Some(refresh) = self.refresh.get(token) {
            let given = refresh.family;
            let same = |family: &usize| {
                let (one, other) = (&self.families[*family].consent, &self.families[given].consent);
                *family == given || (whole_consent && one.user == other.user && one.client == other.client)
            };
            let ended: Vec<usize> = (0..self.families.len()).filter(same).collect();
            ended.into_iter().for_each(|family| self.end(family, Standing::Revoked));
        }
        self.access.remove(token);
    }

    /// The first reason stays: what was burnt does not become revoked.
    fn end(&mut self, family: usize, why: Standing) {
        let family = &mut self.families[family];
        if family.standing == Standing::Live {
            family.standing = why;
        }
    }

    fn start_family(&mut self, consent: Consent) -> usize {
        self.families.push(Family { consent, standing: Standing::Live });
        self.families.len() - 1
    }
}

impl World {
    /// The person has said yes: a code for the redirect.
    pub fn make_code(&mut self, pending: Pending) -> String {
        let code = self.issue(random_base64url(32));
        let expires = Instant::now() + CODE_LIFETIME;
        self.grants.codes.insert(code.clone(), Code { pending, expires, family: None });
        code
    }

    /// `grant_type=authorization_code` (RFC 6749, 4.1.3) with PKCE (RFC 7636, 4.6).
    pub fn redeem_code(
        &mut self,
        code: &str,
        client: &str,
        redirect_uri: &str,
        verifier: &str,
    ) -> Result<Tokens, Refused> {
        let Some(known) = self.grants.codes.get(code) else {
            return Err(Refused::grant("the code is unknown"));
        };
        if let Some(family) = known.family {
            self.grants.end(family, Standing::Burnt);
            return Err(Refused::grant("the code was used before"));
        }
        if known.expires <= Instant::now() {
            return Err(Refused::grant("the code has expired"));
        }
        if known.pending.consent.client != client {
            return Err(Refused::grant("the code was issued to another client"));
        }
        if known.pending.redirect_uri != redirect_uri {
            return Err(Refused::grant("redirect_uri is not the one of the authorization request"));
        }
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if !(43..=128).contains(&verifier.len()) || !verifier.bytes().all(unreserved) {
            return Err(Refused::new(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "the verifier is malformed",
            ));
        }
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != known.pending.challenge {
            return Err(Refused::grant("the verifier does not fit the challenge"));
        }
        let family = self.grants.start_family(known.pending.consent.clone());
        self.grants.codes.get_mut(code).unwrap().family = Some(family);
        Ok(self.tokens_for(family))
    }

    /// `grant_type=refresh_token` (RFC 6749, 6). Without `rotate` the old refresh token stays and no new one is made.
    pub fn refresh(&mut self, token: &str, client: &str, rotate: bool) -> Result<Tokens, Refused> {
        let grace = self.settings.rotation_grace;
        let Some(known) = self.grants.refresh.get_mut(token) else {
            return Err(Refused::grant("the refresh token is unknown"));
        };
        let family = known.family;
        let Family { consent, standing } = &self.grants.families[family];
        if *standing != Standing::Live {
            return Err(Refused::grant("the session has ended"));
        }
        if consent.client != client {
            return Err(Refused::grant("the refresh token was issued to another client"));
        }
        if known.expires <= Instant::now() {
            return Err(Refused::grant("the refresh token has expired"));
        }
        if let Some(spent) = known.spent
            && grace.is_none_or(|grace| spent.elapsed() >= grace)
        {
            self.grants.end(family, Standing::Burnt);
            return Err(Refused::grant("the refresh token was used before"));
        }
        if rotate {
            known.spent.get_or_insert_with(Instant::now);
            Ok(self.tokens_for(family))
        } else {
            let scope = consent.scope.clone();
            Ok(Tokens { access: self.access_token_for(family), refresh: None, id: None, scope })
        }
    }

    /// The first tokens of a device that a person has let in.
    pub fn tokens_for_device(&mut self, consent: Consent) -> Tokens {
        let family = self.grants.start_family(consent);
        self.tokens_for(family)
    }

    /// A refresh token only where `offline_access` was asked for, an ID token only where `openid` was.
    fn tokens_for(&mut self, family: usize) -> Tokens {
        let Consent { user, client, scope } = self.grants.families[family].consent.clone();
        let asked_for = |wanted| scope.split(' ').any(|word| word == wanted);
        let access = self.access_token_for(family);
        let refresh = asked_for("offline_access").then(|| {
            let token = self.issue(random_base64url(48));
            let expires = Instant::now() + self.settings.refresh_lifetime;
            self.grants.refresh.insert(token.clone(), Refresh { family, expires, spent: None });
            token
        });
        let id = asked_for("openid").then(|| {
            let now = self.now();
            let email = self.people.by_id(user).map(|user| user.email.clone());
            let claims = json!({
                "iss": self.issuer(), "sub": user.to_string(), "aud": client,
                "iat": now, "exp": now + 300, "email": email,
            });
            self.issue(jwt(&claims))
        });
        Tokens { access, refresh, id, scope }
    }

    fn access_token_for(&mut self, family: usize) -> String {
        let Consent { user, client, scope } = &self.grants.families[family].consent;
        let (now, lifetime) = (self.now(), self.settings.access_lifetime);
        let token = if self.settings.opaque_access_tokens {
            random_base64url(32)
        } else {
            jwt(&json!({
                "iss": self.issuer(), "sub": user.to_string(), "aud": "platform", "client_id": client,
                "scope": scope, "iat": now, "exp": now + lifetime.as_secs() as i64, "jti": random_base64url(12),
            }))
        };
        self.grants.access.insert(token.clone(), Access { family, expires: Instant::now() + lifetime });
        self.issue(token)
    }
}

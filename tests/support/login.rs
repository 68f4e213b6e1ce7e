//! Logins that are there already when a test begins.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use seqera_credential_helper::broker::now;
use seqera_credential_helper::deadline::Deadline;
use seqera_credential_helper::paths::Paths;
use seqera_credential_helper::profile::{Method, Profile, ProviderId};
use seqera_credential_helper::secret::Secret;
use seqera_credential_helper::session::{Grant, Session, Sessions};
use sha2::{Digest, Sha256};
use url::Url;

use super::home::Home;
use crate::platform::{Platform, http};

/// Logs in with a personal access token, with the program itself.
#[track_caller]
pub fn with_token(home: &Home, platform: &Platform, more: &[&str]) -> String {
    let token = platform.personal_token();
    let api = platform.api();
    let args = [&["login", "--with-token", "--endpoint", &api], more].concat();
    home.run("seqera", &args, &token).expect(0);
    token
}

/// A login by OAuth whose access token lives for `life` seconds more, by what we remember of it.
pub struct Oauth {
    pub access: String,
    pub refresh: String,
}

impl Oauth {
    pub fn at(platform: &Platform) -> Oauth {
        let (verifier, callback) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "http://127.0.0.1:40404/callback");
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let mut form = vec![("client_id", "seqera_ai_cli"), ("redirect_uri", callback)];
        let ask = [
            ("response_type", "code"),
            ("scope", "openid offline_access"),
            ("state", "state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let address = format!("{}/authorize", platform.api());
        let address = Url::parse_with_params(&address, form.iter().chain(&ask)).unwrap();
        let back = Url::parse(&platform.approve(address.as_str())).unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        form.extend([("grant_type", "authorization_code"), ("code", &code), ("code_verifier", verifier)]);
        let tokens = http::post_form(&format!("{}/token", platform.api()), &form).unwrap().json();
        let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
        Oauth { access: text("access_token"), refresh: text("refresh_token") }
    }

    /// Puts it into the home, as the browser's login would have done `3600 - life` seconds ago.
    pub fn keep(&self, home: &Home, platform: &Platform, name: &str, life: i64) {
        let now = now();
        let grant = Grant::Oauth {
            refresh: Some(Secret::from(&*self.refresh)),
            expires_at: Some(now + 6 * 3600),
            token_endpoint: Url::parse(&format!("{}/token", platform.api())).unwrap(),
            revocation_endpoint: None,
            client_id: "seqera_ai_cli".into(),
        };
        let session = Session {
            generation: 0,
            access: Secret::from(&*self.access),
            issued_at: now - 3600,
            access_expires_at: Some(now.saturating_add_signed(life)),
            grant,
        };
        keep(home, profile(name, ProviderId::Seqera, &platform.api(), Method::Browser), session);
    }
}

/// An API key of Sekuire, as if its login had been made.
pub fn sekuire(home: &Home, name: &str) {
    let session = Session {
        generation: 0,
        access: Secret::from("sk_test_0123456789"),
        issued_at: now(),
        access_expires_at: None,
        grant: Grant::Brought { made_as: None },
    };
    let endpoint = "https://backend.sekuire.ai";
    keep(home, profile(name, ProviderId::Sekuire, endpoint, Method::ApiKey), session);
}

/// Where a home's programs keep their files.
pub fn paths(home: &Home) -> Paths {
    let below = |folder: &str| home.path().join(folder).join("seqera-credential-helper");
    Paths {
        config: below(".config"),
        state: below(".local/state"),
        store: below(".local/share").join("store"),
        run: below("run"),
        rescue: None,
    }
}

pub fn profile(name: &str, provider: ProviderId, endpoint: &str, method: Method) -> Profile {
    Profile {
        name: name.parse().unwrap(),
        provider,
        endpoint: endpoint.into(),
        method,
        api_key: None,
        registry: None,
        account: Some("ada@example.org".into()),
        account_id: Some("1001".into()),
        organization: None,
        organizations: Vec::new(),
        workspace: None,
        generation: 0,
        logged_in_at: now() - 3600,
        access_expires_at: None,
        session_expires_at: None,
        renews: false,
        ended_at: None,
    }
}

fn keep(home: &Home, mut profile: Profile, session: Session) {
    // The home's programs settle where the key lives; this process then finds it there.
    home.run(
        "git-credential-seqera",
        &["store"],
        "protocol=https\nhost=h.example\nusername=u\npassword=p\n\n",
    )
    .expect(0);
    let paths = paths(home);
    Sessions::new(&paths, Deadline::after(Duration::from_secs(20))).begin(&mut profile, session).unwrap();
}

/// Changes what is not secret of a login.
pub fn change(home: &Home, name: &str, change: impl FnOnce(&mut Profile)) {
    let paths = paths(home);
    Sessions::new(&paths, Deadline::after(Duration::from_secs(20)))
        .change(&name.parse().unwrap(), change)
        .unwrap();
}

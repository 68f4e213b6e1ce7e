//! A login in a home, made without the command for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use seqera_credential_helper::http::Http;
use seqera_credential_helper::oauth::authorize::Pending;
use seqera_credential_helper::oauth::{Client, Tokens, discovery, token};
use seqera_credential_helper::os::deadline::Deadline;
use seqera_credential_helper::os::paths::Paths;
use seqera_credential_helper::provider::ProviderId;
use seqera_credential_helper::session::profile::{Method, Profile, ProfileName};
use seqera_credential_helper::session::{Grant, Session, Sessions};
use url::Url;

use super::home::{Home, text};
use crate::platform::Platform;

/// How an access token stands in the eyes of the program. The server knows better: to it the token is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    Fresh,
    /// It lives for one minute of its hour more, less than a caller wants.
    Ageing,
    Dead,
}

/// A login.
pub struct Login {
    pub paths: Paths,
    /// The access token it began with.
    pub access: String,
}

/// Logs the signed-in person in, in the profile `default`, in a home whose key is in a file.
pub fn logged_in(home: &Home, platform: &Platform, token: Token) -> Login {
    let (age, life) = match token {
        Token::Fresh => (0, 3600),
        Token::Ageing => (3540, 3600),
        Token::Dead => (3700, 3600),
    };
    logged_in_at(home, platform, age, life)
}

/// The same with a token that lives for so many seconds.
pub fn logged_in_for(home: &Home, platform: &Platform, life: u64) -> Login {
    logged_in_at(home, platform, 0, life)
}

fn logged_in_at(home: &Home, platform: &Platform, age: u64, life: u64) -> Login {
    // Makes the store's key: where it goes is the environment's to say, and that is the program's, not ours.
    let any = "protocol=https\nhost=first.example\nusername=u\npassword=p\n";
    home.run("git-credential-seqera", &["store"], any).ok();
    home.run("git-credential-seqera", &["erase"], any).ok();

    let server = discovery::discover(&http(), &platform.api()).unwrap();
    let tokens = tokens(platform);
    let issued_at = now() - age;
    let access = text(tokens.access.expose());
    let session = Session {
        generation: 0,
        access: tokens.access,
        issued_at,
        access_expires_at: Some(issued_at + life),
        bound: None,
        grant: Grant::Oauth {
            refresh: tokens.refresh,
            expires_at: None,
            token_endpoint: server.token,
            revocation_endpoint: server.revocation,
            client_id: client().id,
        },
    };
    let login = Login { paths: paths(home), access };
    login.sessions().begin(&mut profile(platform), session).unwrap();
    login
}

impl Login {
    /// The sessions of that home, as the programs see them.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::new(&self.paths, Deadline::after(Duration::from_secs(10)))
    }

    /// The session as it is stored.
    pub fn stored(&self) -> Session {
        self.sessions().load(&ProfileName::default_name()).unwrap().unwrap()
    }

    /// The profile as it is stored.
    pub fn profile(&self) -> Profile {
        Profile::load(&self.paths, &ProfileName::default_name()).unwrap().unwrap()
    }

    /// The access token as it is stored.
    pub fn stored_access(&self) -> String {
        text(self.stored().access.expose())
    }
}

/// Where the programs keep their files in this home.
pub fn paths(home: &Home) -> Paths {
    let folder = |base: &str| home.path().join(base).join("seqera-credential-helper");
    Paths {
        config: folder(".config"),
        state: folder(".local/state"),
        store: folder(".local/share").join("store"),
        run: folder("run"),
        home_run: folder(".local/state").join("run"),
        rescue: None,
    }
}

/// Seconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn http() -> Http {
    Http::new(Duration::from_secs(20))
}

fn client() -> Client {
    let scopes = vec!["openid".into(), "offline_access".into()];
    Client { id: "seqera_ai_cli".into(), scopes, parameters: vec![] }
}

/// The tokens of a new login.
pub fn tokens(platform: &Platform) -> Tokens {
    let server = discovery::discover(&http(), &platform.api()).unwrap();
    let redirect = Url::parse("http://127.0.0.1:1/callback").unwrap();
    let pending = Pending::begin(&server, &client(), &redirect);
    let code = pending.check(&platform.approve(pending.url().as_str())).unwrap();
    token::exchange(&http(), &server, &client(), &pending, &code).unwrap()
}

fn profile(platform: &Platform) -> Profile {
    Profile {
        account: Some("ada@example.com".into()),
        ..Profile::new(
            ProfileName::default_name(),
            ProviderId::SEQERA,
            platform.api().parse().unwrap(),
            Method::Browser,
        )
    }
}

//! Logins that are there already when a test begins, beside those of [`super::session`].

use std::time::Duration;

use seqera_credential_helper::os::deadline::Deadline;
use seqera_credential_helper::provider::ProviderId;
use seqera_credential_helper::secret::Secret;
use seqera_credential_helper::session::profile::{Method, Profile, ProfileName};
use seqera_credential_helper::session::{Grant, Session, Sessions};

use super::home::Home;
use super::session::{now, paths};
use crate::platform::Platform;

/// Logs in with a personal access token, with the program itself. Answers the token.
#[track_caller]
pub fn with_token(home: &Home, platform: &Platform, more: &[&str]) -> String {
    let (token, api) = (platform.personal_token(), platform.api());
    let args = [&["login", "--with-token", "--replace", "--endpoint", &api], more].concat();
    home.run("seqera", &args, &token).expect(0);
    token
}

/// A login at Sekuire, as if its key had been brought.
pub fn sekuire(home: &Home, name: &str) {
    // The program settles where the store's key lives; this process then finds it there.
    let any = "protocol=https\nhost=first.example\nusername=u\npassword=p\n";
    home.run("git-credential-seqera", &["store"], any).ok();
    let session = Session {
        generation: 0,
        access: Secret::from("sk_test_0123456789"),
        issued_at: now(),
        access_expires_at: None,
        grant: Grant::Brought,
        bound: None,
    };
    let mut profile = Profile {
        account: Some("ada@example.org".into()),
        ..Profile::new(
            name.parse().unwrap(),
            ProviderId::SEKUIRE,
            "https://backend.sekuire.ai".parse().unwrap(),
            Method::ApiKey,
        )
    };
    let paths = paths(home);
    sessions(&paths).begin(&mut profile, session).unwrap();
}

/// Changes what is not secret of a login.
pub fn change(home: &Home, name: &str, change: impl FnOnce(&mut Profile)) {
    let name: ProfileName = name.parse().unwrap();
    let paths = paths(home);
    sessions(&paths).change(&name, change).unwrap();
}

fn sessions(paths: &seqera_credential_helper::os::paths::Paths) -> Sessions<'_> {
    Sessions::new(paths, Deadline::after(Duration::from_secs(20)))
}

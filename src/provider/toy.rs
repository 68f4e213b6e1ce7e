//! A platform that is nowhere but here: what a new one takes is this file and a line in the table.

use super::{Account, LoginDetails, LoginWay, Provider, Variables};
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::http::Http;
use crate::secret::Secret;
use crate::target::Target;

pub(super) struct Toy;

impl Provider for Toy {
    fn names(&self) -> &'static [&'static str] {
        &["toy"]
    }

    fn title(&self) -> &'static str {
        "Toy"
    }

    fn variables(&self) -> &'static Variables {
        &Variables {
            tokens: &["TOY_TOKEN"],
            exported_tokens: &["TOY_TOKEN"],
            endpoints: &["TOY_URL"],
            exported_endpoint: "TOY_URL",
            workspace: "TOY_WORKSPACE",
            run: &["TOY_RUN"],
        }
    }

    fn login_way(&self) -> LoginWay {
        LoginWay::OAuth
    }

    fn own_program(&self) -> &'static str {
        "Toy's own program is in the box"
    }

    fn origins(&self, endpoint: &Endpoint) -> Vec<Target> {
        vec![endpoint.origin().clone()]
    }

    fn username(&self) -> &'static str {
        "player"
    }

    fn usual_endpoint(&self) -> Endpoint {
        Endpoint::fixed("https://toy.example")
    }

    fn normalized(&self, endpoint: &str) -> String {
        endpoint.trim_end_matches('/').to_owned()
    }

    fn tokens_page(&self, endpoint: &Endpoint) -> String {
        format!("{endpoint}/tokens")
    }

    fn whoami(&self, _: &Http, _: &Endpoint, token: &Secret, _: Option<LoginDetails<'_>>) -> Result<Account> {
        Ok(Account { id: None, name: token.expose_str().map(str::to_owned) })
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::time::Duration;

    use super::*;
    use crate::broker::Broker;
    use crate::error::Kind;
    use crate::os::deadline::Deadline;
    use crate::os::env::Change;
    use crate::os::files;
    use crate::os::paths::Paths;
    use crate::provider::{ProviderId, called};
    use crate::session::exports;
    use crate::session::mark::Mark;
    use crate::session::profile::{Method, Profile, ProfileName};
    use crate::session::{Grant, Session, Sessions};

    const ENDPOINT: &str = "http://127.0.0.1:9";

    /// A person who is logged in there, with the store's key in a file.
    fn logged_in(folder: &std::path::Path) -> Paths {
        let paths = Paths { rescue: None, ..Paths::below(folder) };
        files::private_dir(&paths.store).unwrap();
        let key = format!("seqera-credential-helper key 1\n{}\n", "5a".repeat(32));
        files::replace(&paths.store.join("key"), key.as_bytes()).unwrap();
        let toy: ProviderId = "toy".parse().unwrap();
        let mut profile =
            Profile::new(ProfileName::home_of(toy), toy, Endpoint::fixed(ENDPOINT), Method::Token);
        let session = Session {
            generation: 0,
            access: Secret::from("a ball"),
            issued_at: 1_700_000_000,
            access_expires_at: None,
            grant: Grant::Brought,
            bound: None,
        };
        let deadline = Deadline::after(Duration::from_secs(10));
        Sessions::new(&paths, deadline).begin(&mut profile, session).unwrap();
        paths
    }

    #[test]
    fn a_new_platform_is_a_line_in_the_table() {
        let folder = tempfile::tempdir().unwrap();
        let paths = logged_in(folder.path());
        let toy = called("toy.exe".trim_end_matches(".exe")).unwrap();
        let name = ProfileName::home_of(toy);

        // Its login is stored by its name, and the state line says whose it is.
        let profile = Profile::load(&paths, &name).unwrap().unwrap();
        assert_eq!((profile.provider, name.as_str()), (toy, "toy"));
        assert_eq!(Mark::read(&paths, Some(&name)).unwrap().provider, toy);

        // Its token goes to its origin and nowhere else.
        let broker = Broker::new(&paths, Deadline::after(Duration::from_secs(10)));
        let platform = broker.platform(&Target::from_url(ENDPOINT).unwrap()).unwrap().unwrap();
        let token = broker.platform_token(&platform).unwrap().unwrap();
        assert_eq!((platform.username(), token.token.expose()), ("player", &b"a ball"[..]));
        let other = Target::from_url("http://127.0.0.1:10").unwrap();
        assert!(broker.platform(&other).unwrap().is_none());

        // Shells and programs get it under its own variables, and the person's own token counts.
        let exported = exports::for_profile(&profile, &token.token, &|_: &str| None);
        let value = |name: &str| match exported.iter().find(|change| change.name() == name) {
            Some(Change::Set(_, value)) => Some(value.expose().to_owned()),
            _ => None,
        };
        assert_eq!(value("TOY_TOKEN").as_deref(), Some(&b"a ball"[..]));
        assert_eq!(value("TOY_URL").as_deref(), Some(ENDPOINT.as_bytes()));
        let own = |name: &str| (name == "TOY_TOKEN").then(|| OsString::from("my ball"));
        assert_eq!(exports::outside_token(toy, &own).unwrap().0, "TOY_TOKEN");
    }

    #[test]
    fn a_login_of_a_platform_that_is_gone_is_an_error_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let paths = logged_in(folder.path());
        let name: ProfileName = "toy".parse().unwrap();
        let file = Profile::load(&paths, &name).unwrap().unwrap().file(&paths);
        let text = std::fs::read_to_string(&file)
            .unwrap()
            .replace("\"toy\",\n  \"endpoint", "\"gone\",\n  \"endpoint");
        files::replace(&file, text.as_bytes()).unwrap();
        let error = Profile::load(&paths, &name).unwrap_err();
        assert_eq!(error.kind(), Kind::Failed);
        assert!(error.what().contains("its platform is unknown to this version"), "{}", error.what());
        assert!(!error.what().contains("gone"));
    }
}

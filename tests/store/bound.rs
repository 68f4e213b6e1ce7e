//! Where a login's token goes is sealed with it: a profile that says something else sends nothing anywhere.

use seqera_credential_helper::os::deadline::Deadline;
use seqera_credential_helper::session::profile::ProfileName;
use seqera_credential_helper::session::{Session, store};
use seqera_credential_helper::store::Shelf;

use super::*;
use crate::platform::Platform;
use crate::support::session::{Login, Token, logged_in};

fn profile_of(login: &Login) -> PathBuf {
    login.paths.state.join("profiles/default.json")
}

/// Changes a field of the profile, as somebody does who can write that file.
fn edit(login: &Login, field: &str, value: serde_json::Value) {
    let path = profile_of(login);
    let mut profile: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    profile[field] = value;
    fs::write(path, profile.to_string()).unwrap();
}

fn scene(token: Token) -> (Home, Platform, Login) {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let login = logged_in(&home, &platform, token);
    (home, platform, login)
}

#[track_caller]
fn nothing_is_sent(home: &Home, platform: &Platform, words: &str) {
    let before = platform.requests().len();
    for args in
        [&["token"][..], &["env", "--shell", "bash"], &["whoami"], &["exec", "--", "env"], &["org", "list"]]
    {
        let run = home.run("seqera", args, "").expect(7);
        assert!(run.stdout.is_empty() && run.err().contains("nothing was sent"), "{run:?}");
        assert!(run.err().contains(words) && run.err().contains("seqera login"), "{run:?}");
    }
    assert_eq!(platform.requests().len(), before);
}

#[test]
fn a_logout_goes_to_the_server_that_the_tokens_are_from() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    crate::support::login::with_token(&home, &platform, &[]);
    let theirs = Platform::start();
    let profile = crate::support::session::paths(&home).state.join("profiles/default.json");
    let text = fs::read_to_string(&profile).unwrap();
    fs::write(&profile, text.replace(&platform.api(), &theirs.api())).unwrap();
    let run = home.run("seqera", &["logout"], "").expect(0);
    assert!(run.err().contains("was made for the address") && run.err().contains(&platform.url()), "{run:?}");
    assert!(!run.err().contains(&format!("{}/tokens", theirs.url())), "{run:?}");
    assert!(theirs.requests().is_empty());
}

#[test]
fn a_profile_that_was_given_another_address_sends_nothing() {
    for token in [Token::Fresh, Token::Dead] {
        let (home, platform, login) = scene(token);
        let theirs = Platform::start();
        edit(&login, "endpoint", theirs.api().into());
        nothing_is_sent(&home, &platform, &format!("was made for the address {}", platform.api()));
        let host = theirs.api().trim_start_matches("http://").split('/').next().unwrap().to_owned();
        let run = git(&home, "get", format!("protocol=http\nhost={host}\n")).expect(7);
        assert!(run.stdout.is_empty() && run.err().lines().count() == 1, "{run:?}");
        assert!(theirs.requests().is_empty());

        edit(&login, "endpoint", platform.api().into());
        home.run("seqera", &["token"], "").ok();
    }
}

#[test]
fn so_does_one_with_another_registry_platform_or_backend() {
    let (home, platform, login) = scene(Token::Fresh);
    for (field, value, was) in
        [("registry", "evil.example", "registry none"), ("backend", "https://evil.example", "backend none")]
    {
        edit(&login, field, value.into());
        nothing_is_sent(&home, &platform, &format!("was made for the {was}"));
        edit(&login, field, serde_json::Value::Null);
    }
    edit(&login, "provider", "sekuire".into());
    let run = home.run("seqera", &["token"], "").expect(7);
    assert!(run.err().contains("was made for the platform seqera"), "{run:?}");
}

#[test]
fn logging_out_gives_the_tokens_back_where_they_are_from() {
    let (home, platform, login) = scene(Token::Fresh);
    let theirs = Platform::start();
    edit(&login, "endpoint", theirs.api().into());
    home.run("seqera", &["logout"], "").ok();
    assert!(theirs.requests().is_empty());
    assert!(
        platform.requests().iter().any(|request| request.path.contains("revo")),
        "revoked where it is from"
    );
}

/// The first version sealed no address. Its logins go on, and are bound to their address when they are first used.
#[test]
fn a_login_of_the_first_version_is_bound_at_its_first_use() {
    let (home, platform, login) = scene(Token::Fresh);
    let name = ProfileName::default_name();
    let old = Session { bound: None, ..login.stored() };
    let until = Deadline::after(Duration::from_secs(10));
    store(&login.paths, until).put(&Shelf::session(name.as_str()), b"session", &old).unwrap();

    home.run("seqera", &["token"], "").ok();
    let bound = login.stored().bound.expect("bound");
    assert_eq!(bound.endpoint.as_str(), platform.api());
    edit(&login, "endpoint", Platform::start().api().into());
    nothing_is_sent(&home, &platform, "was made for the address");
}

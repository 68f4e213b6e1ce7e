//! Nobody else's login: what others on the way, on the server and on this machine could try.

use serde_json::json;

use super::scene::{Scene, Terminal, wait_for};
use crate::platform::http;
use crate::platform::{Endpoint, Platform, Standing};

/// A scene whose Platform describes these endpoints as the honest Platform's.
fn mixed_up(honest: &Platform, endpoints: &[&'static str], promises_issuer: bool) -> Scene {
    let scene = Scene::new();
    let describe = |name: &&'static str| {
        let path = match *name {
            "authorization_endpoint" => "/authorize",
            "token_endpoint" => "/token",
            "revocation_endpoint" => "/revoke",
            _ => "/device/authorize",
        };
        (*name, json!(honest.api() + path))
    };
    let mut described: Vec<_> = endpoints.iter().map(describe).collect();
    described.push(("authorization_response_iss_parameter_supported", json!(promises_issuer)));
    scene.platform.world(|world| world.settings.described = described);
    scene
}

#[track_caller]
fn nobody_was_asked(scene: &Scene, honest: &Platform) {
    assert!(!scene.home.path().join("url").exists(), "no browser was opened");
    assert!(honest.requests().is_empty());
    assert_eq!(
        scene.platform.count(Endpoint::Token) + scene.platform.count(Endpoint::DeviceAuthorization),
        0
    );
    assert!(scene.is_logged_out());
}

#[test]
fn a_description_that_mixes_two_servers_is_refused_before_a_browser_opens() {
    for endpoint in
        ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "device_authorization_endpoint"]
    {
        let honest = Platform::start();
        let scene = mixed_up(&honest, &[endpoint], false);
        let run = scene.seqera(&["login"], "").expect(7);
        assert!(run.err().contains("spread over different servers"), "{run:?}");
        nobody_was_asked(&scene, &honest);
        // The answer of a device carries no issuer, whatever is promised.
        for promised in [false, true] {
            let scene = mixed_up(&honest, &[endpoint], promised);
            let run = scene.seqera(&["login", "--device"], "").expect(7);
            assert!(run.err().contains("spread over different servers"), "{run:?}");
            nobody_was_asked(&scene, &honest);
        }
    }
}

#[test]
fn an_issuer_that_was_promised_gives_the_mix_up_away() {
    let honest = Platform::start();
    let scene = mixed_up(&honest, &["authorization_endpoint"], true);
    let (run, _) = scene.login(&[], |url| {
        assert!(url.starts_with(&honest.api()), "the person sees the honest server's pages");
        http::get(&honest.approve(url), &[]).unwrap()
    });
    assert!(run.expect(7).err().contains("another server than the one asked"));
    assert_eq!(scene.platform.count(Endpoint::Token), 0, "the code went nowhere");
}

#[test]
fn tokens_of_a_server_that_is_known_here_do_not_go_to_another_api() {
    let honest = Platform::start();
    let all =
        ["authorization_endpoint", "token_endpoint", "revocation_endpoint", "device_authorization_endpoint"];
    let scene = mixed_up(&honest, &all, false);
    let token = honest.personal_token();
    scene
        .seqera(&["login", "--with-token", "--endpoint", &honest.api(), "--profile", "work"], &token)
        .expect(0);
    for form in [&["login"][..], &["login", "--device"]] {
        let run = scene.seqera(form, "").expect(7);
        assert!(run.err().contains("are not sent to another server"), "{run:?}");
        assert!(run.err().contains("SEQERA_PLATFORM_API_URL"), "{run:?}");
    }
    assert!(!scene.home.path().join("url").exists());
    assert_eq!(scene.platform.count(Endpoint::UserInfo), 0);
}

/// The other server has begun a login of its own at the honest one, and shows its page and its code.
#[test]
fn a_code_is_not_confirmed_at_a_known_server_for_another_one() {
    let honest = Platform::start();
    let scene = Scene::new();
    let token = honest.personal_token();
    let work = ["login", "--with-token", "--endpoint", &honest.api(), "--profile", "work"];
    scene.seqera(&work, &token).expect(0);
    for page in [honest.url() + "/device", "https://cloud.seqera.io/device".to_owned()] {
        scene.platform.world(|world| world.settings.device_page = Some(page.clone()));
        let run = scene.seqera(&["login", "--device"], "").expect(7);
        assert!(
            run.err().contains(&format!("the code is to be confirmed at {}", page.replace("/device", ""))),
            "{run:?}"
        );
        assert!(!run.err().contains("type the code"), "nobody is asked to: {run:?}");
        assert_eq!(scene.platform.count(Endpoint::Token), 0);
    }
    // Of a server that nothing is known of here, as providers have it.
    scene.platform.world(|world| world.settings.device_page = Some("https://device.example/code".to_owned()));
    let run = scene.seqera(&["login", "--device", "--timeout", "1"], "").expect(8);
    assert!(run.err().contains("https://device.example/code"), "{run:?}");
}

#[test]
fn a_place_that_the_environment_names_is_said_first_until_it_was_used() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let notice = format!(
        "This login goes to {}, which SEQERA_PLATFORM_API_URL names and which was not used here before.",
        scene.platform.api()
    );
    // One place is one line, however many variables name it.
    let mut twice = scene.home.command("seqera");
    twice.args(["login", "--timeout", "1"]).env("SEQERA_AUTH_DOMAIN", scene.platform.api());
    let run = crate::support::home::run(twice, "").expect(8);
    let both = "which SEQERA_AUTH_DOMAIN and SEQERA_PLATFORM_API_URL name and which";
    assert!(run.err().contains(both) && run.err().matches("This login goes to").count() == 1, "{run:?}");
    let run = scene.login_and_allow(&["--quiet"]).0.expect(0);
    assert!(run.err().starts_with(&notice), "{run:?}");
    let run = scene.login_and_allow(&[]).0.expect(0);
    assert!(!run.err().contains("was not used here before"), "{run:?}");
    // Named by the person it is no surprise.
    let other = Platform::start();
    let run = scene.seqera(&["login", "--endpoint", &other.api(), "--timeout", "1"], "").expect(8);
    assert!(!run.err().contains("was not used here before"), "{run:?}");
}

#[test]
fn what_stands_in_the_browsers_arguments_is_worth_nothing() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    let argument = scene.argument();
    let address = scene.opened();
    let (_, secrets) = address.split_once('?').unwrap();
    for (name, value) in url::form_urlencoded::parse(secrets.as_bytes()) {
        if matches!(&*name, "state" | "code_challenge") {
            assert!(!argument.contains(&*value), "{name}");
        }
    }
    let again = http::get(&argument, &[]).unwrap();
    assert_eq!(again.status, 404, "it leads to the login once");
    http::get(&scene.platform.approve(&address), &[]).unwrap();
    assert_eq!(terminal.ends().0, 0);
}

/// A person at a terminal, logged in as ada, whose browser comes back as grace.
fn back_as_grace(scene: &Scene) -> Terminal<'_> {
    scene.login_and_allow(&[]).0.expect(0);
    scene.platform.sign_in("grace");
    std::fs::remove_file(scene.home.path().join("url")).unwrap();
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    let page = http::get(&scene.platform.approve(&scene.opened()), &[]).unwrap();
    assert!(page.body.contains("Look at the terminal"), "{}", page.body);
    terminal.sees(
        "the browser logged in as grace@example.org, and the login 'default' is that of ada@example.org",
    );
    terminal.sees("Replace the earlier login");
    terminal
}

#[test]
fn another_account_replaces_a_login_only_where_the_person_agrees() {
    let scene = Scene::new();
    let mut terminal = back_as_grace(&scene);
    terminal.types("n");
    let (code, text) = terminal.ends();
    assert_eq!(code, 7, "{text}");
    assert_eq!(scene.profile("default").unwrap()["account"], "ada@example.org");
    assert_eq!(scene.platform.standings(), [Standing::Live, Standing::Revoked]);
    scene.seqera(&["token"], "").expect(0);

    let scene = Scene::new();
    let mut terminal = back_as_grace(&scene);
    terminal.types("y");
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert_eq!(scene.profile("default").unwrap()["account"], "grace@example.org");
    assert_eq!(scene.platform.standings(), [Standing::Revoked, Standing::Live]);
}

#[test]
fn another_account_is_refused_where_nobody_can_be_asked() {
    let scene = Scene::new();
    scene.login_and_allow(&[]).0.expect(0);
    scene.platform.sign_in("grace");
    let (run, page) = scene.login_and_allow(&[]);
    let run = run.expect(7);
    assert!(run.err().contains("the earlier login is kept") && run.err().contains("--replace"), "{run:?}");
    assert!(page.body.contains("The login did not work"), "{}", page.body);
    assert_eq!(scene.profile("default").unwrap()["account"], "ada@example.org");
    assert_eq!(scene.platform.standings(), [Standing::Live, Standing::Revoked]);
    scene.login_and_allow(&["--replace"]).0.expect(0);
    assert_eq!(scene.profile("default").unwrap()["account"], "grace@example.org");
}

/// A token or a key says whose it is only when its server is asked.
#[test]
fn a_token_of_another_account_replaces_a_login_only_where_the_person_agrees() {
    let scene = Scene::new();
    scene.login_and_allow(&[]).0.expect(0);
    scene.platform.sign_in("grace");
    let token = scene.platform.personal_token();
    let run = scene.seqera(&["login", "--with-token"], &token).expect(7);
    let words = "the token is that of grace@example.org, and the login 'default' is that of ada@example.org";
    assert!(run.err().contains(words) && run.err().contains("--replace"), "{run:?}");
    for (answer, code, account) in [("n", 7, "ada@example.org"), ("y", 0, "grace@example.org")] {
        let mut terminal = scene.terminal(&["login", "--with-token"]);
        terminal.sees("it is not shown");
        wait_for("the echo is off", || !terminal.echoes());
        terminal.types(&token);
        terminal.sees("Replace the earlier login");
        terminal.types(answer);
        let (ended, text) = terminal.ends();
        assert_eq!(ended, code, "{text}");
        assert_eq!(scene.profile("default").unwrap()["account"], account);
    }
    assert_eq!(scene.seqera(&["token"], "").ok().trim(), token);
    scene.platform.sign_in("ada");
    let token = scene.platform.personal_token();
    scene.seqera(&["login", "--with-token", "--replace"], &token).expect(0);
    assert_eq!(scene.seqera(&["token"], "").ok().trim(), token);
    // The next token of the same account is no question.
    let token = scene.platform.personal_token();
    scene.seqera(&["login", "--with-token"], &token).expect(0);
    assert_eq!(scene.seqera(&["token"], "").ok().trim(), token);
}

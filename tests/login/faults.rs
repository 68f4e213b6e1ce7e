//! Everything that can go wrong has its own sentence, its own exit code, and leaves nothing behind.

use std::fs;
use std::net::TcpListener;

use super::scene::Scene;
use crate::platform::http;
use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::{Home, break_at, run};
use crate::support::login;

/// The last line that was said, without the trace.
fn complaint(text: &str) -> String {
    let traced = |line: &&str| !["debug ", "trace ", "info "].iter().any(|level| line.starts_with(level));
    let line = text.lines().filter(traced).rfind(|line| line.starts_with("seqera: "));
    line.unwrap_or_else(|| panic!("no complaint: {text}")).to_owned()
}

#[track_caller]
fn fails(scene: &Scene, args: &[&str], code: i32) -> String {
    let run = scene.seqera(&[&["login"], args].concat(), "").expect(code);
    assert!(scene.is_logged_out());
    shown(scene, &run.err())
}

fn shown(scene: &Scene, text: &str) -> String {
    let text = complaint(text).replace(&scene.platform.url(), "ORIGIN");
    text.replace(&scene.platform.url()[7..], "HOST").replace(&scene.platform.sekuire(), "ELSEWHERE")
}

#[test]
fn discovery_that_fails() {
    let complaints: Vec<String> = [
        (Fault::NotFound, 3),
        (Fault::Forbidden, 3),
        (Fault::HtmlPage, 3),
        (Fault::InvalidJson, 3),
        (Fault::BadGateway, 5),
        (Fault::InternalError, 5),
        (Fault::TooManyRequests { retry_after: 7 }, 5),
        (Fault::RedirectElsewhere, 7),
        (Fault::Hangup, 5),
    ]
    .into_iter()
    .map(|(fault, code)| {
        let scene = Scene::new();
        scene.platform.fault(Endpoint::Discovery, fault);
        fails(&scene, &[], code)
    })
    .collect();
    insta::assert_snapshot!(complaints.join("\n"), @r"
    seqera: the Platform at ORIGIN/api (version 26.1.0) has no login through the browser; make a token on its page 'Your tokens' and give it here: seqera login --endpoint ORIGIN/api --with-token < token.txt
    seqera: the Platform at ORIGIN/api (version 26.1.0) has no login through the browser; make a token on its page 'Your tokens' and give it here: seqera login --endpoint ORIGIN/api --with-token < token.txt
    seqera: the Platform at ORIGIN/api (version 26.1.0) has no login through the browser; make a token on its page 'Your tokens' and give it here: seqera login --endpoint ORIGIN/api --with-token < token.txt
    seqera: the Platform at ORIGIN/api (version 26.1.0) has no login through the browser; make a token on its page 'Your tokens' and give it here: seqera login --endpoint ORIGIN/api --with-token < token.txt
    seqera: ORIGIN/api/.well-known/openid-configuration failed (HTTP 502); try again in a minute
    seqera: ORIGIN/api/.well-known/openid-configuration failed (HTTP 500); try again in a minute
    seqera: ORIGIN/api/.well-known/openid-configuration has been asked too often (HTTP 429); try again in 7 s
    seqera: ORIGIN/api/.well-known/openid-configuration redirects to ELSEWHERE; redirects are not followed; use the address of the server itself
    seqera: the connection to HOST broke before the answer was complete; try again
    ");
}

#[test]
fn what_is_no_platform_at_all_is_not_asked_for_a_token() {
    let scene = Scene::new();
    scene.platform.fault(Endpoint::Discovery, Fault::HtmlPage);
    scene.platform.fault(Endpoint::ServiceInfo, Fault::HtmlPage);
    insta::assert_snapshot!(fails(&scene, &[], 5), @"seqera: unexpected answer from ORIGIN/api/service-info: a web page; a proxy or a network with a login page may be answering; open any page in a browser, then try again");
    // The address of the web pages in place of that of the API.
    let url = scene.platform.url();
    insta::assert_snapshot!(fails(&scene, &["--endpoint", &url], 1), @"seqera: there is no ORIGIN/service-info (HTTP 404); did you mean ORIGIN/api ?");
}

#[test]
fn an_endpoint_that_makes_no_sense() {
    let scene = Scene::new();
    for (endpoint, code) in
        [("http://tower.example/api", 7), ("https://", 2), ("https://a b/", 2), ("https://h/?x", 2)]
    {
        fails(&scene, &["--endpoint", endpoint], code);
    }
    assert!(scene.platform.requests().is_empty());
}

#[test]
fn a_network_that_fails_is_never_a_bad_token() {
    let mut scene = Scene::new();
    let token = scene.platform.personal_token();
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let endpoint = format!("http://127.0.0.1:{port}/api");
    for args in [&["login"][..], &["login", "--device"], &["login", "--with-token"]] {
        let args = [args, &["--endpoint", &endpoint]].concat();
        let run = scene.seqera(&args, &token).expect(5);
        assert!(run.err().contains("refuses the connection"), "{run:?}");
        assert!(!run.err().contains("token"), "{run:?}");
    }
    // A proxy that is not there.
    scene.home.set("HTTPS_PROXY", format!("http://127.0.0.1:{port}"));
    let args = ["login", "--with-token", "--endpoint", "https://tower.example/api"];
    let run = scene.seqera(&args, &token).expect(5);
    assert!(
        run.err()
            .contains(&format!("does not connect to tower.example; 127.0.0.1:{port} (HTTPS_PROXY) cannot")),
        "{run:?}"
    );
    assert!(scene.is_logged_out());
}

#[test]
fn answers_about_a_token_each_have_their_own_words() {
    let complaints: Vec<String> = [
        (Fault::Unauthorized, 3),
        (Fault::Forbidden, 3),
        (Fault::ForbiddenWithMessage, 3),
        (Fault::NotFound, 1),
        (Fault::HtmlPage, 5),
        (Fault::InvalidJson, 5),
        (Fault::BadGateway, 5),
        (Fault::Hangup, 5),
    ]
    .into_iter()
    .map(|(fault, code)| {
        let scene = Scene::new();
        let token = scene.platform.personal_token();
        scene.platform.fault(Endpoint::UserInfo, fault);
        let run = scene.seqera(&["login", "--with-token"], &token).expect(code);
        assert!(scene.is_logged_out());
        shown(&scene, &run.err())
    })
    .collect();
    insta::assert_snapshot!(complaints.join("\n"), @r"
    seqera: HOST does not accept the token (HTTP 401) and gives no reason; check that it belongs to this server and has not been deleted, or log in again
    seqera: HOST does not accept the token (HTTP 403) and gives no reason; check that it belongs to this server and has not been deleted, or log in again
    seqera: HOST does not accept the token (HTTP 403); check that it belongs to this server and has not been deleted, or log in again
    seqera: there is no ORIGIN/api/user-info (HTTP 404); check the address, and that the server is recent
    seqera: unexpected answer from ORIGIN/api/user-info: a web page; a proxy or a network with a login page may be answering; open any page in a browser, then try again
    seqera: unexpected answer from ORIGIN/api/user-info: it is cut off; try again
    seqera: ORIGIN/api/user-info failed (HTTP 502); try again in a minute
    seqera: the connection to HOST broke before the answer was complete; try again
    ");
}

#[test]
fn a_new_token_that_the_api_does_not_take_was_not_mistyped() {
    let scene = Scene::new();
    scene.platform.fault(Endpoint::UserInfo, Fault::Forbidden);
    let (run, _) = scene.login_and_allow(&[]);
    insta::assert_snapshot!(shown(&scene, &run.expect(3).err()), @"seqera: HOST does not accept the token (HTTP 403) and gives no reason; the login server and the API may not belong together: check SEQERA_AUTH_DOMAIN, SEQERA_PLATFORM_API_URL and SEQERA_AUTH_AUDIENCE");
    assert!(scene.is_logged_out());
}

#[test]
fn what_is_no_token_is_not_sent_anywhere() {
    let scene = Scene::new();
    let complaints: Vec<String> = ["", "hunter2", "Bearer hunter2", "sk_live_0123456789"]
        .into_iter()
        .map(|text| {
            let run = scene.seqera(&["login", "--with-token"], text).expect(2);
            assert!(!run.err().contains("hunter2"), "{run:?}");
            shown(&scene, &run.err())
        })
        .collect();
    insta::assert_snapshot!(complaints.join("\n"), @r"
    seqera: there is no token on standard input; give it like this: seqera login --endpoint ORIGIN/api --with-token < token.txt
    seqera: this is not a Platform token; copy the whole token, as the page that made it shows it
    seqera: this is not a usable token: it begins with a word of an HTTP header; only what follows it belongs there; give the token and nothing else, without 'Bearer' and without quotes
    seqera: this is not a Platform token; it looks like a key of Sekuire: seqera login --provider sekuire
    ");
    assert!(scene.platform.requests().is_empty());
}

#[test]
fn a_port_that_is_taken() {
    let scene = Scene::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let complaint = fails(&scene, &["--port", &port], 1).replace(&port, "PORT");
    insta::assert_snapshot!(complaint, @"seqera: port PORT is taken, perhaps by another login; finish the other login, or choose another port with --port");
}

#[test]
fn consent_that_is_denied() {
    let scene = Scene::new();
    let (run, page) = scene.login(&[], |url| http::get(&scene.platform.deny(url), &[]).unwrap());
    insta::assert_snapshot!(shown(&scene, &run.expect(1).err()), @"seqera: access was not granted in the browser; log in again and allow it");
    assert!(page.body.contains("Access was not granted in the browser."), "{}", page.body);
    assert!(scene.is_logged_out());
}

#[test]
fn an_answer_of_another_login_is_ignored_and_the_login_goes_on() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    scene.platform.fault_next(1, Endpoint::Consent, Fault::WrongState);
    let (run, _) = scene.login(&[], |url| {
        let stray = http::get(&scene.platform.approve(url), &[]).unwrap();
        assert_eq!(stray.status, 400);
        let callback = url::Url::parse(&scene.platform.approve(url)).unwrap();
        for (path, status) in [("/", 404), ("/callback", 400), ("/callback?code=x&state=y", 400)] {
            let stray = http::get(callback.join(path).unwrap().as_str(), &[]).unwrap();
            assert_eq!(stray.status, status, "{path}");
        }
        let rebound = http::get(callback.as_str(), &[("Host", "evil.example")]);
        assert!(rebound.is_ok_and(|answer| answer.status == 400));
        http::get(callback.as_str(), &[]).unwrap()
    });
    run.expect(0);
    assert!(scene.platform.all_faults_happened());
}

#[test]
fn an_answer_of_another_server_ends_the_login() {
    let scene = Scene::new();
    scene.platform.fault_next(1, Endpoint::Consent, Fault::WrongIss);
    let (run, page) = scene.login_and_allow(&[]);
    insta::assert_snapshot!(shown(&scene, &run.expect(7).err()), @"seqera: the answer comes from another server than the one asked; do not repeat it on this network; tell who runs the server");
    assert!(page.body.contains("The login did not work"));
    assert!(scene.is_logged_out());
}

#[test]
fn a_browser_that_is_closed_ends_the_wait_in_time() {
    let scene = Scene::new();
    insta::assert_snapshot!(fails(&scene, &["--timeout", "1"], 8), @"seqera: nobody finished the login in the browser within 1 s; log in again; --timeout SECONDS gives more time");
    let mut scene = Scene::new();
    scene.home.set("SEQERA_AUTH_CALLBACK_TIMEOUT_MS", "300");
    fails(&scene, &[], 8);
}

#[test]
fn a_token_endpoint_that_fails() {
    let complaints: Vec<String> = [
        (Fault::HangupAfterwards, 5),
        (Fault::InternalError, 5),
        (Fault::BadGateway, 5),
        (Fault::HtmlPage, 5),
        (Fault::HugeBody, 5),
        (Fault::RedirectElsewhere, 5),
        (Fault::TooManyRequests { retry_after: 7 }, 5),
    ]
    .into_iter()
    .map(|(fault, code)| {
        let scene = Scene::new();
        scene.platform.fault(Endpoint::Token, fault);
        let (run, page) = scene.login_and_allow(&[]);
        assert!(page.body.contains("The login did not work"));
        assert!(scene.is_logged_out());
        shown(&scene, &run.expect(code).err())
    })
    .collect();
    insta::assert_snapshot!(complaints.join("\n"), @r"
    seqera: the connection to HOST broke before the answer was complete; try again
    seqera: ORIGIN/api/token failed (HTTP 500); try again in a minute
    seqera: ORIGIN/api/token failed (HTTP 502); try again in a minute
    seqera: unexpected answer from ORIGIN/api/token: a web page; a proxy or a network with a login page may be answering; open any page in a browser, then try again
    seqera: the answer from ORIGIN/api/token is larger than 1 MiB; something else than the server may be answering; try again
    seqera: ORIGIN/api/token redirects to ELSEWHERE; redirects are not followed; your network may want you to sign in to it first: open any page in a browser, then try again
    seqera: ORIGIN/api/token has been asked too often (HTTP 429); try again in 7 s
    ");
}

#[test]
fn a_client_that_is_not_registered() {
    let mut scene = Scene::new();
    scene.home.set("SEQERA_AUTH_CLI_CLIENT_ID", "somebody_else");
    insta::assert_snapshot!(fails(&scene, &["--device"], 1), @"seqera: the server does not let this client log in (invalid_client); check the client id; it must be registered with that server");
}

#[test]
fn no_login_by_device_where_the_server_has_none() {
    let scene = Scene::new();
    scene.platform.without(Endpoint::DeviceAuthorization);
    insta::assert_snapshot!(fails(&scene, &["--device"], 1), @"seqera: this server has no login by code on another device; log in through the browser");
}

#[test]
fn organizations_that_are_not_to_be_had_do_not_undo_a_login() {
    let scene = Scene::new();
    scene.platform.fault(Endpoint::Organizations, Fault::InternalError);
    let (run, _) = scene.login_and_allow(&[]);
    let run = run.expect(0);
    assert!(run.err().contains("Your organizations are not known"), "{run:?}");
    assert!(run.err().contains("Logged in as: ada@example.org"), "{run:?}");
}

#[test]
fn a_store_that_cannot_be_written_gives_the_tokens_back() {
    let scene = Scene::new();
    let store = scene.paths().store;
    let (run, page) = scene.login(&[], |url| {
        fs::remove_dir(&store).unwrap();
        fs::write(&store, "not a folder").unwrap();
        http::get(&scene.platform.approve(url), &[]).unwrap()
    });
    run.expect(6);
    assert!(page.body.contains("The login did not work"));
    assert_eq!(scene.platform.standings(), [crate::platform::Standing::Revoked]);
}

#[test]
fn a_certificate_that_nobody_vouches_for_and_a_clock_that_is_wrong() {
    use crate::oauth::network::Tls;
    let met = |tls: &Tls, trusted: bool| {
        let mut scene = Scene::new();
        if trusted {
            scene.home.set("SSL_CERT_FILE", &tls.certificate);
        }
        let endpoint = format!("{}api", tls.url());
        let run = scene.seqera(&["login", "--endpoint", &endpoint], "").expect(5);
        assert!(scene.is_logged_out());
        complaint(&run.err()).replace(endpoint.split('/').nth(2).unwrap(), "HOST")
    };
    insta::assert_snapshot!(met(&Tls::start("localhost", 2099), false), @"seqera: the certificate of HOST is not trusted on this machine; where your network has a certificate authority of its own, set SSL_CERT_FILE to its certificate");
    insta::assert_snapshot!(met(&Tls::start("localhost", 2021), true), @"seqera: the certificate of HOST has expired or is not valid yet, by the clock of this machine; check the clock; where it is right, the server needs a new certificate");
}

/// Between the two writes of a login, to the store and to the profile, the new token and the old login's server
/// must not meet.
#[test]
fn a_login_that_is_cut_off_sends_no_token_to_the_server_of_the_one_before() {
    for point in ["renamed", "login-box"] {
        let (home, before, now) = (Home::with_file_store(), Platform::start(), Platform::start());
        let old = login::with_token(&home, &before, &[]);
        let new = now.personal_token();
        let mut command = home.command("seqera");
        command.args(["login", "--with-token", "--endpoint", &now.api()]);
        break_at(&mut command, &format!("{point}=kill"));
        run(command, &new).expect(137);
        let get = |server: &Platform| {
            let host = server.url().replace("http://", "");
            home.run("git-credential-seqera", &["get"], format!("protocol=http\nhost={host}\n"))
        };
        assert!(!get(&before).out().contains(&new), "{point}");
        assert!(!get(&now).out().contains(&old), "{point}");
        if point == "login-box" {
            assert!(get(&now).out().contains(&new), "what is stored is the login");
        }
        home.run("seqera", &["login", "--with-token", "--endpoint", &now.api()], &new).expect(0);
        assert!(get(&now).out().contains(&new), "{point}");
    }
}

#[test]
fn a_login_elsewhere_that_cannot_be_stored_leaves_the_one_before() {
    let (home, before, now) = (Home::with_file_store(), Platform::start(), Platform::start());
    let old = login::with_token(&home, &before, &[]);
    let store = home.path().join(".local/share/seqera-credential-helper/store/session+default");
    fs::rename(&store, store.with_extension("away")).unwrap();
    fs::write(&store, "not a folder").unwrap();
    let elsewhere = ["login", "--with-token", "--endpoint", &now.api()];
    home.run("seqera", &elsewhere, now.personal_token()).expect(6);
    fs::remove_file(&store).unwrap();
    fs::rename(store.with_extension("away"), &store).unwrap();
    assert_eq!(home.run("seqera", &["token"], "").ok().trim(), old);
}

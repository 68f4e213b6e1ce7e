//! The same against a certified OpenID provider, with an API beside it that knows the account.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use seqera_credential_helper::session::{Grant, Session};
use url::Url;

use super::scene::Scene;
use crate::oauth::provider::{Person, Provider};
use crate::platform::http;

/// An API that knows one account, whoever asks with any token, and that lives as long as the test.
fn api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = vec![0; 8192];
            let n = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..n]).to_lowercase();
            let body = match head.contains("authorization: bearer ") {
                true if head.starts_with("get /api/user-info ") => {
                    r#"{"user":{"id":7,"userName":"someone","email":"someone@example.org"}}"#
                }
                true => r#"{"organizations":[{"orgId":8,"name":"acme"}]}"#,
                false => "{}",
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
        }
    });
    format!("http://{address}/api")
}

fn scene(provider: &Provider) -> Scene {
    let mut scene = Scene::new();
    scene.home.set("SEQERA_AUTH_DOMAIN", provider.issuer());
    scene.home.set("SEQERA_PLATFORM_API_URL", api());
    scene.home.set("SEQERA_AUTH_CLI_CLIENT_ID", "native-client");
    scene
}

/// Whether the provider still renews with this refresh token.
fn renews(session: &Session) -> bool {
    let Grant::Oauth { refresh: Some(refresh), token_endpoint, client_id, .. } = &session.grant else {
        panic!("no refresh token: {session:?}")
    };
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.expose_str().unwrap()),
        ("client_id", client_id),
    ];
    http::post_form(token_endpoint.as_str(), &form).unwrap().status == 200
}

#[test]
fn the_whole_life_of_a_login_with_a_certified_provider() {
    let provider = Provider::start();
    let scene = scene(&provider);
    let (run, page) = scene.login(&[], |url| {
        let asked = Url::parse(url).unwrap();
        let redirect = asked.query_pairs().find(|(name, _)| name == "redirect_uri").unwrap().1.into_owned();
        let address = Person::default().goes_to(url, &Url::parse(&redirect).unwrap()).expect("sent back");
        http::get(&address, &[]).unwrap()
    });
    let run = run.expect(0);
    assert!(run.err().contains("[Login] ✓ Organization set: acme"), "{run:?}");
    assert!(run.err().contains(&format!("The login is at {}", provider.issuer())), "{run:?}");
    assert!(page.body.contains("someone@example.org"));
    let first = scene.seqera(&["token"], "").ok();
    // A token lives ten minutes here.
    thread::sleep(std::time::Duration::from_secs(2));
    let second = scene.seqera(&["token", "--min-ttl", "599"], "").ok();
    assert_ne!(first, second, "renewed");
    let ended = scene.session();
    let run = scene.seqera(&["logout"], "").expect(0);
    assert!(!run.err().contains("revoked"), "{run:?}");
    assert!(scene.is_logged_out());
    assert!(!renews(&ended), "the provider has ended it");
}

#[test]
fn a_device_login_with_a_certified_provider() {
    let provider = Provider::start();
    let scene = scene(&provider);
    let mut terminal = scene.terminal(&["login", "--device"]);
    terminal.sees(r"go to:\s+http://\S+");
    let page = terminal.shown().split_whitespace().last().unwrap().to_owned();
    terminal.sees(r"and type the code:  \S+");
    let code = terminal.shown().rsplit("  ").next().unwrap().trim().to_owned();
    let page = format!("{page}?user_code={code}");
    let nowhere = Url::parse("http://127.0.0.1:1/").unwrap();
    assert_eq!(Person::default().goes_to(&page, &nowhere), None);
    let (status, text) = terminal.ends();
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("[Login] ✓ Organization set: acme"), "{text}");
    assert!(renews(&scene.session()));
}

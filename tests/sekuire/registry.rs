//! Passwords for the registry: made when a client asks, shared, short-lived, and nowhere else.

use std::time::Duration;

use serde_json::Value;

use super::scene::Scene;
use crate::platform::{Endpoint, Fault};
use crate::support::home::{Run, until};
use crate::support::oci_image;
use crate::support::token_registry::TokenRegistry;

const HOST: &str = "127.0.0.1:5999";

/// A scene with a login that makes passwords for `host`.
fn scene_for(host: &str) -> (Scene, String) {
    let scene = Scene::new();
    let (key, _) = scene.log_in_with(&["--registry", host]);
    (scene, key)
}

fn get(scene: &Scene, server: &str) -> Run {
    scene.home.run("docker-credential-seqera", &["get"], server)
}

#[track_caller]
fn pass(run: Run) -> (String, String) {
    let answer: Value = serde_json::from_str(&run.ok()).unwrap();
    (answer["Username"].as_str().unwrap().into(), answer["Secret"].as_str().unwrap().into())
}

fn minted(scene: &Scene) -> usize {
    scene.platform.count(Endpoint::SekuirePushToken)
}

#[test]
fn clients_that_ask_at_once_share_one_password() {
    let (scene, key) = scene_for(HOST);
    scene.platform.fault_next(1, Endpoint::SekuirePushToken, Fault::Slow(Duration::from_millis(500)));
    let passes: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..16).map(|_| scope.spawn(|| pass(get(&scene, HOST)))).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    assert_eq!(minted(&scene), 1);
    assert!(passes.iter().all(|pass| *pass == passes[0]));
    let (user, password) = &passes[0];
    assert_eq!(user, "push");
    assert!(*password != key && scene.platform.world(|world| world.sekuire.accepts_push_token(password)));
    // The same server, however a client spells it.
    for spelling in [format!("https://{HOST}"), format!("https://{HOST}/v2/"), format!("//{HOST}")] {
        assert_eq!(pass(get(&scene, &spelling)), passes[0], "{spelling}");
    }
    assert_eq!(minted(&scene), 1);
    scene.assert_nothing_leaked(&[]);
}

#[test]
fn no_other_server_gets_a_password() {
    let (scene, _) = scene_for("registry.example");
    for other in [
        "registry.example.evil.example",
        "x.registry.example",
        "registry.example:5000",
        "http://registry.example",
    ] {
        let run = get(&scene, other).expect(1);
        assert_eq!(run.out(), "credentials not found in native keychain\n", "{other}");
    }
    assert_eq!(minted(&scene), 0);
    pass(get(&scene, "registry.example"));
}

#[test]
fn a_password_is_made_anew_before_it_ends() {
    let (scene, _) = scene_for(HOST);
    scene.platform.world(|world| {
        world.sekuire.push_token_lifetime = Duration::from_secs(2);
        world.sekuire.tells_push_token_lifetime = true;
        world.sekuire.tells_username = false;
    });
    let first = pass(get(&scene, HOST));
    assert_eq!(first.0, "token");
    until(Duration::from_secs(10), "another password", || pass(get(&scene, HOST)) != first);
    assert_eq!(minted(&scene), 2);
}

#[test]
fn a_logout_and_another_login_end_the_password() {
    let (scene, _) = scene_for(HOST);
    let first = pass(get(&scene, HOST));
    scene.log_in_with(&["--registry", HOST]);
    assert_ne!(pass(get(&scene, HOST)), first);
    scene.home.run("seqera", &["profile", "rename", "sekuire", "work"], "").expect(0);
    pass(get(&scene, HOST));
    scene.home.run("seqera", &["logout", "--profile", "work"], "").expect(0);
    get(&scene, HOST).expect(1);
    let store = scene.home.path().join(".local/share/seqera-credential-helper/store");
    let boxes = std::fs::read_dir(store).unwrap().flatten().filter(|entry| entry.path().is_dir()).count();
    assert_eq!(boxes, 0, "nothing is left in the store");
}

#[test]
fn a_docker_login_does_not_take_the_place_of_the_login() {
    let (scene, _) = scene_for(HOST);
    let (user, password) = pass(get(&scene, HOST));
    let store = |user: &str, secret: &str| {
        let ask = serde_json::json!({"ServerURL": HOST, "Username": user, "Secret": secret});
        scene.home.run("docker-credential-seqera", &["store"], ask.to_string())
    };
    // A client that logs in with what it got from us hands that back.
    store(&user, &password).expect(0);
    let run = store("somebody", "else").expect(7);
    assert!(
        run.out().contains("needs no docker login") && run.out().contains("logout --profile sekuire"),
        "{run:?}"
    );
    assert_eq!(pass(get(&scene, HOST)), (user, password.clone()));
    // And one that logs out gets another password the next time; the login itself stays.
    scene.home.run("docker-credential-seqera", &["erase"], HOST).expect(0);
    assert_ne!(pass(get(&scene, HOST)).1, password);
    scene.sekuire(&["status"]).expect(0);
}

#[test]
fn why_there_is_no_password_is_said() {
    let (scene, key) = scene_for(HOST);
    scene.platform.fault_next(1, Endpoint::SekuirePushToken, Fault::ServiceUnavailable);
    get(&scene, HOST).expect(5);
    scene.platform.world(|world| world.sekuire.plan_limit = true);
    assert!(get(&scene, HOST).expect(1).out().contains("the plan 'team' does"));
    scene.platform.world(|world| {
        world.sekuire.plan_limit = false;
        world.sekuire.revoke(&key);
    });
    assert!(get(&scene, HOST).expect(3).out().contains("has revoked this API key"));
}

#[test]
fn a_key_from_outside_makes_passwords_that_are_not_kept() {
    let mut scene = Scene::new();
    scene.log_in_with(&["--registry", HOST]);
    let other = scene.platform.sekuire_key();
    scene.home.set("SEKUIRE_API_KEY", &other);
    scene.home.set("SEKUIRE_API_URL", scene.platform.sekuire());
    assert_ne!(pass(get(&scene, HOST)), pass(get(&scene, HOST)));
    assert_eq!(minted(&scene), 2);
}

#[test]
fn skopeo_pushes_and_pulls_with_a_password_made_for_it() {
    let scene = Scene::new();
    let platform = std::sync::Arc::new(scene.platform);
    let door = std::sync::Arc::clone(&platform);
    let registry =
        TokenRegistry::start(move |password| door.world(|world| world.sekuire.accepts_push_token(password)));
    let mut home = scene.home;
    let key = platform.sekuire_key();
    let backend = platform.sekuire();
    home.run("sekuire", &["login", "--backend", &backend, "--registry", registry.host()], &key).expect(0);
    let auth = format!(r#"{{"credHelpers": {{"{}": "seqera"}}}}"#, registry.host());
    let auth = home.write("auth.json", auth);
    home.set("REGISTRY_AUTH_FILE", auth);
    oci_image::write(&home.path().join("oci"));

    let image = format!("docker://{}/acme/agent:1", registry.host());
    let push =
        || home.run("skopeo", &["copy", "--quiet", "--dest-tls-verify=false", "oci:oci:latest", &image], "");
    push().expect(0);
    assert!(home.run("skopeo", &["inspect", "--tls-verify=false", &image], "").ok().contains("sha256:"));
    assert_eq!(platform.count(Endpoint::SekuirePushToken), 1);
    assert!(!registry.users().is_empty() && registry.users().iter().all(|user| user == "push"));

    // The registry takes nothing but what was made for it.
    platform.world(|world| world.sekuire.expire_push_tokens());
    push().expect(1);
    home.run("skopeo", &["logout", registry.host()], "");
    push().expect(0);
    assert_eq!(platform.count(Endpoint::SekuirePushToken), 2);
}

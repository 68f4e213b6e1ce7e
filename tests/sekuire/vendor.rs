//! `~/.sekuire/auth.json`, shared with Sekuire's own program: the real one, built from crates.io.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use super::fingerprint;
use super::scene::Scene;
use crate::support::gits::cache;
use crate::support::home::Run;

const VERSION: &str = "0.2.11";

/// Sekuire's own program.
fn program() -> PathBuf {
    let program = cache().join(format!("sekuire-{VERSION}/bin/sekuire"));
    assert!(program.exists(), "sekuire-cli is there; tests/tools/install-sekuire.sh builds it");
    program
}

fn vendor(scene: &Scene, args: &[&str]) -> Run {
    scene.home.run(program().to_str().unwrap(), args, "")
}

/// Logs in with Sekuire's own program, as a person does, and answers the key.
fn vendor_logs_in(scene: &Scene) -> String {
    let key = scene.platform.sekuire_key();
    let backend = scene.platform.sekuire();
    let args = ["login", "--web-url", &backend, "--backend", &backend];
    let mut terminal = scene.terminal(program().to_str().unwrap(), &args);
    terminal.sees("Enter your API Key");
    terminal.presses_enter_after(&key);
    let (code, shown) = terminal.ends();
    assert_eq!(code, 0, "{shown}");
    key
}

fn read(scene: &Scene) -> Value {
    serde_json::from_slice(&fs::read(scene.auth_file()).unwrap()).unwrap()
}

#[test]
fn sekuires_program_takes_our_login_for_its_own() {
    let scene = Scene::new();
    let (key, run) = scene.log_in_with(&["--auth-file"]);
    assert!(run.err().contains(".sekuire/auth.json"), "{run:?}");
    assert_eq!(fs::metadata(scene.auth_file()).unwrap().permissions().mode() & 0o777, 0o600);
    let expected = serde_json::json!({
        "api_key": key, "token": null, "device_fingerprint": fingerprint(),
        "org_id": "org_7f3a", "workspace_id": "ws_main",
    });
    assert_eq!(read(&scene), expected);

    let status = vendor(&scene, &["auth", "status"]).ok();
    assert!(status.contains("Authenticated with API Key") && status.contains("ws_main"), "{status}");
    let whoami = vendor(&scene, &["auth", "whoami", "--backend-url", &scene.platform.sekuire()]).ok();
    assert!(whoami.contains("ada@example.org") && whoami.contains("user_19"), "{whoami}");
}

#[test]
fn the_login_of_sekuires_program_is_taken_over() {
    let scene = Scene::new();
    let key = vendor_logs_in(&scene);
    let theirs = read(&scene);
    assert_eq!(theirs["device_fingerprint"], fingerprint(), "the same device to both programs");
    let bin = scene.home.write(".sekuire/bin/sekuire", "theirs");

    let run = scene
        .home
        .run("seqera", &["import", "sekuire", "--backend", &scene.platform.sekuire()], "")
        .expect(0);
    assert!(run.err().contains("still in plain text; remove it with: rm "), "{run:?}");
    assert_eq!(read(&scene), theirs, "nobody asked for more");
    assert_eq!(scene.sekuire(&["token"]).ok().trim(), key);
    assert!(scene.sekuire(&["status"]).ok().contains("Workspace: ws_main"));
    // A logout leaves what we did not write.
    scene.sekuire(&["logout"]).expect(0);
    assert!(scene.auth_file().exists());

    let args = ["import", "sekuire", "--backend", &scene.platform.sekuire(), "--remove"];
    let run = scene.home.run("seqera", &args, "").expect(0);
    assert!(run.err().contains("Removed: "), "{run:?}");
    assert!(!scene.auth_file().exists() && bin.exists(), "the folder is theirs");
    assert!(vendor(&scene, &["auth", "status"]).ok().contains("Not logged in"));
    scene.assert_nothing_leaked(&[&run.err()]);
}

#[test]
fn a_person_is_asked_before_the_plain_file_goes() {
    let scene = Scene::new();
    let key = scene.platform.sekuire_key();
    scene.home.write(".sekuire/auth.json", format!(r#"{{"api_key": "{key}"}}"#));
    let backend = scene.platform.sekuire();
    for (answer, stays) in [("n", true), ("y", false)] {
        let mut terminal = scene.terminal("seqera", &["import", "sekuire", "--backend", &backend]);
        terminal.sees("Remove that file? [y/N]");
        terminal.types(answer);
        let (code, shown) = terminal.ends();
        assert_eq!(code, 0, "{shown}");
        assert_eq!(scene.auth_file().exists(), stays, "{shown}");
    }
}

#[test]
fn a_logout_takes_back_what_we_wrote_and_no_more() {
    let scene = Scene::new();
    let bin = scene.home.write(".sekuire/bin/sekuire", "theirs");
    scene.log_in_with(&["--auth-file"]);
    let run = scene.sekuire(&["logout"]).expect(0);
    let said = format!("Credentials removed from: {}\n", scene.auth_file().display());
    assert!(run.err().contains(&said), "{run:?}");
    assert!(!scene.auth_file().exists() && bin.exists());

    scene.log_in_with(&["--auth-file"]);
    let theirs = vendor_logs_in(&scene);
    let run = scene.sekuire(&["logout"]).expect(0);
    assert!(run.err().contains("stays"), "{run:?}");
    assert_eq!(read(&scene)["api_key"], theirs);
}

#[test]
fn a_setting_writes_the_file_with_every_login() {
    let scene = Scene::new();
    scene.home.write(".config/seqera-credential-helper/config.toml", "[sekuire]\nauth_file = true\n");
    let (key, _) = scene.log_in();
    assert_eq!(read(&scene)["api_key"], key);
}

#[test]
fn what_is_no_login_of_sekuires_program_is_said_so() {
    let scene = Scene::new();
    let import =
        || scene.home.run("seqera", &["import", "sekuire", "--backend", &scene.platform.sekuire()], "");
    assert!(import().expect(3).err().contains("there is no "));
    for (content, words) in [
        (r#"{"api_key": null, "token": "eyJhbGciOi.e30.c2ln"}"#, "a token of the older kind"),
        ("{}", "there is no API key in"),
        ("not json", "not what Sekuire's program writes"),
        (r#"{"api_key": "hunter2"}"#, "not a Sekuire API key"),
    ] {
        scene.home.write(".sekuire/auth.json", content);
        let run = import();
        assert_ne!(run.code(), 0, "{run:?}");
        assert!(run.err().contains(words) && !run.err().contains("hunter2"), "{words}: {run:?}");
    }
    assert_eq!(scene.platform.requests().len(), 0);
}

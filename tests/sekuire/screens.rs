//! The screens of `sekuire` are, line by line, those of Sekuire's own program; what else there is to say follows.

use super::fingerprint;
use super::scene::Scene;

/// What was said, with what differs from run to run by its name.
fn shown(scene: &Scene, key: &str, said: &str) -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let masked = format!("{}...{}", &key[..11], &key[key.len() - 3..]);
    let said = said.replace(&masked, "MASKED").replace(&scene.platform.sekuire(), "BACKEND");
    let said = said.replace(scene.home.path().to_str().unwrap(), "HOME");
    said.replace(&fingerprint()[..16], "FIRST-16")
        .replace(&fingerprint()[..8], "FIRST-8")
        .replace(&format!("Device: {}\n", host.trim()), "Device: HOST\n")
        .replace(&format!("OS: linux {}\n", std::env::consts::ARCH), "OS: linux ARCH\n")
}

#[test]
fn a_login() {
    let scene = Scene::new();
    let (key, run) = scene.log_in();
    insta::assert_snapshot!(shown(&scene, &key, &run.err()), @r"
    Sekuire Login

    To authenticate:
    1. Go to: BACKEND/dashboard/settings?tab=api-keys
    2. Create a new API Key for CLI access
    3. Copy the key (you'll only see it once!)
    4. Paste it below

    Login successful! API Key verified and bound to this device.
    Device: HOST
    OS: linux ARCH
    Fingerprint: FIRST-16...
    API key: MASKED
    Logged in as: ada@example.org
    ");
}

#[test]
fn a_status() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    insta::assert_snapshot!(shown(&scene, &key, &scene.sekuire(&["status"]).ok()), @r"
    Authentication Status:
    Authenticated with API Key
    Key: MASKED
    Device Fingerprint: FIRST-8...
    Device: HOST
    OS: linux ARCH
    Workspace: ws_main
    Logged in as: ada@example.org
    Session expires: not known; an API key works until it is revoked
    Profile: sekuire
    Endpoint: BACKEND
    Organization: org_7f3a
    How: with an API key
    Store: HOME/.local/share/seqera-credential-helper/store, its key in a file beside it: no better than a private file
    ");
}

#[test]
fn a_status_of_nobody() {
    let scene = Scene::new();
    let run = scene.sekuire(&["status"]).expect(3);
    assert_eq!(run.out(), "Authentication Status:\nNot logged in\nRun 'sekuire login' to authenticate\n");
    assert_eq!(run.err(), "");
}

#[test]
fn who_it_is() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    insta::assert_snapshot!(shown(&scene, &key, &scene.sekuire(&["auth", "whoami"]).ok()), @r"
    Current User Information:
    Authenticated as:
    Email: ada@example.org
    User ID: user_19
    Organization: org_7f3a

    Device Info:
    Device: HOST
    OS: linux ARCH
    Fingerprint: FIRST-8...
    Endpoint: BACKEND
    API key: MASKED
    Profile: sekuire
    ");
}

#[test]
fn a_logout() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    insta::assert_snapshot!(shown(&scene, &key, &scene.sekuire(&["logout"]).expect(0).err()), @r"
    Logging out...
    Logged out successfully!
    Credentials removed from: HOME/.local/share/seqera-credential-helper/store
    Logged out: ada@example.org
    The API key itself is still good; if nothing else uses it, delete it at BACKEND/dashboard/settings?tab=api-keys
    ");
    let (key, _) = scene.log_in_with(&["--auth-file"]);
    insta::assert_snapshot!(shown(&scene, &key, &scene.sekuire(&["logout"]).expect(0).err()), @r"
    Logging out...
    Logged out successfully!
    Credentials removed from: HOME/.sekuire/auth.json
    Logged out: ada@example.org
    The API key itself is still good; if nothing else uses it, delete it at BACKEND/dashboard/settings?tab=api-keys
    ");
}

/// What is said beside the screens is in the words of who calls the program so, too.
#[test]
fn every_message_speaks_of_an_api_key_and_of_sekuire() {
    let mut scene = Scene::new();
    let key = scene.platform.sekuire_key();
    let says = |run: crate::support::home::Run| format!("{}{}", run.out(), run.err());
    for (input, words) in [
        ("", "there is no API key on standard input"),
        ("two words", "this is not a usable API key: it has blanks"),
        ("sk_none", "this is not a Sekuire API key"),
    ] {
        let run = scene.login_with(input, &[]).expect(2);
        assert!(run.err().contains(words) && !run.err().contains("token"), "{run:?}");
    }
    let garbage =
        scene.home.run("sekuire", &["login", "--backend", &scene.platform.sekuire()], b"\xff\xfe\x00");
    let garbage = garbage.expect(2);
    assert!(garbage.err().contains("this is not a usable API key: it is UTF-16"), "{garbage:?}");

    scene.home.set("SEKUIRE_API_KEY", &key);
    scene.home.set("SEKUIRE_API_URL", scene.platform.sekuire());
    let status = says(scene.sekuire(&["status"]).expect(0));
    for line in [
        "Logged in as: not known, the API key is the one in SEKUIRE_API_KEY (sekuire whoami asks the server)\n",
        "Session expires: not known; the API key comes from outside and is not renewed\n",
        "API key: SEKUIRE_API_KEY, from the environment; it overrides any login\n",
    ] {
        assert!(status.contains(line), "{status}");
    }
    let live = scene.sekuire(&["exec", "--live", "--", "true"]).expect(2);
    assert!(live.err().contains("use: sekuire exec, without --live"), "{live:?}");
    let job = scene.sekuire(&["exec", "--job-token", "--", "true"]).expect(2);
    assert!(job.err().contains("an API key of Sekuire does not end"), "{job:?}");
    for words in
        [&["whoami"][..], &["auth", "whoami"], &["logout"], &["doctor"], &["store"], &["import", "git"]]
    {
        let said = says(scene.sekuire(words));
        assert!(!said.contains("seqera whoami") && !said.contains(": seqera "), "{words:?}: {said}");
    }
    scene.home.set("SEKUIRE_API_KEY", format!("'{key}'"));
    let status = says(scene.sekuire(&["status"]).expect(0));
    assert!(status.contains("SEKUIRE_API_KEY holds no API key that can be used: it has quotes"), "{status}");
    scene.home.set("SEKUIRE_API_KEY", "sk_test_this_is_none_at_all");
    let refused = says(scene.sekuire(&["whoami"]).expect(3));
    assert!(
        refused.contains("the API key is the one in SEKUIRE_API_KEY") && !refused.contains("token"),
        "{refused}"
    );
    scene.home.set("SEKUIRE_API_KEY", "");
    scene.log_in();
    let checked = says(scene.sekuire(&["status", "--check"]).expect(0));
    assert!(
        checked.contains("Server: accepts the API key, and knows you as ") && !checked.contains("token"),
        "{checked}"
    );
}

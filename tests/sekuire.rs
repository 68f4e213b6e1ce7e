//! Sekuire: a key verified and bound, whose it is, what it opens.

mod registry;
mod scene;
mod screens;
mod vendor;

use sha2::{Digest, Sha256};

use crate::platform::{Endpoint, Fault};
use crate::support::home::Run;
use scene::Scene;

/// What Sekuire's own program computes: SHA-256 of `HOST|OS|ARCH`.
fn fingerprint() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let text = format!("{}|{}|{}", host.trim(), std::env::consts::OS, std::env::consts::ARCH);
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_key_is_verified_bound_to_this_device_and_kept() {
    let scene = Scene::new();
    let (key, run) = scene.log_in();
    assert!(run.err().contains("/dashboard/settings?tab=api-keys"), "{run:?}");
    assert!(run.err().contains("bound to this device") && run.err().contains("ada@example.org"), "{run:?}");
    assert_eq!(run.out(), "");
    let bound = scene.platform.world(|world| world.sekuire.keys[0].device.clone());
    assert_eq!(bound, Some(fingerprint()));

    let status = scene.sekuire(&["status"]).ok();
    let masked = format!("Key: {}...{}", &key[..11], &key[key.len() - 3..]);
    let short = format!("Device Fingerprint: {}...", &fingerprint()[..8]);
    for line in [
        "Logged in as: ada@example.org",
        "Session expires: not known; an API key works until it is revoked",
        "Profile: sekuire",
        "Organization: org_7f3a",
        "Workspace: ws_main",
        &masked,
        &short,
        "OS: linux x86_64",
    ] {
        assert!(status.lines().any(|shown| shown == line), "{line}\n{status}");
    }
    assert!(status.contains("Device: "), "{status}");
    scene.assert_nothing_leaked(&[&run.err(), &status]);
}

#[test]
fn a_key_of_another_account_replaces_a_login_only_where_the_person_agrees() {
    let scene = Scene::new();
    let (adas, _) = scene.log_in();
    scene.platform.world(|world| world.sekuire.is_graces = true);
    let graces = scene.platform.sekuire_key();
    let run = scene.login_with(&graces, &[]).expect(7);
    let words = "the key is that of grace@example.org, and the login 'sekuire' is that of ada@example.org";
    assert!(run.err().contains(words) && run.err().contains("--replace"), "{run:?}");
    scene.home.write(".sekuire/auth.json", format!("{{\"api_key\": \"{graces}\"}}"));
    let import = ["import", "sekuire", "--backend", &scene.platform.sekuire()];
    let run = scene.home.run("seqera", &import, "").expect(7);
    assert!(run.err().contains(words), "{run:?}");
    assert_eq!(scene.sekuire(&["token"]).ok().trim(), adas, "the earlier login is kept");
    scene.login_with(&graces, &["--replace"]).expect(0);
    assert_eq!(scene.sekuire(&["token"]).ok().trim(), graces);
    scene.log_in();
}

#[test]
fn the_organization_is_read_in_both_of_its_forms() {
    let scene = Scene::new();
    scene.platform.world(|world| world.sekuire.organization_is_object = true);
    scene.log_in();
    assert!(scene.sekuire(&["status"]).ok().contains("Organization: Ada's lab\n"));
}

#[test]
fn what_is_no_key_is_not_sent() {
    let scene = Scene::new();
    for typed in
        ["", "hunter2", "sk_prod_0123456789", "sk_live_", "sk_live_one sk_live_two", "eyJhbGciOi.e30.c2ln"]
    {
        let run = scene.login_with(typed, &[]).expect(2);
        assert!(typed.len() < 7 || !run.err().contains(typed), "{run:?}");
    }
    assert_eq!(scene.platform.requests().len(), 0);
}

#[test]
fn a_key_never_travels_in_the_clear() {
    let scene = Scene::new();
    let key = scene.platform.sekuire_key();
    let run = scene.home.run("sekuire", &["login", "--backend", "http://backend.example"], &key).expect(7);
    assert!(run.err().contains("https"), "{run:?}");
}

#[test]
fn each_refusal_is_its_own_sentence_and_keeps_nothing() {
    let scene = Scene::new();
    let good = || scene.platform.sekuire_key();
    let says = |key: &str, code: i32, words: &str| -> Run {
        let run = scene.login_with(key, &[]).expect(code);
        assert!(run.err().contains(words), "{words}: {run:?}");
        scene.sekuire(&["status"]).expect(3);
        run
    };
    says("sk_test_made_up_0123456789", 3, "does not know this API key");
    let key = good();
    scene.platform.world(|world| world.sekuire.revoke(&key));
    says(&key, 3, "has revoked this API key");
    let key = good();
    scene.platform.world(|world| world.sekuire.bind(&key, "another"));
    says(&key, 3, "is bound to another device");
    scene.platform.world(|world| world.sekuire.plan_limit = true);
    let run = says(&good(), 1, "the plan 'team' does");
    assert!(run.err().contains("see: https://sekuire.ai/pricing"), "{run:?}");
    assert!(!run.err().contains("Your plan allows"), "the server's own words are not shown: {run:?}");
    scene.platform.world(|world| world.sekuire.plan_limit = false);
    for fault in [Fault::ServiceUnavailable, Fault::Hangup] {
        scene.platform.fault_next(1, Endpoint::SekuireVerify, fault);
        let run = says(&good(), 5, "");
        assert!(!run.err().contains("API key has"), "{run:?}");
    }
    scene.platform.fault_next(1, Endpoint::SekuireVerify, Fault::NotFound);
    says(&good(), 1, "(HTTP 404)");
}

#[test]
fn whose_the_key_is_may_be_told_later() {
    let scene = Scene::new();
    scene.platform.fault_next(1, Endpoint::SekuireMe, Fault::ServiceUnavailable);
    let (_, run) = scene.log_in();
    assert!(run.err().contains("could not be asked"), "{run:?}");
    assert!(scene.sekuire(&["status"]).ok().contains("Organization: org_7f3a"));
    assert!(scene.sekuire(&["auth", "whoami"]).ok().contains("ada@example.org"));
}

#[test]
fn nobody_logged_in_is_told_what_to_do() {
    let scene = Scene::new();
    for command in [&["auth", "whoami"][..], &["token"], &["env", "--shell", "bash"]] {
        let run = scene.sekuire(command).expect(3);
        assert_eq!(run.err(), "sekuire: Not logged in; Run 'sekuire login' to authenticate\n");
        assert_eq!(run.out(), "");
    }
    assert!(scene.sekuire(&["logout"]).expect(0).err().contains("not logged in"));
}

#[test]
fn whoami_asks_the_backend_and_no_other() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    let backend = scene.platform.sekuire();
    let whoami = scene.sekuire(&["auth", "whoami", "--backend-url", &backend]).ok();
    assert!(whoami.contains("Email: ada@example.org") && whoami.contains("user_19"), "{whoami}");
    assert!(whoami.contains("Fingerprint: ") && whoami.contains("Device: "), "{whoami}");
    let run = scene.sekuire(&["auth", "whoami", "--backend-url", "https://evil.example"]).expect(7);
    assert!(run.err().contains("sent nowhere else"), "{run:?}");

    scene.platform.fault_next(1, Endpoint::SekuireMe, Fault::ServiceUnavailable);
    scene.sekuire(&["auth", "whoami"]).expect(5);
    scene.platform.world(|world| world.sekuire.revoke(&key));
    let run = scene.sekuire(&["auth", "whoami"]).expect(4);
    assert!(run.err().contains("revoked") && run.err().contains("sekuire login"), "{run:?}");
}

#[test]
fn a_renamed_host_is_still_the_device_that_the_key_is_bound_to() {
    let scene = Scene::new();
    scene.log_in();
    // As if the host had been called otherwise when the person logged in.
    let file = scene.profile_file("sekuire");
    let profile = std::fs::read_to_string(&file).unwrap().replace(&fingerprint(), &"0f".repeat(32));
    std::fs::write(&file, profile).unwrap();
    scene.platform.world(|world| world.sekuire.keys[0].device = Some("0f".repeat(32)));
    scene.sekuire(&["auth", "whoami"]).expect(0);
}

#[test]
fn logins_of_both_platforms_live_side_by_side() {
    let scene = Scene::new();
    let token = scene.platform.personal_token();
    let api = scene.platform.api();
    scene.home.run("seqera", &["login", "--with-token", "--endpoint", &api], &token).expect(0);
    let (key, run) = scene.log_in();
    assert!(run.err().contains("sekuire profile use sekuire"), "{run:?}");

    let all = scene.home.run("seqera", &["status", "--all"], "").ok();
    assert!(all.contains("Profile: default\n") && all.contains("Profile: sekuire\n"), "{all}");
    let env = |program: &str| scene.home.run(program, &["env", "--dotenv"], "").ok();
    assert!(env("seqera").contains(&token) && !env("seqera").contains("SEKUIRE"));
    assert!(env("sekuire").contains(&key) && !env("sekuire").contains("TOWER"));
    scene.home.run("seqera", &["profile", "use", "sekuire"], "").expect(0);
    let exported = env("seqera");
    for line in ["SEKUIRE_API_KEY=", "SEKUIRE_API_URL=", "SEKUIRE_WORKSPACE_ID="] {
        assert!(exported.contains(line), "{exported}");
    }
    assert!(
        exported.contains(&key)
            && exported.contains(&scene.platform.sekuire())
            && exported.contains("ws_main")
    );
    let prompt = scene.home.run("seqera", &["prompt"], "").ok();
    assert!(prompt.contains("org_7f3a/ws_main@sekuire"), "{prompt}");

    // Whoever logs in to the one does not lose the other, whichever is in use.
    scene.home.run("seqera", &["login", "--with-token", "--endpoint", &api], &token).expect(0);
    assert_eq!(scene.home.run("sekuire", &["token"], "").ok().trim(), key);
    scene.sekuire(&["logout"]).expect(0);
    let all = scene.home.run("seqera", &["status", "--all"], "").ok();
    assert!(all.contains("Profile: default\n") && !all.contains("sekuire\n"), "{all}");
}

#[test]
fn the_only_login_is_the_one_that_shells_use() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    assert_eq!(scene.home.run("seqera", &["token"], "").ok().trim(), key);
}

#[test]
fn the_trace_tells_no_secret() {
    let mut scene = Scene::new();
    scene.home.set("SEQERA_HELPER_LOG", "trace");
    let (_, login) = scene.log_in_with(&["--registry", "registry.example"]);
    let whoami = scene.sekuire(&["auth", "whoami"]).expect(0);
    let docker = scene.home.run("docker-credential-seqera", &["get"], "registry.example").expect(0);
    assert!(login.err().contains("/api/v1/api-keys/verify"), "there is a trace: {login:?}");
    scene.assert_nothing_leaked(&[&login.err(), &whoami.err(), &whoami.out(), &docker.err()]);
}

#[test]
fn the_hook_exports_a_key_as_it_does_a_token() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    let script = r#"
        show() { eval "$(seqera hook-env bash)"; echo "$SEKUIRE_API_KEY $SEKUIRE_WORKSPACE_ID $SEKUIRE_API_URL"; }
        show; sekuire logout; show
    "#;
    let out = scene.home.run("bash", &["-c", script], "").ok();
    assert_eq!(out, format!("{key} ws_main {}\n  \n", scene.platform.sekuire()));
}

#[test]
fn commands_that_are_not_ours_go_to_sekuires_own_program() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    let run = scene.sekuire(&["publish", "--visibility", "private"]).expect(127);
    assert!(run.err().contains("cargo install sekuire-cli"), "{run:?}");
    let theirs = scene.home.write(".sekuire/bin/sekuire", "#!/bin/sh\necho \"$* $SEKUIRE_API_KEY\"\n");
    std::fs::set_permissions(theirs, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let said = scene.sekuire(&["publish", "--visibility", "private"]).ok();
    assert_eq!(said, format!("publish --visibility private {key}\n"));
    let run = scene.home.run("seqera", &["publish"], "").expect(127);
    assert!(run.err().contains("no other program called seqera"), "{run:?}");
}

#[test]
fn a_login_by_the_name_seqera_is_the_same() {
    let scene = Scene::new();
    let key = scene.platform.sekuire_key();
    let backend = scene.platform.sekuire();
    let args = ["login", "--provider", "sekuire", "--endpoint", &backend, "--profile", "work"];
    scene.home.run("seqera", &args, &key).expect(0);
    assert!(
        scene.home.run("seqera", &["status", "--profile", "work"], "").ok().contains("API key: sk_test_")
    );
    scene.home.run("seqera", &["login", "--auth-file"], "x").expect(2);
    let api = scene.platform.api();
    let args = ["login", "--with-token", "--endpoint", &api, "--profile", "work"];
    let run = scene.home.run("seqera", &args, scene.platform.personal_token()).expect(2);
    assert!(run.err().contains("is a login of sekuire"), "{run:?}");
    scene.home.run("sekuire", &["login", "--device"], "").expect(2);
}

#[test]
fn a_key_is_typed_unseen() {
    let scene = Scene::new();
    let key = scene.platform.sekuire_key();
    let backend = scene.platform.sekuire();
    let mut terminal =
        scene.terminal("sekuire", &["login", "--backend", &backend, "--web-url", "https://web.example/"]);
    terminal.sees("https://web.example/dashboard/settings");
    terminal.sees("Enter your API Key: ");
    terminal.types(&key);
    terminal.sees("Login successful!");
    let (code, shown) = terminal.ends();
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains(&key), "{shown}");
    scene.assert_nothing_leaked(&[&shown]);
}

#[test]
fn clients_get_the_key_for_its_own_backend_alone() {
    let scene = Scene::new();
    let (key, _) = scene.log_in();
    let backend = scene.platform.sekuire();
    let host = backend.strip_prefix("http://").unwrap();
    let git = |host: &str| {
        let ask = format!("capability[]=authtype\nprotocol=http\nhost={host}\nwwwauth[]=Bearer\n\n");
        scene.home.run("git-credential-seqera", &["get"], ask).ok()
    };
    let answer = git(host);
    assert!(answer.contains(&format!("username=token\npassword={key}\n")), "{answer}");
    assert!(!answer.contains("Bearer"), "a key is no bearer token: {answer}");
    assert_eq!(git("127.0.0.1:9"), "");
    let docker = scene.home.run("docker-credential-seqera", &["get"], &backend).ok();
    assert!(docker.contains(&key), "{docker}");
    // What comes back under that name is ours already.
    let store = format!("protocol=http\nhost={host}\nusername=token\npassword={key}\n\n");
    scene.home.run("git-credential-seqera", &["store"], store).expect(0);
    scene.assert_nothing_leaked(&[]);
}

#[test]
fn a_key_from_outside_goes_before_the_login() {
    let mut scene = Scene::new();
    scene.log_in();
    let other = scene.platform.sekuire_key();
    scene.home.set("SEKUIRE_API_KEY", &other);
    scene.home.set("SEKUIRE_API_URL", scene.platform.sekuire());
    assert_eq!(scene.sekuire(&["token"]).ok().trim(), other);
    let docker = scene.home.run("docker-credential-seqera", &["get"], scene.platform.sekuire()).ok();
    assert!(docker.contains(&other), "{docker}");
    assert!(scene.sekuire(&["status"]).ok().contains("SEKUIRE_API_KEY"));
    assert!(scene.sekuire(&["auth", "whoami"]).ok().contains("SEKUIRE_API_KEY, from the environment"));
}

#[test]
fn a_key_from_outside_is_exported_to_the_programs_of_its_own_platform_alone() {
    let mut scene = Scene::new();
    scene.home.set("SEKUIRE_API_KEY", "sk_live_outside");
    let names = "echo ${SEKUIRE_API_KEY-none} ${SEQERA_ACCESS_TOKEN-none} ${TOWER_ACCESS_TOKEN-none}";
    for who_is_logged_in in ["nobody", "somebody"] {
        let run = scene.sekuire(&["exec", "--", "sh", "-c", names]).ok();
        assert_eq!(run, "sk_live_outside none none\n", "{who_is_logged_in}");
        let env = scene.sekuire(&["env", "--shell", "bash"]).ok();
        assert!(!env.contains("SEQERA_ACCESS_TOKEN") && !env.contains("TOWER_ACCESS_TOKEN"), "{env}");
        scene.log_in();
    }
}

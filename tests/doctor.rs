//! `seqera doctor` finds what is wrong, says what to do, and shows no secret while it does.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::{Home, Run};
use crate::support::login;
use crate::support::session::paths;

const PERSONAL: &str = "eyJ0aWQiOiAxMjN9LjAxMjM0NTY3ODlhYmNkZWY=";

/// A home in which everything is as it should be.
fn well() -> (Home, Platform) {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    home.run("seqera", &["configure", "git", "--quiet"], "").expect(0);
    home.run("seqera", &["configure", "docker", "--quiet"], "").expect(0);
    (home, platform)
}

#[track_caller]
fn wrong(home: &Home, about: &str, words: &str) -> Run {
    let run = home.run("seqera", &["doctor", "--quiet"], "").expect(1);
    let out = run.out();
    let line = out.lines().find(|line| line.starts_with(&format!("WRONG {about}:")) && line.contains(words));
    assert!(line.is_some_and(|line| line.contains("; ")), "{about}: {words}: {run:?}");
    run
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn where_nothing_is_wrong_it_says_so() {
    let (home, platform) = well();
    let run = home.run("seqera", &["doctor"], "").expect(0);
    for line in [
        "ok    seqera: ",
        "ok    git: uses ",
        "ok    git: asked itself, it reaches the helper",
        "it gets @token eyJ0...",
        "ok    store: what is stored comes back",
        "ok    docker: uses ",
        "ok    login: 'default' is there",
        "ok    clock: agrees",
        "note  store: ",
    ] {
        assert!(run.out().contains(line), "{line}: {run:?}");
    }
    let out = home.run("seqera", &["doctor", "--json"], "").ok();
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["ok"], true);
    assert!(report["findings"].as_array().unwrap().len() > 5);
    assert_eq!(home.run("seqera", &["doctor", "--quiet"], "").ok(), "");
    for secret in platform.issued_secrets() {
        assert!(!out.contains(&secret));
    }
}

#[test]
fn a_new_home_is_no_sick_home() {
    let home = Home::with_file_store();
    let run = home.run("seqera", &["doctor"], "").expect(0);
    assert!(run.out().contains("note  login: you are not logged in; log in with: seqera login"), "{run:?}");
    assert!(!paths(&home).store.exists(), "it changes nothing");
}

/// Through docker and skopeo, without a network: docker tells its engine, which the doctor plays.
#[test]
fn registries_are_asked_about_through_docker_and_skopeo() {
    let (home, _platform) = well();
    home.run("seqera", &["configure", "containers", "--quiet"], "").expect(0);
    let password = "pa55word-of-the-registry";
    for server in ["r.example:5000", "https://index.docker.io/v1/"] {
        let login = format!(r#"{{"ServerURL":"{server}","Username":"alice","Secret":"{password}"}}"#);
        home.run("docker-credential-seqera", &["store"], login).ok();
    }
    let config = home.path().join(".docker/config.json");
    let before = fs::read_to_string(&config).unwrap();
    let out = home.run("seqera", &["doctor"], "").ok();
    for line in [
        "ok    docker: asked for r.example:5000, it gets alice pa55...try",
        "ok    docker: asked for https://index.docker.io/v1/, it gets alice pa55...try",
        "ok    containers: asked for r.example:5000, skopeo gets alice ********",
        "ok    containers: asked for docker.io, skopeo gets alice ********",
    ] {
        assert!(out.contains(line), "{line}: {out}");
    }
    assert!(!out.contains(password) && fs::read_to_string(&config).unwrap() == before);
    // A login of docker's own that is not ours is what docker takes where another helper is named for the registry.
    let other = before.replace('}', r#", "credHelpers": {"r.example:5000": "none"}}"#);
    fs::write(&config, other).unwrap();
    let out = home.run("seqera", &["doctor"], "").ok();
    assert!(!out.contains("docker: asked for r.example:5000"), "{out}");
    // What is asked is docker, and not the helper: a docker that finds another program is seen.
    fs::write(&config, &before).unwrap();
    let folder = home.path().join("first");
    fs::create_dir(&folder).unwrap();
    let docker = home.run("sh", &["-c", "command -v docker"], "").ok();
    home.script(
        "docker",
        &format!("#!/bin/sh\nPATH={}:$PATH exec {} \"$@\"\n", folder.display(), docker.trim()),
    );
    let silent = home.write(
        "first/docker-credential-seqera",
        "#!/bin/sh\necho 'credentials not found in native keychain'; exit 1\n",
    );
    mode(&silent, 0o755);
    wrong(&home, "docker", "gets no answer for r.example:5000, which is stored");
}

#[test]
fn a_repository_that_resets_the_list_is_named() {
    let (home, _platform) = well();
    home.run("git", &["init", "--quiet", "work"], "").ok();
    home.run("git", &["-C", "work", "config", "--add", "credential.helper", ""], "").ok();
    let mut doctor = home.command("seqera");
    doctor.arg("doctor").current_dir(home.path().join("work"));
    let run = crate::support::home::run(doctor, "").expect(0);
    assert!(run.out().contains("note  git: in this folder it does not reach the helper"), "{run:?}");
    assert!(!home.run("seqera", &["doctor"], "").ok().contains("in this folder"));
}

#[test]
fn a_git_that_gets_no_answer_is_seen() {
    let (home, _platform) = well();
    // Another helper in front that ends the question.
    home.script("quits", "#!/bin/sh\necho quit=1\n");
    let quits = home.bin().join("quits");
    let config = home.path().join(".gitconfig");
    let before = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("[credential]\n\thelper = {}\n{before}", quits.display())).unwrap();
    wrong(&home, "git", "");
}

#[test]
fn a_store_that_cannot_be_written_is_seen() {
    let (home, _platform) = well();
    let script = "{ (ulimit -f 0; seqera doctor --quiet; echo \"code $?\") | cat; }";
    let out = home.run("sh", &["-c", script], "").ok();
    let line = out.lines().find(|line| line.starts_with("WRONG store: ")).unwrap_or_default();
    assert!(line.contains("; ") && out.ends_with("code 1\n"), "{out}");
}

#[test]
fn the_hook_is_seen_once_twice_and_not_at_all() {
    let (home, _platform) = well();
    let out = home.run("seqera", &["doctor"], "").ok();
    assert!(out.contains("note  hook: is in no start-up file"), "{out}");
    home.write(".bashrc", "eval \"$(seqera hook bash)\"\n");
    let out = home.run("seqera", &["doctor"], "").ok();
    assert!(
        out.contains(".bashrc, line 1") && out.contains("ok    hook: what it reads of 'default' is there"),
        "{out}"
    );
    home.write(".bashrc", "eval \"$(seqera hook bash)\"\nx=1\neval \"$(seqera hook bash)\"\n");
    wrong(&home, "hook", "more than once, lines 1, 3");
    home.write(".bashrc", "eval \"$(seqera hook bash)\"\n");
    // Both copies: this machine's, and the one in the home by which other hosts follow.
    let paths = paths(&home);
    fs::remove_file(paths.run.join("default.mark")).unwrap();
    fs::remove_file(paths.home_run.join("default.mark")).unwrap();
    wrong(&home, "hook", "what it reads of 'default' is not in");
}

#[test]
fn what_was_configured_and_is_gone_is_seen() {
    let (home, _platform) = well();
    fs::write(home.path().join(".gitconfig"), "").unwrap();
    wrong(&home, "git", "is not there any more");
}

#[test]
fn the_login_of_seqeras_own_program_and_its_organization_are_named() {
    let (home, platform) = well();
    home.run("seqera", &["org", "switch", "acme"], "").expect(0);
    let metadata = format!(
        r#"{{"user": {{"email": "ada@example.org"}}, "authDomain": "{}", "selected_organization": {{"org_id": 7, "org_name": "other"}}}}"#,
        platform.api()
    );
    home.write(".config/seqera-ai/auth-metadata.json", metadata);
    home.write(".config/seqera-ai/refresh-token", "r3fresh-token");
    let out = home.run("seqera", &["doctor"], "").ok();
    assert!(
        out.contains("keeps a login of ada@example.org") && out.contains("seqera import seqera"),
        "{out}"
    );
    assert!(out.contains("another organization: other") && !out.contains("r3fresh-token"), "{out}");
}

#[test]
fn a_proxy_is_named_without_its_password() {
    let (mut home, _platform) = well();
    home.set("HTTPS_PROXY", "http://me:pa55word@proxy.example:3128");
    let out = home.run("seqera", &["doctor"], "").ok();
    assert!(out.contains("ok    proxy: HTTPS_PROXY sends requests through proxy.example:3128"), "{out}");
    assert!(!out.contains("pa55word"), "{out}");
}

#[test]
fn another_seqera_in_front_is_seen() {
    let (mut home, _platform) = well();
    let theirs = home.write("lib/node_modules/seqera/seqera", "#!/bin/sh\n");
    mode(&theirs, 0o755);
    let before = home.path().join("lib/node_modules/seqera");
    home.set("PATH", format!("{}:{}:/usr/bin:/bin", before.display(), home.bin().display()));
    wrong(&home, "seqera", "Seqera's own program");
    home.set("PATH", "/usr/bin:/bin");
    wrong(&home, "seqera", "is not on your PATH");
    wrong(&home, "docker", "is told to use docker-credential-seqera, and does not find it");
}

#[test]
fn a_client_without_its_helper_is_seen() {
    let (home, _platform) = well();
    fs::write(home.path().join(".gitconfig"), "[credential]\n\thelper = /gone/git-credential-seqera\n")
        .unwrap();
    wrong(&home, "git", "does not find it");
    fs::write(home.path().join(".docker/config.json"), "{").unwrap();
    wrong(&home, "docker", "is not JSON");
}

#[test]
fn what_others_may_read_is_seen() {
    let (home, _platform) = well();
    let store = paths(&home).store;
    mode(&store, 0o755);
    wrong(&home, "store", "chmod 700");
    mode(&store, 0o700);
    mode(&store.join("key"), 0o644);
    wrong(&home, "store", "chmod 600");
    mode(&store.join("key"), 0o600);
    let auth = home.write(".nextflow/seqera-auth.config", format!("tower {{ accessToken = '{PERSONAL}' }}"));
    mode(&auth, 0o644);
    let run = wrong(&home, "nextflow", "chmod 600");
    assert!(!run.out().contains(PERSONAL));
    mode(&auth, 0o600);
    home.run("seqera", &["doctor"], "").expect(0);
}

#[test]
fn a_token_in_a_start_up_file_is_named_by_file_and_line() {
    let (home, _platform) = well();
    home.write(".bashrc", format!("alias ll='ls -l'\nexport TOWER_ACCESS_TOKEN={PERSONAL}\n"));
    home.write(".config/fish/config.fish", "\n\nset -gx SEQERA_ACCESS_TOKEN abcdef0123\n");
    home.write(".zshrc", "export TOWER_ACCESS_TOKEN=$(seqera token)\n");
    let pipe = home.path().join(".profile");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
        .unwrap();
    let run = wrong(&home, "start-up files", ".bashrc, line 2");
    wrong(&home, "start-up files", "config.fish, line 3");
    assert!(!run.out().contains(".zshrc") && !run.out().contains("abcdef0123"), "{run:?}");
    assert!(!run.out().contains("eyJ0aWQ"), "{run:?}");
}

#[test]
fn two_tokens_that_differ_are_wrong_and_one_that_hides_a_login_is_a_note() {
    let (mut home, _platform) = well();
    home.set("TOWER_ACCESS_TOKEN", "outside-one");
    let run = home.run("seqera", &["doctor"], "").expect(0);
    assert!(run.out().contains("note  environment: TOWER_ACCESS_TOKEN hides the login 'default'"), "{run:?}");
    home.set("SEQERA_ACCESS_TOKEN", "outside-two");
    let run = home.run("seqera", &["doctor"], "").expect(1);
    assert!(run.out().contains("WRONG environment: SEQERA_ACCESS_TOKEN and TOWER_ACCESS_TOKEN"), "{run:?}");
    assert!(!run.out().contains("outside-"), "{run:?}");
}

#[test]
fn a_login_that_ended_or_lost_its_box_is_seen() {
    let (home, platform) = well();
    login::with_token(&home, &platform, &["--profile", "old"]);
    login::change(&home, "old", |profile| profile.ended_at = Some(1_700_000_000));
    wrong(&home, "login", "'old' has ended; log in again with: seqera login --profile old");
    fs::remove_dir_all(paths(&home).store.join("session+default")).unwrap();
    wrong(&home, "login", "'default' has lost its tokens");
    home.write(paths(&home).state.join("profiles/torn.json"), "{");
    wrong(&home, "login", "'torn' cannot be read");
}

#[test]
fn a_server_that_does_not_answer_and_a_clock_that_is_wrong_are_seen() {
    let (home, platform) = well();
    platform.fault(Endpoint::ServiceInfo, Fault::Hangup);
    wrong(&home, "server", "broke before the answer");
    platform.clear_faults();
    platform.world(|world| world.settings.clock_skew = 3600);
    wrong(&home, "clock", "differs from the server's by 36");
}

#[test]
fn an_untrue_mark_is_seen() {
    let (home, _platform) = well();
    let mark = paths(&home).run.join("default.mark");
    let text = fs::read_to_string(&mark).unwrap();
    fs::write(&mark, text.replacen("default.", "default.9", 1)).unwrap();
    wrong(&home, "prompt", "is not true any more");
}

#[test]
fn a_keychain_that_is_gone_or_mute_is_told_apart_and_in_time() {
    let (mut home, _platform) = well();
    let store = paths(&home).store;
    fs::remove_file(store.join("key")).unwrap();
    home.write(store.join("keychain"), format!("{}\n", "ab".repeat(8)));
    home.set("SEQERA_HELPER_STORE", "auto");
    wrong(&home, "keychain", "no keychain can be reached");
    let bus = home.path().join("mute");
    let _bus = std::os::unix::net::UnixListener::bind(&bus).unwrap();
    home.set("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus.display()));
    let run = wrong(&home, "keychain", "did not answer in time");
    assert!(run.took < Duration::from_secs(12), "{run:?}");
}

#[test]
fn a_profile_in_use_that_is_not_there_is_seen() {
    let (mut home, _platform) = well();
    home.set("SEQERA_PROFILE", "missing");
    let out = home.run("seqera", &["doctor"], "").ok();
    assert!(out.contains("note  login: the profile in use, 'missing', has no login; "), "{out}");
    home.set("SEQERA_PROFILE", "../default");
    wrong(&home, "login", "SEQERA_PROFILE");
    let run = home.run("seqera", &["token"], "").expect(2);
    assert!(run.err().starts_with("seqera: SEQERA_PROFILE is not a valid profile name"), "{run:?}");
}

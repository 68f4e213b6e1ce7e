//! Subcommands that are not ours go to the next program called `seqera`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::platform::ai::AiBackend;
use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::{Home, run, until};
use crate::support::login;
use crate::support::session::{self, Token};

/// Says how it was called and with what.
const OTHER: &str = r#"#!/bin/sh
echo "other: $0"
for word; do echo "arg: $word"; done
for name in SEQERA_ACCESS_TOKEN TOWER_ACCESS_TOKEN TOWER_API_ENDPOINT SEQERA_AUTH_DOMAIN SEQERA_PLATFORM_API_URL SEQERA_AI_BACKEND_URL SEKUIRE_API_KEY SEQERA_TOKEN; do
  eval "value=\${$name-unset}"
  echo "$name=$value"
done
exit 7
"#;

fn program(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A home with Seqera's own program where its installer puts it.
fn with_other() -> Home {
    let home = Home::with_file_store();
    program(&home.path().join(".seqera/bin/seqera"), OTHER);
    home
}

/// Puts folders before and after ours on PATH.
fn path(home: &mut Home, folders: &[&str]) {
    let folders = folders.iter().map(|folder| home.path().join(folder));
    let path = std::env::join_paths(folders.chain(["/usr/bin".into(), "/bin".into()])).unwrap();
    home.set("PATH", path);
}

/// A home with Seqera's own program, a login, and an AI backend that the installation names.
fn lending() -> (Home, Platform, AiBackend, String) {
    let (home, platform) = (with_other(), Platform::start());
    let backend = AiBackend::start_named(&platform, "true");
    let token = login::with_token(&home, &platform, &[]);
    (home, platform, backend, token)
}

/// The value of a variable, as the other program has it.
fn value<'a>(out: &'a str, name: &str) -> &'a str {
    let line = out.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    line.unwrap_or_else(|| panic!("{name}: {out}"))
}

#[test]
fn what_is_not_ours_goes_over_with_all_its_arguments_and_its_exit_code() {
    let (home, platform, _backend, token) = lending();
    let run =
        home.run("seqera", &["ai", "--help", "-x", "--profile", "p", "a b", "--", "--version"], "").expect(7);
    let out = run.out();
    for word in ["ai", "--help", "-x", "--profile", "p", "a b", "--", "--version"] {
        assert!(out.contains(&format!("arg: {word}\n")), "{word}: {run:?}");
    }
    assert!(value(&out, "SEQERA_ACCESS_TOKEN").starts_with("eyJ0aWQiOiA"), "{out}");
    assert!(value(&out, "SEQERA_AI_BACKEND_URL").starts_with("http://127.0.0.1:"), "{out}");
    assert_eq!(value(&out, "SEQERA_AUTH_DOMAIN"), platform.api());
    assert_eq!(value(&out, "TOWER_ACCESS_TOKEN"), "unset");
    assert!(!out.contains(&token), "{out}");
    assert_eq!(run.err(), "");
}

/// Asks the backend as Seqera's program does, and shows its environment as an agent could.
const ASKS: &str = r#"#!/usr/bin/python3
import os, urllib.request as r
def ask(path):
    request = r.Request(os.environ["SEQERA_AI_BACKEND_URL"] + path)
    request.add_header("Authorization", "Bearer " + os.environ["SEQERA_ACCESS_TOKEN"])
    print(r.urlopen(request).read().decode())
ask("/v1/cli/organizations")
ask("/v1/cli/user-info")
for name, value in os.environ.items():
    print(f"{name}={value}")
"#;

#[test]
fn the_other_program_works_with_a_token_that_it_never_sees() {
    let (mut home, platform) = (with_other(), Platform::start());
    let backend = AiBackend::start_named(&platform, "true");
    // Renewed first, and the token of before is still what the hook of this shell exported.
    let login = session::logged_in(&home, &platform, Token::Dead);
    program(&home.path().join(".seqera/bin/seqera"), ASKS);
    let exports: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&home.run("seqera", &["env", "--json"], "").ok()).unwrap();
    for (name, exported) in &exports {
        if let Some(exported) = exported.as_str() {
            home.set(name, exported);
        }
    }
    let live = login.stored_access();
    home.set("MY_COPY", format!("Bearer {live}"));
    home.set("NO_PROXY", "proxy.example");
    home.set("HTTP_PROXY", "http://127.0.0.1:1");
    let out = home.run("seqera", &["info"], "").expect(0).out();
    assert!(out.contains("ada@example"), "{out}");
    for secret in platform.issued_secrets() {
        assert!(!out.contains(&secret), "a secret is in the environment: {out}");
    }
    for gone in ["MY_COPY", "TOWER_ACCESS_TOKEN", "SEQERA_ENV", "SEQERA_TOKEN_EXPIRES_AT"] {
        assert!(!out.contains(&format!("\n{gone}=")), "{gone}: {out}");
    }
    assert_eq!(value(&out, "NO_PROXY"), "proxy.example,127.0.0.1,localhost");
    assert_eq!(value(&out, "no_proxy"), "proxy.example,127.0.0.1,localhost");
    let log = std::path::PathBuf::from(value(&out, "SEQERA_LOG_FILE"));
    let folder = fs::metadata(log.parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o777, 0o700, "{log:?}");
    assert!(backend.asked().iter().all(|asked| asked.token.as_deref() == Some(live.as_str())));
    assert_eq!(backend.asked().len(), 2);
}

#[test]
fn a_wrapper_around_ours_leads_on_when_there_is_a_login_to_lend() {
    let (mut home, _platform, _backend, _) = lending();
    let wrapper = format!("#!/bin/sh\nexec {} \"$@\"\n", crate::support::seqera());
    program(&home.path().join("wrapper/seqera"), &wrapper);
    path(&mut home, &["wrapper", "bin"]);
    let out = home.run("seqera", &["ai"], "").expect(7).out();
    assert!(out.starts_with(&format!("other: {}/.seqera/bin/seqera\n", home.path().display())), "{out}");
}

#[test]
fn without_a_known_backend_nothing_is_sent_anywhere() {
    let (mut home, platform) = (with_other(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    for relay in ["", "off"] {
        home.set("SEQERA_HELPER_RELAY", relay);
        let run = home.run("seqera", &["ai", "why"], "").expect(7);
        assert_eq!(run.out(), "", "it was not run");
        assert!(
            run.err().contains("no AI backend is known") && run.err().contains("SEQERA_AI_BACKEND_URL"),
            "{run:?}"
        );
    }
    // To read about a command needs none; a token is not given then, either.
    let out = home.run("seqera", &["ai", "--help"], "").expect(7).out();
    assert!(!out.contains(&token) && value(&out, "SEQERA_ACCESS_TOKEN") == "unset", "{out}");
    let out = home.run("seqera", &["version", "-x"], "").expect(7).out();
    assert!(!out.contains(&token) && out.contains("arg: -x\n"), "{out}");
    home.set("SEQERA_AI_BACKEND_URL", "http://ai.example");
    assert!(home.run("seqera", &["ai"], "").expect(7).err().contains("is not an https address"));
}

#[test]
fn the_settings_of_seqeras_program_name_the_backend_of_their_own_authority() {
    let (home, platform) = (with_other(), Platform::start());
    let backend = AiBackend::start(&platform, "true");
    login::with_token(&home, &platform, &[]);
    program(&home.path().join(".seqera/bin/seqera"), ASKS);
    let config =
        |authority: &str| format!(r#"{{"authDomain":"{authority}","backendUrl":"{}"}}"#, backend.origin);
    home.write(".config/seqera-ai/config.json", config("https://cloud.seqera.io/api"));
    home.run("seqera", &["info"], "").expect(7);
    home.write(".config/seqera-ai/config.json", config(&platform.api()));
    home.run("seqera", &["info"], "").expect(0);
    assert_eq!(backend.asked().len(), 2);
}

#[test]
fn a_relay_that_is_off_hands_the_token_over_with_all_its_life() {
    let (mut home, platform) = (with_other(), Platform::start());
    let backend = AiBackend::start_named(&platform, "true");
    let login = session::logged_in(&home, &platform, Token::Ageing);
    home.set("SEQERA_HELPER_RELAY", "off");
    let out = home.run("seqera", &["ai"], "").expect(7).out();
    let given = value(&out, "SEQERA_ACCESS_TOKEN").to_owned();
    assert_ne!(given, login.access, "it was renewed before it was given away for good");
    assert_eq!(given, login.stored_access());
    assert_eq!(value(&out, "TOWER_ACCESS_TOKEN"), given);
    assert_eq!(value(&out, "TOWER_API_ENDPOINT"), platform.api());
    assert_eq!(value(&out, "SEQERA_AI_BACKEND_URL"), backend.origin);
}

#[test]
fn the_relay_is_a_switch_like_any_other() {
    let (mut home, platform) = (with_other(), Platform::start());
    let _backend = AiBackend::start_named(&platform, "true");
    let token = login::with_token(&home, &platform, &[]);
    let gets_token = |home: &Home| home.run("seqera", &["ai"], "").expect(7).out().contains(&token);
    for (value, relays) in [
        ("off", false),
        ("OFF ", false),
        ("false", false),
        ("0", false),
        ("no", false),
        ("on", true),
        ("1", true),
        ("", true),
    ] {
        home.set("SEQERA_HELPER_RELAY", value);
        assert_eq!(gets_token(&home), !relays, "{value}");
        let status = home.run("seqera", &["status"], "").ok();
        assert_eq!(status.contains("the relay is turned off (SEQERA_HELPER_RELAY"), !relays, "{status}");
        let listed = home.run("seqera", &["config", "get", "seqera.relay"], "").ok();
        assert_eq!(listed.trim(), relays.to_string());
    }
    home.set("SEQERA_HELPER_RELAY", "nope");
    let run = home.run("seqera", &["ai"], "").expect(2);
    assert!(run.out().is_empty() && run.err().contains("SEQERA_HELPER_RELAY is 'nope'"), "{run:?}");
    assert!(home.run("seqera", &["status"], "").ok().contains("SEQERA_HELPER_RELAY is 'nope'"));
    home.set("SEQERA_HELPER_RELAY", "");
    home.run("seqera", &["config", "set", "seqera.relay", "false"], "").expect(0);
    assert!(gets_token(&home));
    home.set("SEQERA_HELPER_RELAY", "on");
    assert!(!gets_token(&home));
}

#[test]
fn wave_gets_the_token_itself() {
    let (home, platform) = (with_other(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    let out = home.run("seqera", &["containers", "build"], "").expect(7).out();
    assert_eq!(value(&out, "TOWER_ACCESS_TOKEN"), token);
    assert_eq!(value(&out, "TOWER_API_ENDPOINT"), platform.api());
}

#[test]
fn signals_reach_the_other_program_and_its_end_is_ours() {
    let (home, _platform, _backend, _) = lending();
    let script = "#!/bin/sh\ntrap 'exit 33' TERM\necho > started\nwhile :; do sleep 0.05; done\n";
    program(&home.path().join(".seqera/bin/seqera"), script);
    let mut command = home.command("seqera");
    let mut child = command.arg("ai").spawn().unwrap();
    until(Duration::from_secs(30), "it begins", || home.path().join("started").exists());
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(33));
    program(&home.path().join(".seqera/bin/seqera"), "#!/bin/sh\nkill -KILL $$\n");
    assert_eq!(home.run("seqera", &["ai"], "").code(), 128 + 9);
}

#[test]
fn a_token_and_the_address_of_another_server_are_not_handed_over_together() {
    let (home, platform, _backend, token) = lending();
    for variable in ["SEQERA_PLATFORM_API_URL", "TOWER_API_ENDPOINT"] {
        let hand_over = |words: &[&str]| {
            let mut command = home.command("seqera");
            command.args(words).env(variable, "https://elsewhere.example/api");
            command.env("SEQERA_HELPER_RELAY", "off");
            run(command, "").expect(7)
        };
        let run = hand_over(&["info"]);
        assert!(run.err().contains(&format!("{variable} names another server than your login")), "{run:?}");
        assert!(!run.out().contains(&token), "{run:?}");
        // A login that was named is meant, and then its server is.
        let run = hand_over(&["--profile", "default", "info"]);
        assert!(run.out().contains(&token) && !run.out().contains("elsewhere"), "{run:?}");
    }
    let mut same = home.command("seqera");
    same.arg("info").env("SEQERA_PLATFORM_API_URL", format!(" {}// ", platform.api()));
    same.env("SEQERA_HELPER_RELAY", "off");
    assert!(run(same, "").expect(7).out().contains(&token), "the same place, as a login reads it");
}

#[test]
fn the_token_is_fresh() {
    let (mut home, platform) = (with_other(), Platform::start());
    let _backend = AiBackend::start_named(&platform, "true");
    home.set("SEQERA_HELPER_RELAY", "off");
    let login = session::logged_in(&home, &platform, Token::Dead);
    let out = home.run("seqera", &["info"], "").expect(7).out();
    assert_eq!(platform.count_grant("refresh_token"), 1);
    assert!(!out.contains(&login.access) && !out.contains("SEQERA_ACCESS_TOKEN=unset"), "{out}");
}

#[test]
fn the_next_program_on_path_is_taken_and_links_to_us_are_not() {
    let mut home = with_other();
    for folder in ["links", "hard", "next"] {
        fs::create_dir(home.path().join(folder)).unwrap();
    }
    symlink(crate::support::seqera(), home.path().join("links/seqera")).unwrap();
    symlink(home.path().join("links/seqera"), home.path().join("hard/seqera")).unwrap();
    program(&home.path().join("next/seqera"), OTHER);
    fs::set_permissions(home.path().join("next/seqera"), fs::Permissions::from_mode(0o755)).unwrap();
    path(&mut home, &["links", "bin", "hard", "next"]);
    let out = home.run("seqera", &["skill"], "").expect(7).out();
    assert!(out.starts_with(&format!("other: {}\n", home.path().join("next/seqera").display())), "{out}");
    // What is no program, or lies wherever we are, does not count.
    fs::set_permissions(home.path().join("next/seqera"), fs::Permissions::from_mode(0o644)).unwrap();
    program(&home.path().join("seqera"), "#!/bin/sh\necho hostile\n");
    home.set("PATH", format!(".::{}:/usr/bin:/bin", home.path().join("next").display()));
    let out = home.run("seqera", &["skill"], "").expect(7).out();
    assert!(out.starts_with(&format!("other: {}/.seqera/bin/seqera\n", home.path().display())), "{out}");
}

#[test]
fn nobody_to_hand_over_to_is_127() {
    let mut home = Home::with_file_store();
    path(&mut home, &["bin"]);
    let run = home.run("seqera", &["a\u{1b}[31mi"], "").expect(127);
    assert!(
        run.err().contains("is not a command of this program") && !run.err().contains('\u{1b}'),
        "{run:?}"
    );
    assert_eq!(run.out(), "");
}

#[test]
fn a_copy_of_ours_and_a_wrapper_around_ours_lead_on_to_the_other() {
    let mut home = with_other();
    fs::create_dir(home.path().join("copy")).unwrap();
    fs::copy(crate::support::seqera(), home.path().join("copy/seqera")).unwrap();
    let wrapper = format!("#!/bin/sh\nexec {} \"$@\"\n", crate::support::seqera());
    program(&home.path().join("wrapper/seqera"), &wrapper);
    path(&mut home, &["wrapper", "copy", "bin"]);
    let out = home.run("seqera", &["ai"], "").expect(7).out();
    assert!(out.starts_with(&format!("other: {}/.seqera/bin/seqera\n", home.path().display())), "{out}");
}

#[test]
fn programs_that_run_each_other_come_to_an_end() {
    let mut home = Home::with_file_store();
    // Not by exec: each turn is a process of its own.
    let wrapper = format!("#!/bin/sh\n{} \"$@\"\nexit $?\n", crate::support::seqera());
    program(&home.path().join("wrapper/seqera"), &wrapper);
    path(&mut home, &["bin", "wrapper"]);
    let run = home.run("seqera", &["ai"], "").expect(1);
    assert!(run.err().contains("hand over to each other without end"), "{run:?}");
}

#[test]
fn a_token_on_the_command_line_goes_through_the_environment() {
    let (home, platform) = (with_other(), Platform::start());
    let backend = AiBackend::start_named(&platform, "true");
    login::with_token(&home, &platform, &[]);
    for args in [&["ai", "--token", "given-T", "why"][..], &["ai", "why", "--token=given-T"]] {
        let run = home.run("seqera", args, "").expect(7);
        assert!(
            run.out()
                .contains("arg: ai\narg: why\nSEQERA_ACCESS_TOKEN=given-T\nTOWER_ACCESS_TOKEN=given-T\n"),
            "{run:?}"
        );
        assert_eq!(value(&run.out(), "SEQERA_AI_BACKEND_URL"), backend.origin);
    }
}

/// Seqera's program sends a token to Cloud's backend wherever none is named.
#[test]
fn a_token_from_outside_stands_beside_no_other_installations_backend() {
    let (mut home, platform) = (with_other(), Platform::start());
    let token = platform.personal_token();
    let hand_over = |home: &Home, words: &[&str]| home.run("seqera", words, "").expect(7);
    let ways: [(&str, Option<&str>, &[&str]); 4] = [
        ("TOWER_API_ENDPOINT", Some("SEQERA_ACCESS_TOKEN"), &["ai", "why"]),
        ("SEQERA_PLATFORM_API_URL", Some("TOWER_ACCESS_TOKEN"), &["ai", "why"]),
        ("SEQERA_AUTH_DOMAIN", Some("SEQERA_TOKEN"), &["info"]),
        ("TOWER_API_ENDPOINT", None, &["ai", "--token", &token, "why"]),
    ];
    for (endpoint, variable, words) in ways {
        let mut home = with_other();
        home.set(endpoint, platform.api());
        if let Some(variable) = variable {
            home.set(variable, &token);
        }
        let run = hand_over(&home, words);
        assert!(run.out().is_empty() && run.err().contains("no AI backend is known"), "{endpoint}: {run:?}");
        assert!(!run.err().contains(&token), "{run:?}");
        // What asks no backend, and Wave, which is no backend, get what they would without us.
        for words in [&["ai", "--help"][..], &["version"], &["containers", "build"]] {
            assert!(hand_over(&home, words).out().starts_with("other: "), "{words:?}");
        }
        // One that is named is the one.
        home.set("SEQERA_AI_BACKEND_URL", "https://ai.example/");
        let out = hand_over(&home, words).out();
        assert!(
            out.contains(&token) && value(&out, "SEQERA_AI_BACKEND_URL") == "https://ai.example/",
            "{out}"
        );
        home.set("SEQERA_AI_BACKEND_URL", "http://ai.example");
        assert!(hand_over(&home, words).err().contains("is not an https address"));
    }
    // The login in use says where a token is for, where the environment does not.
    login::with_token(&home, &platform, &[]);
    home.set("TOWER_ACCESS_TOKEN", &token);
    assert!(hand_over(&home, &["ai"]).err().contains("no AI backend is known"));
    let backend = AiBackend::start_named(&platform, "true");
    let out = hand_over(&home, &["ai"]).out();
    assert_eq!(value(&out, "SEQERA_AI_BACKEND_URL"), backend.origin);
    assert_eq!((value(&out, "SEQERA_ACCESS_TOKEN"), value(&out, "TOWER_ACCESS_TOKEN")), ("unset", &*token));
    // Cloud's token goes to Cloud's.
    home.set("TOWER_API_ENDPOINT", "https://cloud.seqera.io/api");
    let out = hand_over(&home, &["ai"]).out();
    assert_eq!(value(&out, "SEQERA_AI_BACKEND_URL"), "https://ai-api.cloud.seqera.io");
}

#[test]
fn who_is_not_logged_in_is_handed_over_without_a_token() {
    let mut home = with_other();
    home.set("SEQERA_AI_BACKEND_URL", "https://ai.example");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.out().contains("SEQERA_ACCESS_TOKEN=unset\nTOWER_ACCESS_TOKEN=unset\n"), "{run:?}");
    assert!(run.out().contains("SEQERA_AI_BACKEND_URL=https://ai.example\n"), "{run:?}");
    assert_eq!(run.err(), "");
}

#[test]
fn who_names_a_login_that_is_not_there_gets_no_other() {
    let mut home = with_other();
    home.set("SEQERA_AI_BACKEND_URL", "https://ai.example");
    for name in ["nope", "default"] {
        let run = home.run("seqera", &["--profile", name, "ai", "x"], "").expect(3);
        assert!(run.out().is_empty() && run.err().contains("you are not logged in"), "{run:?}");
    }
    home.run("seqera", &["--profile", "nope", "ai", "--help"], "").expect(7);
    home.run("seqera", &["--profile", "nope", "version"], "").expect(7);
    login::sekuire(&home, "other");
    let run = home.run("seqera", &["--profile", "other", "ai"], "").expect(2);
    assert!(run.out().is_empty() && run.err().contains("is a login of sekuire"), "{run:?}");
    for name in ["nope", "default"] {
        home.set("SEQERA_PROFILE", name);
        assert!(home.run("seqera", &["ai", "x"], "").expect(3).out().is_empty());
    }
    home.set("SEQERA_PROFILE", "");
    let here = home.path().display().to_string();
    home.write(".config/seqera-credential-helper/config.toml", format!("[folders]\n'{here}' = 'default'\n"));
    let mut command = home.command("seqera");
    let out = command.args(["ai", "x"]).current_dir(home.path()).output().unwrap();
    assert_eq!((out.status.code(), out.stdout.len()), (Some(3), 0), "{out:?}");
}

#[test]
fn the_version_of_the_other_program_needs_no_backend() {
    let (home, platform) = (with_other(), Platform::start());
    login::with_token(&home, &platform, &[]);
    assert!(home.run("seqera", &["ai"], "").expect(7).out().is_empty());
    assert!(home.run("seqera", &["ai", "--version"], "").expect(7).out().contains("arg: --version"));
}

#[test]
fn what_goes_past_the_proxy_stays_so() {
    let (mut home, _platform, _backend, _) = lending();
    program(
        &home.path().join(".seqera/bin/seqera"),
        "#!/bin/sh\necho \"NO_PROXY=$NO_PROXY\"\necho \"no_proxy=$no_proxy\"\n",
    );
    home.set("NO_PROXY", "*");
    let out = home.run("seqera", &["ai"], "").ok();
    assert_eq!((value(&out, "NO_PROXY"), value(&out, "no_proxy")), ("*", "*"));
    home.set("no_proxy", "a.example");
    let out = home.run("seqera", &["ai"], "").ok();
    assert_eq!((value(&out, "NO_PROXY"), value(&out, "no_proxy")), ("*", "a.example,127.0.0.1,localhost"));
}

#[test]
fn an_unreachable_server_is_said_and_does_not_stop_the_other_program() {
    let (home, platform) = (with_other(), Platform::start());
    session::logged_in(&home, &platform, Token::Dead);
    platform.fault(Endpoint::Token, Fault::ServiceUnavailable);
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.err().contains("going on without a token"), "{run:?}");
    assert!(run.out().contains("SEQERA_ACCESS_TOKEN=unset"), "{run:?}");
}

#[test]
fn what_the_person_set_stays() {
    let (mut home, platform) = (with_other(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    home.set("TOWER_API_ENDPOINT", "https://tower.example/api");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(!run.out().contains(&token), "the login's token is not for that server: {run:?}");
    assert!(run.out().contains("TOWER_API_ENDPOINT=https://tower.example/api"), "{run:?}");
    home.set("TOWER_ACCESS_TOKEN", "outside");
    home.set("SEQERA_AI_BACKEND_URL", "https://ai.tower.example");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.out().contains("SEQERA_ACCESS_TOKEN=unset\nTOWER_ACCESS_TOKEN=outside\n"), "{run:?}");
}

#[test]
fn a_key_of_the_other_platform_stays_here() {
    let home = with_other();
    login::sekuire(&home, "default");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.out().contains("SEKUIRE_API_KEY=unset"), "{run:?}");
}

/// Who can put another program in its place gets what is handed over.
#[test]
fn a_next_program_that_others_may_replace_gets_nothing() {
    let mut home = Home::with_file_store();
    let other = home.path().join("next/seqera");
    program(&other, OTHER);
    path(&mut home, &["bin", "next"]);
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for (folder_mode, file_mode) in [(0o777, 0o755), (0o757, 0o755), (0o755, 0o777), (0o755, 0o757)] {
        mode(&home.path().join("next"), folder_mode);
        mode(&other, file_mode);
        let run = home.run("seqera", &["info"], "").expect(7);
        assert!(run.stdout.is_empty(), "{folder_mode:o} {file_mode:o}: {run:?}");
        assert!(run.err().contains("other users may replace"), "{run:?}");
    }
    mode(&home.path().join("next"), 0o755);
    mode(&other, 0o755);
    assert!(home.run("seqera", &["info"], "").expect(7).out().contains("arg: info"));
    // The first that may be trusted is taken.
    let second = home.path().join("second/seqera");
    program(&second, OTHER);
    path(&mut home, &["bin", "next", "second"]);
    mode(&other, 0o777);
    let run = home.run("seqera", &["info"], "").expect(7);
    assert!(run.out().contains(second.to_str().unwrap()), "{run:?}");
}

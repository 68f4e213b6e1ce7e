//! `seqera login`, `logout` and `lock`, against the Platform on loopback.

mod attacks;
mod certified;
mod chromium;
mod faults;
mod logout;
mod roads;
mod scene;
mod terminal;

use crate::platform::{Endpoint, Standing};
use scene::Scene;

/// The lines that the documentation of Seqera's own program promises, in their order.
fn login_lines(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("[Login]")).collect()
}

#[test]
fn a_person_with_one_organization_is_in_with_one_click() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let (run, page) = scene.login_and_allow(&[]);
    let run = run.expect(0);
    assert_eq!(
        login_lines(&run.err()),
        [
            "[Login] Starting Seqera CLI authentication...",
            "[Login] ✓ Authentication successful!",
            "[Login] ✓ Organization set: solo",
        ]
    );
    assert!(run.err().contains("Logged in as: grace@example.org"), "{run:?}");
    assert_eq!(run.out(), "");
    assert!(run.err().contains("debug http: POST "), "the trace is on: {run:?}");
    assert_eq!(page.status, 200);
    assert!(page.body.contains("You are logged in") && page.body.contains("grace@example.org"));
    let profile = scene.profile("default").unwrap();
    assert_eq!(profile["organization"]["name"], "solo");
    assert_eq!(profile["account_id"], "1002");
    assert_eq!(profile["method"], "browser");
    assert_eq!(profile["renews"], true);
    assert!(!scene.is_logged_out());
    let token = scene.home.run("seqera", &["token"], "").ok();
    assert!(scene.platform.issued_secrets().contains(&token.trim().to_owned()));
    scene.assert_nothing_leaked();
}

#[test]
fn the_server_is_asked_as_seqeras_own_program_asks() {
    let mut scene = Scene::new();
    scene.home.set("SEQERA_AUTH_CLI_CLIENT_ID", "nextflow_cli");
    scene.home.set("SEQERA_AUTH_AUDIENCE", "elsewhere");
    scene.login_and_allow(&[]).0.expect(0);
    let asked = scene.platform.world(|world| world.requests.authorizations.clone());
    assert_eq!(asked[0]["client_id"], "nextflow_cli");
    assert_eq!(asked[0]["audience"], "elsewhere");
    assert_eq!(asked[0]["scope"], "openid profile email offline_access");
    assert_eq!(asked[0]["code_challenge_method"], "S256");
}

#[test]
fn without_a_terminal_several_organizations_are_named_and_none_is_chosen() {
    let scene = Scene::new();
    let (run, _) = scene.login_and_allow(&[]);
    let run = run.expect(0);
    assert!(run.err().contains("acme, community") && run.err().contains("seqera org switch NAME"), "{run:?}");
    assert!(scene.profile("default").unwrap()["organization"].is_null());
    scene.assert_nothing_leaked();
}

#[test]
fn organizations_come_from_the_list_of_workspaces_where_there_is_no_other() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    scene.platform.without(Endpoint::Organizations);
    let (run, _) = scene.login_and_allow(&[]);
    assert!(run.expect(0).err().contains("[Login] ✓ Organization set: solo"));
}

#[test]
fn somebody_in_no_organization_is_logged_in_all_the_same() {
    let scene = Scene::new();
    scene.platform.sign_in("alan");
    let (run, _) = scene.login_and_allow(&[]);
    let run = run.expect(0);
    assert_eq!(login_lines(&run.err()).len(), 2, "{run:?}");
}

#[test]
fn names_that_do_harm_do_none() {
    let scene = Scene::new();
    scene.platform.world(|world| world.people.make_names_hostile());
    let (run, _) = scene.login_and_allow(&[]);
    let run = run.expect(0);
    let text = run.err();
    assert!(!text.chars().any(|c| c.is_control() && c != '\n') && !text.contains('\u{202e}'), "{text:?}");
    assert!(!scene.home.path().join("pwned").exists());
}

#[test]
fn whoever_logs_in_again_keeps_the_organization_and_the_new_tokens() {
    let scene = Scene::new();
    scene.platform.world(|world| world.settings.revocation_ends_consent = true);
    scene.platform.sign_in("grace");
    scene.login_and_allow(&[]).0.expect(0);
    let first = scene.profile("default").unwrap();
    let (run, _) = scene.login_and_allow(&[]);
    assert!(run.expect(0).err().contains("[Login] ✓ Organization set: solo"));
    let second = scene.profile("default").unwrap();
    assert!(second["generation"].as_u64() > first["generation"].as_u64());
    assert_eq!(scene.platform.standings().last(), Some(&Standing::Live));
    scene.seqera(&["token"], "").expect(0);
}

#[test]
fn the_tokens_of_another_account_end_when_theirs_is_taken_over() {
    let scene = Scene::new();
    scene.platform.sign_in("ada");
    scene.login_and_allow(&[]).0.expect(0);
    scene.platform.sign_in("grace");
    scene.login_and_allow(&["--replace"]).0.expect(0);
    assert_eq!(scene.platform.standings(), [Standing::Revoked, Standing::Live]);
}

#[test]
fn the_first_login_is_the_one_in_use_whatever_it_is_called() {
    let scene = Scene::new();
    scene.login_and_allow(&["--profile", "work"]).0.expect(0);
    scene.platform.sign_in("grace");
    scene.login_and_allow(&["--profile", "home"]).0.expect(0);
    let token = |args: &[&str]| scene.home.run("seqera", args, "").ok();
    assert_eq!(token(&["token"]), token(&["token", "--profile", "work"]));
    assert_ne!(token(&["token"]), token(&["token", "--profile", "home"]));
    assert!(scene.profile("default").is_none());
}

#[test]
fn what_a_login_says_to_do_next_is_for_the_profile_that_was_named() {
    let scene = Scene::new();
    let run = scene.login_and_allow(&["--profile", "work"]).0.expect(0);
    assert!(run.err().contains("Choose one with: seqera org switch NAME --profile work\n"), "{run:?}");
    let run = scene.seqera(&["login", "--with-token", "--profile", "lab"], "").expect(2);
    let api = scene.platform.api();
    let next = format!("seqera login --endpoint {api} --profile lab --with-token < token.txt");
    assert!(run.err().contains(&next), "{run:?}");
}

#[test]
fn a_device_without_a_browser_shows_a_code() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let mut terminal = scene.terminal(&["login", "--device"]);
    terminal.sees(r"and type the code:  (\S+)");
    // The code is in what is shown so far; the picture of it follows.
    let code = terminal.shown().rsplit("  ").next().unwrap().trim().to_owned();
    terminal.sees("▀");
    scene.platform.approve_device(&code);
    let (status, text) = terminal.ends();
    assert_eq!(status, 0, "{text}");
    assert!(text.contains("[Login] ✓ Organization set: solo"), "{text}");
    assert_eq!(scene.profile("default").unwrap()["method"], "device");
    scene.assert_nothing_leaked();
}

#[test]
fn a_token_is_asked_about_before_it_is_kept() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let token = scene.platform.personal_token();
    let run = scene.seqera(&["login", "--with-token"], &format!("{token}\n")).expect(0);
    assert!(run.err().contains("[Login] ✓ Organization set: solo"), "{run:?}");
    assert_eq!(scene.home.run("seqera", &["token"], "").ok(), format!("{token}\n"));
    assert_eq!(scene.profile("default").unwrap()["method"], "token");
    assert_eq!(scene.profile("default").unwrap()["renews"], false);
    scene.assert_nothing_leaked();
}

#[test]
fn the_end_of_a_jwt_is_known_without_being_told() {
    use crate::platform::Fault;
    let scene = Scene::new();
    scene.platform.fault_next(1, Endpoint::Token, Fault::NoExpiresIn);
    scene.platform.world(|world| world.settings.clock_skew = 7200);
    scene.login_and_allow(&[]).0.expect(0);
    assert!(scene.platform.all_faults_happened());
    let profile = scene.profile("default").unwrap();
    let left = profile["access_expires_at"].as_i64().unwrap() - profile["logged_in_at"].as_i64().unwrap();
    assert!((3590..=3600).contains(&left), "an hour by our clock, whatever the server's says: {left}");
}

#[test]
fn an_end_that_nobody_tells_is_said_to_be_unknown() {
    use crate::platform::Fault;
    let scene = Scene::new();
    scene.platform.fault_next(1, Endpoint::Token, Fault::NoExpiresIn);
    scene.platform.world(|world| world.settings.opaque_access_tokens = true);
    let (run, _) = scene.login_and_allow(&[]);
    assert!(run.expect(0).err().contains("does not say when this login ends"));
    assert!(scene.profile("default").unwrap()["access_expires_at"].is_null());
}

#[test]
fn over_ssh_the_way_back_is_shown_and_no_browser_is_guessed() {
    let mut scene = Scene::new();
    scene.home.set("BROWSER", "");
    scene.home.set("SSH_CONNECTION", "198.51.100.7 50222 203.0.113.5 2222");
    scene.home.set("USER", "ada");
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees(r"No browser is opened, since you are here over SSH");
    terminal.sees(r"http://127.0.0.1:\d+/api/authorize\?\S+");
    let url = terminal.shown().split_whitespace().last().unwrap().to_owned();
    let address = scene.platform.approve(&url);
    let port = url::Url::parse(&address).unwrap().port().unwrap();
    terminal.sees(&format!(r"ssh -N -L {port}:127.0.0.1:{port} -p 2222 ada@203.0.113.5\r\n"));
    terminal.sees("paste the address");
    terminal.types(&address);
    terminal.sees("Which organization");
    terminal.types("2");
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("[Login] ✓ Organization set: community"), "{text}");
}

#[test]
fn no_browser_means_none() {
    for (variable, args) in [("", &["--no-browser"][..]), ("SEQERA_BROWSER_AUTO_OPEN", &[])] {
        let mut scene = Scene::new();
        if !variable.is_empty() {
            scene.home.set(variable, "false");
        }
        let run = scene.seqera(&[&["login", "--timeout", "1"], args].concat(), "").expect(8);
        assert!(run.err().contains("In your browser, go to:"), "{run:?}");
        assert!(!scene.home.path().join("url").exists());
    }
}

#[test]
fn without_a_browser_named_the_desktop_opens_its_own() {
    let mut scene = Scene::new();
    scene.platform.sign_in("grace");
    scene.home.set("BROWSER", "");
    // On this side of Windows a screen is known to be there, in a container of a test as well.
    scene.home.set("WSL_DISTRO_NAME", "Debian");
    std::os::unix::fs::symlink(scene.home.bin().join("browser"), scene.home.bin().join("xdg-open")).unwrap();
    let run = scene.login_and_allow(&[]).0.expect(0);
    assert!(run.err().contains("Your browser opens."), "{run:?}");
}

/// The current folder may be anybody's, and a browser has no use for a token.
#[test]
fn no_browser_is_run_from_the_current_folder_and_none_gets_a_token() {
    for chosen in ["", "firefox"] {
        let mut scene = Scene::new();
        scene.platform.sign_in("grace");
        scene.home.set("BROWSER", chosen);
        scene.home.set("WSL_DISTRO_NAME", "Debian");
        scene.home.set("SEKUIRE_API_KEY", "secret-token");
        let name = if chosen.is_empty() { "xdg-open" } else { chosen };
        scene.home.script(name, "#!/bin/sh\nenv >\"$HOME/seen\"\nexec \"$HOME/bin/browser\" \"$@\"\n");
        let theirs = scene.home.write(name, "#!/bin/sh\ntouch \"$HOME/they-ran\"\n");
        std::fs::set_permissions(theirs, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let machine = std::env::var("PATH").unwrap();
        scene.home.set("PATH", format!(".::{}:{machine}:", scene.home.bin().display()));
        scene.login_and_allow(&[]).0.expect(0);
        assert!(!scene.home.path().join("they-ran").exists(), "{name}");
        let seen = std::fs::read_to_string(scene.home.path().join("seen")).unwrap();
        assert!(seen.contains("HOME=") && !seen.contains("secret-token"), "{seen}");
    }
}

#[test]
fn browser_is_a_command_and_no_shell_reads_it() {
    let mut scene = Scene::new();
    scene.platform.sign_in("grace");
    let browser = scene.home.bin().join("browser");
    // The first is not there, the second wants the address in its place, and neither is a shell's to read.
    let line = format!("nowhere;touch$IFS./pwned:{} %s --new-window", browser.display());
    scene.home.set("BROWSER", line);
    scene.login_and_allow(&[]).0.expect(0);
    assert!(scene.opened().starts_with(&scene.platform.api()));
    assert!(!scene.home.path().join("pwned").exists());
}

#[test]
fn quiet_says_what_is_needed_and_nothing_else() {
    let scene = Scene::new();
    let mut command = scene.command(&["login", "--quiet", "--timeout", "1", "--no-browser"]);
    command.env_remove("SEQERA_HELPER_LOG");
    let run = scene.keep(crate::support::home::run(command, "")).expect(8);
    assert!(!run.err().contains("[Login]") && run.err().contains("/api/authorize?"), "{run:?}");
}

#[test]
fn where_the_usual_port_is_taken_the_next_free_one_is_named() {
    // Whoever has it, this test or another program: it is taken.
    let _taken = std::net::TcpListener::bind("127.0.0.1:53682");
    let mut scene = Scene::new();
    scene.home.set("SEQERA_AUTH_REDIRECT_PORT", "");
    scene.platform.sign_in("grace");
    let (run, _) = scene.login_and_allow(&[]);
    assert!(run.expect(0).err().contains("Port 53682 is taken; the browser comes back to port 536"));
}

#[test]
fn a_token_in_the_environment_is_said_to_hide_the_login() {
    let mut scene = Scene::new();
    scene.home.set("SEQERA_ACCESS_TOKEN", "hunter2");
    let run = scene.login_and_allow(&[]).0.expect(0);
    assert!(run.err().contains("SEQERA_ACCESS_TOKEN hides the login"), "{run:?}");
    assert!(!run.err().contains("hunter2"), "{run:?}");
}

#[test]
fn without_a_keychain_the_file_is_chosen_aloud_and_once() {
    let mut scene = Scene::new();
    scene.home.set("SEQERA_HELPER_STORE", "");
    let first = scene.login_and_allow(&[]).0.expect(0).err();
    let second = scene.login_and_allow(&["--profile", "work"]).0.expect(0).err();
    let notice = format!("no keychain here: credentials are kept in {}", scene.paths().store.display());
    assert!(first.contains(&notice) && !second.contains(&notice), "{first}\n{second}");
}

#[test]
fn a_device_that_is_refused_is_not_logged_in() {
    let scene = Scene::new();
    let mut terminal = scene.terminal(&["login", "--device"]);
    terminal.sees(r"and type the code:  \S+");
    let code = terminal.shown().rsplit("  ").next().unwrap().trim().to_owned();
    scene.platform.deny_device(&code);
    let (status, text) = terminal.ends();
    assert_eq!(status, 1, "{text}");
    assert!(text.contains("access was not granted") && scene.is_logged_out(), "{text}");
}

#[test]
fn lock_is_quick_and_quiet() {
    let scene = Scene::new();
    let mut command = scene.command(&["lock"]);
    command.env_remove("SEQERA_HELPER_LOG");
    let run = crate::support::home::run(command, "").expect(0);
    assert_eq!((run.out(), run.err()), (String::new(), String::new()));
}

/// As after `su`, which leaves the variable of whoever called it.
#[test]
fn a_runtime_folder_that_cannot_be_written_makes_prompts_wrong_and_no_login() {
    let mut scene = Scene::new();
    scene.home.set("XDG_RUNTIME_DIR", scene.home.write("theirs", ""));
    for _ in 0..2 {
        let (run, page) = scene.login_and_allow(&[]);
        run.expect(0);
        assert!(page.body.contains("You are logged in"), "{}", page.body);
        scene.seqera(&["whoami"], "").expect(0);
    }
    scene.seqera(&["workspace", "clear"], "").expect(0);
    scene.seqera(&["profile", "rename", "default", "work"], "").expect(0);
    let run = scene.seqera(&["logout", "--profile", "work"], "").expect(0);
    assert!(run.err().contains("Logged out: ada@example.org"), "{run:?}");
    assert_eq!(scene.platform.standings().last(), Some(&crate::platform::Standing::Revoked));
    assert!(scene.is_logged_out());
}

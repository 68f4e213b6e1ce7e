//! What happens with a person at the terminal.

use std::process::Command;

use super::scene::{Scene, wait_for};
use crate::platform::http;
use crate::platform::{Endpoint, Fault, Standing};

#[test]
fn what_is_pasted_is_as_good_as_the_browser_coming_back() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    let address = scene.platform.approve(&scene.opened());
    terminal.types("hello");
    terminal.sees("this is not the address your browser was sent back to");
    terminal.types(&format!("{address}x&code=2"));
    terminal.sees("copy the whole address from the browser");
    terminal.types(&address);
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("[Login] ✓ Organization set: solo"), "{text}");
}

#[test]
fn the_browser_may_come_back_while_a_paste_is_awaited() {
    let scene = Scene::new();
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    let page = http::get(&scene.platform.approve(&scene.opened()), &[]).unwrap();
    assert!(page.body.contains("You are logged in"));
    terminal.sees(r"1\. acme \(pro\)\r\n  2\. community \(basic\)");
    terminal.types("7");
    terminal.sees("Which organization");
    terminal.types("1");
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("[Login] ✓ Organization set: acme"), "{text}");
    assert_eq!(scene.profile("default").unwrap()["organization"]["id"], "2001");
    scene.assert_nothing_leaked();
}

#[test]
fn whoever_does_not_want_to_choose_need_not() {
    let scene = Scene::new();
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    http::get(&scene.platform.approve(&scene.opened()), &[]).unwrap();
    terminal.sees("Which organization");
    terminal.types("q");
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("seqera org switch NAME"), "{text}");
    assert!(scene.profile("default").unwrap()["organization"].is_null());
}

#[test]
fn hostile_names_in_a_menu_are_only_names() {
    let scene = Scene::new();
    scene.platform.world(|world| world.people.make_names_hostile());
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    http::get(&scene.platform.approve(&scene.opened()), &[]).unwrap();
    terminal.sees("Which organization");
    terminal.types("1");
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    let (_, menu) = text.split_once("Your organizations:").unwrap();
    assert!(!menu.contains('\u{1b}') && !menu.contains('\u{202e}'), "{menu:?}");
    assert!(!scene.home.path().join("pwned").exists());
}

#[test]
fn a_login_in_the_background_is_not_stopped_for_wanting_to_read() {
    let scene = Scene::new();
    let mut shell = scene.home.command("bash");
    shell.args(["-c", "set -m; seqera login --timeout 2 & wait %1; echo \"ended with $?\""]);
    let mut terminal = scene.terminal_of(shell);
    terminal.sees("Waiting for the browser");
    terminal.sees("ended with 8\r");
    assert_eq!(terminal.ends().0, 0);
}

/// `unshare` in a terminal: what it starts has a process group and a session without a number for it.
fn in_pid_namespace(scene: &Scene, args: &[&str], command: &[&str]) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tried: it takes root to make a PID namespace");
        return None;
    }
    let mut unshare = scene.home.command("unshare");
    unshare.args(["--pid", "--fork"]).args(args).args(command);
    Some(unshare)
}

#[test]
fn a_container_s_terminal_is_asked_though_its_process_group_is_outside() {
    for args in [&["--mount-proc"][..], &[]] {
        let scene = Scene::new();
        scene.platform.sign_in("grace");
        let Some(command) = in_pid_namespace(&scene, args, &["seqera", "login"]) else { return };
        let mut terminal = scene.terminal_of(command);
        terminal.sees("paste the address it ended at");
        let address = scene.platform.approve(&scene.opened());
        terminal.types(&address);
        let (code, text) = terminal.ends();
        assert_eq!(code, 0, "{args:?}: {text}");
    }
}

#[test]
fn in_a_container_a_login_in_the_background_is_not_stopped_either() {
    // Its group is the one outside while another one, of the container, has the terminal; and the other way about.
    let behind = "(until [ -e front ]; do sleep 0.05; done; \
            seqera login --timeout 2 </dev/tty; echo \"ended with $?\"; echo > done) & \
        set -m; sh -c 'echo > front; until [ -e done ]; do sleep 0.05; done'";
    let job = "set -m; seqera login --timeout 2 & wait %1; echo \"ended with $?\"";
    for script in [behind, job] {
        let scene = Scene::new();
        let Some(command) = in_pid_namespace(&scene, &["--mount-proc"], &["bash", "-c", script]) else {
            return;
        };
        let mut terminal = scene.terminal_of(command);
        terminal.sees("Waiting for the browser");
        terminal.sees("ended with 8\r");
        terminal.ends();
    }
}

#[test]
fn ctrl_c_ends_a_login_and_leaves_nothing() {
    let scene = Scene::new();
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    terminal.interrupts();
    let (code, text) = terminal.ends();
    assert_eq!(code, 130, "{text}");
    assert!(scene.is_logged_out());
}

#[test]
fn ctrl_c_while_the_server_is_slow_leaves_nothing() {
    let scene = Scene::new();
    scene.platform.fault(Endpoint::UserInfo, Fault::Mute);
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    let address = scene.platform.approve(&scene.opened());
    terminal.types(&address);
    wait_for("the account is asked for", || scene.platform.count(Endpoint::UserInfo) == 1);
    terminal.interrupts();
    let (code, text) = terminal.ends();
    assert_eq!(code, 130, "{text}");
    assert!(scene.is_logged_out());
}

#[test]
fn a_token_typed_at_the_terminal_is_not_shown_and_the_terminal_is_given_back() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let token = scene.platform.personal_token();
    let mut terminal = scene.terminal(&["login", "--with-token"]);
    terminal.sees("it is not shown");
    wait_for("the echo is off", || !terminal.echoes());
    terminal.types(&token);
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains(&token));
    scene.assert_nothing_leaked();

    let mut terminal = scene.terminal(&["login", "--with-token"]);
    terminal.sees("it is not shown");
    wait_for("the echo is off", || !terminal.echoes());
    terminal.interrupts();
    wait_for("the echo is on again", || terminal.echoes());
    assert_eq!(terminal.ends().0, 130);
}

#[test]
fn an_older_platform_asks_for_a_token() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    scene.platform.without(Endpoint::Discovery);
    let token = scene.platform.personal_token();
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees(r"has no login through the browser. Make a token at http://127.0.0.1:\d+/tokens");
    terminal.sees("it is not shown");
    wait_for("the echo is off", || !terminal.echoes());
    terminal.types(&token);
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("[Login] ✓ Organization set: solo"), "{text}");
}

#[test]
fn a_login_that_fails_after_its_tokens_came_gives_them_back() {
    let scene = Scene::new();
    scene.platform.fault(Endpoint::UserInfo, Fault::InternalError);
    let (run, page) = scene.login_and_allow(&[]);
    let run = run.expect(5);
    assert!(page.body.contains("The login did not work"), "{}", page.body);
    assert!(run.err().contains("failed (HTTP 500)"), "{run:?}");
    assert_eq!(scene.platform.standings(), [Standing::Revoked]);
    assert!(scene.is_logged_out());
}

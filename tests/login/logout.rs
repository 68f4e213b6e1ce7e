//! `seqera logout`.

use std::time::Duration;

use seqera_credential_helper::os::deadline::Deadline;
use seqera_credential_helper::store::lock::Lock;

use super::scene::{SOON, Scene, timed};
use crate::platform::{Endpoint, Fault, Standing};

fn logged_in() -> Scene {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    scene.login_and_allow(&[]).0.expect(0);
    scene
}

#[test]
fn logout_ends_the_session_on_the_server_and_here() {
    let scene = logged_in();
    let run = scene.seqera(&["logout"], "").expect(0);
    assert!(run.err().contains("Logged out: grace@example.org"), "{run:?}");
    assert!(!run.err().contains("revoked"), "all went well: {run:?}");
    assert_eq!(scene.platform.standings(), [Standing::Revoked]);
    assert_eq!(scene.platform.count(Endpoint::Revocation), 2, "the refresh token, then the access token");
    assert!(scene.is_logged_out());
    scene.seqera(&["token"], "").expect(3);
    scene.assert_nothing_leaked();
    let again = scene.seqera(&["logout"], "").expect(0);
    assert!(again.err().contains("You are not logged in."), "{again:?}");
}

#[test]
fn what_cannot_be_revoked_now_is_revoked_later() {
    let scene = logged_in();
    scene.platform.fault(Endpoint::Revocation, Fault::ServiceUnavailable);
    let run = scene.seqera(&["logout"], "").expect(0);
    assert!(run.err().contains("will be with the next command that goes online"), "{run:?}");
    assert!(scene.is_logged_out());
    assert_eq!(scene.platform.standings(), [Standing::Live]);
    scene.assert_nothing_leaked();

    scene.seqera(&["logout"], "").expect(0);
    assert_eq!(scene.platform.standings(), [Standing::Live], "it waits on");
    scene.platform.clear_faults();
    scene.login_and_allow(&[]).0.expect(0);
    assert_eq!(scene.platform.standings(), [Standing::Revoked, Standing::Live]);
    let asked = scene.platform.count(Endpoint::Revocation);
    scene.seqera(&["logout", "--profile", "nobody"], "").expect(0);
    assert_eq!(scene.platform.count(Endpoint::Revocation), asked, "nothing waits any more");
    scene.assert_nothing_leaked();
}

#[test]
fn a_server_that_never_answers_does_not_keep_a_person() {
    let scene = logged_in();
    scene.platform.fault(Endpoint::Revocation, Fault::Mute);
    let (run, took) = timed(|| scene.seqera(&["logout"], ""));
    assert!(run.expect(0).err().contains("did not answer in time"));
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert!(scene.is_logged_out());
}

#[test]
fn a_server_that_takes_nothing_back_is_named() {
    let scene = Scene::new();
    scene.platform.without(Endpoint::Revocation);
    scene.login_and_allow(&[]).0.expect(0);
    let run = scene.seqera(&["logout"], "").expect(0);
    assert!(run.err().contains("they live until they expire"), "{run:?}");
    assert!(scene.is_logged_out());
}

#[test]
fn a_token_that_the_person_brought_stays_theirs() {
    let scene = Scene::new();
    let token = scene.platform.personal_token();
    scene.seqera(&["login", "--with-token"], &token).expect(0);
    let run = scene.seqera(&["logout"], "").expect(0);
    assert!(run.err().contains("The token itself is still good"), "{run:?}");
    assert!(run.err().contains(&format!("{}/tokens", scene.platform.url())), "{run:?}");
    assert_eq!(scene.platform.personal_token_ids().len(), 1);
    assert!(scene.is_logged_out());
    scene.assert_nothing_leaked();
}

#[test]
fn any_command_that_goes_online_gives_back_what_waits() {
    let scene = logged_in();
    scene.login_and_allow(&["--profile", "work"]).0.expect(0);
    scene.platform.fault(Endpoint::Revocation, Fault::ServiceUnavailable);
    scene.seqera(&["logout"], "").expect(0);
    scene.platform.clear_faults();
    scene.seqera(&["whoami", "--profile", "work"], "").expect(0);
    assert_eq!(scene.platform.standings(), [Standing::Revoked, Standing::Live]);
}

#[test]
fn a_session_that_cannot_be_opened_is_removed_all_the_same() {
    let scene = logged_in();
    std::fs::remove_file(scene.paths().store.join("key")).unwrap();
    let run = scene.seqera(&["logout"], "").expect(0);
    assert!(run.err().contains("The tokens cannot be revoked"), "{run:?}");
    assert!(scene.is_logged_out());
    assert_eq!(scene.platform.standings(), [Standing::Live]);
}

#[test]
fn all_is_every_profile() {
    let scene = logged_in();
    scene.login_and_allow(&["--profile", "work"]).0.expect(0);
    scene.seqera(&["logout", "--all"], "").expect(0);
    assert_eq!(scene.platform.standings(), [Standing::Revoked, Standing::Revoked]);
    assert!(scene.is_logged_out() && scene.profile("work").is_none());
    scene.assert_nothing_leaked();
    scene.seqera(&["logout", "--all", "--profile", "work"], "").expect(2);
}

#[test]
fn a_token_in_the_environment_is_not_ours_to_take_away() {
    let mut scene = logged_in();
    scene.home.set("TOWER_ACCESS_TOKEN", "hunter2");
    let run = scene.seqera(&["logout"], "").expect(0);
    assert!(run.err().contains("unset TOWER_ACCESS_TOKEN") && !run.err().contains("hunter2"), "{run:?}");
}

#[test]
fn what_this_shell_still_has_is_said() {
    let mut scene = logged_in();
    let (token, marker) = exported(&scene);
    scene.home.set("TOWER_ACCESS_TOKEN", token);
    scene.home.set("SEQERA_ENV", marker);
    let run = scene.home.run("seqera", &["logout"], "").expect(0);
    assert!(run.err().contains("eval \"$(seqera env --unset)\""), "{run:?}");
}

fn exported(scene: &Scene) -> (String, String) {
    let out = scene.home.run("seqera", &["env", "--json"], "").ok();
    let exports: serde_json::Value = serde_json::from_str(&out).unwrap();
    let text = |name: &str| exports[name].as_str().unwrap().to_owned();
    (text("TOWER_ACCESS_TOKEN"), text("SEQERA_ENV"))
}

#[test]
fn a_slow_server_is_asked_once_for_all_logins() {
    let scene = logged_in();
    scene.login_and_allow(&["--profile", "work"]).0.expect(0);
    scene.platform.fault(Endpoint::Revocation, Fault::Mute);
    let run = scene.seqera(&["logout", "--all"], "").expect(0);
    assert_eq!(scene.platform.count(Endpoint::Revocation), 1, "{run:?}");
    assert!(
        run.err().contains(&format!("Waiting for {} to revoke the tokens", scene.platform.api())),
        "{run:?}"
    );
    assert!(scene.is_logged_out() && scene.profile("work").is_none());
    scene.platform.clear_faults();
    scene.seqera(&["logout"], "").expect(0);
    assert_eq!(scene.platform.standings(), [Standing::Revoked, Standing::Revoked], "what waited is done");
}

#[test]
fn behind_a_stuck_process_it_says_what_it_waits_for() {
    let scene = logged_in();
    let lock = scene.paths().store.join("session+default.lock");
    let held = Lock::acquire(&lock, Deadline::after(SOON)).unwrap();
    let mut terminal = scene.terminal(&["logout"]);
    terminal.sees("Waiting for another process that is working on the login 'default'");
    drop(held);
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(scene.is_logged_out());
}

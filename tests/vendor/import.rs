//! What others keep moves here: verified, stored, read back, and only then removed there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::platform::{Endpoint, Fault, Platform, Standing};
use crate::support::home::{Home, Run, break_at, run, start};
use crate::support::keyring::Keyring;
use crate::support::login;
use crate::support::session::{self, Token, tokens};

const FILE: &str = ".config/seqera-ai/refresh-token";

/// A home in which Seqera's own program knows of a login; the refresh token of one.
fn vendor_login(home: &Home, platform: &Platform) -> String {
    home.write(
        super::METADATA,
        format!(
            r#"{{"user": {{"email": "ada@example.org"}}, "authDomain": "{}", "selected_organization": {{"org_id": 2001, "org_name": "acme"}}}}"#,
            platform.api()
        ),
    );
    let refresh = tokens(platform).refresh.unwrap();
    refresh.expose_str().unwrap().to_owned()
}

fn in_file(home: &Home, platform: &Platform) -> PathBuf {
    let path = home.write(FILE, vendor_login(home, platform));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn import(home: &Home) -> Run {
    home.run("seqera", &["import", "seqera"], "")
}

#[test]
fn a_login_in_a_file_moves() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let path = in_file(&home, &platform);
    let token = fs::read_to_string(&path).unwrap();
    let status = home.run("seqera", &["status"], "").expect(3);
    assert!(status.out().contains("Seqera's own program keeps a login of ada@example.org"), "{status:?}");
    let asked = platform.requests().len();
    let dry = home.run("seqera", &["import", "seqera", "--dry-run"], "").ok();
    assert!(dry.starts_with("would move the login of ada@example.org at "), "{dry}");
    assert!(path.exists() && platform.requests().len() == asked);

    let run = import(&home).expect(0);
    assert!(
        run.err().contains("Removed from ") && run.err().contains("Logged in as: ada@example.org"),
        "{run:?}"
    );
    assert!(!run.err().contains(&token) && !dry.contains(&token));
    assert!(!path.exists());
    assert_eq!(platform.count_grant("refresh_token"), 1, "verified by renewing once");
    home.run("seqera", &["token"], "").expect(0);
    let status = home.run("seqera", &["status", "--check"], "").ok();
    assert!(
        status.contains("Organization: acme\n") && status.contains("knows you as ada@example.org"),
        "{status}"
    );
    assert!(!status.contains("own program keeps"), "{status}");
    assert!(!platform.family_burnt());
    assert!(import(&home).expect(3).err().contains("keeps no login here"));
}

#[test]
fn a_login_in_the_keychain_moves() {
    let keyring = Keyring::unlocked();
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    keyring.join(&mut home);
    let token = vendor_login(&home, &platform);
    let item = ["service", "seqera-cli", "username", "refresh-token"];
    home.run("secret-tool", &[&["store", "--label=seqera"], &item[..]].concat(), &token).expect(0);
    assert!(import(&home).expect(0).err().contains("Removed from the keychain"));
    home.run("secret-tool", &[&["lookup"], &item[..]].concat(), "").expect(1);
    home.run("seqera", &["token"], "").expect(0);
    assert!(!platform.family_burnt());
}

#[test]
fn a_login_in_the_kernels_keyring_moves() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    home.set("REFRESH", vendor_login(&home, &platform));
    let script = r#"
        printf %s "$REFRESH" | keyctl padd user keyring:refresh-token@seqera-cli @s > ids
        seqera status >> said
        seqera import seqera || exit 1
        keyctl search @s user keyring:refresh-token@seqera-cli 2> errors && exit 2
        seqera token > token
    "#;
    let run = home.run("keyctl", &["session", "-", "sh", "-c", script], "").expect(0);
    assert!(run.err().contains("Removed from the kernel's keyring"), "{run:?}");
    let said = fs::read_to_string(home.path().join("said")).unwrap();
    assert!(said.contains("in the kernel's keyring"), "{said}");
    assert!(!platform.family_burnt());
}

#[test]
fn cut_off_at_any_moment_one_of_the_two_works() {
    for point in
        ["import-noted", "login-box", "import-kept", "intent", "answered", "import-renewed", "import-removed"]
    {
        let (home, platform) = (Home::with_file_store(), Platform::start());
        let path = in_file(&home, &platform);
        let mut command = home.command("seqera");
        command.args(["import", "seqera"]);
        let how = if ["intent", "answered"].contains(&point) { "caller-kill" } else { "kill" };
        break_at(&mut command, &format!("{point}={how}"));
        let cut = run(command, "");
        assert_eq!(cut.code(), 137, "{point}: {cut:?}");
        // What was begun goes on without its caller.
        let ours = home.run("seqera", &["token"], "");
        assert!(ours.code() == 0 || path.exists(), "{point}: {ours:?}");
        if path.exists() {
            let again = import(&home).expect(0);
            assert!(!path.exists(), "{point}: {again:?}");
        }
        home.run("seqera", &["token"], "").expect(0);
        let doctor = home.run("seqera", &["status"], "").ok();
        assert!(!doctor.contains("was being moved") || point == "import-removed", "{point}: {doctor}");
        assert!(!platform.family_burnt(), "{point}");
        assert_eq!(platform.count_grant("refresh_token"), 1, "{point}");
    }
}

#[test]
fn of_two_at_once_one_moves_the_login_and_the_other_finds_it_moved() {
    for round in 0..5 {
        let (home, platform) = (Home::with_file_store(), Platform::start());
        let path = in_file(&home, &platform);
        let begin = || {
            let mut command = home.command("seqera");
            command.args(["import", "seqera"]);
            start(command, "")
        };
        let both = [begin(), begin()].map(|running| running.finish());
        let mut codes = [both[0].code(), both[1].code()];
        codes.sort();
        assert_eq!(codes, [0, 3], "{round}: {both:?}");
        assert!(!path.exists() && !platform.family_burnt(), "{round}: {both:?}");
        assert_eq!(platform.count_grant("refresh_token"), 1, "{round}");
        home.run("seqera", &["token"], "").expect(0);
    }
}

#[test]
fn a_server_in_trouble_leaves_all_as_it_was() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let path = in_file(&home, &platform);
    platform.fault(Endpoint::Token, Fault::ServiceUnavailable);
    assert!(import(&home).expect(5).err().contains("is as it was"));
    assert!(path.exists());
    home.run("seqera", &["token"], "").expect(3);
    platform.clear_faults();
    platform.revoke_all();
    import(&home).expect(4);
    assert!(path.exists(), "a token of another server may be good there");
    home.run("seqera", &["token"], "").expect(3);
}

#[test]
fn no_login_that_works_is_replaced_and_a_dry_run_says_what_a_run_does() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let path = in_file(&home, &platform);
    platform.sign_in("grace");
    login::with_token(&home, &platform, &[]);
    let asked = platform.count_grant("refresh_token");
    for dry in [&[][..], &["--dry-run"]] {
        let run = home.run("seqera", &[&["import", "seqera"], dry].concat(), "").expect(2);
        assert!(run.err().contains("--profile NAME") && path.exists(), "{run:?}");
    }
    assert_eq!(platform.count_grant("refresh_token"), asked);
    let doctor = home.run("seqera", &["doctor"], "");
    assert!(doctor.out().contains("seqera import seqera --profile NAME"), "{doctor:?}");
    let dry = home.run("seqera", &["import", "seqera", "--profile", "ada", "--dry-run"], "").ok();
    assert!(dry.contains("into the profile 'ada'"), "{dry}");
    home.run("seqera", &["import", "seqera", "--profile", "ada"], "").expect(0);
    assert!(!path.exists());
}

#[test]
fn the_login_of_an_account_that_is_here_already_is_ended_over_there() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let path = in_file(&home, &platform);
    let ours = login::with_token(&home, &platform, &[]);
    let dry = home.run("seqera", &["import", "seqera", "--dry-run"], "").ok();
    assert!(dry.contains("is logged in here already, as 'default'"), "{dry}");
    let run = import(&home).expect(0);
    assert!(run.err().contains("seqera import seqera --remove") && path.exists(), "{run:?}");
    let run = home.run("seqera", &["import", "seqera", "--remove"], "").expect(0);
    assert!(!path.exists(), "{run:?}");
    assert_eq!(platform.standings(), [Standing::Revoked]);
    assert_eq!(home.run("seqera", &["token"], "").ok().trim(), ours, "ours goes on");
    assert_eq!(platform.count_grant("refresh_token"), 0);
}

fn as_ada(login: &session::Login) {
    let account = Some("ada@example.org".to_owned());
    login.sessions().change(&"default".parse().unwrap(), |profile| profile.account = account).unwrap();
}

/// A server may end with one token all that the same person agreed to in the same program.
#[test]
fn where_both_logins_are_of_one_consent_ours_outlives_theirs() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    as_ada(&session::logged_in(&home, &platform, Token::Fresh));
    let path = in_file(&home, &platform);
    let run = home.run("seqera", &["import", "seqera", "--remove"], "").expect(0);
    assert!(!path.exists() && run.err().contains("the server forgets it by itself"), "{run:?}");
    assert!(platform.standings().iter().all(|standing| *standing != Standing::Revoked));
    home.run("seqera", &["token"], "").expect(0);
}

#[test]
fn a_login_that_has_ended_makes_room() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    as_ada(&session::logged_in(&home, &platform, Token::Dead));
    platform.revoke_all();
    home.run("seqera", &["token"], "").expect(4);
    let path = in_file(&home, &platform);
    import(&home).expect(0);
    assert!(!path.exists());
    home.run("seqera", &["token"], "").expect(0);
}

#[test]
fn a_logout_everywhere_ends_both() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let path = in_file(&home, &platform);
    login::with_token(&home, &platform, &[]);
    let run = home.run("seqera", &["logout"], "").expect(0);
    assert!(run.err().contains("end it, too, with: seqera logout --everywhere"), "{run:?}");
    assert!(path.exists());
    let run = home.run("seqera", &["logout", "--everywhere"], "").expect(0);
    assert!(run.err().contains("Seqera's own program is logged out: removed from "), "{run:?}");
    assert!(!path.exists());
    assert_eq!(platform.standings(), [Standing::Revoked]);
}

#[test]
fn the_token_of_nextflow_is_taken_over() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let token = platform.personal_token();
    let content = format!(
        "// Seqera Platform configuration\ntower {{\n    accessToken = '{token}'\n    endpoint = '{}'\n    enabled = true\n    workspaceId = '3001'  // acme / research\n}}\n",
        platform.api()
    );
    let path = home.write(".nextflow/seqera-auth.config", content);
    let config = home.write(".nextflow/config", "process.cpus = 2\nincludeConfig 'seqera-auth.config'\n");
    let dry = home.run("seqera", &["import", "nextflow", "--dry-run"], "").ok();
    assert!(dry.contains(&platform.api()) && !dry.contains(&token), "{dry}");
    home.run("seqera", &["token"], "").expect(3);
    let run = home.run("seqera", &["import", "nextflow"], "").expect(0);
    assert!(run.err().contains("still in plain text") && path.exists(), "{run:?}");
    assert_eq!(home.run("seqera", &["token"], "").ok().trim(), token);
    assert!(home.run("seqera", &["workspace"], "").ok().contains("acme/research"));
    // The very token that is here is no obstacle.
    let dry = home.run("seqera", &["import", "nextflow", "--dry-run"], "").ok();
    assert!(dry.contains("it is here already, as 'default'"), "{dry}");
    let run = home.run("seqera", &["import", "nextflow"], "").expect(0);
    assert!(run.err().contains("is here already") && run.err().contains("still in plain text"), "{run:?}");
    assert!(
        home.run("seqera", &["configure", "nextflow"], "")
            .expect(7)
            .err()
            .contains("import nextflow --remove")
    );
    let other = fs::read_to_string(&path).unwrap().replace(&token, &platform.personal_token());
    let written = fs::read_to_string(&path).unwrap();
    fs::write(&path, other).unwrap();
    for dry in [&[][..], &["--dry-run"]] {
        let run = home.run("seqera", &[&["import", "nextflow"], dry].concat(), "").expect(2);
        assert!(run.err().contains("--profile NAME"), "{run:?}");
    }
    fs::write(&path, written).unwrap();
    let dry = home.run("seqera", &["import", "nextflow", "--dry-run", "--profile", "two"], "").ok();
    assert!(dry.contains("would store eyJ0") && dry.contains("as 'two'"), "{dry}");
    home.run("seqera", &["import", "nextflow", "--remove"], "").expect(0);
    assert!(!path.exists());
    home.run("seqera", &["configure", "nextflow"], "").expect(0);
    home.run("seqera", &["configure", "nextflow", "--undo"], "").expect(0);
    assert_eq!(fs::read_to_string(config).unwrap(), "process.cpus = 2\n");
    assert!(home.run("seqera", &["import", "nextflow"], "").expect(3).err().contains("no token stands in"));
}

#[test]
fn a_token_in_a_start_up_file_is_taken_over() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    home.set("TOWER_API_ENDPOINT", platform.api());
    assert!(home.run("seqera", &["import", "env"], "").expect(3).err().contains("no token stands"));
    let token = platform.personal_token();
    let path = home.write(
        ".bashrc",
        format!("alias l=ls\nexport TOWER_ACCESS_TOKEN={token}\n[ -n \"$X\" ] && export SEQERA_ACCESS_TOKEN={token}\nlast=1\n"),
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let dry = home.run("seqera", &["import", "env", "--dry-run"], "").ok();
    assert!(dry.contains(".bashrc, line 2: TOWER_ACCESS_TOKEN eyJ0...") && !dry.contains(&token), "{dry}");
    let run = home.run("seqera", &["import", "env", "--remove"], "").expect(0);
    assert!(run.err().contains("line 3 holds more than the token"), "{run:?}");
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("alias l=ls\n[ -n \"$X\" ] && export SEQERA_ACCESS_TOKEN={token}\nlast=1\n")
    );
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!(home.run("seqera", &["token"], "").ok().trim(), token);
    let again = home.run("seqera", &["import", "env"], "").expect(0);
    assert!(again.err().contains("is here already"), "{again:?}");
}

#[test]
fn a_token_goes_where_the_file_beside_it_says() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let token = platform.personal_token();
    let before = "if true; then\n  export A=1\n  export TOWER_ACCESS_TOKEN=T\nfi\n";
    let before = before.replace("TOKEN=T", &format!("TOKEN={token}"));
    let computed = format!("{before}export TOWER_API_ENDPOINT=\"$MINE\"\n");
    let path = home.write(".bashrc", computed);
    let run = home.run("seqera", &["import", "env"], "").expect(7);
    assert!(run.err().contains("--endpoint URL"), "{run:?}");
    let named = format!("{before}export TOWER_API_ENDPOINT={}\n", platform.api());
    fs::write(&path, &named).unwrap();
    let run = home.run("seqera", &["import", "env", "--remove"], "").expect(0);
    assert!(
        run.err().contains("line 3 holds more than the token") && run.err().contains("by hand"),
        "{run:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), named);
    assert_eq!(home.run("seqera", &["token"], "").ok().trim(), token);
}

#[test]
fn a_file_of_nextflow_with_other_settings_stays_and_a_computed_endpoint_is_refused() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    let token = platform.personal_token();
    let unclear = format!("tower {{ accessToken = '{token}'; endpoint = \"https://${{host}}/api\" }}\n");
    let path = home.write(".nextflow/seqera-auth.config", unclear);
    let run = home.run("seqera", &["import", "nextflow"], "").expect(7);
    assert!(run.err().contains("cannot be read"), "{run:?}");
    assert_eq!(platform.requests().len(), 0);
    home.set("TOWER_API_ENDPOINT", platform.api());
    let others = format!(
        "tower.accessToken = '{token}' // mine\naws {{ client {{ endpoint = 'https://s3.example' }} }}\n"
    );
    fs::write(&path, &others).unwrap();
    let run = home.run("seqera", &["import", "nextflow", "--remove"], "").expect(7);
    assert!(run.err().contains("take the line out by hand"), "{run:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), others);
    assert_eq!(home.run("seqera", &["token"], "").ok().trim(), token);
}

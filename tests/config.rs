//! `seqera config`: the user's settings over the site's.

use serde_json::{Value, json};

use crate::platform::Platform;
use crate::platform::ai::AiBackend;
use crate::support::home::Home;
use crate::support::login;
use crate::support::session::paths;

fn row(home: &Home, key: &str, env: &[(&str, &str)]) -> Value {
    let run =
        home.command("seqera").args(["config", "get", key, "--json"]).envs(env.iter().copied()).output();
    serde_json::from_slice(&run.unwrap().stdout).unwrap()
}

#[test]
fn each_value_says_where_it_comes_from() {
    let home = Home::with_file_store();
    let site = home.path().join("site");
    std::fs::create_dir_all(site.join("seqera-credential-helper")).unwrap();
    let site_file = site.join("seqera-credential-helper/config.toml");
    std::fs::write(&site_file, "client_id = 'campus'\nkey_cache = 60\n").unwrap();
    let at_site = [("XDG_CONFIG_DIRS", site.to_str().unwrap())];
    assert_eq!(
        row(&home, "client_id", &at_site),
        json!({"key": "client_id", "value": "campus", "origin": "site", "source": site_file.to_str().unwrap()})
    );
    home.run("seqera", &["config", "set", "client_id", "mine"], "").expect(0);
    assert_eq!(row(&home, "client_id", &at_site)["value"], "mine");
    assert_eq!(row(&home, "key_cache", &at_site)["value"], "60");
    let both = [at_site[0], ("SEQERA_AUTH_CLI_CLIENT_ID", "shell")];
    assert_eq!(row(&home, "client_id", &both)["origin"], "environment");
    home.run("seqera", &["config", "unset", "client_id"], "").expect(0);
    assert_eq!(row(&home, "client_id", &[])["origin"], "default");
}

#[test]
fn a_wrong_value_or_name_changes_nothing() {
    let home = Home::with_file_store();
    home.run("seqera", &["config", "set", "key_cache", "60"], "").expect(0);
    let run = home.run("seqera", &["config", "set", "key_cache", "soon"], "").expect(2);
    assert!(run.err().contains("'key_cache' takes a number of seconds"), "{run:?}");
    home.run("seqera", &["config", "set", "keycache", "1"], "").expect(2);
    assert_eq!(home.run("seqera", &["config", "get", "key_cache"], "").expect(0).out(), "60\n");
}

#[test]
fn a_setting_is_taken_out_and_the_comments_stay() {
    let home = Home::with_file_store();
    let before = "# mine\nkey_cache = 5\nclient_id = 'mine'\n\n# why\n[seqera]\n# because\nrelay = false\n";
    let file = home.write(".config/seqera-credential-helper/config.toml", before);
    for key in ["key_cache", "seqera.relay", "store"] {
        home.run("seqera", &["config", "unset", key], "").expect(0);
    }
    let after = std::fs::read_to_string(file).unwrap();
    assert_eq!(after, "# mine\nclient_id = 'mine'\n\n# why\n# because\n");
}

#[test]
fn a_link_to_a_file_that_is_not_there_yet_is_followed() {
    let home = Home::with_file_store();
    let file = home.write(".config/seqera-credential-helper/config.toml", "");
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("dots/c.toml", &file).unwrap();
    home.run("seqera", &["config", "set", "key_cache", "5"], "").expect(0);
    assert!(file.is_symlink());
    let written = file.parent().unwrap().join("dots/c.toml");
    assert_eq!(std::fs::read_to_string(written).unwrap(), "key_cache = 5\n");
    assert_eq!(home.run("seqera", &["config", "get", "key_cache"], "").ok(), "5\n");
}

#[test]
fn a_site_says_where_its_people_log_in() {
    let mut home = Home::with_file_store();
    let site = home.path().join("site/seqera-credential-helper");
    std::fs::create_dir_all(&site).unwrap();
    std::fs::write(site.join("config.toml"), "endpoint = 'http://platform.example/api'\n").unwrap();
    home.set("XDG_CONFIG_DIRS", home.path().join("site"));
    let run = home.run("seqera", &["login", "--no-browser"], "").expect(7);
    assert!(run.err().contains("platform.example"), "{run:?}");
}

/// A home at a site that says this; the file that says it.
fn at_site(home: &mut Home, text: &str) -> String {
    let file = home.write("site/seqera-credential-helper/config.toml", text);
    home.set("XDG_CONFIG_DIRS", home.path().join("site"));
    file.display().to_string()
}

const STORED: &str = "protocol=https\nhost=h.example\nusername=alice\npassword=pw\n";

#[test]
fn a_site_that_forbids_a_key_in_a_file_is_obeyed() {
    for wish in [None, Some("file")] {
        let mut home = Home::new();
        let file = at_site(&mut home, "forbid = ['file']\n");
        if let Some(wish) = wish {
            home.set("SEQERA_HELPER_STORE", wish);
        }
        // Nobody allows it again.
        home.write(".config/seqera-credential-helper/config.toml", "forbid = []\nstore = 'file'\n");
        let run = home.run("git-credential-seqera", &["store"], STORED).expect(7);
        assert!(run.err().contains(&format!("{file} forbids a store whose key is in a file")), "{run:?}");
        assert!(!paths(&home).store.join("key").exists());
    }
    // One from before is named, and used: nobody loses what they have.
    let mut home = Home::with_file_store();
    home.run("git-credential-seqera", &["store"], STORED).ok();
    let file = at_site(&mut home, "forbid = ['file']\n");
    home.run("git-credential-seqera", &["get"], "protocol=https\nhost=h.example\n").expect(0);
    let doctor = home.run("seqera", &["doctor", "--quiet"], "").expect(1);
    let expected = format!(
        "WRONG store: {file} forbids a store whose key is in a file; move it with: seqera store move keychain"
    );
    assert!(doctor.out().contains(&expected), "{doctor:?}");
}

#[test]
fn what_a_site_says_in_unknown_words_is_not_passed_over() {
    for (text, key) in
        [("forbid = ['fiel']\n", "forbid"), ("forbid = true\n", "forbid"), ("store = 'keychian'\n", "store")]
    {
        let mut home = Home::new();
        let file = at_site(&mut home, text);
        if key == "forbid" {
            home.set("SEQERA_HELPER_STORE", "file");
        }
        let run = home.run("git-credential-seqera", &["store"], STORED).expect(2);
        assert!(run.err().contains(&format!("{file} has something else in '{key}'")), "{run:?}");
        assert!(!paths(&home).store.join("key").exists());
        let doctor = home.run("seqera", &["doctor", "--quiet"], "").expect(1);
        assert!(
            doctor.out().contains(&format!("WRONG config: {file} has something else in '{key}'")),
            "{doctor:?}"
        );
        let list = home.run("seqera", &["config", "list"], "").ok();
        assert!(list.contains(&format!("WRONG: {file} has something else in '{key}'")), "{list}");
        let list = home.run("seqera", &["config", "list", "--json"], "").ok();
        assert!(list.contains(&format!("{file} has something else in '{key}'")), "{list}");
    }
    let mut home = Home::with_file_store();
    at_site(&mut home, "forbid = 'file'\n");
    home.run("git-credential-seqera", &["store"], STORED).expect(7);
}

#[test]
fn a_site_says_where_the_key_is_kept() {
    let mut home = Home::new();
    at_site(&mut home, "store = 'file'\n");
    // Without a notice: it was chosen, and not for want of a keychain.
    assert_eq!(home.run("git-credential-seqera", &["store"], STORED).expect(0).err(), "");
    assert!(paths(&home).store.join("key").exists());
    let mut home = Home::new();
    at_site(&mut home, "store = 'keychain'\n");
    home.run("git-credential-seqera", &["store"], STORED).expect(6);
    home.set("SEQERA_HELPER_STORE", "file");
    home.run("git-credential-seqera", &["store"], STORED).expect(0);
}

#[test]
fn a_site_that_forbids_tokens_of_jobs_and_handing_over_is_obeyed() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    let _backend = AiBackend::start_named(&platform, "true");
    login::with_token(&home, &platform, &[]);
    home.write(".seqera/bin/seqera", "#!/bin/sh\necho \"token: $SEQERA_ACCESS_TOKEN\"\n");
    let other = home.path().join(".seqera/bin/seqera");
    std::fs::set_permissions(other, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    // Off hands the token itself over, wherever it is said.
    home.run("seqera", &["config", "set", "seqera.relay", "false"], "").expect(0);
    let handed = home.run("seqera", &["ai"], "").ok();
    assert!(platform.issued_secrets().iter().any(|secret| handed.contains(secret.as_str())), "{handed}");
    let file = at_site(&mut home, "forbid = ['hand-over', 'job-token']\n");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.err().contains(&format!("{file} forbids handing a token itself over")), "{run:?}");
    let run = home.run("seqera", &["exec", "--job-token", "--", "true"], "").expect(7);
    assert!(run.err().contains(&format!("{file} forbids tokens of jobs")), "{run:?}");
    home.run("seqera", &["config", "set", "seqera.relay", "true"], "").expect(0);
    let lent = home.run("seqera", &["ai"], "").ok();
    assert!(!platform.issued_secrets().iter().any(|secret| lent.contains(secret.as_str())), "{lent}");
}

#[test]
fn status_and_doctor_say_what_the_site_says() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let file = at_site(&mut home, "client_id = 'campus'\nkey_cache = 60\n");
    home.run("seqera", &["config", "set", "key_cache", "5"], "").expect(0);
    let status = home.run("seqera", &["status"], "").ok();
    assert!(status.contains(&format!("Your site's setting: client_id = campus ({file})\n")), "{status}");
    assert!(!status.contains("key_cache"), "{status}");
    let doctor = home.run("seqera", &["doctor"], "").ok();
    assert!(
        doctor.contains(&format!("note  config: your site's {file} says client_id = campus")),
        "{doctor}"
    );
    let list = home.run("seqera", &["config", "list"], "").ok();
    assert!(list.contains(&format!("campus  ({file}, your site's)")), "{list}");
    home.run("seqera", &["config", "set", "forbid", "file, job-token"], "").expect(0);
    assert_eq!(home.run("seqera", &["config", "get", "forbid"], "").ok(), "file, job-token\n");
    home.write("site/seqera-credential-helper/config.toml", "client_id = [");
    let doctor = home.run("seqera", &["doctor", "--quiet"], "").expect(1);
    assert!(
        doctor.out().contains(&format!("WRONG config: {file} cannot be read: it is not TOML")),
        "{doctor:?}"
    );
}

/// A backend is for the installation that is named beside it, and no other gets a token there.
#[test]
fn a_site_names_the_backend_of_its_own_installation() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let relay = |home: &Home| {
        let script = "seqera exec --live -- sh -c 'echo backend: ${SEQERA_AI_BACKEND_URL:-none}'";
        home.run("sh", &["-c", script], "").out()
    };
    at_site(&mut home, &format!("endpoint = '{}'\nbackend = 'http://127.0.0.1:9'\n", platform.api()));
    assert!(relay(&home).contains("backend: http://127.0.0.1:"), "{}", relay(&home));
    at_site(&mut home, "endpoint = 'https://other.example/api'\nbackend = 'http://127.0.0.1:9'\n");
    assert_eq!(relay(&home), "backend: none\n");
}

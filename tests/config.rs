//! `seqera config`: the user's settings over the site's.

use serde_json::{Value, json};

use crate::support::home::Home;

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
        json!({"key": "client_id", "value": "campus", "origin": "file", "source": site_file.to_str().unwrap()})
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
fn a_site_says_where_its_people_log_in() {
    let mut home = Home::with_file_store();
    let site = home.path().join("site/seqera-credential-helper");
    std::fs::create_dir_all(&site).unwrap();
    std::fs::write(site.join("config.toml"), "endpoint = 'http://platform.example/api'\n").unwrap();
    home.set("XDG_CONFIG_DIRS", home.path().join("site"));
    let run = home.run("seqera", &["login", "--no-browser"], "").expect(7);
    assert!(run.err().contains("platform.example"), "{run:?}");
}

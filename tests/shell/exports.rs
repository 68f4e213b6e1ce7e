//! What is exported is known again, and what the person set is theirs.

use std::collections::BTreeMap;
use std::ffi::OsString;

use seqera_credential_helper::os::env::Change;
use seqera_credential_helper::provider::{ProviderId, Workspace};
use seqera_credential_helper::secret::Secret;
use seqera_credential_helper::session::exports::{
    Ours, for_outside, for_profile, foreign_endpoint, in_platform_run, outside_token, unset_ours,
    without_the_persons,
};
use seqera_credential_helper::session::profile::Profile;
use seqera_credential_helper::shell::render::{dotenv, github, json};

use super::terminal::Home;

type Env = BTreeMap<String, String>;

fn look(env: &Env) -> impl Fn(&str) -> Option<OsString> + '_ {
    |name| env.get(name).filter(|value| !value.is_empty()).map(OsString::from)
}

fn apply(env: &mut Env, changes: Vec<Change>) {
    for change in changes {
        match change {
            Change::Set(name, value) => env.insert(name.into(), value.expose_str().unwrap().into()),
            Change::Unset(name) => env.remove(name),
        };
    }
}

fn profile() -> Profile {
    let mut profile = Home::new().log_in(42, "acme");
    let (id, name, organization) = ("4711".into(), "research".into(), "acme".into());
    profile.workspace = Some(Workspace { id, name, organization });
    profile.access_expires_at = Some(1_795_311_000);
    profile
}

fn exported(profile: &Profile) -> Env {
    let mut env = Env::new();
    let changes = for_profile(profile, &"tok".into(), &look(&env.clone()));
    apply(&mut env, changes);
    env
}

#[test]
fn seqera_exports_what_the_contract_says() {
    let mut env = exported(&profile());
    let marker = env.remove("SEQERA_ENV").unwrap();
    assert!(marker.starts_with("default.42:"), "{marker}");
    assert!(!marker.contains("tok"), "{marker}");
    let expected = [
        ("SEQERA_ACCESS_TOKEN", "tok"),
        ("SEQERA_TOKEN_EXPIRES_AT", "1795311000"),
        ("TOWER_ACCESS_TOKEN", "tok"),
        ("TOWER_API_ENDPOINT", "https://api.cloud.seqera.io"),
        ("TOWER_WORKSPACE_ID", "4711"),
    ];
    assert_eq!(env, expected.map(|(name, value)| (name.into(), value.into())).into());
}

#[test]
fn sekuire_exports_what_the_contract_says() {
    let mut profile = profile();
    (profile.provider, profile.endpoint) = (ProviderId::SEKUIRE, "https://api.sekuire.ai".parse().unwrap());
    (profile.workspace, profile.access_expires_at) = (None, None);
    let env = exported(&profile);
    let names: Vec<&str> = env.keys().map(String::as_str).collect();
    assert_eq!(names, ["SEKUIRE_API_KEY", "SEKUIRE_API_URL", "SEQERA_ENV"]);
}

#[test]
fn a_change_of_provider_takes_the_other_ones_exports_away() {
    let mut env = exported(&profile());
    let mut other = profile();
    (other.provider, other.workspace) = (ProviderId::SEKUIRE, None);
    let changes = for_profile(&other, &"sk_live_1".into(), &look(&env.clone()));
    apply(&mut env, changes);
    let names: Vec<&str> = env.keys().map(String::as_str).collect();
    assert_eq!(names, ["SEKUIRE_API_KEY", "SEKUIRE_API_URL", "SEQERA_ENV", "SEQERA_TOKEN_EXPIRES_AT"]);
}

#[test]
fn unset_takes_exactly_what_was_exported() {
    let mut env = exported(&profile());
    env.insert("PATH".into(), "/bin".into());
    let changes = unset_ours(&look(&env.clone()));
    apply(&mut env, changes);
    assert_eq!(env.keys().collect::<Vec<_>>(), ["PATH"]);
}

#[test]
fn what_the_person_changed_since_is_theirs() {
    for (name, value) in [
        ("TOWER_ACCESS_TOKEN", "my own"),
        ("TOWER_API_ENDPOINT", "https://mine.example"),
        ("TOWER_WORKSPACE_ID", "1"),
    ] {
        let mut env = exported(&profile());
        env.insert(name.into(), value.into());
        let changes = unset_ours(&look(&env.clone()));
        apply(&mut env, changes);
        assert_eq!(env, Env::from([(name.into(), value.into())]));
    }
}

#[test]
fn nothing_is_taken_where_nothing_was_exported() {
    let env = Env::from(
        [("TOWER_ACCESS_TOKEN", "own"), ("TOWER_WORKSPACE_ID", "1")].map(|(n, v)| (n.into(), v.into())),
    );
    assert_eq!(unset_ours(&look(&env)), []);
}

#[test]
fn an_exported_token_is_not_one_from_outside() {
    let mut env = exported(&profile());
    assert_eq!(outside_token(ProviderId::SEQERA, &look(&env)), None);
    let ours = Ours::in_env(&look(&env)).unwrap();
    assert_eq!(ours.generation, "default.42");
    assert!(ours.is_token(b"tok") && !ours.is_token(b"tokk"));

    env.insert("TOWER_ACCESS_TOKEN".into(), "own".into());
    assert_eq!(
        outside_token(ProviderId::SEQERA, &look(&env)),
        Some(("TOWER_ACCESS_TOKEN", Secret::from("own")))
    );
    env.insert("SEQERA_ACCESS_TOKEN".into(), "first".into());
    assert_eq!(outside_token(ProviderId::SEQERA, &look(&env)).unwrap().0, "SEQERA_ACCESS_TOKEN");

    let forged = Env::from(
        [("SEQERA_ENV", "default.42"), ("TOWER_ACCESS_TOKEN", "own")].map(|(n, v)| (n.into(), v.into())),
    );
    assert!(outside_token(ProviderId::SEQERA, &look(&forged)).is_some(), "a marker alone makes nothing ours");
}

#[test]
fn a_token_is_not_exported_beside_somebody_elses_endpoint() {
    let profile = profile();
    let mut env = Env::new();
    assert_eq!(foreign_endpoint(&profile, &look(&env)), None);
    env.insert("TOWER_API_ENDPOINT".into(), "https://api.cloud.seqera.io/".into());
    assert_eq!(foreign_endpoint(&profile, &look(&env)), None, "the same place");
    env.insert("TOWER_API_ENDPOINT".into(), "https://tower.mine.example/api".into());
    assert_eq!(foreign_endpoint(&profile, &look(&env)), Some("TOWER_API_ENDPOINT"));
    env.insert("SEQERA_PLATFORM_API_URL".into(), "https://tower.mine.example/api".into());
    assert_eq!(foreign_endpoint(&profile, &look(&env)), Some("SEQERA_PLATFORM_API_URL"));

    let mut env = exported(&profile);
    let mut moved = profile.clone();
    moved.endpoint = "https://tower.mine.example/api".parse().unwrap();
    assert_eq!(foreign_endpoint(&moved, &look(&env)), None, "what we exported follows the login");
    let changes = for_profile(&moved, &"tok".into(), &look(&env.clone()));
    apply(&mut env, changes);
    assert_eq!(env["TOWER_API_ENDPOINT"], "https://tower.mine.example/api");
}

#[test]
fn the_hook_leaves_the_persons_workspace_alone() {
    let mut env = Env::from([("TOWER_WORKSPACE_ID".into(), "99".into())]);
    let changes = for_profile(&profile(), &"tok".into(), &look(&env));
    let changes = without_the_persons(changes, &look(&env.clone()));
    apply(&mut env, changes);
    assert_eq!(env["TOWER_WORKSPACE_ID"], "99");
    assert_eq!(env["TOWER_ACCESS_TOKEN"], "tok");
    let changes = unset_ours(&look(&env.clone()));
    apply(&mut env, changes);
    assert_eq!(env, Env::from([("TOWER_WORKSPACE_ID".into(), "99".into())]));
}

#[test]
fn a_run_of_the_platform_is_known() {
    let run = |name: &str| in_platform_run(&look(&Env::from([(name.into(), "x".into())])));
    assert!(run("TOWER_WORKFLOW_ID") && run("TOWER_REFRESH_TOKEN") && !run("TOWER_ACCESS_TOKEN"));
}

#[test]
fn files_for_other_programs_carry_the_value_or_nothing() {
    let set = |value: &str| vec![Change::Set("TOWER_ACCESS_TOKEN", value.into()), Change::Unset("GONE")];
    let text = |secret: Secret| secret.expose_str().unwrap().to_owned();
    assert_eq!(text(dotenv(&set("a.b-c")).unwrap()), "TOWER_ACCESS_TOKEN=a.b-c");
    assert_eq!(text(dotenv(&set("a b#c")).unwrap()), "TOWER_ACCESS_TOKEN='a b#c'");
    for bad in ["a'b", "a\nB=c", "$HOME", "é", "a\\b"] {
        dotenv(&set(bad)).unwrap_err();
    }
    assert_eq!(
        text(json(&set("a\"\n\u{1}")).unwrap()),
        r#"{"GONE":null,"TOWER_ACCESS_TOKEN":"a\"\n\u0001"}"#
    );

    let told = github(&set("a%\nb"), "END", |name| name == "TOWER_ACCESS_TOKEN").unwrap();
    assert_eq!(text(told.masks), "::add-mask::a%25%0Ab\n");
    assert_eq!(text(told.env_file), "TOWER_ACCESS_TOKEN<<END\na%\nb\nEND\n");
    assert!(github(&set("x\nEND\nPATH=/evil"), "END", |_| true).is_err());
}

#[test]
fn a_token_from_outside_stands_under_every_name_in_a_file() {
    let mut env = Env::from([("TOWER_ACCESS_TOKEN".into(), "own".into())]);
    let names = |env: &Env| -> Vec<String> {
        let changes = for_outside("TOWER_ACCESS_TOKEN", &"own".into(), &look(env));
        changes.iter().map(|change| change.name().to_owned()).collect()
    };
    assert_eq!(names(&env), ["SEQERA_ACCESS_TOKEN", "TOWER_ACCESS_TOKEN"]);
    env.insert("SEQERA_ACCESS_TOKEN".into(), "another".into());
    assert_eq!(names(&env), ["TOWER_ACCESS_TOKEN"]);
}

#[test]
fn the_two_names_of_cloud_are_one_server() {
    let env = Env::from([("TOWER_API_ENDPOINT".into(), "https://cloud.seqera.io/api".into())]);
    assert_eq!(foreign_endpoint(&profile(), &look(&env)), None);
}

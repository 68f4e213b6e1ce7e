//! Who am I, and which organization and workspace count: asked of the server.

use expectrl::Expect;
use serde_json::{Value, json};

use crate::platform::people::HOSTILE_NAMES;
use crate::platform::{Endpoint, Fault, Platform};
use crate::status::assert_harmless;
use crate::support::home::{Home, run};
use crate::support::login;
use crate::support::session::{self, Token, paths};
use seqera_credential_helper::session::mark::Mark;
use seqera_credential_helper::session::profile::ProfileName;

fn started() -> (Home, Platform) {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    (home, platform)
}

fn json(home: &Home, args: &[&str]) -> Value {
    serde_json::from_str(&home.run("seqera", args, "").ok()).unwrap()
}

fn mark(home: &Home) -> Mark {
    Mark::read(&paths(home), Some(&ProfileName::default_name())).unwrap()
}

#[test]
fn whoami_asks_the_server() {
    let (home, platform) = started();
    let expected = format!(
        "Logged in as: ada@example.org\nAccount: 1001\nEndpoint: {}\nProfile: default\n",
        platform.api()
    );
    for args in [&["whoami"][..], &["auth", "whoami"]] {
        assert_eq!(home.run("seqera", args, "").ok(), expected);
    }
    let answer = json(&home, &["whoami", "--json"]);
    assert_eq!((&answer["account"], &answer["account_id"]), (&json!("ada@example.org"), &json!("1001")));
    platform.fault(Endpoint::UserInfo, Fault::Hangup);
    home.run("seqera", &["whoami"], "").expect(5);
}

#[test]
fn whoami_tells_whose_the_token_from_outside_is() {
    let (mut home, platform) = started();
    platform.sign_in("grace");
    let token = platform.personal_token();
    home.set("TOWER_ACCESS_TOKEN", &token);
    home.set("TOWER_API_ENDPOINT", platform.api());
    let out = home.run("seqera", &["whoami"], "").ok();
    assert!(out.starts_with("Logged in as: grace@example.org\n"), "{out}");
    assert!(out.ends_with("Token: TOWER_ACCESS_TOKEN, from the environment\n"), "{out}");
    home.set("TOWER_ACCESS_TOKEN", "made-up");
    let run = home.run("seqera", &["whoami"], "").expect(3);
    assert!(!run.err().contains("made-up"), "{run:?}");
}

#[test]
fn a_token_never_goes_to_a_server_in_the_clear() {
    let (mut home, _platform) = started();
    home.set("TOWER_ACCESS_TOKEN", "outside");
    home.set("TOWER_API_ENDPOINT", "http://tower.example/api");
    home.run("seqera", &["whoami"], "").expect(7);
}

#[test]
fn a_token_that_the_server_forgot_is_renewed_once() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    platform.expire_access_tokens();
    assert!(home.run("seqera", &["whoami"], "").ok().contains("ada@example.org"));
    assert_eq!(platform.count_grant("refresh_token"), 1);
    platform.revoke_all();
    home.run("seqera", &["whoami"], "").expect(4);
}

#[test]
fn an_organization_is_chosen_by_name_or_number() {
    let (home, _platform) = started();
    assert!(home.run("seqera", &["org"], "").ok().starts_with("No organization is chosen"));
    assert_eq!(
        home.run("seqera", &["org", "list"], "").ok(),
        "  acme 2001 (pro)\n  community 2002 (basic)\n"
    );
    let before = mark(&home).generation;
    let run = home.run("seqera", &["org", "switch", "community"], "").expect(0);
    assert_eq!(run.err(), "Organization set: community\n");
    assert_ne!(mark(&home).generation, before, "other terminals follow the mark");
    assert_eq!(mark(&home).label, "community");
    assert_eq!(home.run("seqera", &["org"], "").ok(), "community (2002)\n");
    home.run("seqera", &["org", "switch", "2001", "--quiet"], "").expect(0);
    assert_eq!(
        home.run("seqera", &["org", "list"], "").ok(),
        "* acme 2001 (pro)\n  community 2002 (basic)\n"
    );
    let list = json(&home, &["org", "list", "--json"]);
    assert_eq!(
        list["organizations"][0],
        json!({"id": "2001", "name": "acme", "plan": "pro", "role": "owner", "chosen": true})
    );
    home.run("seqera", &["org", "clear"], "").expect(0);
    assert_eq!(json(&home, &["org", "--json"]), json!({"organization": null}));
}

#[test]
fn without_a_terminal_the_choices_are_named() {
    let (home, _platform) = started();
    for args in [&["org", "switch"][..], &["org", "switch", "nobody"]] {
        let run = home.run("seqera", args, "1\n").expect(2);
        assert!(run.err().contains("there are: acme, community"), "{run:?}");
    }
    let run = home.run("seqera", &["workspace", "switch"], "").expect(2);
    assert!(run.err().contains("acme/research, acme/production, community/showcase"), "{run:?}");
    assert!(json(&home, &["org", "--json"])["organization"].is_null());
}

#[test]
fn on_a_terminal_there_is_a_menu() {
    let (home, _platform) = started();
    for (typed, code, chosen) in [("2\r", 0, "community"), ("7\racme\r", 0, "acme"), ("q\r", 1, "acme")] {
        let mut command = home.command("seqera");
        command.args(["org", "switch"]);
        let mut terminal = expectrl::Session::spawn(command).unwrap();
        terminal.set_expect_timeout(Some(std::time::Duration::from_secs(20)));
        terminal.expect("1. acme (pro)").unwrap();
        terminal.expect("2. community (basic)").unwrap();
        for line in typed.split_inclusive('\r') {
            terminal.expect("Which organization (1-2)").unwrap();
            terminal.send(line).unwrap();
        }
        terminal.expect(expectrl::Eof).unwrap();
        let status = terminal.get_process_mut().wait().unwrap();
        assert!(format!("{status:?}").ends_with(&format!(", {code})")), "{status:?}");
        assert_eq!(json(&home, &["org", "--json"])["organization"]["name"], chosen);
    }
}

#[test]
fn a_workspace_is_chosen_by_any_of_its_names() {
    let (home, _platform) = started();
    for (wanted, id) in
        [("acme/research", "3001"), ("production", "3002"), ("3003", "3003"), ("ACME/Research", "3001")]
    {
        home.run("seqera", &["workspace", "switch", wanted], "").expect(0);
        let workspace = json(&home, &["workspace", "--json"]);
        assert_eq!(workspace["workspace"]["id"], id);
        let exports = json(&home, &["env", "--json"]);
        assert_eq!(exports["TOWER_WORKSPACE_ID"], id);
    }
    let out = home.run("seqera", &["workspace", "list"], "").ok();
    assert_eq!(out, "* acme/research 3001\n  acme/production 3002\n  community/showcase 3003\n");
    assert_eq!(json(&home, &["org", "--json"])["organization"]["name"], "acme", "it came with the workspace");
    let run = home.run("seqera", &["org", "switch", "community"], "").expect(0);
    assert!(run.err().contains("acme/research is not in it and is cleared"), "{run:?}");
    assert!(json(&home, &["workspace", "--json"])["workspace"].is_null());
    home.run("seqera", &["workspace", "switch", "3003"], "").expect(0);
    home.run("seqera", &["workspace", "clear"], "").expect(0);
    assert!(json(&home, &["env", "--json"]).get("TOWER_WORKSPACE_ID").is_none_or(Value::is_null));
}

#[test]
fn an_organization_is_chosen_by_its_full_name_and_equal_names_are_told_apart() {
    let (home, platform) = started();
    platform.world(|world| world.people.users[0].organizations[1].full_name = "Community of Practice".into());
    home.run("seqera", &["org", "switch", "community of practice"], "").expect(0);
    assert_eq!(home.run("seqera", &["org"], "").ok(), "community (2002)\n");
    platform.world(|world| world.people.users[0].organizations[1].name = "acme".into());
    let run = home.run("seqera", &["org", "switch", "acme"], "").expect(2);
    assert!(run.err().contains("use the number: 2001 (acme), 2002 (acme)"), "{run:?}");
    home.run("seqera", &["org", "switch", "2002"], "").expect(0);
    assert_eq!(home.run("seqera", &["org"], "").ok(), "acme (2002)\n");
}

#[test]
fn an_account_without_organizations_is_told_so() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    platform.sign_in("alan");
    login::with_token(&home, &platform, &[]);
    let run = home.run("seqera", &["org", "switch"], "").expect(1);
    assert!(run.err().contains("your account has no organization"), "{run:?}");
    assert_eq!(home.run("seqera", &["org", "list"], "").ok(), "");
}

#[test]
fn hostile_organizations_act_on_no_terminal() {
    let (home, platform) = started();
    platform.world(|world| world.people.make_names_hostile());
    for args in [&["org", "list"][..], &["org", "list", "--json"], &["workspace", "list"]] {
        let run = home.run("seqera", args, "").expect(0);
        assert_harmless(&run.out());
    }
    let run = home.run("seqera", &["org", "switch"], "").expect(2);
    assert_harmless(&run.err());
    for (at, hostile) in HOSTILE_NAMES.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let run = home.run("seqera", &["org", "switch", &format!("{}", 6000 + at)], "").expect(0);
        assert_harmless(&run.err());
        assert_eq!(json(&home, &["org", "--json"])["organization"]["name"], *hostile);
        let label = mark(&home).label;
        assert!(label.chars().all(|c| c.is_ascii_alphanumeric() || "_-?/@".contains(c)), "{label}");
    }
    assert!(!home.path().join("pwned").exists());
}

#[test]
fn organizations_are_no_matter_of_the_other_platform() {
    let home = Home::with_file_store();
    home.run("seqera", &["org", "list"], "").expect(3);
    login::sekuire(&home, "default");
    let run = home.run("seqera", &["org", "list"], "").expect(1);
    assert!(run.err().contains("has no organizations to choose from"), "{run:?}");
}

#[test]
fn what_is_wrong_with_a_token_from_outside_is_said_wherever_it_is_met() {
    let (mut home, platform) = started();
    let token = platform.personal_token();
    home.set("SEQERA_PLATFORM_API_URL", platform.api());
    home.set("SEQERA_TOKEN", format!("'{token}'"));
    let words = "SEQERA_TOKEN holds no token that can be used: it has quotes around it";
    let run = home.run("seqera", &["status"], "").expect(0);
    assert!(run.out().contains(words), "{run:?}");
    let run = home.run("seqera", &["doctor"], "");
    assert!(run.out().contains(words), "{run:?}");
    let run = home.run("seqera", &["whoami"], "").expect(3);
    assert!(run.err().contains(words) && !run.err().contains(&token), "{run:?}");
    let host = platform.url().replace("http://", "");
    let request = format!("protocol=http\nhost={host}\n");
    let got = home.run("git-credential-seqera", &["get"], &request).expect(0);
    assert!(got.out().contains(&token), "its server judges it: {got:?}");
    assert!(got.err().contains(words) && got.err().lines().count() == 1, "{got:?}");
    assert!(!got.err().contains(&token));
    let got = home.run("docker-credential-seqera", &["get"], platform.url()).expect(0);
    assert!(got.err().contains(words) && got.err().lines().count() == 1, "{got:?}");
    for exec in
        [&["exec", "--job-token", "--", "touch", "ran"][..], &["exec", "--live", "--", "touch", "ran"]]
    {
        let run = home.run("seqera", exec, "").expect(3);
        assert!(run.err().contains(words) && !run.err().contains(&token), "{run:?}");
        assert!(!home.path().join("ran").exists());
    }
    let run = home.run("seqera", &["exec", "--", "true"], "").expect(0);
    assert!(run.err().contains(words), "{run:?}");
    // What git sends after a 401.
    let refused = format!("{request}username=@token\npassword='{token}'\n");
    let run = home.run("git-credential-seqera", &["erase"], &refused).expect(0);
    let said = format!("{host} rejected the token in SEQERA_TOKEN: it has quotes around it");
    assert!(run.err().contains(&said) && run.err().lines().count() == 1, "{run:?}");
    let run = home.run("git-credential-seqera", &["get"], &request).expect(0);
    assert!(run.stdout.is_empty() && run.err().contains(&said), "{run:?}");
    let run = home.run("docker-credential-seqera", &["get"], platform.url()).expect(1);
    assert!(run.out().starts_with("credentials not found") && run.err().contains(&said), "{run:?}");
    home.set("SEQERA_TOKEN", "two\nlines");
    let got = home.run("git-credential-seqera", &["get"], &request).expect(0);
    assert!(got.stdout.is_empty() && got.err().contains("line breaks"), "{got:?}");
    let run = home.run("seqera", &["whoami"], "").expect(1);
    assert!(run.err().contains("SEQERA_TOKEN") && run.err().contains("line breaks"), "{run:?}");
    home.set("SEQERA_TOKEN", "no-such-token");
    let run = home.run("seqera", &["whoami"], "").expect(3);
    assert!(run.err().contains("the token is the one in SEQERA_TOKEN"), "{run:?}");
    // Nothing is wrong with it that could be seen before the server refuses it.
    let got = home.run("git-credential-seqera", &["get"], &request).expect(0);
    assert_eq!((got.out().contains("no-such-token"), got.err()), (true, String::new()));
    let ask = "curl -s -o /dev/null -w '%{http_code}' -H \"Authorization: Bearer $TOWER_ACCESS_TOKEN\" \
        \"$TOWER_API_ENDPOINT/user-info\"";
    let run =
        home.run("seqera", &["exec", "--live", "--", "sh", "-c", &format!("{ask}; {ask}")], "").expect(0);
    assert_eq!(run.out(), "401401", "{run:?}");
    assert_eq!(run.err().matches("rejected the token in SEQERA_TOKEN").count(), 1, "{run:?}");
}

#[test]
fn a_program_that_is_started_gets_one_token_under_every_name() {
    let (mut home, _platform) = started();
    home.set("SEQERA_TOKEN", "second");
    home.set("TOWER_ACCESS_TOKEN", "third");
    let show = "printf '%s %s %s' \"$SEQERA_ACCESS_TOKEN\" \"$SEQERA_TOKEN\" \"$TOWER_ACCESS_TOKEN\"";
    let shown = |args: &[&str]| home.run("seqera", &[args, &["--", "sh", "-c", show]].concat(), "").ok();
    assert_eq!(shown(&["exec"]), "second second second");
    let own = home.run("seqera", &["token", "--profile", "default"], "").ok();
    assert_eq!(shown(&["exec", "--profile", "default"]), [own.trim(); 3].join(" "));
}

/// What reads is answered there; what cannot be done says so, says where else it can be, and claims nothing.
#[test]
fn a_read_only_home_is_told_by_each_command_that_writes() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tried: it takes root to mount");
        return;
    }
    let (home, _platform) = started();
    login::change(&home, "default", |profile| profile.workspaces.clear());
    let empty = Home::with_file_store();
    let read_only = |home: &Home, command: &str| {
        let mounts = "mount --bind . . && mount -o remount,bind,ro . && cd \"$PWD\"";
        let mut unshare = home.command("unshare");
        unshare.args(["--mount", "sh", "-euc", &format!("{mounts}; exec seqera {command}")]);
        run(unshare, "")
    };
    for command in ["configure git", "configure docker", "configure containers", "config set key_cache 5"] {
        for home in [&home, &empty] {
            let run = read_only(home, command).expect(6);
            assert!(run.out().is_empty() && run.err().contains("SEQERA_HELPER_HOME"), "{command}: {run:?}");
        }
    }
    for command in [
        "org switch acme",
        "org clear",
        "workspace switch acme/research",
        "workspace clear",
        "profile use default",
        "profile bind . default",
        "profile rename default other",
    ] {
        let run = read_only(&home, command).expect(6);
        let claims = ["set:", "No ", "in use:", "now"].iter().any(|word| run.err().contains(word));
        assert!(!claims && run.err().contains("SEQERA_HELPER_HOME"), "{command}: {run:?}");
    }
    for command in ["workspace list", "org list", "whoami", "status", "token", "env", "configure --list"] {
        let run = read_only(&home, command).expect(0);
        assert!(!run.out().is_empty(), "{command}: {run:?}");
    }
}

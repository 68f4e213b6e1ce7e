//! What clients get for the server's own host, and what they do not.

use super::*;
use crate::support::session::{Token, logged_in, now};

fn git(home: &Home, operation: &str, request: &str) -> Run {
    home.run("git-credential-seqera", &[operation], request)
}

fn docker(home: &Home, operation: &str, request: &str) -> Run {
    home.run("docker-credential-seqera", &[operation], request)
}

fn boxes(home: &Home) -> Vec<String> {
    let store = crate::support::session::paths(home).store;
    let entries = std::fs::read_dir(store).unwrap().map(|entry| entry.unwrap());
    let shelves = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let mut names: Vec<_> = shelves.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn git_and_docker_get_the_token_each_in_its_own_form() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    let end = login.stored().access_expires_at.unwrap();
    let access = &login.access;
    let request = git_get(&platform);
    assert_eq!(
        git(&home, "get", &request).ok(),
        format!("username=@token\npassword={access}\npassword_expiry_utc={end}\n")
    );
    let bearer = format!(
        "capability[]=authtype\nauthtype=Bearer\ncredential={access}\nephemeral=1\npassword_expiry_utc={end}\n"
    );
    for offers in ["", "wwwauth[]=Bearer realm=x\n", "wwwauth[]=Basic realm=x\nwwwauth[]=bearer\n"] {
        assert_eq!(
            git(&home, "get", &format!("capability[]=authtype\n{request}{offers}")).ok(),
            bearer,
            "{offers}"
        );
    }
    let basic_only = format!("capability[]=authtype\n{request}wwwauth[]=Basic realm=x\n");
    assert_eq!(value(&git(&home, "get", &basic_only).ok(), "username"), Some("@token"));
    assert!(end > now());
    let url = platform.url();
    assert_eq!(
        docker(&home, "get", &url).ok(),
        format!("{{\"ServerURL\":\"{url}\",\"Username\":\"@token\",\"Secret\":\"{access}\"}}\n")
    );
    assert_eq!(refreshes(&platform), 0);
}

/// What is opened twice may be two different files; and each costs a thousandth of a network home's day.
#[test]
fn a_live_session_is_answered_from_each_file_opened_once() {
    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Fresh);
    let mut strace = home.command("strace");
    let log = home.path().join("trace");
    strace.args(["-f", "-e", "trace=openat,open", "-o"]).arg(&log);
    strace.args(["git-credential-seqera", "get"]);
    let run = crate::support::home::run(strace, git_get(&platform)).expect(0);
    assert!(run.out().contains("password="), "{run:?}");
    let trace = std::fs::read_to_string(log).unwrap();
    for file in ["profiles/default.json\"", "store/key\""] {
        assert_eq!(trace.lines().filter(|line| line.contains(file)).count(), 1, "{file}: {trace}");
    }
    assert_eq!(trace.lines().filter(|line| line.contains("session+default/")).count(), 1, "{trace}");
    assert!(!trace.contains(".lock"), "a reader takes no lock: {trace}");
}

#[test]
fn what_prompts_and_scripts_call_reads_each_file_once() {
    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Fresh);
    // The first one writes the state lines.
    home.run("seqera", &["prompt"], "").expect(0);
    let log = home.path().join("trace");
    for (command, boxes, keys) in [
        ("token", 1, 1),
        ("env --shell bash", 1, 1),
        ("exec -- true", 1, 1),
        ("hook-env bash", 1, 1),
        ("prompt", 0, 0),
        ("status", 0, 1),
    ] {
        let mut strace = home.command("strace");
        strace.args(["-e", "trace=openat,open", "-o"]).arg(&log).arg("seqera").args(command.split(' '));
        crate::support::home::run(strace, "").expect(0);
        let trace = std::fs::read_to_string(&log).unwrap();
        let opened = |file: &str| trace.lines().filter(|line| line.contains(file)).count();
        assert_eq!(opened("profiles/default.json\""), 1, "{command}: {trace}");
        assert_eq!((opened("session+default/"), opened("store/key\"")), (boxes, keys), "{command}: {trace}");
    }
}

#[test]
fn a_username_is_a_filter() {
    let (home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Dead);
    let other = format!("{}username=alice\n", git_get(&platform));
    assert_eq!(git(&home, "get", &other).ok(), "");
    assert_eq!(refreshes(&platform), 0, "what is not answered is not renewed");
    let ours = format!("{}username=@token\n", git_get(&platform));
    assert!(git(&home, "get", &ours).ok().contains("password="));
}

#[test]
fn a_shell_that_names_a_login_gets_no_other_one() {
    let (mut home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    home.set("SEQERA_PROFILE", "work");
    assert_eq!(git(&home, "get", &git_get(&platform)).ok(), "");
    docker(&home, "get", &platform.url()).expect(1);
    home.set("SEQERA_PROFILE", "default");
    assert_eq!(value(&git(&home, "get", &git_get(&platform)).ok(), "password"), Some(&*login.access));
}

#[test]
fn look_alikes_and_other_ports_get_nothing() {
    let (mut home, platform) = home_and_server();
    logged_in(&home, &platform, Token::Fresh);
    home.set("SEQERA_HELPER_TIMEOUT_MS", "5000");
    let origin = platform.url().replace("http://", "");
    let port = origin.split(':').nth(1).unwrap().to_owned();
    for (protocol, host) in [
        ("https", origin.clone()),
        ("http", format!("127.0.0.2:{port}")),
        ("http", format!("localhost:{port}")),
        ("http", format!("[::1]:{port}")),
        ("http", "127.0.0.1".into()),
        ("http", "127.0.0.1:1".into()),
        ("http", format!("127.0.0.1.evil.example:{port}")),
        ("http", format!("evil@{origin}")),
        ("http", format!("{origin}@evil.example")),
        ("http", format!("127.0.0.1.:{port}")),
        ("http", format!("127%2e0.0.1:{port}")),
        ("https", "cloud.seqera.io".into()),
        ("https", "api.cloud.seqera.io".into()),
        ("http", "cloud.seqera.io".into()),
    ] {
        let answer = git(&home, "get", &format!("protocol={protocol}\nhost={host}\n")).ok();
        assert_eq!(answer, "", "{protocol}://{host}");
        let answer = docker(&home, "get", &format!("{protocol}://{host}")).expect(1);
        assert_eq!(answer.out(), "credentials not found in native keychain\n", "{protocol}://{host}");
    }
}

#[test]
fn a_login_in_the_clear_gives_nothing_to_anyone() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    login
        .sessions()
        .change(&login.profile().name, |profile| {
            profile.endpoint = "http://tower.example/api".parse().unwrap()
        })
        .unwrap();
    assert_eq!(git(&home, "get", "protocol=http\nhost=tower.example\n").ok(), "");
}

#[test]
fn our_own_token_is_not_stored_a_second_time() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    let before = boxes(&home);
    let (request, access) = (git_get(&platform), &login.access);
    git(&home, "store", &format!("{request}username=@token\npassword={access}\n")).ok();
    let ephemeral = format!("{request}authtype=Bearer\ncredential={access}\nephemeral=1\n");
    git(&home, "store", &ephemeral).ok();
    git(&home, "store", &format!("{request}authtype=Bearer\ncredential={access}\n")).ok();
    let url = platform.url();
    let json = format!("{{\"ServerURL\":\"{url}\",\"Username\":\"@token\",\"Secret\":\"{access}\"}}");
    docker(&home, "store", &json).ok();
    assert_eq!(boxes(&home), before);
}

/// git-lfs asks, is refused, erases and asks, without end.
#[test]
fn a_client_that_erases_and_asks_without_end_is_given_another_token_and_then_none() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    let request = git_get(&platform);
    let mut given = Vec::new();
    for _ in 0..10 {
        let answer = git(&home, "get", &request).ok();
        let Some(password) = value(&answer, "password") else { break };
        given.push(password.to_owned());
        git(&home, "erase", &format!("{request}username=@token\npassword={password}\n")).ok();
    }
    assert_eq!(given, [login.access.clone(), login.stored_access()]);
    assert_eq!(refreshes(&platform), 1);
    // It is the client's server that refuses: the login stands.
    assert_eq!(ask(&home).ok().trim(), login.stored_access());
    assert!(!platform.family_burnt());
}

#[test]
fn erasing_another_token_than_ours_changes_nothing() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    let request = git_get(&platform);
    git(&home, "erase", &format!("{request}username=@token\npassword=another\n")).ok();
    git(&home, "erase", &request).ok();
    let answer = git(&home, "get", &request).ok();
    assert_eq!(value(&answer, "password"), Some(login.access.as_str()));
    assert_eq!(refreshes(&platform), 0);
}

#[test]
fn a_token_from_outside_goes_to_its_own_endpoint_only_and_is_never_kept() {
    let (mut home, platform) = home_and_server();
    home.set("SEQERA_ACCESS_TOKEN", "from-outside\r\n");
    let request = git_get(&platform);
    assert_eq!(git(&home, "get", &request).ok(), "", "it is Cloud's");
    home.set("SEQERA_PLATFORM_API_URL", platform.api());
    let answer = git(&home, "get", &request).ok();
    assert_eq!(answer, "username=@token\npassword=from-outside\n");
    for host in ["cloud.seqera.io", "api.cloud.seqera.io", "github.com"] {
        assert_eq!(git(&home, "get", &format!("protocol=https\nhost={host}\n")).ok(), "", "{host}");
    }
    git(&home, "store", &format!("{request}{answer}")).ok();
    docker(
        &home,
        "store",
        &format!(
            "{{\"ServerURL\":\"{}\",\"Username\":\"@token\",\"Secret\":\"from-outside\"}}",
            platform.url()
        ),
    )
    .ok();
    let mut plain = home.command("git-credential-seqera");
    plain.arg("get").env_remove("SEQERA_ACCESS_TOKEN");
    assert_eq!(run(plain, &request).ok(), "");
    assert_eq!(docker(&home, "list", "").ok(), "{}\n");
}

#[test]
fn a_token_from_outside_that_its_server_refuses_is_not_given_again() {
    let (mut home, platform) = home_and_server();
    home.set("SEQERA_ACCESS_TOKEN", "from-outside");
    home.set("SEQERA_PLATFORM_API_URL", platform.api());
    let request = git_get(&platform);
    git(&home, "erase", &format!("{request}username=@token\npassword=from-outside\n")).ok();
    assert_eq!(git(&home, "get", &request).ok(), "");
    home.set("SEQERA_ACCESS_TOKEN", "a-better-one");
    assert!(git(&home, "get", &request).ok().contains("a-better-one"));
}

#[test]
fn nobody_logged_in_is_nothing_said() {
    let (home, platform) = home_and_server();
    let nothing = git(&home, "get", &git_get(&platform)).expect(0);
    assert!(nothing.stdout.is_empty() && nothing.stderr.is_empty(), "{nothing:?}");
    let nothing = docker(&home, "get", &platform.url()).expect(1);
    assert_eq!(nothing.out(), "credentials not found in native keychain\n");
    assert!(nothing.stderr.is_empty(), "{nothing:?}");
}

#[test]
fn a_refusal_from_before_the_clock_was_set_back_does_not_count() {
    let (home, platform) = home_and_server();
    let login = logged_in(&home, &platform, Token::Fresh);
    let request = git_get(&platform);
    git(&home, "erase", &format!("{request}username=@token\npassword={}\n", login.access)).ok();
    let path = login.paths.store.join("session+default.refused");
    let mut refusal: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    refusal["at"] = (refusal["at"].as_u64().unwrap() + 86_400).into();
    std::fs::write(&path, refusal.to_string()).unwrap();
    assert_eq!(value(&git(&home, "get", &request).ok(), "password"), Some(login.access.as_str()));
}

#[test]
fn a_profile_that_cannot_be_read_keeps_nothing_from_other_servers() {
    let home = Home::with_file_store();
    let other = "protocol=https\nhost=other.example\n";
    let login = format!("{other}username=u\npassword=p\n");
    home.write(".local/state/seqera-credential-helper/profiles/other.json", "{");
    git(&home, "store", &login).ok();
    docker(&home, "store", r#"{"ServerURL":"other.example","Username":"u","Secret":"s"}"#).ok();
    assert_eq!(value(&git(&home, "get", other).ok(), "password"), Some("p"));
    assert!(docker(&home, "get", "other.example").ok().contains(r#""Secret":"s""#));
    // Where nothing is stored it may be that login which is meant.
    for run in
        [git(&home, "get", "protocol=https\nhost=more.example\n"), docker(&home, "get", "more.example")]
    {
        assert!(
            run.code() == 1 && format!("{run:?}").contains("the profile 'other' cannot be read"),
            "{run:?}"
        );
    }
    git(&home, "erase", &login);
    assert!(!git(&home, "get", other).out().contains("password"));
}

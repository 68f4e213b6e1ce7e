//! `seqera exec --live` and `seqera relay`: programs that work without a token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::platform::ai::AiBackend;
use crate::platform::{Endpoint, Platform};
use crate::support::home::{Home, run, until};
use crate::support::login;
use crate::support::session::{self, Token};

/// Asks the API as a program does, once for each argument, and says the status and what came.
const ASK: &str = r#"#!/usr/bin/python3
import os, sys, urllib.request as r, urllib.error
for words in sys.argv[1:]:
    method, path = words.split(" ")
    request = r.Request(os.environ["TOWER_API_ENDPOINT"] + path, method=method)
    request.add_header("Authorization", "Bearer " + os.environ["TOWER_ACCESS_TOKEN"])
    if method == "POST":
        request.add_header("Content-Type", "application/json")
        request.data = b'{"name": "endless"}'
    try:
        answer = r.urlopen(request)
    except urllib.error.HTTPError as error:
        answer = error
    print(answer.status, answer.read().decode(), flush=True)
"#;

fn started() -> (Home, Platform, session::Login) {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    let login = session::logged_in(&home, &platform, Token::Fresh);
    home.script("ask", ASK);
    (home, platform, login)
}

fn live(home: &Home, more: &[&str], command: &[&str]) -> crate::support::home::Run {
    home.run("seqera", &[&["exec", "--live"], more, &["--"], command].concat(), "")
}

#[test]
fn the_command_works_and_no_token_is_in_its_environment() {
    let (mut home, platform, login) = started();
    home.set("COPY_OF_MINE", &login.access);
    home.set("SEQERA_TOKEN", "");
    let script = r#"ask "GET /user-info"; env; exit 9"#;
    let run = live(&home, &[], &["sh", "-c", script]).expect(9);
    let out = run.out();
    assert!(out.starts_with("200 ") && out.contains("ada@example"), "{run:?}");
    for secret in platform.issued_secrets() {
        assert!(!out.contains(&secret), "{out}");
    }
    let word = out.lines().find_map(|line| line.strip_prefix("TOWER_ACCESS_TOKEN=")).unwrap();
    assert!(word.starts_with("eyJ0aWQiOiA"), "Nextflow sends it as Bearer: {word}");
    assert!(out.contains(&format!("\nSEQERA_ACCESS_TOKEN={word}\n")), "{out}");
    assert!(out.contains("\nTOWER_API_ENDPOINT=http://127.0.0.1:"), "{out}");
    for gone in ["COPY_OF_MINE", "SEQERA_ENV", "SEQERA_TOKEN_EXPIRES_AT", "SEQERA_AI_BACKEND_URL"] {
        assert!(!out.contains(&format!("\n{gone}=")), "{gone}: {out}");
    }
    assert_eq!(run.err(), "");
}

#[test]
fn status_knows_a_relay_s_word() {
    let (home, _platform, _login) = started();
    let out = live(&home, &[], &["seqera", "status"]).ok();
    assert!(out.contains("Session expires: with the relay") && !out.contains("not renewed"), "{out}");
}

#[test]
fn it_outlives_its_token() {
    let (home, platform, _login) = started();
    let script = r#"ask "GET /user-info"; touch asked; until [ -e go ]; do sleep 0.02; done
        ask "GET /user-info" "GET /user-info""#;
    let mut command = home.command("seqera");
    command.args(["exec", "--live", "--", "sh", "-c", script]);
    let running = crate::support::home::start(command, "");
    until(Duration::from_secs(40), "it has asked", || home.path().join("asked").exists());
    platform.expire_access_tokens();
    home.write("go", "");
    let out = running.finish().ok();
    assert_eq!(out.lines().filter(|line| line.starts_with("200 ")).count(), 3, "{out}");
    assert_eq!(platform.count_grant("refresh_token"), 1);
    assert!(!platform.family_burnt());
}

#[test]
fn a_thousand_requests_over_ten_ends_of_a_login() {
    let (home, platform, _login) = started();
    let script = r#"for turn in 1 2 3 4 5 6 7 8 9 10; do
        python3 - <<'END'
import os, http.client, urllib.parse
to = urllib.parse.urlsplit(os.environ["TOWER_API_ENDPOINT"])
server = http.client.HTTPConnection(to.hostname, to.port)
for _ in range(100):
    server.request("GET", to.path + "/user-info", headers={"Authorization": "Bearer " + os.environ["TOWER_ACCESS_TOKEN"]})
    answer = server.getresponse()
    answer.read()
    print(answer.status)
END
        touch "turn$turn"; until [ -e "go$turn" ]; do sleep 0.02; done
        done"#;
    let mut command = home.command("seqera");
    command.args(["exec", "--live", "--", "sh", "-c", script]);
    let running = crate::support::home::start(command, "");
    for turn in 1..=10 {
        let done = home.path().join(format!("turn{turn}"));
        until(Duration::from_secs(50), "a turn", || done.exists());
        platform.expire_access_tokens();
        home.write(format!("go{turn}"), "");
    }
    let out = running.finish().ok();
    assert_eq!(out.lines().filter(|line| *line == "200").count(), 1000, "{out}");
    assert_eq!(platform.count_grant("refresh_token"), 9);
}

#[test]
fn the_command_makes_itself_no_token() {
    let (home, platform, _login) = started();
    let asks =
        ["POST /tokens", "POST //tokens", "POST /%74okens", "POST /user-info/../tokens", "GET /tokens"];
    let out = live(&home, &[], &[&["ask"], &asks[..]].concat()).ok();
    assert_eq!(out.lines().filter(|line| line.starts_with("403 ")).count(), asks.len(), "{out}");
    assert!(out.contains(r#"{"message":"#) && out.contains("--allow"), "{out}");
    assert_eq!((platform.count(Endpoint::PersonalTokens), platform.personal_token_ids().len()), (0, 0));
    let out = live(&home, &["--allow", "POST /tokens"], &["ask", "POST /tokens", "GET /user-info"]).ok();
    let statuses: Vec<&str> = out.lines().map(|line| &line[..3]).collect();
    assert_eq!(statuses, ["200", "403"], "{out}");
}

#[test]
fn fewer_rights_than_the_login_has() {
    let (home, platform, _login) = started();
    let log = home.path().join("log");
    let limits = ["--read-only", "--log", log.to_str().unwrap()];
    let out = live(&home, &limits, &["ask", "GET /orgs?secret=hidden", "POST /workflow/launch"]).ok();
    let statuses: Vec<&str> = out.lines().map(|line| &line[..3]).collect();
    assert_eq!(statuses, ["200", "403"], "{out}");
    let text = fs::read_to_string(log).unwrap();
    let words: Vec<Vec<&str>> = text.lines().map(|line| line.split(' ').skip(1).collect()).collect();
    assert_eq!(words[0][..3], ["GET", "/orgs", "200"], "{text}");
    assert_eq!(words[1][..3], ["POST", "/workflow/launch", "403"], "{text}");
    assert!(!text.contains("hidden"), "{text}");

    let asks = ["GET /workflow?workspaceId=41", "GET /workflow", "GET /user-info"];
    let print = r#"ask "$@"; echo "$TOWER_WORKSPACE_ID""#;
    let out = live(&home, &["--workspace", "40"], &[&["sh", "-c", print, "sh"], &asks[..]].concat()).ok();
    assert!(out.contains("workspace 40") && out.ends_with("\n40\n"), "{out}");
    let before = platform.requests().iter().filter(|request| request.path.contains("workflow")).count();
    assert_eq!(before, 0, "the Platform heard nothing of it");
    for (limit, value) in [("--read-only", None), ("--workspace", Some("1")), ("--log", Some("x"))] {
        let args: Vec<&str> =
            ["exec", limit].into_iter().chain(value).chain(["--", "touch", "ran"]).collect();
        assert!(home.run("seqera", &args, "").expect(2).err().contains("need --live"), "{limit}");
    }
    for bad in [["--allow", "GET"], ["--workspace", "acme"]] {
        live(&home, &bad, &["touch", "ran"]).expect(2);
    }
    live(&home, &["--job-token"], &["touch", "ran"]).expect(2);
    assert!(!home.path().join("ran").exists());
}

#[test]
fn a_token_that_the_shell_put_into_the_command_is_refused() {
    let (home, _platform, login) = started();
    let run = live(&home, &[], &["sh", "-c", &format!("touch ran; echo {}", login.access)]).expect(7);
    assert!(run.err().contains("single quotes") && !run.err().contains(&login.access), "{run:?}");
    assert!(!home.path().join("ran").exists());
}

#[test]
fn wave_cannot_use_a_relay_and_is_told_what_can() {
    let (home, _platform, _login) = started();
    home.script("wave", "#!/bin/sh\ntouch ran\n");
    for command in [&["wave", "-i", "x"][..], &["seqera", "containers", "build"]] {
        let run = live(&home, &[], command).expect(2);
        assert!(run.err().contains("--job-token"), "{run:?}");
    }
    assert!(!home.path().join("ran").exists());
}

#[test]
fn without_a_token_nothing_is_run() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    live(&home, &[], &["touch", "ran"]).expect(3);
    session::logged_in(&home, &platform, Token::Dead);
    platform.revoke_all();
    live(&home, &[], &["touch", "ran"]).expect(4);
    assert!(!home.path().join("ran").exists());
}

#[test]
fn a_command_that_is_not_there_is_127_and_a_signal_reaches_one_that_is() {
    let (home, _platform, _login) = started();
    live(&home, &[], &["no-such-program"]).expect(127);
    assert_eq!(live(&home, &[], &["sh", "-c", "kill -KILL $$"]).code(), 128 + 9);
    for (signal, code) in [(Signal::TERM, 33), (Signal::HUP, 34), (Signal::INT, 35)] {
        let script = "trap 'exit 33' TERM; trap 'exit 34' HUP; trap 'exit 35' INT; \
            echo > started; while :; do sleep 0.05; done";
        let mut command = home.command("seqera");
        let mut child = command.args(["exec", "--live", "--", "sh", "-c", script]).spawn().unwrap();
        let begun = home.path().join("started");
        until(Duration::from_secs(40), "it begins", || begun.exists());
        kill_process(Pid::from_child(&child), signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        fs::remove_file(begun).unwrap();
    }
}

#[test]
fn a_token_from_outside_is_lent_with_fewer_rights() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    home.script("ask", ASK);
    let token = platform.personal_token();
    home.set("SEQERA_TOKEN", "");
    home.set("TOWER_ACCESS_TOKEN", &token);
    home.set("TOWER_API_ENDPOINT", platform.api());
    let script = r#"ask "GET /user-info" "DELETE /user-info"; env"#;
    let out = live(&home, &["--read-only"], &["sh", "-c", script]).ok();
    assert!(out.starts_with("200 ") && out.contains("\n403 "), "{out}");
    assert!(!out.contains(&token), "{out}");
}

#[test]
fn the_backend_is_served_beside_the_api() {
    let (home, platform, _login) = started();
    let backend = AiBackend::start_named(&platform, "true");
    let script =
        r#"TOWER_API_ENDPOINT=$SEQERA_AI_BACKEND_URL ask "GET /v1/cli/user-info"; ask "GET /user-info""#;
    let out = live(&home, &[], &["sh", "-c", script]).ok();
    assert_eq!(out.lines().filter(|line| line.starts_with("200 ")).count(), 2, "{out}");
    assert_eq!(backend.asked().len(), 1);
    // A limit is one of everything that is relayed.
    let out = live(&home, &["--workspace", "7"], &["sh", "-c", script]).ok();
    assert!(out.starts_with("403 "), "{out}");
}

#[test]
fn a_login_that_becomes_another_is_not_lent_on() {
    let (home, _platform, _login) = started();
    let other = Platform::start();
    let script =
        r#"ask "GET /user-info"; touch asked; until [ -e go ]; do sleep 0.02; done; ask "GET /user-info""#;
    let mut command = home.command("seqera");
    command.args(["exec", "--live", "--", "sh", "-c", script]);
    let running = crate::support::home::start(command, "");
    until(Duration::from_secs(40), "it has asked", || home.path().join("asked").exists());
    login::with_token(&home, &other, &[]);
    // What was lent already is kept for a moment; its server takes it no longer, and the next one is of another.
    _platform.revoke_all();
    let asked = other.requests().len();
    home.write("go", "");
    let out = running.finish().ok();
    assert!(out.lines().nth(1).is_some_and(|line| line.contains("is another one since")), "{out}");
    assert_eq!(other.requests().len(), asked, "the first server's address gets nothing of the second's");
}

/// A relay that runs; killed when dropped.
struct Foreground(Child);

impl Drop for Foreground {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn relay(home: &Home, args: &[&str]) -> (Foreground, String) {
    let out = home.path().join("exports");
    let mut command = home.command("seqera");
    command.args([&["relay", "--shell", "posix"], args].concat());
    command.stdout(fs::File::create(&out).unwrap()).stderr(Stdio::null());
    let child = Foreground(command.spawn().unwrap());
    let mut text = String::new();
    until(Duration::from_secs(40), "the exports are printed", || {
        text = fs::read_to_string(&out).unwrap();
        text.ends_with('\n')
    });
    (child, text)
}

#[test]
fn a_relay_in_the_foreground_prints_what_a_program_needs() {
    let (home, platform, login) = started();
    let (mut child, exports) = relay(&home, &["--read-only"]);
    for secret in platform.issued_secrets() {
        assert!(!exports.contains(&secret));
    }
    // Somewhere else: another home, another login, another token.
    let elsewhere = Home::with_file_store();
    elsewhere.script("ask", ASK);
    let mut shell = elsewhere.command("sh");
    shell.env("TOWER_ACCESS_TOKEN", "stale").env("SEQERA_TOKEN", "stale");
    shell.args([
        "-c",
        &format!("{exports}\nask 'GET /user-info' 'POST /workflow/launch'; echo ${{SEQERA_TOKEN-gone}}"),
    ]);
    let out = run(shell, "").ok();
    assert!(out.starts_with("200 ") && out.contains("\n403 ") && out.ends_with("gone\n"), "{out}");
    let _ = login;
    kill_process(Pid::from_child(&child.0), Signal::TERM).unwrap();
    assert_eq!(child.0.wait().unwrap().signal(), Some(15));
}

#[test]
fn a_socket_is_served_and_goes_with_the_relay() {
    let (home, _platform, _login) = started();
    let path = home.path().join("relay.sock");
    let (child, exports) = relay(&home, &["--socket", path.to_str().unwrap(), "--port", "8765"]);
    assert!(exports.contains("TOWER_API_ENDPOINT='http://127.0.0.1:8765/api'"), "{exports}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let script = "import os, sys, socket\n\
        s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n\
        s.sendall(b'GET /api/user-info HTTP/1.1\\r\\nHost: 127.0.0.1:8765\\r\\nConnection: close\\r\\nAuthorization: Bearer '\n\
        \x20 + os.environ['TOWER_ACCESS_TOKEN'].encode() + b'\\r\\n\\r\\n')\n\
        print(s.makefile().read())";
    let mut shell = Command::new("sh");
    shell.env_clear().env("PATH", "/usr/bin:/bin");
    shell.args(["-c", &format!("{exports}\npython3 -c \"$0\" \"$1\""), script, path.to_str().unwrap()]);
    let out = run(shell, "").ok();
    assert!(out.starts_with("HTTP/1.1 200") && out.contains("ada@example"), "{out}");
    drop(child);
    fs::remove_file(&path).unwrap();
    for (signal, number) in [(Signal::INT, 2), (Signal::TERM, 15), (Signal::HUP, 1)] {
        let (mut child, _) = relay(&home, &["--socket", path.to_str().unwrap(), "--port", "8765"]);
        assert!(path.exists());
        kill_process(Pid::from_child(&child.0), signal).unwrap();
        // It ends as if it had caught nothing: a shell makes 130 of Ctrl-C.
        assert_eq!(child.0.wait().unwrap().signal(), Some(number));
        assert!(!path.exists());
    }
}

#[test]
fn where_it_cannot_listen_it_says_what_can_be_done() {
    let (home, _platform, _login) = started();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = home.run("seqera", &["relay", "--shell", "posix", "--port", &port], "").expect(1);
    assert!(run.err().contains(&format!("127.0.0.1:{port}")) && run.err().contains("--port"), "{run:?}");
    let long = home.path().join("x".repeat(120));
    let run =
        home.run("seqera", &["relay", "--shell", "posix", "--socket", long.to_str().unwrap()], "").expect(1);
    assert!(run.err().contains("too long for a socket's path"), "{run:?}");
    assert_eq!(run.out(), "");
}

/// A launch, with a body that may name a workspace, too.
const POST: &str = r#"#!/usr/bin/python3
import os, sys, urllib.request as r, urllib.error
method, path, kind, body = sys.argv[1:]
request = r.Request(os.environ["TOWER_API_ENDPOINT"] + path, method=method, data=body.encode())
request.add_header("Authorization", "Bearer " + os.environ["TOWER_ACCESS_TOKEN"])
request.add_header("Content-Type", kind)
try:
    answer = r.urlopen(request)
except urllib.error.HTTPError as error:
    answer = error
print(answer.status, answer.read().decode(), flush=True)
"#;

#[test]
fn a_body_names_no_other_workspace() {
    let (home, platform, _login) = started();
    home.script("post", POST);
    let post = |more: &[&str], request: [&str; 4]| {
        live(&home, &[&["--workspace", "40"], more].concat(), &[&["post"], &request[..]].concat()).ok()
    };
    let json = "application/json";
    let launch = "/workflow/launch?workspaceId=40";
    for (request, words) in [
        (["POST", launch, json, r#"{"launch":{"workspaceId":41}}"#], "the body names another"),
        (["POST", launch, "text/plain", r#"{"workspaceId":41}"#], "the body names another"),
        (["POST", launch, json, "workspaceId=41"], "is not JSON"),
        (["POST", launch, "application/x-www-form-urlencoded", "workspaceId=41"], "is not JSON"),
        (["DELETE", "/orgs/1/workspaces/40", json, ""], "a whole workspace"),
        (["PUT", "/orgs/1/workspaces/40", json, "{}"], "a whole workspace"),
        (["POST", "/orgs/1/workspaces", json, "{}"], "a whole workspace"),
    ] {
        let out = post(&[], request);
        assert!(out.starts_with("403 ") && out.contains(words), "{request:?}: {out}");
    }
    let heard = |part: &str| platform.requests().iter().any(|request| request.path.contains(part));
    assert!(!heard("workflow") && !heard("workspaces"));
    // What is its own passes, and a file for it, whatever is in that.
    post(&[], ["POST", launch, json, r#"{"launch":{"workspaceId":40}}"#]);
    post(&[], ["POST", "/workspaces/40/datasets/1/upload", "multipart/form-data; boundary=x", "workspaceId"]);
    assert!(heard("workflow/launch") && heard("workspaces/40/datasets"));
    post(&["--allow", "DELETE /orgs/1/workspaces/40"], ["DELETE", "/orgs/1/workspaces/40", json, ""]);
    assert!(heard("orgs/1/workspaces/40"));
}

#[test]
fn its_requests_are_in_the_trace() {
    let (mut home, platform, _login) = started();
    home.set("SEQERA_HELPER_LOG", "debug");
    let run = live(&home, &[], &["ask", "GET /user-info?hidden=1", "POST /tokens"]).expect(0);
    let err = run.err();
    assert!(
        err.contains("debug relay: GET /user-info 200 ") && err.contains("debug relay: POST /tokens 403 "),
        "{err}"
    );
    assert!(!err.contains("hidden"), "{err}");
    for secret in platform.issued_secrets() {
        assert!(!err.contains(&secret), "{err}");
    }
}

//! What no honest client sends: each a defined answer, nothing printed by half, nothing stored.

use std::fs::File;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::home::{Home, Run, until};

/// A call that is refused: this exit code, nothing on standard output, one harmless line of help.
#[track_caller]
fn refused(home: &Home, program: &str, operation: &str, input: &[u8], code: i32) -> Run {
    let run = home.run(program, &[operation], input).expect(code);
    assert_eq!(run.out(), "", "{run:?}");
    assert_eq!(run.err().lines().count(), 1, "{run:?}");
    harmless(&run);
    run
}

/// Whatever went wrong is said without panicking, without the secret, and without acting on a terminal.
#[track_caller]
fn harmless(run: &Run) {
    for said in [run.out(), run.err()] {
        assert!(!said.contains("panicked") && !said.contains("hunter2"), "{run:?}");
        assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "{run:?}");
    }
}

/// Asserts that nothing at all is stored.
#[track_caller]
fn nothing_stored(home: &Home) {
    assert!(!home.path().join(".local/share/seqera-credential-helper/store").exists());
}

const GIT: &str = "git-credential-seqera";
const DOCKER: &str = "docker-credential-seqera";

#[test]
fn what_git_never_sends_is_refused_whole() {
    let home = Home::with_file_store();
    let login =
        |host: &str| format!("protocol=https\nhost={host}\nusername=u\npassword=hunter2\n").into_bytes();
    for bad in [
        login("a\rhost=b"),
        login("a\0b"),
        login("a\nhost=b"),
        login("a\nprotocol=http"),
        login("a\nusername=v"),
        login("a\nurl=https://b/"),
        [login("a"), b"foo=".to_vec(), vec![b'x'; 70_000]].concat(),
        [vec![b'x'; 70_000], b"=y\n".to_vec(), login("a")].concat(),
    ] {
        for operation in ["get", "store", "erase"] {
            refused(&home, GIT, operation, &bad, 1);
        }
    }
    nothing_stored(&home);
}

#[test]
fn what_names_no_place_is_answered_with_nothing() {
    let home = Home::with_file_store();
    for input in [
        &b""[..],
        b"\n",
        b"protocol=https\n",
        b"host=example.com\nusername=u\npassword=hunter2\n",
        b"protocol=https\nhost=\nusername=u\npassword=hunter2\n",
        b"protocol=\nhost=example.com\nusername=u\npassword=hunter2\n",
        b"protocol=cert\nhost=\npath=/x\nusername=u\npassword=hunter2\n",
        b"protocol=https\nhost=\xff\xfe\nusername=u\npassword=hunter2\n",
        b"protocol=https\nhost=evil@example.com\nusername=u\npassword=hunter2\n",
        b"protocol=https\nhost=example.com.\nusername=u\npassword=hunter2\n",
        b"protocol=https\nhost=example%2ecom\nusername=u\npassword=hunter2\n",
        b"no equals sign\n=no key\n\x1b[31m\n",
    ] {
        for operation in ["get", "store", "erase"] {
            let run = home.run(GIT, &[operation], input).expect(0);
            assert_eq!((run.out(), run.err()), (String::new(), String::new()), "{run:?}");
        }
    }
    nothing_stored(&home);
}

#[test]
fn look_alikes_of_a_host_get_nothing() {
    let home = Home::with_file_store();
    home.run(GIT, &["store"], "protocol=https\nhost=example.com\nusername=u\npassword=p\n").ok();
    for same in ["example.com", "EXAMPLE.com", "example.com:443"] {
        let request = format!("protocol=https\nhost={same}\n");
        assert_eq!(home.run(GIT, &["get"], request).ok(), "username=u\npassword=p\n", "{same}");
    }
    for other in [
        "example.com:8443",
        "xexample.com",
        "example.com.evil.example",
        "evil.example/example.com",
        "example.com/",
        "example.com\\evil",
        "u@example.com",
        "[::1]",
        "127.0.0.1",
        "еxample.com",
        "example.com ",
    ] {
        let run = home.run(GIT, &["get"], format!("protocol=https\nhost={other}\n"));
        assert_eq!(run.ok(), "", "{other}");
    }
    assert_eq!(home.run(GIT, &["get"], "protocol=http\nhost=example.com\n").ok(), "", "in the clear");
}

#[test]
fn an_endless_request_is_cut_off() {
    let home = Home::with_file_store();
    let endless = vec![b'x'; 10 << 20];
    refused(&home, GIT, "store", &endless, 1);
    let run = home.run(DOCKER, &["store"], &endless);
    assert!(run.code() != 0 && run.out().lines().count() == 1, "{run:?}");
    let run = home.run("seqera-credential-helper", &["get"], &endless);
    assert!(run.code() != 0 && run.out().is_empty(), "{run:?}");
    nothing_stored(&home);
}

#[test]
fn what_docker_never_sends_is_refused_in_its_words() {
    let home = Home::with_file_store();
    for (input, words) in [
        (&b"{\"ServerURL\":\"\",\"Username\":\"u\",\"Secret\":\"hunter2\"}"[..], "no credentials server URL"),
        (b"{\"Username\":\"u\",\"Secret\":\"hunter2\"}", "no credentials server URL"),
        (b"{\"ServerURL\":\"h\",\"Secret\":\"hunter2\"}", "no credentials username"),
        (b"{\"ServerURL\":\"h\",\"Username\":\"\",\"Secret\":\"hunter2\"}", "no credentials username"),
        (b"{\"ServerURL\":\"h\",\"Username\":\"u\"}", ""),
        (b"{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"hunter2\"} more", ""),
        (b"{\"ServerURL\":\"h\",\"Username\":\"u\",\"Secret\":\"hunter2", ""),
        (b"{\"ServerURL\":\"h\",\"ServerURL\":\"i\",\"Username\":\"u\",\"Secret\":\"hunter2\"}", ""),
        (b"{\"ServerURL\":[\"h\"],\"Username\":\"u\",\"Secret\":\"hunter2\"}", ""),
        (b"{\"ServerURL\":\"user@h\",\"Username\":\"u\",\"Secret\":\"hunter2\"}", ""),
        (b"{\"ServerURL\":\"ftp://h\",\"Username\":\"u\",\"Secret\":\"hunter2\"}", ""),
        (b"[\"h\",\"u\",\"hunter2\"]", ""),
        (b"{\"ServerURL\":\"\xff\",\"Username\":\"u\",\"Secret\":\"hunter2\"}", ""),
        (b"null", ""),
        (b"", ""),
    ] {
        let run = home.run(DOCKER, &["store"], input).expect(1);
        assert!(run.out().starts_with(words) && run.out().lines().count() == 1, "{run:?}");
        assert_eq!(run.err(), "");
        harmless(&run);
    }
    nothing_stored(&home);
    for (input, words) in [
        (&b""[..], "no credentials server URL\n"),
        (b"  \r\n", "no credentials server URL\n"),
        (b"h", "credentials not found in native keychain\n"),
        (b"good\nevil", "credentials not found in native keychain\n"),
        (b"\xff", "credentials not found in native keychain\n"),
        (b"user@h", "credentials not found in native keychain\n"),
        (b"https://index.docker.io/v1/refresh-token", "credentials not found in native keychain\n"),
    ] {
        let run = home.run(DOCKER, &["get"], input).expect(1);
        assert_eq!((run.out().as_str(), run.err().as_str()), (words, ""), "{run:?}");
        if words.contains("not found") {
            assert_eq!(home.run(DOCKER, &["erase"], input).ok(), "");
        }
    }
}

#[test]
fn an_unknown_operation_is_ignored_for_git_and_named_for_docker() {
    let home = Home::with_file_store();
    let run = home.run(GIT, &["refresh"], "protocol=https\nhost=h\n").expect(0);
    assert_eq!((run.out(), run.err()), (String::new(), String::new()));
    let run = home.run(DOCKER, &["refresh"], "h").expect(1);
    assert_eq!(run.out(), "docker-credential-seqera: unknown action: refresh\n");
    for args in [&[][..], &["get", "get"]] {
        let run = home.run(DOCKER, args, "").expect(1);
        assert!(run.out().starts_with("Usage: "), "{run:?}");
        harmless(&run);
    }
    harmless(&home.run("seqera-credential-helper", &["\x1b[31m"], "").expect(2));
    harmless(&home.run("seqera-credential-helper", &[], "").expect(2));
}

#[test]
fn secrets_of_every_kind_come_back_byte_for_byte() {
    let home = Home::with_file_store();
    for secret in
        [&b"\"'\\<>&%= \t"[..], b"", b"=", "pässwörd \u{1f511}".as_bytes(), b"\xff\xfe\x01", &[b'x'; 60_000]]
    {
        let login = [b"username=u\npassword=", secret, b"\n"].concat();
        let input = [b"protocol=https\nhost=example.com\n", &login[..]].concat();
        home.run(GIT, &["store"], &input).ok();
        let run = home.run(GIT, &["get"], "protocol=https\nhost=example.com\n").expect(0);
        assert!(run.stdout == login, "{run:?}");
    }
}

/// Runs a `get` that writes its answer to `stdout`, and answers its exit code and standard error.
fn with_stdout(home: &Home, stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let request = home.write("request", "protocol=https\nhost=example.com\n");
    let mut command = home.command(GIT);
    command.arg("get").stdin(File::open(request).unwrap()).stdout(stdout).stderr(Stdio::piped());
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_answer_that_nobody_can_read_is_a_failure() {
    let home = Home::with_file_store();
    home.run(GIT, &["store"], "protocol=https\nhost=example.com\nusername=u\npassword=hunter2\n").ok();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let (code, said) = with_stdout(&home, full);
    assert!(code == Some(1) && said.lines().count() == 1 && !said.contains("panicked"), "{code:?} {said}");

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let (code, said) = with_stdout(&home, writer);
    assert!(code == Some(1) && said.lines().count() <= 1 && !said.contains("panicked"), "{code:?} {said}");
}

#[test]
fn a_client_that_never_ends_its_request_is_not_waited_for() {
    let mut home = Home::with_file_store();
    home.set("SEQERA_HELPER_TIMEOUT_MS", "300");
    for program in [GIT, DOCKER] {
        let mut command = home.command(program);
        command.arg("get").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let (mut child, started) = (command.spawn().unwrap(), Instant::now());
        let mut status = None;
        until(Duration::from_secs(10), "it gives up", || {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        assert_eq!(status.unwrap().code(), Some(8), "after {:?}", started.elapsed());
    }
}

#[test]
fn docker_list_does_not_read_its_input() {
    let home = Home::with_file_store();
    let mut command = home.command(DOCKER);
    command.arg("list").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _open = child.stdin.take();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"{}\n");
}

#[test]
fn no_home_is_said_and_not_guessed() {
    let home = Home::with_file_store();
    let mut command = home.command(GIT);
    command.arg("get");
    for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command.env("HOME", "/nonexistent");
    let run = crate::support::home::run(command, "protocol=https\nhost=example.com\n");
    assert_eq!(run.expect(0).out(), "");
}

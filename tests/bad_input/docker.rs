//! Every odd request of docker's kind and its answer: what a client matches to the letter, on standard output.

use super::*;

const NOT_FOUND: &str = "credentials not found in native keychain\n";
const NO_SERVER: &str = "no credentials server URL\n";

fn home() -> Home {
    let home = Home::with_file_store();
    docker(&home, "store", r#"{"ServerURL":"host.example","Username":"alice","Secret":"pw"}"#).ok();
    docker(&home, "store", r#"{"ServerURL":"https://index.docker.io/v1/","Username":"hub","Secret":"hw"}"#)
        .ok();
    home
}

/// The answer, which echoes the server as it was asked for.
fn got(server: &str, user: &str, secret: &str) -> String {
    format!("{{\"ServerURL\":\"{server}\",\"Username\":\"{user}\",\"Secret\":\"{secret}\"}}\n")
}

#[test]
fn every_spelling_of_a_server_has_its_answer() {
    let home = home();
    for spelling in [
        "host.example",
        "host.example\n",
        "  host.example \r\n",
        "//host.example",
        "https://host.example",
        "https://host.example/",
        "https://host.example/v1/",
        "HOST.example",
        "host.example:443",
        "host.example/ns/repo",
        "https://host.example/?x=y#z",
    ] {
        let run = docker(&home, "get", spelling).expect(0);
        assert_eq!(run.out(), got(spelling.trim(), "alice", "pw"), "{spelling:?}");
        assert!(run.stderr.is_empty(), "{run:?}");
    }
    for hub in ["docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/"] {
        assert_eq!(docker(&home, "get", hub).ok(), got(hub, "hub", "hw"), "{hub}");
    }
}

#[test]
fn what_is_no_server_of_ours_is_not_found() {
    let home = home();
    for (server, words) in [
        ("", NO_SERVER),
        (" \t \r\n", NO_SERVER),
        ("http://host.example", NOT_FOUND),
        ("ftp://host.example", NOT_FOUND),
        ("/host.example", NOT_FOUND),
        ("https:///x", NOT_FOUND),
        ("alice@host.example", NOT_FOUND),
        ("https://alice:pw@host.example", NOT_FOUND),
        ("good.example\nhost.example", NOT_FOUND),
        ("host.example\nevil.example", NOT_FOUND),
        ("host.example\0", NOT_FOUND),
        ("\u{feff}host.example", NOT_FOUND),
        ("host.example.", NOT_FOUND),
        ("xhost.example", NOT_FOUND),
        ("x.host.example", NOT_FOUND),
        ("host.example.evil.example", NOT_FOUND),
        ("evil.example/host.example", NOT_FOUND),
        ("host.example@evil.example", NOT_FOUND),
        ("host%2eexample", NOT_FOUND),
        ("host\\.example", NOT_FOUND),
        ("hоst.example", NOT_FOUND),
        ("host.example:8443", NOT_FOUND),
        ("host.example:", NOT_FOUND),
        ("[::1]", NOT_FOUND),
        ("127.0.0.1", NOT_FOUND),
        ("unknown.example", NOT_FOUND),
        ("https://index.docker.io/v1/refresh-token", NOT_FOUND),
        ("https://index.docker.io/v1/access-token", NOT_FOUND),
    ] {
        let run = docker(&home, "get", server).expect(1);
        assert_eq!(run.out(), words, "{server:?}");
        assert!(run.stderr.is_empty(), "{server:?}: {run:?}");
    }
    let run = docker(&home, "get", b"host.example\xff").expect(1);
    assert_eq!(run.out(), NOT_FOUND);
}

#[test]
fn only_a_whole_credential_is_stored_and_no_secret_is_repeated() {
    let home = home();
    let before = stored(&home);
    let five_megabytes =
        format!(r#"{{"ServerURL":"n.example","Username":"u","Secret":"{}"}}"#, "x".repeat(5 << 20));
    for (input, words) in [
        (r#"{"Username":"u","Secret":"hunter2"}"#, "no credentials server URL"),
        (r#"{"ServerURL":"","Username":"u","Secret":"hunter2"}"#, "no credentials server URL"),
        (r#"{"ServerURL":"n.example","Secret":"hunter2"}"#, "no credentials username"),
        (r#"{"ServerURL":"n.example","Username":"","Secret":"hunter2"}"#, "no credentials username"),
        (r#"{"ServerURL":"n.example","Username":"u"}"#, "no credentials secret"),
        (r#"{"ServerURL":"n.example","Username":"u","Secret":""}"#, "no credentials secret"),
        (r#"{"ServerURL":"n.example","Username":"u","Secret":"hunter2\u0000"}"#, "NUL"),
        (r#"{"ServerURL":"ftp://n.example","Username":"u","Secret":"hunter2"}"#, "names no host"),
        (r#"{"ServerURL":"n..example","Username":"u","Secret":"hunter2"}"#, "names no host"),
        (r#"{"ServerURL":"n.example","Username":"u","Secret":7}"#, "JSON"),
        (r#"{"ServerURL":"n.example","Username":"u","Secret":"hunter2""#, "JSON"),
        (r#"{"ServerURL":"n.example","Username":"u","Secret":"hunter2"} x"#, "JSON"),
        (r#"{"ServerURL":"n.example","Username":"u","Secret":"hunter2","Secret":"b"}"#, "JSON"),
        (r#"["n.example","u","hunter2"]"#, "JSON"),
        ("hunter2", "JSON"),
        ("", "JSON"),
        (five_megabytes.as_str(), "larger"),
    ] {
        let shown = &input[..input.len().min(80)];
        let run = docker(&home, "store", input).expect(1);
        assert!(run.out().contains(words) && run.out().lines().count() == 1, "{shown}: {run:?}");
        assert!(!run.out().contains("hunter2") && run.stderr.is_empty(), "{shown}: {run:?}");
        assert_eq!(stored(&home), before, "{shown}");
    }
    let run = docker(&home, "store", b"{\"ServerURL\":\"n.example\",\"Username\":\"u\",\"Secret\":\"\xff\"}")
        .expect(1);
    assert!(run.out().contains("JSON"), "{run:?}");
}

#[test]
fn an_identity_token_stays_one() {
    let home = home();
    let stored = r#"{"ServerURL":"id.example","Username":"\u003ctoken\u003e","Secret":"a\u0026b"}"#;
    docker(&home, "store", format!("{stored}\n")).ok();
    assert_eq!(docker(&home, "get", "id.example").ok(), got("id.example", "<token>", "a&b"));
}

#[test]
fn erasing_is_always_fine() {
    let home = home();
    assert_eq!(docker(&home, "erase", "").expect(1).out(), NO_SERVER);
    for unknown in ["unknown.example", "ftp://host.example", "user@host.example", "http://host.example", "\0"]
    {
        assert_eq!(docker(&home, "erase", unknown).ok(), "", "{unknown:?}");
    }
    assert_eq!(docker(&home, "erase", b"\xff").ok(), "");
    assert!(docker(&home, "get", "host.example").ok().contains("pw"));
    for spelling in ["host.example", "host.example", "http://host.example", "https://host.example"] {
        assert_eq!(docker(&home, "erase", spelling).ok(), "", "{spelling}");
    }
    assert_eq!(docker(&home, "get", "host.example").expect(1).out(), NOT_FOUND);
    assert!(docker(&home, "get", "docker.io").ok().contains("hw"));
}

#[test]
fn the_words_around_it_are_docker_s() {
    let home = home();
    assert_eq!(
        docker(&home, "list", "unused").ok(),
        "{\"host.example\":\"alice\",\"https://index.docker.io/v1/\":\"hub\"}\n"
    );
    assert_eq!(docker(&Home::with_file_store(), "list", "").ok(), "{}\n");
    for words in [&[][..], &["get", "store"]] {
        let run = home.run("docker-credential-seqera", words, "").expect(1);
        assert!(run.out().starts_with("Usage: ") && run.stderr.is_empty(), "{run:?}");
    }
    for word in ["version", "--version", "-v", "--help", "-h"] {
        let run = docker(&home, word, "").expect(0);
        assert!(run.out().contains("docker-credential-seqera"), "{run:?}");
    }
    let unknown = docker(&home, "fetch\x1b[31m", "").expect(1);
    assert_eq!(unknown.out(), "docker-credential-seqera: unknown action: fetch\u{fffd}[31m\n");
}

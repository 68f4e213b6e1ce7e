//! What a program is given to read from and to write to.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

fn home() -> Home {
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "p");
    docker(&home, "store", r#"{"ServerURL":"h.example","Username":"u","Secret":"p"}"#).ok();
    home
}

/// Exit code and standard error of a call whose standard output is `stdout`.
fn writing_to(mut command: Command, input: &str, stdout: Stdio) -> (i32, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().expect("no signal"), String::from_utf8(output.stderr).unwrap())
}

fn every_answer(home: &Home) -> Vec<(Command, String)> {
    let call = |program: &str, operation: &str, input: &str| {
        let mut command = home.command(program);
        command.arg(operation);
        (command, input.to_owned())
    };
    vec![
        call("git-credential-seqera", "get", &at("h.example")),
        call("git-credential-seqera", "capability", ""),
        call("docker-credential-seqera", "get", "h.example"),
        call("docker-credential-seqera", "get", "unknown.example"),
        call("docker-credential-seqera", "list", ""),
        call("docker-credential-seqera", "version", ""),
        call("seqera-credential-helper", "--help", ""),
    ]
}

#[test]
fn a_full_standard_output_is_a_failure_and_no_panic() {
    let home = home();
    for (command, input) in every_answer(&home) {
        let shown = format!("{command:?}");
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, err) = writing_to(command, &input, full.into());
        assert_eq!(code, 1, "{shown}: {err}");
        assert!(
            err.contains("cannot be written: no space left") && !err.contains("panicked"),
            "{shown}: {err}"
        );
        assert!(!err.contains("=p"), "{shown}: {err}");
    }
}

#[test]
fn a_reader_who_went_away_is_a_failure_and_no_panic() {
    let home = home();
    for (command, input) in every_answer(&home) {
        let shown = format!("{command:?}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, err) = writing_to(command, &input, writer.into());
        assert_eq!(code, 1, "{shown}: {err}");
        assert!(err.contains("broken pipe") && !err.contains("panicked"), "{shown}: {err}");
    }
}

#[test]
fn without_standard_input_there_is_nothing_to_answer() {
    let home = home();
    for redirection in ["<&-", "</dev/null"] {
        let call = |line: &str| home.run("sh", &["-c", &format!("{line} {redirection}")], "");
        assert_eq!(call("git-credential-seqera get").ok(), "");
        assert_eq!(call("seqera-credential-helper get").ok(), "");
        assert_eq!(call("git-credential-seqera store").ok(), "");
        assert_eq!(call("docker-credential-seqera get").expect(1).out(), "no credentials server URL\n");
        assert!(call("docker-credential-seqera list").ok().contains("h.example"));
    }
    assert!(home.run("sh", &["-c", "git-credential-seqera get <&- >&- 2>&-"], "").code() < 128);
}

#[test]
fn who_never_closes_our_standard_input_is_not_waited_for() {
    let home = home();
    for (program, operation) in [
        ("git-credential-seqera", "get"),
        ("git-credential-seqera", "store"),
        ("docker-credential-seqera", "get"),
        ("docker-credential-seqera", "store"),
        ("seqera-credential-helper", "erase"),
    ] {
        let began = Instant::now();
        let mut command = home.command(program);
        command.arg(operation).env("SEQERA_HELPER_TIMEOUT_MS", "300");
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(8), "{program} {operation}: {err}");
        // docker's clients listen on standard output.
        let said = if program.starts_with("docker") { &output.stdout } else { &output.stderr };
        let said = String::from_utf8_lossy(said);
        assert!(said.contains("did not finish its request in time"), "{program} {operation}: {said}");
        assert!(said.lines().count() == 1 && !err.contains("panicked"), "{program} {operation}: {err}");
        assert!(began.elapsed() < Duration::from_secs(3), "{program} {operation}");
    }
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "p"));
}

#[test]
fn at_a_terminal_nothing_hangs_or_asks() {
    let mut home = home();
    home.set("SEQERA_HELPER_TIMEOUT_MS", "400");
    for (line, code) in [("git-credential-seqera get", 8), ("docker-credential-seqera list", 0)] {
        let mut command = home.command("script");
        command.args(["-qec", line, "/dev/null"]);
        // `script` gives its child a terminal, and ends that terminal's input where its own has ended.
        let (reader, writer) = std::io::pipe().unwrap();
        let began = Instant::now();
        let child = command.stdin(reader).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        drop(writer);
        assert_eq!(output.status.code(), Some(code), "{line}: {output:?}");
        assert!(began.elapsed() < Duration::from_secs(5), "{line}");
    }
}

#[test]
fn more_than_an_honest_client_sends_is_refused_and_nothing_of_it_kept() {
    let home = home();
    let before = stored(&home);
    let huge = |start: &str| [start.as_bytes(), &vec![b'x'; 10 * 1024 * 1024]].concat();
    for (operation, input) in [
        ("get", huge(&at("h.example"))),
        ("store", huge(&format!("{}username=u\npassword=", at("big.example")))),
        (
            "store",
            [format!("{}username=u\npassword=p\n", at("big.example")).into_bytes(), huge("x=")].concat(),
        ),
        ("erase", huge(&at("h.example"))),
    ] {
        let run = git(&home, operation, input).expect(1);
        assert!(
            run.stdout.is_empty() && run.err().contains("larger than any honest client sends"),
            "{run:?}"
        );
    }
    let million = format!("{}username=u\npassword={}\n", at("big.example"), "x".repeat(1_000_000));
    let run = git(&home, "store", million).expect(1);
    assert!(run.err().contains("a line longer than git allows"), "{run:?}");
    for operation in ["get", "store", "erase"] {
        let run = docker(&home, operation, huge(r#"{"ServerURL":"big.example","Username":"u","Secret":""#))
            .expect(1);
        assert!(run.out().contains("larger than any honest client sends"), "{operation}");
        assert!(run.stdout.len() < 200 && run.stderr.is_empty(), "{operation}");
    }
    assert_eq!(stored(&home), before);
}

#[test]
fn without_a_home_there_is_an_error_and_no_panic() {
    let home = home();
    // HOME alone is not needed: the system says where everything is.
    let mut command = home.command("git-credential-seqera");
    command.arg("get").env_remove("HOME");
    assert_eq!(run(command, at("h.example")).ok(), answer("u", "p"));

    let mut command = home.command("git-credential-seqera");
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command.arg("get").env("SEQERA_HELPER_HOME", home.path().join("missing/below/nothing"));
    assert_eq!(run(command, at("h.example")).ok(), "");

    let mut command = home.command("git-credential-seqera");
    let file = home.write("a-file", "");
    command.arg("store").env("SEQERA_HELPER_HOME", &file);
    let run = run(command, format!("{}{}", at("h.example"), answer("u", "p")));
    assert!(run.err().contains("a-file") && !run.err().contains("panicked"), "{run:?}");
    assert!(run.stdout.is_empty() && run.err().contains("not a directory"), "{run:?}");
    run.expect(6);
}

#[test]
fn a_relative_home_is_refused_before_a_store_is_made_in_the_current_folder() {
    let home = home();
    let mut command = home.command("git-credential-seqera");
    command.arg("store").env("SEQERA_HELPER_HOME", "here").current_dir(home.path());
    let run = run(command, format!("{}{}", at("h.example"), answer("u", "p"))).expect(2);
    assert!(run.err().contains("SEQERA_HELPER_HOME is not an absolute path"), "{run:?}");
    assert!(!home.path().join("here").exists());
}

/// Every byte of a secret that can stand on a line of git's or in JSON comes back.
#[test]
fn secrets_come_back_byte_for_byte() {
    let home = Home::with_file_store();
    let long = "x".repeat(60_000);
    for secret in ["a\"b", "a\\b", "<&>", "%41%", "a=b=", " a b ", "пароль", "😀", "\t", "'$(x)`", &long]
    {
        keep(&home, "h.example", "u", secret);
        assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", secret));
        let json = serde_json::json!({ "ServerURL": "h.example", "Username": "u", "Secret": secret });
        docker(&home, "store", json.to_string()).ok();
        let got: serde_json::Value = serde_json::from_str(&docker(&home, "get", "h.example").ok()).unwrap();
        assert_eq!(got, json);
    }
    let bytes = [b"protocol=https\nhost=h.example\nusername=u\npassword=\xff\xfe\x80\n".as_slice()].concat();
    git(&home, "store", bytes).ok();
    assert_eq!(git(&home, "get", at("h.example")).stdout, b"username=u\npassword=\xff\xfe\x80\n");
    keep(&home, "empty.example", "u", "");
    assert_eq!(git(&home, "get", at("empty.example")).ok(), answer("u", ""));
    for line_break in ["a\\nb", "a\\rb"] {
        let json = format!(r#"{{"ServerURL":"h.example","Username":"u","Secret":"{line_break}"}}"#);
        docker(&home, "store", json).ok();
        assert!(docker(&home, "get", "h.example").ok().contains(line_break));
    }
}

#[test]
fn what_is_no_call_at_all_is_told_how_to_call() {
    let home = home();
    for words in [&[][..], &["\x1b[31m"], &["get", "get"], &["git", "docker", "x"]] {
        let run = home.run("seqera-credential-helper", words, "");
        assert!(run.code() == 2 || run.stdout.is_empty(), "{run:?}");
        assert!(!run.err().contains('\x1b') && !run.err().contains("panicked"), "{run:?}");
    }
}

#[test]
fn docker_list_does_not_read_its_input() {
    let home = home();
    let mut command = home.command("docker-credential-seqera");
    command.arg("list").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let open = child.stdin.take();
    assert!(child.wait_with_output().unwrap().status.success());
    drop(open);
}

/// An argument may come from anywhere: a file's name, a page, another program's output.
#[test]
fn control_characters_in_arguments_reach_no_terminal() {
    let home = home();
    for odd in ["\x1b[31mred", "a\x07b", "\u{9b}31m", "a\u{202e}b", "a\rb", "\x1b]0;title\x07"] {
        let option = format!("--{odd}");
        for words in [
            &["status", odd][..],
            &["status", &option],
            &["configure", odd],
            &["configure", "git", "--url", odd],
            &["configure", "docker", "--registry", odd],
            &["--profile", odd, "status"],
            &["token", "--min-ttl", odd],
            &["hook", odd],
            &["org", "switch", odd],
            &["profile", "use", odd],
        ] {
            let run = home.run("seqera", words, "");
            assert_ne!(run.code(), 0, "{run:?}");
            let text = format!("{}{}", run.out(), run.err());
            let acts = text.chars().find(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}');
            assert_eq!(acts, None, "{words:?}: {run:?}");
        }
    }
}

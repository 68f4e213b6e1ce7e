//! The doors over bytes: what comes in, what goes out, in microseconds.

use super::*;

/// Answers calls, one after the other, with what the calls before them left.
struct Door<'a> {
    table: &'a Table<'a>,
    broker: Broker<'a>,
}

impl Door<'_> {
    fn call(&self, words: &[&str], input: impl AsRef<[u8]>) -> (u8, String) {
        let args: Vec<OsString> = words.iter().map(OsString::from).collect();
        let mut output = Vec::new();
        let code = serve(self.table, &args, &mut input.as_ref(), &mut output, &self.broker)
            .unwrap_or_else(|error| error.exit_code());
        (code, String::from_utf8(output).unwrap())
    }
}

fn door() -> Door<'static> {
    Door { table: PROTOCOLS, broker: Broker::in_memory() }
}

const ALICE: &str = "protocol=https\nhost=h.example\nusername=alice\npassword=pw\n";
const AT_H: &str = "protocol=https\nhost=h.example\n";
const IN_JSON: &str = r#"{"ServerURL":"h.example","Username":"bob","Secret":"sw"}"#;

fn nothing(code: u8) -> (u8, String) {
    (code, String::new())
}

#[test]
fn git_stores_gets_and_erases() {
    let door = door();
    let git = |operation: &str, input: &str| door.call(&["/usr/bin/git-credential-seqera", operation], input);
    assert_eq!(git("get", AT_H), nothing(0));
    assert_eq!(git("store", ALICE), nothing(0));
    assert_eq!(git("get", AT_H), (0, "username=alice\npassword=pw\n".to_owned()));
    assert_eq!(git("get", "protocol=https\nhost=other.example\n"), nothing(0));
    assert_eq!(git("erase", &format!("{AT_H}password=another\n")), nothing(0));
    assert!(git("get", AT_H).1.contains("pw"));
    assert_eq!(git("erase", AT_H), nothing(0));
    assert_eq!(git("get", AT_H), nothing(0));
    assert_eq!(git("capability", ""), (0, "version 0\ncapability authtype\n".to_owned()));
}

#[test]
fn docker_stores_lists_gets_and_erases() {
    let door = door();
    let docker = |operation: &str, input: &str| door.call(&["docker-credential-seqera", operation], input);
    let not_found = (1, format!("{}\n", docker::wire::NOT_FOUND));
    assert_eq!(docker("get", "h.example"), not_found);
    assert_eq!(docker("list", ""), (0, "{}\n".to_owned()));
    assert_eq!(docker("store", IN_JSON), nothing(0));
    assert_eq!(docker("list", ""), (0, "{\"h.example\":\"bob\"}\n".to_owned()));
    assert_eq!(
        docker("get", "https://h.example/v2/"),
        (0, "{\"ServerURL\":\"https://h.example/v2/\",\"Username\":\"bob\",\"Secret\":\"sw\"}\n".to_owned())
    );
    assert_eq!(docker("erase", "h.example"), nothing(0));
    assert_eq!(docker("get", "h.example"), not_found);
}

#[test]
fn the_name_the_word_or_the_input_picks_the_protocol() {
    let door = door();
    let helper = "seqera-credential-helper";
    door.call(&[helper, "git", "store"], ALICE);
    door.call(&[helper, "store"], IN_JSON);
    let (alice, bob) = ("username=alice\n", "\"Username\":\"bob\"");
    for (words, input, part) in [
        (&[helper, "get"][..], AT_H, alice),
        (&[helper, "get"], "h.example\n", bob),
        (&[helper, "docker", "get"], "h.example", bob),
        (&["git-credential-seqera", "docker", "get"], "h.example", bob),
        (&["C:/x/Git-Credential-Seqera.EXE", "get"], AT_H, alice),
        (&["git-credential-mine", "--option", "get"], AT_H, alice),
        (&[helper, "list"], "", "h.example"),
        (&[helper, "capability"], "", "authtype"),
        (&[helper, "--version"], "", VERSION),
        (&[helper, "-V"], "", VERSION),
        (&[helper, "--help"], "", "git-credential-seqera, docker-credential-seqera"),
    ] {
        let (code, said) = door.call(words, input);
        assert!(code == 0 && said.contains(part), "{words:?}: {said}");
    }
    assert_eq!(door.call(&[helper, "get"], "ftp://h.example"), nothing(1));
    for words in [&[][..], &[helper], &[helper, "fetch"], &[helper, "get", "get"], &["git-credential-seqera"]]
    {
        assert_eq!(door.call(words, AT_H), nothing(2), "{words:?}");
    }
}

/// Whatever word a client comes with, only the one for it destroys anything.
#[test]
fn an_operation_that_nobody_knows_erases_nothing() {
    let door = door();
    door.call(&["git-credential-seqera", "store"], ALICE);
    door.call(&["docker-credential-seqera", "store"], IN_JSON);
    for word in ["", "ERASE", "erase ", "delete", "remove", "reject", "forget", "logout", "er\u{61}se\u{0}"] {
        door.call(&["git-credential-seqera", word], ALICE);
        door.call(&["docker-credential-seqera", word], "h.example");
        door.call(&["seqera-credential-helper", word], "h.example");
        door.call(&["seqera-credential-helper", "docker", word], "h.example");
    }
    assert!(door.call(&["git-credential-seqera", "get"], AT_H).1.contains("alice"));
    assert!(door.call(&["docker-credential-seqera", "get"], "h.example").1.contains("bob"));
}

/// What comes in an argument can be anybody's, and ends on somebody's screen.
#[test]
fn control_characters_never_come_back() {
    let door = door();
    for word in ["\u{1b}[31m", "a\u{7}b", "\u{9b}x", "x\r\ny", "\u{202e}x"] {
        for words in [&["docker-credential-seqera", word][..], &["seqera-credential-helper", "docker", word]]
        {
            let (_, said) = door.call(words, "");
            let odd = said.trim_end().chars().any(|c| c.is_control() || c == '\u{202e}');
            assert!(!said.is_empty() && !odd, "{said:?}");
        }
        let args = ["seqera-credential-helper".into(), word.into()];
        let error = serve(PROTOCOLS, &args, &mut io::empty(), &mut Vec::new(), &door.broker).unwrap_err();
        assert!(!error.to_string().chars().any(char::is_control), "{error}");
    }
}

#[test]
fn a_client_that_does_not_finish_is_told() {
    struct Never;
    impl Read for Never {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::TimedOut.into())
        }
    }
    let (broker, mut output) = (Broker::in_memory(), Vec::new());
    let args = ["git-credential-seqera".into(), "get".into()];
    let late = serve(PROTOCOLS, &args, &mut Never, &mut output, &broker).unwrap_err();
    assert_eq!(late.exit_code(), 8);
    let args = ["docker-credential-seqera".into(), "get".into()];
    assert_eq!(serve(PROTOCOLS, &args, &mut Never, &mut output, &broker).unwrap(), 8);
    assert!(String::from_utf8(output).unwrap().contains("did not finish its request in time"));
}

#[test]
fn where_there_is_no_home_what_needs_none_is_answered() {
    let broker = Broker::unavailable(Error::failed("your home folder is not known"));
    let door = Door { table: PROTOCOLS, broker };
    assert_eq!(door.call(&["git-credential-seqera", "capability"], "").0, 0);
    assert_eq!(door.call(&["docker-credential-seqera", "version"], "").0, 0);
    assert_eq!(door.call(&["git-credential-seqera", "get"], ""), nothing(0));
    assert_eq!(door.call(&["git-credential-seqera", "get"], AT_H), nothing(1));
    let (code, said) = door.call(&["docker-credential-seqera", "list"], "");
    assert!(code == 1 && said.contains("home folder"), "{said}");
}

#[test]
fn names_do_not_clash() {
    for (at, one) in PROTOCOLS.iter().enumerate() {
        for other in &PROTOCOLS[at + 1..] {
            assert_ne!(one.name(), other.name());
            assert_ne!(one.file_name(), other.file_name());
        }
        assert!(
            by_file_name(PROTOCOLS, OsStr::new(one.file_name()))
                .is_some_and(|found| found.name() == one.name())
        );
        assert!(one.operations().iter().all(|word| !PROTOCOLS.iter().any(|other| other.name() == *word)));
    }
}

/// A protocol of a newcomer's: line by line on an open pipe, with a greeting.
struct Toy;

impl Protocol for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn file_name(&self) -> &'static str {
        "toy-password"
    }

    fn operations(&self) -> &'static [&'static str] {
        &["get", "ask"]
    }

    fn is_its(&self, input: &[u8]) -> bool {
        input.starts_with(b"toy! ")
    }

    fn talk(
        &self,
        args: &[String],
        input: &mut dyn Read,
        output: &mut dyn Write,
        broker: &Broker<'_>,
    ) -> Result<u8> {
        reply(output, b"hello\n")?;
        let mut lines = io::BufRead::lines(io::BufReader::new(input));
        while let Some(Ok(line)) = lines.next() {
            let server = crate::target::Target::new("https", line.trim_start_matches("toy! "));
            let found = match &server {
                Some(server) => broker.find("git", &server.into(), |_| true)?,
                None => Vec::new(),
            };
            let user = found.first().and_then(|stored| stored.username.as_ref()?.expose_str());
            reply(output, format!("{}: {}\n", args.join(" "), user.unwrap_or("nobody")).as_bytes())?;
        }
        Ok(0)
    }
}

/// One file and one line in the table are all that a protocol takes.
#[test]
fn a_protocol_is_a_line_in_the_table() {
    let table = [PROTOCOLS, &[&Toy]].concat();
    let door = Door { table: &table, broker: Broker::in_memory() };
    door.call(&["git-credential-seqera", "store"], ALICE);
    let by_name = door.call(&["toy-password", "ask", "now"], "h.example\nother.example\n");
    assert_eq!(by_name, (0, "hello\nask now: alice\nask now: nobody\n".to_owned()));
    assert_eq!(door.call(&["helper", "toy", "ask"], "h.example").1, "hello\nask: alice\n");
    assert_eq!(door.call(&["helper", "ask"], "h.example").1, "hello\nask: alice\n");
    assert_eq!(door.call(&["helper", "get"], "toy! h.example").1, "hello\nget: alice\n");
    assert!(usage(&table).contains("git, docker, toy") && usage(&table).contains("toy-password"));
    assert!(usage(&table).contains("toy: get, ask"));
}

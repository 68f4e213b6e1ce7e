//! Every odd request of git's kind and its answer.

use super::*;

/// What a request is answered with.
enum Answer {
    /// The stored credential.
    Alice,
    /// Nothing, and success: not found.
    Nothing,
    /// Nothing on standard output, words on standard error, exit code 1.
    Refused,
}
use Answer::{Alice, Nothing, Refused};

fn home() -> Home {
    let home = Home::with_file_store();
    keep(&home, "host.example", "alice", "pw");
    home
}

#[test]
fn every_odd_get_has_its_answer() {
    let home = home();
    let long_challenge = format!(
        "protocol=https\nhost=host.example\nwwwauth[]=Basic {}host=victim.example\n",
        "x".repeat(64_000)
    );
    let long_key = format!("{}=x\nprotocol=https\nhost=host.example\n", "k".repeat(70_000));
    let cases: &[(&str, &[u8], Answer)] = &[
        ("protocol and host", b"protocol=https\nhost=host.example\n", Alice),
        ("no newline at the end", b"protocol=https\nhost=host.example", Alice),
        ("lines after the empty one", b"protocol=https\nhost=host.example\n\nhost=other.example\n", Alice),
        ("CRLF", b"protocol=https\r\nhost=host.example\r\n\r\n", Alice),
        ("a CR without a newline at the end", b"protocol=https\nhost=host.example\r", Refused),
        ("a CR within the host", b"protocol=https\nhost=host.example\rx\n", Refused),
        ("two CRs at the end", b"protocol=https\nhost=host.example\r\r\n", Refused),
        ("two hosts", b"protocol=https\nhost=host.example\nhost=host.example\n", Refused),
        ("two protocols", b"protocol=http\nprotocol=https\nhost=host.example\n", Refused),
        ("two users", b"protocol=https\nhost=host.example\nusername=alice\nusername=alice\n", Refused),
        ("no host", b"protocol=https\n", Nothing),
        ("no protocol", b"host=host.example\n", Nothing),
        ("cut off after the protocol", b"protocol=https", Nothing),
        ("nothing at all", b"", Nothing),
        ("an empty line alone", b"\n", Nothing),
        ("an empty host", b"protocol=https\nhost=\n", Nothing),
        ("an empty protocol", b"protocol=\nhost=host.example\n", Nothing),
        ("a certificate", b"protocol=cert\nhost=\npath=/x\n", Nothing),
        ("a line without =", b"protocol=https\nnonsense\nhost=host.example\n", Alice),
        ("an empty key", b"=value\nprotocol=https\nhost=host.example\n", Alice),
        ("keys of tomorrow", b"protocol=https\nfoo[]=\nfoo[]=a\nbar=b\nhost=host.example\n", Alice),
        ("another user", b"protocol=https\nhost=host.example\nusername=bob\n", Nothing),
        ("an empty user", b"protocol=https\nhost=host.example\nusername=\n", Nothing),
        ("the user", b"protocol=https\nhost=host.example\nusername=alice\n", Alice),
        ("capabilities of tomorrow", b"capability[]=zzz\nprotocol=https\nhost=host.example\n", Alice),
        (
            "a capability that nothing here needs",
            b"capability[]=authtype\nprotocol=https\nhost=host.example\n",
            Alice,
        ),
        ("a long challenge with a host in it", long_challenge.as_bytes(), Alice),
        (
            "the state of another helper",
            b"state[]=other:x\nstate[]=seqera:y\nprotocol=https\nhost=host.example\n",
            Alice,
        ),
        ("a long key", long_key.as_bytes(), Refused),
        ("NUL in the host", b"protocol=https\nhost=host.example\0\n", Refused),
        ("NUL in an unknown key", b"protocol=https\nhost=host.example\nx\0=y\n", Refused),
        ("bytes that are no text", b"protocol=https\nhost=host.example\xff\n", Nothing),
        ("a byte order mark", b"\xef\xbb\xbfprotocol=https\nhost=host.example\n", Nothing),
        ("a url", b"url=https://alice:other@host.example/x.git\n", Alice),
        ("a url that agrees", b"url=https://host.example/p\nprotocol=https\nhost=host.example\n", Alice),
        (
            "a url that contradicts",
            b"url=https://host.example/\nprotocol=https\nhost=victim.example\n",
            Refused,
        ),
        ("a url that is none", b"url=host.example\n", Refused),
        ("upper case", b"protocol=HTTPS\nhost=HOST.Example\n", Alice),
        ("the scheme's own port", b"protocol=https\nhost=host.example:443\n", Alice),
        ("another port", b"protocol=https\nhost=host.example:8443\n", Nothing),
        ("in the clear", b"protocol=http\nhost=host.example\n", Nothing),
        ("a dot at the end", b"protocol=https\nhost=host.example.\n", Nothing),
        ("a longer name", b"protocol=https\nhost=xhost.example\n", Nothing),
        ("a name below", b"protocol=https\nhost=x.host.example\n", Nothing),
        ("a name above", b"protocol=https\nhost=host.example.evil.example\n", Nothing),
        ("a host in a path", b"protocol=https\nhost=evil.example/host.example\n", Nothing),
        ("a host as a user", b"protocol=https\nhost=host.example@evil.example\n", Nothing),
        ("percent signs", b"protocol=https\nhost=host%2eexample\n", Nothing),
        ("a backslash", b"protocol=https\nhost=evil.example\\.host.example\n", Nothing),
        ("a homograph", "protocol=https\nhost=hоst.example\n".as_bytes(), Nothing),
        ("a loopback address", b"protocol=https\nhost=127.0.0.1\n", Nothing),
        ("an IPv6 address", b"protocol=https\nhost=[::1]\n", Nothing),
    ];
    for (case, input, expected) in cases {
        let run = git(&home, "get", input);
        let (code, out) = match expected {
            Alice => (0, "username=alice\npassword=pw\n"),
            Nothing => (0, ""),
            Refused => (1, ""),
        };
        assert_eq!((run.code(), run.out().as_str()), (code, out), "{case}: {run:?}");
        match expected {
            Refused => assert_eq!(run.err().lines().count(), 1, "{case}: {run:?}"),
            _ => assert!(run.stderr.is_empty(), "{case}: {run:?}"),
        }
        assert!(!run.err().contains("pw") && !run.err().contains("host.example"), "{case}: {run:?}");
    }
}

#[test]
fn what_may_not_be_kept_is_not_kept() {
    let home = home();
    let before = stored(&home);
    for (case, input, code) in [
        ("no user", "protocol=https\nhost=n.example\npassword=p\n", 0),
        ("no password", "protocol=https\nhost=n.example\nusername=u\n", 0),
        ("no host", "protocol=https\nusername=u\npassword=p\n", 0),
        ("an empty protocol", "protocol=\nhost=n.example\nusername=u\npassword=p\n", 0),
        ("a path alone", "path=x\nusername=u\npassword=p\n", 0),
        ("ephemeral", "protocol=https\nhost=n.example\nusername=u\npassword=p\nephemeral=1\n", 0),
        (
            "ended",
            "protocol=https\nhost=n.example\nusername=u\npassword=p\npassword_expiry_utc=1600000000\n",
            0,
        ),
        ("two passwords", "protocol=https\nhost=n.example\nusername=u\npassword=p\npassword=q\n", 1),
        ("a NUL", "protocol=https\nhost=n.example\nusername=u\npassword=p\0q\n", 1),
        ("a CR", "protocol=https\nhost=n.example\nusername=u\npassword=p\rq\n", 1),
    ] {
        let run = git(&home, "store", input);
        assert_eq!((run.code(), run.stdout.len()), (code, 0), "{case}: {run:?}");
        assert_eq!(stored(&home), before, "{case}");
    }
}

#[test]
fn only_what_matches_is_erased() {
    let home = home();
    for (case, input) in [
        ("another password", "protocol=https\nhost=host.example\nusername=alice\npassword=other\n"),
        ("another user", "protocol=https\nhost=host.example\nusername=bob\n"),
        ("another host", "protocol=https\nhost=other.example\n"),
        ("no host", "protocol=https\n"),
        ("nothing", ""),
        ("a blank line", "\n"),
    ] {
        assert_eq!(git(&home, "erase", input).ok(), "", "{case}");
        assert_eq!(git(&home, "get", at("host.example")).ok(), answer("alice", "pw"), "{case}");
    }
    let refused = git(&home, "erase", "protocol=https\nhost=host.example\nhost=x\n").expect(1);
    assert!(refused.stdout.is_empty());
    for _ in 0..2 {
        git(&home, "erase", format!("{}username=alice\npassword=pw\n", at("host.example"))).ok();
        assert_eq!(git(&home, "get", at("host.example")).ok(), "");
    }
}

#[test]
fn operations_of_tomorrow_are_silent() {
    let home = home();
    for words in [&["approve"][..], &["fill", "get2"], &["--option", "unknown"], &["GET"]] {
        let run = home.run("git-credential-seqera", words, at("host.example")).expect(0);
        assert!(run.stdout.is_empty() && run.stderr.is_empty(), "{run:?}");
    }
    let run = home.run("git-credential-seqera", &[], at("host.example")).expect(2);
    assert!(run.stdout.is_empty() && run.err().contains("--help"), "{run:?}");
    assert_eq!(git(&home, "capability", "").ok(), "version 0\ncapability authtype\n");
    // An explicit protocol, options in front, another name: the operation stands last.
    let by_word = home.run("seqera-credential-helper", &["git", "get"], at("host.example")).ok();
    let with_option = home.run("git-credential-seqera", &["--option", "get"], at("host.example")).ok();
    let by_input = home.run("seqera-credential-helper", &["get"], at("host.example")).ok();
    assert!([by_word, with_option, by_input].iter().all(|out| *out == answer("alice", "pw")));
}

#[test]
fn a_header_is_only_for_who_can_send_it() {
    let home = Home::with_file_store();
    let stored = "capability[]=authtype\nauthtype=Bearer\ncredential=t\n";
    git(&home, "store", format!("{stored}{}", at("h.example"))).ok();
    assert_eq!(git(&home, "get", at("h.example")).ok(), "");
    let able = git(&home, "get", format!("capability[]=authtype\n{}", at("h.example"))).ok();
    assert_eq!(able, "capability[]=authtype\nauthtype=Bearer\ncredential=t\n");
}

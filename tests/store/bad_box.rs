//! One box that cannot be read: it hides no other, and gives way to what is stored in its place.

use seqera_credential_helper::store::sealed::Key;

use super::*;

const SHELF: &str = "git+https+h.example";

type Damage = fn(&Home, Vec<u8>) -> Vec<u8>;

/// Every way in which a box can be bad, and what is said of it.
const DAMAGES: [(&str, Damage, &str); 8] = [
    ("empty", |_, _| vec![], "is not a sealed file"),
    ("cut off in the header", |_, whole| whole[..20].to_vec(), "is not a sealed file"),
    ("cut off in the box", |_, whole| whole[..whole.len() - 1].to_vec(), "is damaged"),
    ("another format", |_, _| b"{\"username\":\"u\"}\n".repeat(4), "is not a sealed file"),
    (
        "one bit changed",
        |_, mut whole| {
            *whole.last_mut().unwrap() ^= 1;
            whole
        },
        "is damaged",
    ),
    ("too large", |_, _| vec![b'x'; 9 * 1024 * 1024], "too large"),
    (
        "of another store",
        |_, _| {
            let other = Home::with_file_store();
            keep(&other, "h.example", "u", "p");
            fs::read(the_box(&other, SHELF)).unwrap()
        },
        "was sealed with another key",
    ),
    ("of unknown content", |home, _| sealed(home, SHELF, "u", b"[1,2,3]"), "holds something unknown"),
];

/// The key of a home's store.
fn key_of(home: &Home) -> Key {
    let text = fs::read_to_string(store_of(home).join("key")).unwrap();
    let hex = text.lines().nth(1).unwrap();
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    Key::from_bytes(&bytes).unwrap()
}

/// `content`, sealed as the box of this user that is on the shelf.
fn sealed(home: &Home, shelf: &str, _user: &str, content: &[u8]) -> Vec<u8> {
    let name = the_box(home, shelf);
    let (kind, what) = shelf.split_once('+').unwrap();
    let name = name.file_name().unwrap().to_str().unwrap();
    key_of(home).seal(&format!("{kind} {what} {name}"), content).unwrap()
}

/// A home with one credential whose box was then damaged. Answers the box and what is in it now.
fn damaged(damage: Damage) -> (Home, PathBuf, Vec<u8>) {
    let home = Home::with_file_store();
    keep(&home, "h.example", "u", "p");
    let path = the_box(&home, SHELF);
    let bad = damage(&home, fs::read(&path).unwrap());
    fs::write(&path, &bad).unwrap();
    (home, path, bad)
}

fn asking(user: &str) -> String {
    format!("{}username={user}\n", at("h.example"))
}

#[test]
fn it_is_named_and_left_alone_and_hides_no_other() {
    for (case, damage, words) in DAMAGES {
        let (home, path, bad) = damaged(damage);
        let run = git(&home, "get", at("h.example"));
        assert!(run.err().contains("nothing was changed"), "{case}: {run:?}");
        assert!(run.err().contains(path.to_str().unwrap()), "{case}: {run:?}");
        refused(run, words);
        assert_eq!(fs::read(&path).unwrap(), bad, "{case}");

        keep(&home, "other.example", "u", "elsewhere");
        assert_eq!(git(&home, "get", at("other.example")).ok(), answer("u", "elsewhere"), "{case}");
    }
}

#[test]
fn others_of_the_same_host_answer() {
    for (case, damage, words) in DAMAGES.into_iter().filter(|(_, _, words)| !words.contains("another key")) {
        let (home, _, _) = damaged(damage);
        keep(&home, "h.example", "v", "theirs");
        for input in [at("h.example"), asking("v")] {
            assert_eq!(git(&home, "get", input).ok(), answer("v", "theirs"), "{case}");
        }
        refused(git(&home, "get", asking("u")), words);
    }
}

#[test]
fn what_is_stored_takes_its_place() {
    for (case, damage, _) in DAMAGES {
        let (home, _, _) = damaged(damage);
        keep(&home, "h.example", "u", "new");
        assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "new"), "{case}");
        assert_eq!(names(&store_of(&home).join(SHELF)).len(), 1, "{case}");
    }
}

#[test]
fn erasing_removes_it() {
    for (case, damage, _) in DAMAGES {
        for input in [at("h.example"), format!("{}password=p\n", asking("u"))] {
            let (home, _, _) = damaged(damage);
            git(&home, "erase", input).ok();
            assert_eq!(git(&home, "get", at("h.example")).ok(), "", "{case}");
        }
    }
}

#[test]
fn erasing_somebody_elses_credential_leaves_it() {
    let (home, path, bad) = damaged(|_, _| vec![]);
    keep(&home, "h.example", "v", "theirs");
    git(&home, "erase", format!("{}password=theirs\n", asking("v"))).ok();
    assert_eq!(fs::read(path).unwrap(), bad);
}

#[test]
fn a_store_whose_key_was_exchanged_goes_on() {
    let home = Home::with_file_store();
    for user in ["u", "v"] {
        keep(&home, "h.example", user, "old");
    }
    keep(&home, "one.example", "u", "old");
    let other = Home::with_file_store();
    keep(&other, "any.example", "u", "p");
    fs::copy(store_of(&other).join("key"), store_of(&home).join("key")).unwrap();

    refused(git(&home, "get", at("h.example")), "was sealed with another key");
    keep(&home, "h.example", "u", "new");
    assert_eq!(git(&home, "get", at("h.example")).ok(), answer("u", "new"));
    // Which of the two old ones it replaces cannot be told; where there is one, it is that.
    assert_eq!(names(&store_of(&home).join(SHELF)).len(), 3);
    keep(&home, "one.example", "u", "new");
    assert_eq!(names(&store_of(&home).join("git+https+one.example")).len(), 1);
    // With no user named all of them go.
    git(&home, "erase", at("h.example")).ok();
    assert_eq!(git(&home, "get", at("h.example")).ok(), "");
}

#[test]
fn docker_lists_the_rest() {
    let home = Home::with_file_store();
    for host in ["a.example", "b.example"] {
        let login = format!(r#"{{"ServerURL":"{host}","Username":"u","Secret":"p"}}"#);
        docker(&home, "store", login).ok();
    }
    for bad in [&b""[..], &[b'x'; 200]] {
        fs::write(the_box(&home, "docker+https+a.example"), bad).unwrap();
        let list = docker(&home, "list", "").expect(0);
        assert_eq!((list.out().trim(), list.err().as_str()), (r#"{"b.example":"u"}"#, ""));
    }
    docker(&home, "erase", "a.example").ok();
    assert_eq!(
        docker(&home, "get", "a.example").expect(1).out().trim(),
        "credentials not found in native keychain"
    );
}

#[test]
fn doctor_names_it_and_what_to_do() {
    for (case, damage, words) in DAMAGES {
        let (home, path, _) = damaged(damage);
        let report = home.run("seqera", &["doctor"], "").out();
        let line =
            report.lines().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{case}: {report}"));
        assert!(
            line.starts_with("WRONG") && line.contains(&format!("rm {}", path.display())),
            "{case}: {line}"
        );
        fs::remove_file(path).unwrap();
        assert!(!home.run("seqera", &["doctor"], "").out().contains("WRONG store"), "{case}");
    }
}

/// Bytes that are not text are six times as long on disk.
#[test]
fn whatever_is_stored_can_be_read() {
    let home = Home::with_file_store();
    let mut large = b"protocol=https\nhost=large.example\n".to_vec();
    for part in ["username", "password", "credential", "authtype"] {
        large.extend_from_slice(part.as_bytes());
        large.push(b'=');
        large.extend(std::iter::repeat_n(0xff, 60_000));
        large.push(b'\n');
    }
    git(&home, "store", large).ok();
    assert!(git(&home, "get", at("large.example")).expect(0).stdout.len() > 120_000);
    let json = serde_json::json!({
        "ServerURL": "large.example", "Username": "u", "Secret": "\u{1}".repeat(160_000)
    });
    docker(&home, "store", json.to_string()).ok();
    let got: serde_json::Value = serde_json::from_str(&docker(&home, "get", "large.example").ok()).unwrap();
    assert_eq!(got, json);
}

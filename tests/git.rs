//! Real gits against a real server: `git http-backend` on loopback.

use std::path::PathBuf;

use crate::support::git_server::{GitServer, Login, Seen};
use crate::support::gits;
use crate::support::home::{Home, Run, run};

/// A home in which git asks `git-credential-seqera`, and a server.
struct Scene {
    home: Home,
    git: PathBuf,
    server: GitServer,
}

/// Answers git's questions as a person would, and writes each one down.
const PERSON: &str = r#"#!/bin/sh
echo "$1" >>"$HOME/asked"
case "$1" in
    Username*) echo alice ;;
    *alice@*a.git*) echo "$PASSWORD_A" ;;
    *alice@*b.git*) echo "$PASSWORD_B" ;;
    *alice@*) echo "$PASSWORD_A" ;;
    *bob@*) echo "$PASSWORD_B" ;;
esac
"#;

impl Scene {
    fn new(git: PathBuf, logins: &[Login]) -> Scene {
        let home = Home::with_file_store();
        home.write(
            ".gitconfig",
            "[credential]\n\thelper = seqera\n[user]\n\tname = Alice\n\temail = alice@example.com\n",
        );
        home.script("person", PERSON);
        let server = GitServer::start(&gits::current(), &home.path().join("served"), logins);
        Scene { home, git, server }
    }

    /// Runs git with nobody there to be asked.
    #[track_caller]
    fn git(&self, args: &[&str]) -> Run {
        self.home.run(self.git.to_str().unwrap(), args, "")
    }

    /// Runs git with somebody there who knows these passwords.
    #[track_caller]
    fn git_with_person(&self, args: &[&str], password_a: &str, password_b: &str) -> Run {
        let mut git = self.home.command(&self.git);
        git.args(args).env("GIT_ASKPASS", "person");
        git.env("PASSWORD_A", password_a).env("PASSWORD_B", password_b);
        run(git, "")
    }

    /// How often the person was asked since the last call.
    fn asked(&self) -> usize {
        let file = self.home.path().join("asked");
        let asked = std::fs::read_to_string(&file).unwrap_or_default().lines().count();
        let _ = std::fs::remove_file(file);
        asked
    }

    /// Who was let in since the last call, by scheme and user, each once in a row.
    fn let_in(&self) -> Vec<String> {
        let seen = self.server.seen().into_iter();
        let mut users: Vec<_> =
            seen.filter_map(|Seen { scheme, user, .. }| Some(format!("{scheme} {}", user?))).collect();
        users.dedup();
        users
    }

    /// Adds a file to the clone `folder`, commits and pushes it.
    #[track_caller]
    fn push(&self, folder: &str, content: &[u8]) -> Run {
        self.home.write(format!("{folder}/file"), content);
        self.git(&["-C", folder, "add", "file"]).ok();
        self.git(&["-C", folder, "commit", "--quiet", "--message=file"]).ok();
        self.git(&["-C", folder, "push", "--quiet", "origin", "HEAD:main"])
    }

    /// What the helper answers for the server.
    fn stored(&self) -> String {
        let request = format!("protocol=http\nhost={}\n", self.server.host());
        self.home.run("git-credential-seqera", &["get"], request).ok()
    }
}

/// Bytes that do not compress, always the same.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

fn both_gits(mut proof: impl FnMut(PathBuf)) {
    proof(gits::current());
    proof(gits::distribution());
}

#[test]
fn git_asks_a_person_once() {
    both_gits(|git| {
        let scene = Scene::new(git, &[Login::basic("alice", "correct horse")]);
        let url = scene.server.create("a.git");
        let clone = scene.git_with_person(&["clone", "--quiet", &url, "one"], "correct horse", "").expect(0);
        assert_eq!(scene.asked(), 2, "a user and a password: {clone:?}");
        assert!(!clone.err().contains("seqera"), "{clone:?}");

        // More than git's post buffer: it comes in chunks, after a request that tries the login.
        let content = noise(3 << 20);
        let push = scene.push("one", &content).expect(0);
        assert_eq!(push.err(), "");
        scene.git(&["clone", "--quiet", &url, "two"]).ok();
        assert_eq!(std::fs::read(scene.home.path().join("two/file")).unwrap(), content);
        scene.git(&["-C", "one", "fetch", "--quiet"]).ok();
        assert_eq!(scene.let_in(), ["Basic alice"]);
    });
}

#[test]
fn a_password_that_no_longer_works_is_forgotten() {
    both_gits(|git| {
        let scene = Scene::new(git, &[Login::basic("alice", "old")]);
        let url = scene.server.create("a.git");
        scene.git_with_person(&["ls-remote", &url], "old", "").ok();
        assert!(scene.stored().contains("password=old\n"));

        scene.server.admit(&[Login::basic("alice", "new")]);
        scene.git(&["ls-remote", &url]).expect(128);
        assert_eq!(scene.stored(), "");

        scene.git_with_person(&["ls-remote", &url], "wrong", "").expect(128);
        assert_eq!(scene.stored(), "", "a wrong password is not kept");
        scene.git_with_person(&["ls-remote", &url], "new", "").ok();
        scene.git(&["ls-remote", &url]).ok();
        assert!(scene.stored().contains("password=new\n"));
    });
}

#[test]
fn two_users_live_on_one_host() {
    both_gits(|git| {
        let logins = [Login::basic("alice", "hers").only("a.git"), Login::basic("bob", "his").only("b.git")];
        let scene = Scene::new(git, &logins);
        let as_user = |user: &str, url: &str| url.replace("http://", &format!("http://{user}@"));
        let alice = as_user("alice", &scene.server.create("a.git"));
        let bob = as_user("bob", &scene.server.create("b.git"));
        for url in [&alice, &bob] {
            scene.git_with_person(&["ls-remote", url], "hers", "his").ok();
            assert_eq!(scene.asked(), 1, "a password");
        }
        scene.server.seen();
        for (url, user) in [(&alice, "Basic alice"), (&bob, "Basic bob"), (&alice, "Basic alice")] {
            scene.git(&["ls-remote", url]).ok();
            assert_eq!(scene.let_in(), [user]);
        }

        scene.server.admit(&[Login::basic("bob", "his").only("b.git")]);
        scene.git(&["ls-remote", &alice]).expect(128);
        scene.git(&["ls-remote", &bob]).ok();
    });
}

#[test]
fn use_http_path_keeps_repositories_apart() {
    both_gits(|git| {
        let logins =
            [Login::basic("alice", "for a").only("a.git"), Login::basic("alice", "for b").only("b.git")];
        let scene = Scene::new(git, &logins);
        scene.git(&["config", "--global", "credential.useHttpPath", "true"]).ok();
        let urls = [scene.server.create("a.git"), scene.server.create("b.git")];
        for url in &urls {
            scene.git_with_person(&["ls-remote", url], "for a", "for b").ok();
            assert_eq!(scene.asked(), 2, "a user and a password");
        }
        for url in &urls {
            scene.git(&["ls-remote", url]).ok();
        }
        scene.server.admit(&[Login::basic("alice", "for b").only("b.git")]);
        scene.git(&["ls-remote", &urls[0]]).expect(128);
        scene.git(&["ls-remote", &urls[1]]).ok();
    });
}

#[test]
fn a_bearer_token_goes_to_the_server_as_one() {
    let scene = Scene::new(gits::current(), &[Login::bearer("carol", "t0ken"), Login::basic("alice", "pw")]);
    let url = scene.server.create("a.git");
    let credential =
        format!("protocol=http\nhost={}\nauthtype=Bearer\ncredential=t0ken\n", scene.server.host());
    let approve = format!("capability[]=authtype\n{credential}");
    scene.home.run(scene.git.to_str().unwrap(), &["credential", "approve"], &approve).ok();

    scene.git(&["clone", "--quiet", &url, "one"]).ok();
    // Not more than git's post buffer (1 MiB): before a larger push git tries the login with a request that
    // lacks the `Authorization` header of an `authtype` (2.47, `probe_rpc` in remote-curl.c), and fails.
    scene.push("one", b"small").ok();
    scene.git(&["-C", "one", "fetch", "--quiet"]).ok();
    assert_eq!(scene.let_in(), ["Bearer carol"]);

    // A git that cannot send it is not given it.
    let old = Scene { git: gits::distribution(), ..scene };
    old.git(&["ls-remote", &url]).expect(128);
    assert!(old.server.seen().iter().all(|seen| seen.scheme.is_empty()));

    let scene = Scene { git: gits::current(), ..old };
    scene.server.admit(&[Login::bearer("carol", "another")]);
    scene.git(&["ls-remote", &url]).expect(128);
    let request = format!("capability[]=authtype\nprotocol=http\nhost={}\n", scene.server.host());
    assert_eq!(scene.home.run("git-credential-seqera", &["get"], request).ok(), "", "it was erased");
}

#[test]
fn what_belongs_to_one_host_goes_to_no_other() {
    both_gits(|git| {
        let scene = Scene::new(git, &[Login::basic("alice", "pw")]);
        let url = scene.server.create("a.git");
        scene.git_with_person(&["ls-remote", &url], "pw", "").ok();
        let other =
            GitServer::start(&scene.git, &scene.home.path().join("other"), &[Login::basic("alice", "pw")]);
        scene.git(&["ls-remote", &other.create("a.git")]).expect(128);
        scene.git(&["ls-remote", &url.replace("127.0.0.1", "localhost")]).expect(128);
        assert!(other.seen().iter().all(|seen| seen.scheme.is_empty()));
    });
}

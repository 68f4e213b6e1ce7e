//! What stands in the place of a mark and is none: no shell hangs, shows a word of it or complains at each prompt.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

use seqera_credential_helper::shell::Shell;

use super::prompts::{SHELLS, Session};
use super::terminal::{Home, text};
use super::{program, write};

/// A mark as good as any, but for where it is.
fn mark(label: &str) -> String {
    format!("1 default.7 9999999999 9999999999 9999999999 9 9 9 fresh {label}\n")
}

fn csh(label: &str) -> String {
    format!(
        "set __seqera_g=default.7 __seqera_n=9999999999 __seqera_w=9999999999 __seqera_x=9999999999 \
         __seqera_s=fresh __seqera_l='{label}' __seqera_p=seqera\n"
    )
}

/// Puts something at the place of each file that a hook reads.
fn put(home: &Home, what: &str) {
    let run = &home.paths.run;
    std::fs::create_dir_all(run).unwrap();
    std::fs::set_permissions(run, std::fs::Permissions::from_mode(0o700)).unwrap();
    for (name, content) in [("mark", mark("foreign")), ("mark.csh", csh("foreign"))] {
        let (file, outside) = (run.join(name), home.path(&format!("outside.{name}")));
        match what {
            "pipe" => assert!(Command::new(program("mkfifo")).arg(&file).status().unwrap().success()),
            "folder" => std::fs::create_dir(&file).unwrap(),
            "device" => symlink("/dev/zero", &file).unwrap(),
            "link" => {
                write(&outside, content.as_bytes());
                symlink(&outside, &file).unwrap();
            }
            "huge" if name == "mark" => {
                write(&file, "x".repeat(4096).as_bytes());
                std::fs::File::options().write(true).open(&file).unwrap().set_len(1 << 31).unwrap();
            }
            "huge" => write(&file, b""),
            "of another user" => {
                write(&file, content.as_bytes());
                // Only root can give a file away; anybody else has to trust that nobody can give them one.
                let _ = std::os::unix::fs::chown(&file, Some(65534), None);
                if !rustix::process::geteuid().is_root() {
                    std::fs::remove_file(&file).unwrap();
                }
            }
            _ => panic!("{what}"),
        }
    }
}

/// A shell that has a token already, so that it does not matter what the program answers.
fn shows(home: &Home, shell: Shell) -> (String, String) {
    let hook = home.path("hook");
    write(&hook, home.hook(shell, &[]).as_bytes());
    let env = [("SEQERA_ENV", "default.7:0"), ("TOWER_ACCESS_TOKEN", "token")];
    let run = Session { env: &env, ..Session::new(home, shell, &hook) }.run();
    let env = super::prompts::environment(&run.out());
    assert!(env.contains_key("HOME"), "{shell}: {run:?}");
    (text(&env, "SEQERA_PROMPT").unwrap_or_default().to_owned(), super::prompts::said(&run))
}

fn is_ignored(what: &str) {
    for &shell in SHELLS {
        let home = Home::new();
        // tcsh has its hook in a file there.
        home.hook(Shell::Tcsh, &[]);
        put(&home, what);
        let (shown, said) = shows(&home, shell);
        assert_eq!(shown, "", "{shell}, {what}");
        let said = said.to_lowercase();
        for word in
            ["foreign", "xxxx", "denied", "error", "is a directory", "no such", "cannot", "not found:"]
        {
            assert!(!said.contains(word), "{shell}, {what}: {said}");
        }
        let calls = home.calls();
        assert!(calls.len() <= 1, "{shell} asks once and not at each prompt: {calls:?}");
    }
}

#[test]
fn a_pipe_is_ignored() {
    is_ignored("pipe");
}

#[test]
fn a_folder_is_ignored() {
    is_ignored("folder");
}

#[test]
fn a_device_is_ignored() {
    is_ignored("device");
}

#[test]
fn a_link_to_elsewhere_is_ignored() {
    is_ignored("link");
}

#[test]
fn a_huge_file_is_ignored() {
    is_ignored("huge");
}

#[test]
fn a_file_of_another_user_is_ignored() {
    is_ignored("of another user");
}

/// That the mark above would be shown if it were where it belongs.
#[test]
fn the_same_mark_in_its_place_is_shown() {
    for &shell in SHELLS {
        let home = Home::new();
        home.hook(Shell::Tcsh, &[]);
        put(&home, "link");
        for name in ["mark", "mark.csh"] {
            std::fs::rename(home.path(&format!("outside.{name}")), home.paths.run.join(name)).unwrap();
        }
        write(&home.paths.run.join("mark.seal"), b"");
        assert_eq!(shows(&home, shell).0, "foreign", "{shell}");
    }
}

/// Where others may write, anything may have been written: the program writes nothing there before it has closed the
/// folder, and reads nothing.
#[test]
fn a_folder_that_others_may_write_is_none() {
    let home = Home::new();
    let profile = home.log_in(1, "acme");
    let open =
        |mode| std::fs::set_permissions(&home.paths.run, std::fs::Permissions::from_mode(mode)).unwrap();
    open(0o777);
    assert_eq!(seqera_credential_helper::session::mark::Mark::read(&home.paths, None), None);
    home.put(&profile);
    assert_eq!(mode(&home.paths.run), 0o700);
    for shell in [Shell::Zsh, Shell::Xonsh, Shell::Nu] {
        open(0o777);
        assert_eq!(shows(&home, shell).0, "", "{shell}");
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Letters of every script, in every shell and in a prompt.
#[test]
fn names_of_every_script_are_shown() {
    for name in ["Universität-Köln", "東京大学", "Дубна", "हिन्दी"] {
        for &shell in SHELLS {
            let home = Home::new();
            home.log_in(7, name);
            assert_eq!(shows(&home, shell).0, name, "{shell}");
        }
    }
}

//! `make install`, used as a newcomer uses what it has put there, and `make uninstall`.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::shell::nu;
use crate::shell::terminal::Terminal;
use crate::support::home::{Home, Run, run};

/// Runs the Makefile on the programs under test, which are built already.
#[track_caller]
fn make(home: &Home, target: &str, variables: &[&str]) -> Run {
    let programs = Path::new(crate::support::seqera()).parent().unwrap();
    let mut command = home.command("make");
    command.args(["-o", "build", target]).args(variables).arg(format!("PROGRAMS={}", programs.display()));
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    run(command, "")
}

/// Someone who has installed into `~/.local` and has no other program of ours on their `PATH`.
fn newcomer() -> Home {
    let mut home = Home::with_file_store();
    let prefix = home.path().join(".local");
    make(&home, "install", &[&format!("PREFIX={}", prefix.display())]).ok();
    std::fs::remove_dir_all(home.bin()).unwrap();
    let machine = std::env::var_os("PATH").unwrap();
    let path = std::iter::once(prefix.join("bin")).chain(std::env::split_paths(&machine));
    home.set("PATH", std::env::join_paths(path).unwrap());
    home
}

#[track_caller]
fn sh(home: &Home, script: &str) -> String {
    home.run("/bin/sh", &["-euc", script], "").ok()
}

/// Every file and link below a folder.
fn files(folder: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path());
        }
    }
    found
}

#[test]
fn git_and_docker_find_what_is_installed() {
    let home = newcomer();
    let kept = "printf 'protocol=https\\nhost=x.example\\nusername=u\\npassword=%s\\n' secret |
        git -c credential.helper=seqera credential approve
        printf 'protocol=https\\nhost=x.example\\n' | git -c credential.helper=seqera credential fill";
    assert!(sh(&home, kept).lines().any(|line| line == "password=secret"));
    for program in ["docker-credential-seqera version", "seqera --version", "sekuire --version"] {
        assert!(sh(&home, program).contains(env!("CARGO_PKG_VERSION")), "{program}");
    }
    assert!(sh(&home, "sekuire login --help").contains("sekuire"));
}

/// Presses Tab after a word and sees its two ends.
fn completes(home: &Home, line: &[&str]) {
    let terminal = Terminal::run(home, &line.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), &[]);
    terminal.sees("ready> ");
    terminal.press("seqera log");
    terminal.press("Tab");
    terminal.press("Tab");
    terminal.sees("logout");
    terminal.sees("login");
}

#[test]
fn bash_completion_loads_the_completions() {
    let home = newcomer();
    let rc = home.write("rc", "source /usr/share/bash-completion/bash_completion; PS1='ready> '\n");
    let line = ["bash", "--noprofile", "--rcfile", rc.to_str().unwrap(), "-i"];
    completes(&home, &line);
    let terminal = Terminal::run(&home, &line.map(String::from), &[]);
    terminal.sees("ready> ");
    terminal.types("sekuire stat");
    terminal.press("Tab");
    terminal.sees("sekuire status");
}

#[test]
fn fish_loads_the_completions() {
    let home = newcomer();
    let completed = home.run("fish", &["-c", "complete --do-complete 'seqera log'"], "").ok();
    assert!(completed.contains("login") && completed.contains("logout"), "{completed}");
    assert!(home.run("fish", &["-c", "complete --do-complete 'sekuire stat'"], "").ok().contains("status"));
}

/// Where a person's own folder has to be named; the machine's is in every zsh's list.
#[test]
fn zsh_loads_the_completions() {
    let mut home = newcomer();
    let folder = home.path().join(".local/share/zsh/site-functions");
    home.write(
        ".zshrc",
        format!("fpath=({} $fpath); autoload -Uz compinit; compinit -u; PS1='ready> '\n", folder.display()),
    );
    let folder = home.path().to_owned();
    home.set("ZDOTDIR", folder);
    completes(&home, &["zsh", "-i"]);
}

#[test]
fn elvish_loads_the_completions() {
    let home = newcomer();
    let rc = home.write("rc.elv", "use seqera\nset edit:prompt = { put 'ready> ' }\n");
    completes(&home, &["elvish", "-rc", rc.to_str().unwrap()]);
}

#[test]
fn nushell_loads_the_completions() {
    let home = newcomer();
    let config =
        "$env.config.show_banner = false\n$env.PROMPT_COMMAND = 'ready'\n$env.PROMPT_INDICATOR = '> '\n";
    home.write(".config/nushell/config.nu", config);
    completes(&home, &[nu().to_str().unwrap()]);
}

#[test]
fn man_finds_every_page_and_has_nothing_against_it() {
    let home = newcomer();
    let pages = home.path().join(".local/share/man/man1");
    for name in ["seqera", "seqera-login", "git-credential-seqera", "docker-credential-seqera", "sekuire"] {
        let found = sh(&home, &format!("man -w {name}"));
        assert!(found.trim().starts_with(pages.to_str().unwrap()), "{name}: {found}");
    }
    for page in files(&pages) {
        let page = page.to_str().unwrap();
        let shown = home.run("man", &["--warnings", "-E", "UTF-8", "-Tutf8", "-Z", "-l", page], "").expect(0);
        assert_eq!(shown.err(), "", "{page}");
        // By which `apropos` and `whatis` know it.
        home.run("lexgrog", &[page], "").ok();
    }
}

#[test]
fn a_package_is_whole_and_can_be_taken_back() {
    let home = Home::new();
    let stage = home.path().join("the package");
    let zsh = "ZSH_COMPLETIONS=/usr/share/zsh/vendor-completions";
    let variables = [&format!("DESTDIR={}", stage.display()), "PREFIX=/usr", zsh];
    let theirs = home.write("the package/usr/share/man/man1/theirs.1", "");
    home.write("the package/usr/bin/theirs", "");
    let before = files(&stage);
    make(&home, "install", &variables).ok();
    let installed = files(&stage);
    for name in ["usr/bin/sekuire", "usr/share/zsh/vendor-completions/_seqera", "usr/share/man/man1/seqera.1"]
    {
        assert!(installed.contains(&stage.join(name)), "{name}");
    }
    for file in installed.difference(&before) {
        let kind = file.symlink_metadata().unwrap();
        if kind.is_symlink() {
            // The package goes elsewhere.
            assert_eq!(std::fs::read_link(file).unwrap().components().count(), 1, "{file:?}");
            assert!(file.is_file(), "{file:?} leads nowhere");
        } else {
            let is_program = file.parent() == Some(&stage.join("usr/bin"));
            let mode = kind.permissions().mode() & 0o777;
            assert_eq!(mode, if is_program { 0o755 } else { 0o644 }, "{file:?}");
        }
    }
    make(&home, "install", &variables).ok(); // an upgrade
    assert_eq!(files(&stage), installed);
    make(&home, "uninstall", &variables).ok();
    assert_eq!(files(&stage), before);
    assert!(theirs.exists());
    make(&home, "uninstall", &variables).ok();
}

#[test]
fn programs_are_replaced_in_one_step() {
    let home = newcomer();
    let bin = home.path().join(".local/bin");
    let whole = std::fs::metadata(bin.join("seqera")).unwrap().len();
    let installed = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !installed.load(Ordering::Relaxed) {
                let there = std::fs::metadata(bin.join("sekuire")).map(|file| file.len()).ok();
                assert_eq!(there, Some(whole), "seen while it was installed");
            }
        });
        let prefix = format!("PREFIX={}", home.path().join(".local").display());
        let run = make(&home, "install", &[&prefix]);
        installed.store(true, Ordering::Relaxed);
        run.ok();
        watcher.join().unwrap();
    });
    assert!(bin.join("sekuire").is_symlink());
    assert!(!std::fs::read_dir(&bin).unwrap().any(|file| file.unwrap().file_name() == ".seqera.new"));
}

/// Or takes it back.
#[test]
fn uninstalling_says_which_clients_are_still_configured() {
    let home = newcomer();
    sh(&home, "seqera configure git");
    let said = make(&home, "uninstall", &[&format!("PREFIX={}", home.path().join(".local").display())]).ok();
    let left = sh(&home, "git config --global --get-all credential.helper || :");
    assert!(left.is_empty() || said.contains("credential.helper"), "{said}");
}

/// sudo would leave a build that belongs to root.
#[test]
fn sudo_builds_nothing() {
    let home = Home::new();
    let mut command = home.command("make");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env("SUDO_USER", "alice");
    command.args(["install", &format!("PREFIX={}", home.path().join("p").display()), "PROGRAMS=nowhere"]);
    command.arg("CARGO=echo cargo was called:");
    let refused = run(command, "").expect(2);
    assert!(refused.err().contains("make build"), "{refused:?}");
    assert!(!refused.out().contains("cargo was called"), "{refused:?}");
}

/// Seqera's own program, as its installer puts it beside ours.
#[test]
fn a_program_of_the_same_name_is_neither_replaced_nor_removed() {
    let home = Home::new();
    for name in ["seqera", "sekuire"] {
        let theirs = home.write(format!("{name}/bin/{name}"), "#!/usr/bin/env node\n");
        let prefix = format!("PREFIX={}", home.path().join(name).display());
        for target in ["install", "uninstall"] {
            let refused = make(&home, target, &[&prefix]).expect(2);
            assert!(refused.err().contains(&format!("bin/{name} is another program")), "{refused:?}");
            assert_eq!(files(&home.path().join(name)), BTreeSet::from([theirs.clone()]), "{target}");
        }
    }
}

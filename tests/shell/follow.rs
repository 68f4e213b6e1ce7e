//! Nothing stood in for: shells in terminals follow the real program's logins at a Platform.

use std::process::Command;
use std::time::{Duration, Instant};

use seqera_credential_helper::session::Session;
use seqera_credential_helper::shell::Shell;

use super::terminal::{Env, SNAPSHOT, Terminal, command_line, text, wait_for};
use super::{nu, program};
use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::{Home, Run, run};
use crate::support::login;
use crate::support::session::{self, Login, Token, now};

/// A person who has the hook in the start-up file of their shell, as its help tells.
pub(super) struct Person {
    pub(super) home: Home,
    pub(super) platform: Platform,
}

impl Person {
    pub(super) fn new() -> Person {
        let home = Home::with_file_store();
        home.script("snapshot", SNAPSHOT);
        let person = Person { home, platform: Platform::start() };
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            person.start_up_file(shell);
        }
        person
    }

    pub(super) fn start_up_file(&self, shell: Shell) -> std::path::PathBuf {
        let (name, load) = match shell {
            Shell::Bash => (".bashrc", "eval \"$(seqera hook bash)\"\n"),
            Shell::Zsh => (".zshrc", "eval \"$(seqera hook zsh)\"\n"),
            Shell::Fish => ("config.fish", "seqera hook fish | source\n"),
            Shell::Elvish => ("rc.elv", "eval (seqera hook elvish | slurp)\n"),
            Shell::Xonsh => (".xonshrc", "$THREAD_SUBPROCS = False\nexecx($(seqera hook xonsh))\n"),
            Shell::Posix => ("rc", "eval \"$(seqera hook posix)\"; seqera_with snapshot\n"),
            Shell::Tcsh => (".tcshrc", "eval \"`seqera hook tcsh`\"\n"),
            Shell::Nu => {
                std::fs::write(self.home.path().join("seqera.nu"), self.seqera(&["hook", "nu"])).unwrap();
                ("config.nu", "$env.config.show_banner = false\nsource seqera.nu\n")
            }
            _ => panic!("no {shell} here"),
        };
        self.home.write(name, load)
    }

    pub(super) fn opens(&self, shell: Shell, env: &[(&str, &str)]) -> Terminal<'_> {
        Terminal::open(&self.home, shell, &self.start_up_file(shell), env)
    }

    /// Runs the program in another place than the terminal.
    #[track_caller]
    pub(super) fn seqera(&self, args: &[&str]) -> String {
        self.home.run("seqera", args, "").ok()
    }

    /// Lets every run of the program be written down.
    pub(super) fn count_calls(&self) {
        let link = self.home.bin().join("seqera");
        std::fs::remove_file(link).unwrap();
        let real = crate::support::seqera();
        self.home
            .script("seqera", &format!("#!/bin/sh\necho \"$*\" >>\"$HOME/calls\"\nexec {real} \"$@\"\n"));
    }

    pub(super) fn calls(&self) -> Vec<String> {
        let calls = std::fs::read_to_string(self.home.path().join("calls")).unwrap_or_default();
        calls.lines().map(String::from).collect()
    }

    /// A login whose access token has so many seconds of its hour left.
    pub(super) fn logged_in_with(&self, left: u64) -> Login {
        let login = session::logged_in(&self.home, &self.platform, Token::Fresh);
        age(&login, left);
        login
    }

    /// Lets the time come at which the shells ask for the next token.
    fn is_due(&self) {
        let run = self.home.path().join("run/seqera-credential-helper");
        for name in ["mark", "default.mark"] {
            let mark = std::fs::read_to_string(run.join(name)).unwrap();
            let mut fields: Vec<String> = mark.trim().split(' ').map(String::from).collect();
            (fields[2], fields[5]) = ((now() - 5).to_string(), "0".into());
            std::fs::write(run.join(name), fields.join(" ") + "\n").unwrap();
        }
    }
}

fn age(login: &Login, left: u64) {
    let end = now() + left;
    let session = Session { issued_at: end - 3600, access_expires_at: Some(end), ..login.stored() };
    login.sessions().begin(&mut login.profile(), session).unwrap();
}

/// The environment at the next prompt.
pub(super) fn next(terminal: &mut Terminal<'_>) -> Env {
    terminal.type_line("");
    terminal.env()
}

#[track_caller]
pub(super) fn has_token(env: &Env, token: &str) {
    assert_eq!(text(env, "SEQERA_ACCESS_TOKEN"), Some(token));
    assert_eq!(text(env, "TOWER_ACCESS_TOKEN"), Some(token));
}

const OURS: [&str; 6] = [
    "SEQERA_ACCESS_TOKEN",
    "TOWER_ACCESS_TOKEN",
    "TOWER_API_ENDPOINT",
    "TOWER_WORKSPACE_ID",
    "SEQERA_ENV",
    "SEQERA_TOKEN_EXPIRES_AT",
];

#[track_caller]
pub(super) fn has_nothing(env: &Env) {
    for name in OURS {
        assert_eq!(text(env, name), None, "{name}");
    }
}

fn segment(env: &Env) -> &str {
    text(env, "SEQERA_PROMPT").unwrap_or_default()
}

fn follows_a_person(shell: Shell) {
    let person = Person::new();
    let mut terminal = person.opens(shell, &[("MINE", "1")]);
    has_nothing(&terminal.env());

    let token = login::with_token(&person.home, &person.platform, &[]);
    let env = next(&mut terminal);
    has_token(&env, &token);
    assert_eq!(text(&env, "TOWER_API_ENDPOINT"), Some(person.platform.api().as_str()));
    assert_eq!(text(&env, "TOWER_WORKSPACE_ID"), None);

    person.seqera(&["org", "switch", "community"]);
    next(&mut terminal);
    assert_eq!(segment(&terminal.env()), "community");
    person.seqera(&["workspace", "switch", "acme/research"]);
    let env = next(&mut terminal);
    assert_eq!(text(&env, "TOWER_WORKSPACE_ID"), Some("3001"));
    assert_eq!(segment(&env), "acme/research");
    assert_eq!(person.home.run("seqera", &["prompt"], "").ok(), "acme/research\n");
    person.seqera(&["workspace", "clear"]);
    assert_eq!(text(&next(&mut terminal), "TOWER_WORKSPACE_ID"), None);

    // While the terminal sleeps, the login becomes another one.
    person.seqera(&["logout"]);
    let token = login::with_token(&person.home, &person.platform, &[]);
    has_token(&next(&mut terminal), &token);

    let other = login::with_token(&person.home, &person.platform, &["--profile", "work"]);
    has_token(&next(&mut terminal), &token);
    person.seqera(&["profile", "use", "work"]);
    let env = next(&mut terminal);
    has_token(&env, &other);
    assert!(segment(&env).ends_with("@work"), "{}", segment(&env));
    let set = |name: &str, value: &str| match shell {
        Shell::Fish => format!("set -gx {name} {value}"),
        _ => format!("export {name}={value}"),
    };
    terminal.type_line(&set("SEQERA_PROFILE", "default"));
    has_token(&next(&mut terminal), &token);

    // Of what a logout takes away, nothing is the person's.
    terminal.type_line(&set("TOWER_WORKSPACE_ID", "42"));
    person.seqera(&["logout", "--profile", "default"]);
    let env = next(&mut terminal);
    for name in OURS.iter().filter(|name| **name != "TOWER_WORKSPACE_ID") {
        assert_eq!(text(&env, name), None, "{name}");
    }
    assert_eq!((text(&env, "TOWER_WORKSPACE_ID"), text(&env, "MINE")), (Some("42"), Some("1")));
    assert_eq!(segment(&env), "");

    // And without the hook the shell is as it was.
    terminal.type_line(&set("SEQERA_PROFILE", "work"));
    has_token(&next(&mut terminal), &other);
    terminal.type_line(match shell {
        Shell::Fish => "seqera hook fish --off | source",
        Shell::Zsh => "eval \"$(seqera hook zsh --off)\"",
        _ => "eval \"$(seqera hook bash --off)\"",
    });
    let env = next(&mut terminal);
    assert_eq!((text(&env, "TOWER_ACCESS_TOKEN"), text(&env, "SEQERA_ENV")), (None, None));
    assert_eq!((text(&env, "SEQERA_PROMPT"), text(&env, "TOWER_WORKSPACE_ID")), (None, Some("42")));
    let left = match shell {
        Shell::Fish => "begin; set -n; functions -a; end | grep seqera_ | wc -l >$HOME/left",
        _ => "{ set; typeset -f; } | grep -c '^_*seqera_' >$HOME/left",
    };
    terminal.type_line(left);
    assert_eq!(terminal.reads("left").trim(), "0", "{shell}");
}

fn follows_a_login_and_a_logout(shell: Shell) {
    let person = Person::new();
    let mut terminal = person.opens(shell, &[]);
    has_nothing(&terminal.env());
    let token = login::with_token(&person.home, &person.platform, &[]);
    person.seqera(&["workspace", "switch", "acme/research"]);
    let env = next(&mut terminal);
    has_token(&env, &token);
    assert_eq!(text(&env, "TOWER_WORKSPACE_ID"), Some("3001"));
    assert_eq!(segment(&env), "acme/research");
    person.seqera(&["logout"]);
    has_nothing(&next(&mut terminal));
}

fn exports_nothing_where_only_the_segment_is_asked_for(shell: Shell) {
    let person = Person::new();
    login::with_token(&person.home, &person.platform, &[]);
    person.count_calls();
    let rc = person.start_up_file(shell);
    let hook = std::fs::read_to_string(&rc).unwrap().replace("seqera hook", "seqera hook --no-export");
    std::fs::write(&rc, hook).unwrap();
    let mut terminal = Terminal::open(&person.home, shell, &rc, &[]);
    for _ in 0..2 {
        next(&mut terminal);
    }
    let env = terminal.env();
    has_nothing(&env);
    assert_eq!(segment(&env), "seqera");
    let asked = |call: &&String| call.starts_with("hook-env") && call.contains("--no-export");
    assert_eq!(person.calls().iter().filter(asked).count(), 1, "{:?}", person.calls());
}

/// A prompt does not wait for a token that is being renewed, and nobody has to ask for the new one.
fn renews_in_the_background(shell: Shell) {
    let person = Person::new();
    let login = person.logged_in_with(280);
    let mut terminal = person.opens(shell, &[]);
    has_token(&next(&mut terminal), &login.access);
    person.is_due();
    person.platform.fault(Endpoint::Token, Fault::Slow(Duration::from_secs(15)));
    // The shell asks once in 30 seconds at most; a new one has not asked yet.
    let mut terminal = person.opens(shell, &[]);
    let env = terminal.env();
    has_token(&env, &login.access);
    assert_eq!(login.stored_access(), login.access, "the prompt was there before the server's answer");
    wait_for(|| login.stored_access() != login.access, || "nobody renews".into());
    wait_for(|| login.profile().access_expires_at > Some(now() + 3000), || "no profile".into());
    std::thread::sleep(Duration::from_millis(500));
    has_token(&next(&mut terminal), &login.stored_access());
    assert_eq!(person.platform.count_grant("refresh_token"), 1);
}

/// What cannot be renewed is said once and kept, and the server is not asked at each prompt.
fn says_once_that_it_is_offline(shell: Shell) {
    let mut person = Person::new();
    person.count_calls();
    let login = person.logged_in_with(3000);
    let mut terminal = Terminal::open(&person.home, shell, &person.start_up_file(shell), &[]);
    has_token(&next(&mut terminal), &login.access);
    person.platform = Platform::start(); // and the one that was is gone
    age(&login, 0);
    let before = person.calls().len();
    for _ in 0..6 {
        has_token(&next(&mut terminal), &login.access);
    }
    let screen = terminal.screen();
    assert_eq!(screen.matches("seqera: ").count(), 1, "{screen}");
    assert!(person.calls().len() <= before + 2, "{:?}", person.calls());
}

/// A server that does not answer costs a prompt seconds, once, and what it was asked for is not cut off.
fn waits_only_a_while(shell: Shell) {
    let person = Person::new();
    let login = person.logged_in_with(3000);
    let mut terminal = person.opens(shell, &[]);
    has_token(&next(&mut terminal), &login.access);
    person.platform.fault_next(1, Endpoint::Token, Fault::Slow(Duration::from_secs(16)));
    age(&login, 0);
    let began = Instant::now();
    has_token(&next(&mut terminal), &login.access);
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    terminal.sees("the server is slow");
    wait_for(|| login.profile().access_expires_at > Some(now() + 3000), || "nobody renews".into());
    std::thread::sleep(Duration::from_millis(500));
    has_token(&next(&mut terminal), &login.stored_access());
    assert_ne!(login.stored_access(), login.access);
    assert_eq!(person.platform.count_grant("refresh_token"), 1);
    assert!(!person.platform.family_burnt());
}

fn tells_that_the_session_has_ended(shell: Shell) {
    let person = Person::new();
    let login = person.logged_in_with(3000);
    let mut terminal = person.opens(shell, &[]);
    has_token(&next(&mut terminal), &login.access);
    person.platform.revoke_all();
    age(&login, 0);
    let env = next(&mut terminal);
    has_nothing(&env);
    next(&mut terminal);
    assert_eq!(segment(&terminal.env()), "seqera!");
    let screen = terminal.screen();
    assert_eq!(screen.matches("log in again").count(), 1, "{screen}");
    assert_eq!(person.home.run("seqera", &["prompt", "--format", "{state}"], "").ok(), "ended\n");
    let token = login::with_token(&person.home, &person.platform, &[]);
    has_token(&next(&mut terminal), &token);
}

macro_rules! in_each_shell {
    ($($name:ident: $what:ident $shell:ident;)*) => {
        $(#[test] fn $name() { $what(Shell::$shell) })*
    };
}

in_each_shell! {
    bash_follows_a_person: follows_a_person Bash;
    zsh_follows_a_person: follows_a_person Zsh;
    fish_follows_a_person: follows_a_person Fish;
    nushell_follows_a_login_and_a_logout: follows_a_login_and_a_logout Nu;
    elvish_follows_a_login_and_a_logout: follows_a_login_and_a_logout Elvish;
    xonsh_follows_a_login_and_a_logout: follows_a_login_and_a_logout Xonsh;
    tcsh_follows_a_login_and_a_logout: follows_a_login_and_a_logout Tcsh;
    bash_has_the_segment_alone: exports_nothing_where_only_the_segment_is_asked_for Bash;
    zsh_has_the_segment_alone: exports_nothing_where_only_the_segment_is_asked_for Zsh;
    fish_has_the_segment_alone: exports_nothing_where_only_the_segment_is_asked_for Fish;
    tcsh_has_the_segment_alone: exports_nothing_where_only_the_segment_is_asked_for Tcsh;
    elvish_has_the_segment_alone: exports_nothing_where_only_the_segment_is_asked_for Elvish;
    xonsh_has_the_segment_alone: exports_nothing_where_only_the_segment_is_asked_for Xonsh;
    bash_renews_in_the_background: renews_in_the_background Bash;
    zsh_renews_in_the_background: renews_in_the_background Zsh;
    fish_renews_in_the_background: renews_in_the_background Fish;
    bash_waits_only_a_while: waits_only_a_while Bash;
    zsh_waits_only_a_while: waits_only_a_while Zsh;
    fish_waits_only_a_while: waits_only_a_while Fish;
    bash_says_once_that_it_is_offline: says_once_that_it_is_offline Bash;
    zsh_says_once_that_it_is_offline: says_once_that_it_is_offline Zsh;
    fish_says_once_that_it_is_offline: says_once_that_it_is_offline Fish;
    bash_tells_that_the_session_has_ended: tells_that_the_session_has_ended Bash;
    zsh_tells_that_the_session_has_ended: tells_that_the_session_has_ended Zsh;
    fish_tells_that_the_session_has_ended: tells_that_the_session_has_ended Fish;
}

/// ^C is meant for the prompt that waits and not for the renewal: an answer that is lost ends a session.
#[test]
fn an_impatient_person_loses_no_login() {
    for shell in [Shell::Bash, Shell::Zsh] {
        let person = Person::new();
        let login = person.logged_in_with(3000);
        let mut terminal = person.opens(shell, &[]);
        has_token(&next(&mut terminal), &login.access);
        person.platform.fault_next(1, Endpoint::Token, Fault::Slow(Duration::from_secs(3)));
        age(&login, 0);
        terminal.type_line("");
        wait_for(|| person.platform.count(Endpoint::Token) > 1, || "nobody renews".into());
        terminal.press("C-c");
        wait_for(|| login.profile().access_expires_at > Some(now() + 3000), || "cut off".into());
        std::thread::sleep(Duration::from_millis(500));
        next(&mut terminal);
        has_token(&next(&mut terminal), &login.stored_access());
        assert_eq!(person.platform.count_grant("refresh_token"), 1, "{shell}");
        assert!(!person.platform.family_burnt(), "{shell}");
    }
}

#[test]
fn five_terminals_renew_once() {
    let person = Person::new();
    let login = person.logged_in_with(280);
    person.is_due();
    let shells = [Shell::Bash, Shell::Bash, Shell::Zsh, Shell::Zsh, Shell::Fish];
    let mut terminals: Vec<Terminal<'_>> = shells.iter().map(|shell| person.opens(*shell, &[])).collect();
    wait_for(|| login.stored_access() != login.access, || "nobody renews".into());
    std::thread::sleep(Duration::from_secs(2));
    for terminal in &mut terminals {
        has_token(&next(terminal), &login.stored_access());
    }
    assert_eq!(person.platform.count_grant("refresh_token"), 1);
    assert!(!person.platform.family_burnt());
}

/// IDEs run such shells to learn the environment, and would keep the token in it for ever.
#[test]
fn nothing_is_exported_while_a_start_up_file_is_read() {
    let person = Person::new();
    login::with_token(&person.home, &person.platform, &[]);
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let line = command_line(shell, &person.start_up_file(shell));
        let mut command = person.home.command(&line[0]);
        let run = run_in_a_session(command.args(&line[1..]).args(["-c", "env"]));
        let out = run.expect(0).out();
        assert!(out.contains("HOME="), "{shell}: {out}");
        assert!(!out.contains("SEQERA_ENV") && !out.contains("ACCESS_TOKEN"), "{shell}: {out}");
    }
}

/// Without a terminal, and without one to be stopped for.
pub(super) fn run_in_a_session(command: &mut Command) -> Run {
    let mut leader = Command::new("setsid");
    leader.args(["--wait"]).arg(command.get_program()).args(command.get_args()).env_clear();
    leader.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        leader.current_dir(folder);
    }
    run(leader, "")
}

/// How each shell takes the exports, as the help of `seqera env` says, and then shows what a program gets.
fn evaluations() -> Vec<(Shell, std::path::PathBuf, Vec<&'static str>)> {
    let posix = "eval \"$(seqera env)\"; env";
    vec![
        (Shell::Bash, program("bash"), vec!["--norc", "-c", posix]),
        (Shell::Zsh, program("zsh"), vec!["-fc", posix]),
        (Shell::Posix, program("dash"), vec!["-c", posix]),
        (Shell::Fish, program("fish"), vec!["--no-config", "-c", "seqera env | source; env"]),
        (Shell::Tcsh, program("tcsh"), vec!["-fc", "eval \"`seqera env`\"; env"]),
        (
            Shell::Elvish,
            program("elvish"),
            vec!["-norc", "-c", "try { eval (seqera env | slurp) } catch e { }; e:env"],
        ),
        (Shell::Xonsh, program("xonsh"), vec!["--no-rc", "-c", "execx($(seqera env)); $[env]"]),
        (
            Shell::Nu,
            nu(),
            vec!["--no-config-file", "-c", "try { seqera env --shell nu | from json | load-env }; ^env"],
        ),
    ]
}

fn variables(run: Run) -> Env {
    let pairs = run.ok();
    let pairs = pairs.lines().filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())).collect()
}

#[test]
fn every_shell_takes_the_exports_of_a_login() {
    let person = Person::new();
    let login = person.logged_in_with(3000);
    person.seqera(&["workspace", "switch", "acme/research"]);
    for (shell, path, args) in evaluations() {
        let mut command = person.home.command(path);
        // A name of our own where there is none, so that a wrong guess fails.
        command.args(args).env("SHELL", "/bin/false");
        let run = run(command, "");
        let said = run.err();
        let env = variables(run);
        for name in ["SEQERA_ACCESS_TOKEN", "TOWER_ACCESS_TOKEN"] {
            assert_eq!(
                text(&env, name),
                Some(login.access.as_str()),
                "{shell} said {said:?}; {} variables",
                env.len()
            );
        }
        assert_eq!(text(&env, "TOWER_API_ENDPOINT"), Some(person.platform.api().as_str()), "{shell}");
        assert_eq!(text(&env, "TOWER_WORKSPACE_ID"), Some("3001"), "{shell}");
        let end = login.profile().access_expires_at.unwrap().to_string();
        assert_eq!(text(&env, "SEQERA_TOKEN_EXPIRES_AT"), Some(end.as_str()), "{shell}");
    }
}

#[test]
fn every_shell_lives_on_without_a_login() {
    let person = Person::new();
    let run_env = person.home.run("seqera", &["env", "--shell", "bash"], "").expect(3);
    assert_eq!(run_env.out(), "");
    assert!(run_env.err().contains("seqera login"), "{run_env:?}");
    for form in ["--json", "--dotenv"] {
        assert_eq!(person.home.run("seqera", &["env", form], "").expect(3).out(), "");
    }
    for (shell, path, args) in evaluations() {
        let mut command = person.home.command(path);
        command.args(args);
        let env = variables(run(command, ""));
        assert!(env.contains_key("HOME"), "{shell}");
        has_nothing(&env);
    }
}

#[test]
fn what_env_exported_it_takes_away_again() {
    let person = Person::new();
    login::with_token(&person.home, &person.platform, &[]);
    let script = "export TOWER_WORKSPACE_ID=42; eval \"$(seqera env)\"; [ -n \"$TOWER_ACCESS_TOKEN\" ] || exit 9; \
                  eval \"$(seqera env --unset)\"; env";
    let env = variables(person.home.run("bash", &["--norc", "-c", script], ""));
    for name in OURS.iter().filter(|name| **name != "TOWER_WORKSPACE_ID") {
        assert_eq!(text(&env, name), None, "{name}");
    }
    assert_eq!(text(&env, "TOWER_WORKSPACE_ID"), Some("42"));
    assert_eq!(person.seqera(&["env", "--unset", "--shell", "bash"]).trim(), "");
}

#[test]
fn other_programs_get_the_exports_in_their_own_form() {
    let mut person = Person::new();
    let login = person.logged_in_with(3000);
    let json: serde_json::Value = serde_json::from_str(&person.seqera(&["env", "--json"])).unwrap();
    assert_eq!(json["TOWER_ACCESS_TOKEN"], login.access.as_str());
    let dotenv = person.seqera(&["env", "--dotenv"]);
    assert!(dotenv.contains(&format!("TOWER_ACCESS_TOKEN={}\n", login.access)), "{dotenv}");

    person.home.run("seqera", &["env", "--github"], "").expect(2);
    let file = person.home.write("github_env", "BEFORE=1\n");
    person.home.set("GITHUB_ENV", &file);
    let masks = person.seqera(&["env", "--github"]);
    assert!(masks.lines().all(|line| line == format!("::add-mask::{}", login.access)), "{masks}");
    assert!(masks.contains("::add-mask::"), "{masks}");
    let written = std::fs::read_to_string(file).unwrap();
    assert!(written.starts_with("BEFORE=1\n"), "{written}");
    assert!(written.contains(&format!("\n{}\n", login.access)), "{written}");
}

/// No login, no store: what the person gave is what programs get, and it stays theirs.
#[test]
fn a_token_from_outside_goes_before_the_login() {
    let mut person = Person::new();
    let own = login::with_token(&person.home, &person.platform, &[]);
    person.home.set("TOWER_ACCESS_TOKEN", "outside");
    assert_eq!(
        person.seqera(&["env", "--shell", "bash"]),
        "\\export SEQERA_ACCESS_TOKEN='outside'; \\export TOWER_ACCESS_TOKEN='outside'\n",
        "under both names, and without a mark of ours"
    );
    assert_eq!(person.seqera(&["prompt"]), "env\n");
    assert!(
        person.seqera(&["env", "--profile", "default", "--json"]).contains(&own),
        "a login that was named"
    );
    let script = "eval \"$(seqera env)\"; eval \"$(seqera env --unset)\"; env";
    let env = variables(person.home.run("bash", &["--norc", "-c", script], ""));
    has_token(&env, "outside");
    assert_eq!(text(&env, "SEQERA_ENV"), None);

    let platform = Platform::start();
    let mut nobody = Home::with_file_store();
    nobody.set("SEQERA_ACCESS_TOKEN", "outside");
    let began = Instant::now();
    let json = nobody.run("seqera", &["env", "--json"], "").ok();
    assert_eq!(json, "{\"SEQERA_ACCESS_TOKEN\":\"outside\",\"TOWER_ACCESS_TOKEN\":\"outside\"}\n");
    assert!(began.elapsed() < Duration::from_secs(10) && platform.requests().is_empty());
}

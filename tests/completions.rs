//! What real shells complete, by the scripts in `completions/`.

use std::path::{Path, PathBuf};

use seqera_credential_helper::provider::{Organization, ProviderId, Workspace};

use crate::shell::terminal::Terminal;
use crate::support::home::Home;
use crate::support::login;

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("completions").join(name)
}

/// Two profiles, one of them with a name that only this home knows.
fn home() -> Home {
    let home = Home::with_file_store();
    login::sekuire(&home, "default");
    login::sekuire(&home, "night-shift");
    home
}

fn has_organizations(home: &Home, known: &[(&str, &str)]) {
    let organization = |(id, name): &(&str, &str)| Organization { id: (*id).into(), name: (*name).into() };
    login::change(home, "default", |profile| {
        profile.organizations = known.iter().map(organization).collect();
    });
}

fn bash(home: &Home, words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let line = words.join(" ");
    let program = format!(
        "source {}; COMP_WORDS=({}); COMP_CWORD={}; COMP_LINE='{line}'; COMP_POINT={}; _seqera seqera '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script("seqera.bash").display(),
        quoted.join(" "),
        words.len() - 1,
        line.len(),
        words.last().unwrap(),
    );
    home.run("bash", &["--norc", "-c", &program], "").ok()
}

fn fish(home: &Home, line: &str) -> String {
    let program = format!("source {}; complete --do-complete '{line}'", script("seqera.fish").display());
    home.run("fish", &["--no-config", "-c", &program], "").ok()
}

#[test]
fn commands_and_their_options_complete() {
    let home = Home::new();
    for completed in [bash(&home, &["seqera", "log"]), fish(&home, "seqera log")] {
        let names: Vec<&str> = completed.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert!(names.contains(&"login") && names.contains(&"logout"), "{completed}");
        assert!(!names.contains(&"token"), "{completed}");
    }
    assert!(bash(&home, &["seqera", "login", "--dev"]).contains("--device"));
}

#[test]
fn names_of_profiles_complete_from_what_is_here() {
    let home = home();
    assert!(bash(&home, &["seqera", "profile", "use", "nig"]).contains("night-shift"));
    assert!(bash(&home, &["seqera", "--profile", "nig"]).contains("night-shift"));
    assert!(fish(&home, "seqera profile use nig").contains("night-shift"));
}

#[test]
fn names_of_organizations_complete_from_what_the_server_last_said() {
    let home = home();
    has_organizations(&home, &[("1", "acme"), ("2", "genomics")]);
    let completed = bash(&home, &["seqera", "org", "switch", ""]);
    assert!(completed.contains("acme") && completed.contains("genomics"), "{completed}");
    assert!(fish(&home, "seqera org switch gen").contains("genomics"));
}

#[test]
fn nothing_is_said_where_there_is_nothing_to_complete() {
    let mut home = Home::new();
    home.set("SEQERA_HELPER_HOME", "/nonexistent/home");
    let run = home.run("bash", &["--norc", "-c", "SEQERA_COMPLETE=bash seqera -- seqera profile use x"], "");
    assert_eq!((run.out().trim(), run.err().as_str()), ("none", ""));
}

/// A shell in a terminal, with our script loaded as its help says.
fn opens<'a>(home: &'a Home, shell: &str) -> Terminal<'a> {
    opens_with(home, shell, "")
}

fn opens_with<'a>(home: &'a Home, shell: &str, more: &str) -> Terminal<'a> {
    let (rc, text) = match shell {
        "bash" => ("rc", format!("source {}; PS1='ready> '\n", script("seqera.bash").display())),
        "zsh" => {
            let folder = script("").display().to_string();
            let load = "autoload -Uz compinit; compinit -u -D; PS1='ready> '";
            (".zshrc", format!("fpath=({folder} $fpath); {load}\n"))
        }
        "fish" => {
            let prompt = "function fish_prompt; echo 'ready> '; end";
            ("rc", format!("source {}; {prompt}\n", script("seqera.fish").display()))
        }
        "elvish" => {
            let prompt = "set edit:prompt = { put 'ready> ' }";
            ("rc", format!("eval (slurp < {})\n{prompt}\n", script("seqera.elv").display()))
        }
        "nu" => {
            let prompt = "$env.PROMPT_COMMAND = ''; $env.PROMPT_INDICATOR = 'ready> '";
            let load = format!("$env.config.show_banner = false\nsource {}", script("seqera.nu").display());
            ("config.nu", format!("{load}\n{prompt}\n"))
        }
        _ => panic!("not asked of {shell}"),
    };
    let nu = crate::shell::nu().display().to_string();
    let text = format!("{text}\n{more}");
    let rc = home.write(rc, text).display().to_string();
    let line = match shell {
        "bash" => vec!["bash", "--noprofile", "--rcfile", &rc, "-i"],
        "zsh" => vec!["zsh", "-d", "-i"],
        "fish" => vec!["fish", "--no-config", "-i", "-C", "source $HOME/rc"],
        "nu" => vec![&nu, "--config", &rc],
        _ => vec!["elvish", "-rc", &rc],
    };
    let line: Vec<String> = line.into_iter().map(String::from).collect();
    let zdotdir = home.path().to_str().unwrap();
    let terminal = Terminal::run(home, &line, &[("ZDOTDIR", zdotdir)]);
    terminal.sees("ready> ");
    terminal
}

#[test]
fn the_first_tab_in_a_new_zsh_lists_the_commands() {
    let home = Home::new();
    let terminal = opens(&home, "zsh");
    terminal.press("seqera log");
    terminal.press("Tab");
    terminal.sees("logout");
    assert!(terminal.screen().contains("Log in, once, in the browser"), "{}", terminal.screen());
    assert!(!terminal.screen().contains("token "), "{}", terminal.screen());
}

#[test]
fn a_zsh_that_evaluates_the_script_completes_too() {
    let home = Home::new();
    let rc = "autoload -Uz compinit; compinit -u -D; eval \"$(seqera completions zsh)\"; PS1='ready> '\n";
    home.write(".zshrc", rc);
    let line = ["zsh".into(), "-d".into(), "-i".into()];
    let terminal = Terminal::run(&home, &line, &[("ZDOTDIR", home.path().to_str().unwrap())]);
    terminal.sees("ready> ");
    terminal.press("seqera log");
    terminal.press("Tab");
    terminal.sees("logout");
}

#[test]
fn names_complete_in_the_terminal() {
    for shell in ["bash", "zsh", "fish", "elvish", "nu"] {
        let home = home();
        has_organizations(&home, &[("1", "acme"), ("2", "genomics")]);
        for (typed, completed) in [
            ("seqera profile use nig", "seqera profile use night-shift"),
            ("seqera --profile nig", "seqera --profile night-shift"),
            ("seqera org switch gen", "seqera org switch genomics"),
        ] {
            let terminal = opens(&home, shell);
            terminal.press(typed);
            terminal.press("Tab");
            terminal.sees(completed);
        }
    }
}

/// Files, a command with words of its own, workspaces, and a program of the vendor's.
fn full() -> Home {
    let home = home();
    login::change(&home, "default", |profile| {
        profile.provider = ProviderId::SEQERA;
        let workspace = |id: &str, name: &str| Workspace {
            id: id.into(),
            name: name.into(),
            organization: "acme".into(),
        };
        profile.workspaces = vec![workspace("1", "research"), workspace("2", "a b")];
    });
    home.write("data.txt", "");
    home.write("folder/inside", "");
    home.script("command-of-hers", "#!/bin/sh\n");
    home.script("../.seqera/bin/seqera", "#!/bin/sh\n");
    home.script("../.sekuire/bin/sekuire", "#!/bin/sh\n");
    home
}

/// How each shell is told what `command-of-hers` takes.
fn knows_a_command(shell: &str) -> &'static str {
    match shell {
        "bash" => "complete -W 'word-of-it' command-of-hers\n",
        "zsh" => "_hers() { compadd word-of-it }; compdef _hers command-of-hers\n",
        "fish" => "complete --command command-of-hers --no-files --arguments word-of-it\n",
        "elvish" => "set edit:completion:arg-completer[command-of-hers] = {|@words| put word-of-it }\n",
        _ => "$env.config.completions.external = {enable: true, completer: {|words| [word-of-it] }}\n",
    }
}

#[test]
fn lines_complete_as_people_type_them() {
    for shell in ["bash", "zsh", "fish", "elvish", "nu"] {
        let home = full();
        let terminal = opens_with(&home, shell, knows_a_command(shell));
        let into = if shell == "nu" { "o>" } else { ">" };
        let mut lines = vec![
            (format!("seqera token {into} da"), format!("seqera token {into} data.txt")),
            ("seqera exec --live --log da".into(), "--live --log data.txt".into()),
            ("seqera login --paste-from da".into(), "--paste-from data.txt".into()),
            ("seqera profile bind fol".into(), "seqera profile bind folder/".into()),
            ("seqera exec -- command-of-h".into(), "seqera exec -- command-of-hers".into()),
            ("seqera exec -- command-of-hers wo".into(), "-- command-of-hers word-of-it".into()),
            ("seqera exec command-of-hers wo".into(), "exec command-of-hers word-of-it".into()),
            (
                "seqera exec -q --live -- command-of-hers wo".into(),
                "--live -- command-of-hers word-of-it".into(),
            ),
            ("seqera workspace switch acm".into(), "seqera workspace switch acme/research".into()),
            ("seqera workspace cl".into(), "seqera workspace clear".into()),
            ("sekuire profile use nig".into(), "sekuire profile use night-shift".into()),
            ("seqera ski".into(), "seqera skill".into()),
            ("seqera ai da".into(), "seqera ai data.txt".into()),
            ("sekuire leader".into(), "sekuire leaderboard".into()),
            ("seqera status --js".into(), "seqera status --json".into()),
        ];
        if ["bash", "zsh", "fish"].contains(&shell) {
            lines.extend([
                ("seqera --profile=nig".into(), "seqera --profile=night-shift".into()),
                ("seqera exec --live --log=da".into(), "--live --log=data.txt".into()),
                ("seqera token 2>/dev/null --min".into(), "2>/dev/null --min-ttl".into()),
                ("seqera profile use > out nig".into(), "use > out night-shift".into()),
                ("HERS=1 seqera profile use nig".into(), "HERS=1 seqera profile use night-shift".into()),
                ("seqera token <da".into(), "seqera token <data.txt".into()),
            ]);
        }
        for (typed, completed) in &lines {
            terminal.types(typed);
            terminal.press("Tab");
            terminal.sees(completed);
            forgets_the_line(&terminal);
        }
        // Nothing can come, or nothing that is listed: what is typed stays as it is.
        for typed in ["seqera status ", "seqera org clear ", "seqera hook-e", "seqera gener"] {
            terminal.types(typed);
            terminal.press("Tab");
            terminal.types(",");
            terminal.sees(&format!("{typed},"));
            forgets_the_line(&terminal);
        }
    }
}

fn forgets_the_line(terminal: &Terminal<'_>) {
    for _ in 0..20 {
        terminal.press("C-u");
        std::thread::sleep(std::time::Duration::from_millis(50));
        if !terminal.screen().contains(" seqera") && !terminal.screen().contains(" sekuire") {
            return;
        }
    }
    panic!("a line stays:\n{}", terminal.screen());
}

/// A Tab asks the program once, which answers from what is here: in no more than 10 ms above what starting it takes.
#[test]
fn a_tab_costs_no_more_than_a_person_notices() {
    let home = full();
    let program = format!(
        "source {}; best() {{ local least=999999999 i from; for ((i = 0; i < 30; i++)); do
        from=${{EPOCHREALTIME/[.,]}}; \"$@\" >/dev/null; ((from = ${{EPOCHREALTIME/[.,]}} - from)); ((from > least)) || least=$from
        done; printf '%s\\n' \"$least\"; }}
        yardstick() {{ : $(seqera --version); }}; tab() {{
        COMP_WORDS=(seqera $1 \"$2\"); COMP_CWORD=2; COMP_LINE=\"seqera $1 $2\"; COMP_POINT=${{#COMP_LINE}}; _seqera seqera \"$2\"; }}
        best yardstick; best tab org ''; best tab --profile ''; best tab login --",
        script("seqera.bash").display(),
    );
    let run = home.run("bash", &["--norc", "-c", &program], "").ok();
    let times: Vec<u64> = run.lines().map(|line| line.parse().unwrap()).collect();
    let [yardstick, tabs @ ..] = times.as_slice() else { panic!("{run}") };
    assert!(tabs.len() == 3 && tabs.iter().all(|tab| *tab < yardstick + 10_000), "µs: {times:?}");
}

/// What a person accepts with Tab and Enter is a command line: a name that a server chose must not become a part
/// of it that runs. Such an organization has its number.
#[test]
fn a_hostile_name_never_gets_onto_a_command_line() {
    for shell in ["bash", "zsh", "fish", "elvish", "nu"] {
        for name in
            ["$(touch ran)", "`touch ran`", "a;touch ran", "a\ntouch ran", "a:$(touch ran)", "-n|touch ran"]
        {
            let home = home();
            has_organizations(&home, &[("4711", name)]);
            let terminal = opens(&home, shell);
            terminal.press("seqera org switch ");
            terminal.press("Tab");
            terminal.press("Tab");
            terminal.sees("4711");
            assert!(!terminal.screen().contains("touch"), "{shell}:\n{}", terminal.screen());
            // Every one in turn, where Tab goes through them.
            for _ in 0..3 {
                terminal.press("Tab");
            }
            terminal.press("Enter");
            // nushell forgets what is typed while a command runs.
            let over = home.path().join("over");
            for _ in 0..20 {
                terminal.type_line("sh -c 'echo over >$HOME/over'");
                std::thread::sleep(std::time::Duration::from_millis(500));
                if over.exists() {
                    break;
                }
            }
            assert!(over.exists(), "{shell} does not come back:\n{}", terminal.screen());
            assert!(!home.path().join("ran").exists(), "{shell} ran {name:?}");
        }
    }
}

//! The manual says what the programs do: its pages are whole, its JSON keys are those that are printed, and help is
//! shown as other programs show it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::{Home, run};
use crate::support::login;
use crate::support::session::{self, Token};

/// The keys of each `COMMAND --json`, as the page has them.
fn documented(home: &Home) -> BTreeMap<String, BTreeSet<String>> {
    let page = home.run("seqera", &["help", "json"], "").ok();
    let mut outputs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut current = None;
    for line in page.lines() {
        if let Some(command) = line.strip_suffix(" --json:") {
            outputs.insert(command.to_owned(), BTreeSet::new());
            current = Some(command.to_owned());
        } else if let Some(key) = line.strip_prefix("  ")
            && !key.starts_with(' ')
            && !key.contains(' ')
            && !key.ends_with('.')
            && let Some(keys) = current.as_ref().and_then(|command| outputs.get_mut(command))
        {
            keys.insert(key.to_owned());
        }
    }
    outputs
}

fn keys(value: &Value, before: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                let path = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
                found.insert(path.clone());
                keys(value, &path, found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| keys(value, &format!("{before}[]"), found)),
        _ => {}
    }
}

#[test]
fn the_page_on_json_has_every_key_that_is_printed_and_no_other() {
    let (mut home, platform) = (Home::with_file_store(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    login::with_token(&home, &platform, &["--profile", "personal"]);
    home.run(
        "sekuire",
        &["login", "--backend", &platform.sekuire(), "--profile", "key", "--registry", "r.example"],
        platform.sekuire_key(),
    )
    .expect(0);
    home.run("seqera", &["org", "switch", "acme"], "").expect(0);
    home.run("seqera", &["workspace", "switch", "acme/research"], "").expect(0);
    std::fs::create_dir(home.path().join("work")).unwrap();
    home.run("seqera", &["profile", "bind", "work", "personal"], "").expect(0);
    home.run("seqera", &["configure", "git"], "").expect(0);
    let theirs = format!(
        r#"{{"user": {{"email": "ada@example.org"}}, "authDomain": "{}", "selected_organization": {{"org_id": 7, "org_name": "other"}}}}"#,
        platform.api()
    );
    home.write(".config/seqera-ai/auth-metadata.json", theirs);
    home.write("site/seqera-credential-helper/config.toml", "callback_port = 9999\n");
    home.set("XDG_CONFIG_DIRS", home.path().join("site"));

    let documented = documented(&home);
    let mut printed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut add = |command: &'static str, more: &[&str]| {
        let mut words: Vec<&str> = command.split(' ').skip(1).collect();
        words.extend(more);
        words.push("--json");
        let out = home.run("seqera", &words, "").out();
        let value: Value =
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words:?}: {error}: {out}"));
        keys(&value, "", printed.entry(command).or_default());
    };
    for more in [&[][..], &["--check"], &["--all"], &["--profile", "key"]] {
        add("seqera status", more);
    }
    add("seqera whoami", &["--profile", "key"]);
    for command in [
        "seqera whoami",
        "seqera org show",
        "seqera org list",
        "seqera workspace",
        "seqera workspace list",
        "seqera profile",
        "seqera profile list",
        "seqera profile bind",
        "seqera env",
        "seqera store",
        "seqera config list",
        "seqera config get client_id",
        "seqera configure --list",
        "seqera doctor",
    ] {
        add(command, &[]);
    }
    let job = ["exec", "--job-token", "--", "seqera", "token", "list", "--json"];
    let job = home.run("seqera", &job, "").ok();
    keys(&serde_json::from_str(&job).unwrap(), "", printed.entry("seqera token list").or_default());

    let names = |set: Vec<&str>| set.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(
        names(documented.keys().map(String::as_str).collect()),
        names(printed.keys().copied().collect())
    );
    let of_login = documented["seqera status"].clone();
    for (command, keys) in printed {
        if command == "seqera env" {
            continue;
        }
        // A login in a list has the keys of a login, and what is inside an object that is described elsewhere is there.
        let is_elsewhere = |key: &&String| {
            let inner = key.strip_prefix("logins[].").or_else(|| key.strip_prefix("profiles[]."));
            let inner = inner.unwrap_or(key);
            (inner != key.as_str() || inner.starts_with("api_key.")) && of_login.contains(inner)
        };
        let own: BTreeSet<&String> = keys
            .iter()
            .filter(|key| command == "seqera status" && !key.contains("logins[].") || !is_elsewhere(key))
            .collect();
        let page: BTreeSet<&String> = documented[command].iter().collect();
        assert_eq!(own, page, "{command}");
    }
}

#[test]
fn every_page_is_whole_and_plain_to_groff() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("man");
    let mut sections = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let section = path.extension().unwrap().to_string_lossy().into_owned();
        let parts: &[&str] = match section.as_str() {
            "1" => &["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "SEE ALSO"],
            _ => &["NAME", "SEE ALSO"],
        };
        for part in parts {
            let has =
                text.lines().any(|line| line == format!(".SH {part}") || line == format!(".SH \"{part}\""));
            assert!(has, "{name} has no {part}");
        }
        // One for each command that a person calls by itself.
        let is_of_a_command = name.matches('-').count() == 1 && section == "1";
        assert!(!is_of_a_command || text.contains(".SH \"EXAMPLES\""), "{name} has no examples");
        sections.insert(section);
        let mut groff = std::process::Command::new("groff");
        groff.args(["-k", "-man", "-ww", "-z", "-Tutf8"]).arg(&path);
        let groff = run(groff, "").expect(0);
        assert_eq!(groff.err(), "", "{name}");
    }
    assert_eq!(sections.into_iter().collect::<Vec<_>>(), ["1", "5", "7"]);
}

#[test]
fn help_stands_in_groups_and_topics_have_pages() {
    let home = Home::new();
    let help = home.run("seqera", &["--help"], "").ok();
    for title in ["Log in:", "Use:", "Set up:", "Find out:", "Options:"] {
        assert!(help.lines().any(|line| line == title), "{title}: {help}");
    }
    assert_eq!(help, home.run("seqera", &["help"], "").ok());
    assert_eq!(help, home.run("seqera", &[], "").expect(2).err(), "no command is a mistake");
    for topic in ["environment", "config", "json", "exit-codes", "files"] {
        assert!(home.run("seqera", &["help", topic], "").ok().starts_with(&format!("seqera-{topic}(")));
        assert!(help.contains(topic), "{topic}");
    }
    let login = home.run("seqera", &["help", "login"], "").ok();
    assert!(login.contains("Examples:") && login.contains("seqera login --device"), "{login}");
    assert!(login.contains("Options for Sekuire:") && login.contains("[default: 300]"), "{login}");
    assert!(home.run("sekuire", &["help", "environment"], "").ok().contains("SEKUIRE_API_KEY"));
    assert!(!help.contains('\x1b') && !login.contains('\x1b'));
}

/// Runs a command line on a terminal that script(1) gives it, and answers all that it shows.
fn on_a_terminal(home: &Home, line: &str, variables: &[(&str, &str)]) -> String {
    let mut command = home.command("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    command.env("TERM", "xterm-256color").envs(variables.iter().copied());
    run(command, "").out()
}

#[test]
fn what_takes_long_gives_a_sign_of_life_on_a_terminal() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let sign = "Waiting for 127.0.0.1 ...";
    assert!(!on_a_terminal(&home, "seqera status", &[]).contains("Waiting"));
    platform.fault(Endpoint::UserInfo, Fault::Slow(Duration::from_secs(2)));
    let shown = on_a_terminal(&home, "seqera whoami", &[]);
    assert!(
        shown.contains(sign) && shown.contains("\x1b[K") && shown.contains("Logged in as: "),
        "{shown:?}"
    );
    for (line, variables) in [
        ("seqera whoami --quiet", &[][..]),
        ("seqera whoami", &[("TERM", "dumb")]),
        ("seqera whoami 2>error", &[]),
    ] {
        let shown = on_a_terminal(&home, line, variables);
        assert!(!shown.contains("Waiting"), "{line}: {shown:?}");
    }
    assert_eq!(
        std::fs::read_to_string(home.path().join("error")).unwrap(),
        "",
        "nothing where there is no terminal"
    );
    platform.clear_faults();
    // A lock that another process holds.
    let lock = session::paths(&home).store.join("lock");
    let line = format!(
        "flock {} sleep 2 & sleep 0.2; seqera login --with-token --endpoint {} <token",
        lock.display(),
        platform.api()
    );
    home.write("token", platform.personal_token());
    let shown = on_a_terminal(&home, &line, &[]);
    assert!(shown.contains("Waiting for another process that uses the store ..."), "{shown:?}");
}

#[test]
fn lists_stand_in_columns_on_a_terminal_and_in_fields_elsewhere() {
    let (home, platform) = (Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    let list = "seqera workspace list --quiet";
    let seen = on_a_terminal(&home, list, &[]);
    let lines: Vec<&str> =
        seen.lines().map(|line| line.trim_end_matches('\r')).filter(|line| line.contains('/')).collect();
    let at: BTreeSet<Option<usize>> = lines.iter().map(|line| line.rfind("  ")).collect();
    assert!(lines.len() > 2 && at.len() == 1, "{seen:?}");
    let fields = home.run("sh", &["-c", list], "").ok();
    assert!(
        fields.lines().all(|line| line.trim_start_matches(['*', ' ']).split(' ').count() == 2),
        "{fields}"
    );
}

/// As gh has them: on a terminal, and not where somebody says no.
#[test]
fn colours_are_for_terminals_and_can_be_turned_off() {
    let coloured = |variables: &[(&str, &str)]| {
        let home = Home::new();
        let out = on_a_terminal(&home, "seqera --help", variables);
        assert!(out.contains("Log in:"), "{out}");
        out.contains("\x1b[1m")
    };
    assert!(coloured(&[]));
    for off in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        assert!(!coloured(&[off]), "{off:?}");
    }
}

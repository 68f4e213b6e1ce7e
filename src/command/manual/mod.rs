//! The manual: one source for `--help`, `seqera help TOPIC` and the pages in `/man`.

mod guide;
mod keys;
mod page;
mod variables;

use std::ffi::OsString;

use clap::{Command, CommandFactory};

use super::Cli;
use crate::config::{self, SETTINGS};
use crate::error::Kind;
use crate::protocol::PROGRAM;
use crate::ui;
use guide::{GROUPS, Guide, guide};
use page::{Block, Page, Part};

/// Our files, the commands whose pages name them, and what they are.
const FILES: &[(&str, &[&str], &str)] = &[
    (
        "~/.config/seqera-credential-helper/config.toml",
        &[],
        "your settings; change them with seqera config, or by hand",
    ),
    (
        "/etc/seqera-credential-helper/config.toml",
        &["config", "login", "doctor"],
        "what your site says, where you say nothing; first seqera-credential-helper/config.toml in each folder of \
         XDG_CONFIG_DIRS",
    ),
    (
        "~/.local/share/seqera-credential-helper/store/",
        &["store", "login", "logout", "lock", "import", PROGRAM],
        "the sealed store: a folder a host, a file a credential, and key, where the key is not in the keychain",
    ),
    (
        "~/.local/state/seqera-credential-helper/profiles/",
        &["profile", "login", "status"],
        "what is known of each login that is not secret",
    ),
    (
        "~/.local/state/seqera-credential-helper/configured.json",
        &["configure"],
        "what seqera configure did, to take it back exactly",
    ),
    (
        "$XDG_RUNTIME_DIR/seqera-credential-helper/",
        &["hook", "prompt"],
        "a line a login, which the hook and the prompt read",
    ),
];

/// The pages that are not about one command.
pub fn pages() -> Vec<Page> {
    vec![environment(), settings(), json(), exit_codes(), files()]
}

fn environment() -> Page {
    let parts = variables::VARIABLES.iter().map(|(title, variables)| {
        Part::items(*title, variables.iter().map(|variable| (variable.name, variable.about)))
    });
    let first =
        Part::text("Description", "An empty value counts as unset. Times without a unit are in seconds.");
    Page {
        topic: "environment",
        section: 7,
        about: "the variables that seqera and seqera-credential-helper read and set",
        parts: std::iter::once(first).chain(parts).chain([see(&["config", "exit-codes", "files"])]).collect(),
    }
}

fn settings() -> Page {
    let item = |setting: &config::Setting| {
        let mut text = setting.about.to_owned();
        text += &format!(" It is {}.", setting.kind.words());
        if !setting.default.is_empty() {
            text += &format!(" Default: {}.", setting.default);
        }
        if let Some(variable) = setting.variable {
            text += &format!(" {variable} overrides it.");
        }
        (setting.key, text)
    };
    Page {
        topic: "config",
        section: 5,
        about: "the settings of seqera and seqera-credential-helper",
        parts: vec![
            Part::text(
                "Description",
                "config.toml is a TOML file. A value is taken from the environment, then from your file, then from your \
                 site's files, then it is the default. What does not fit a setting does not count.\n\
                 seqera config list shows every setting with its value and where that comes from; seqera config set KEY \
                 VALUE and seqera config unset KEY change your file and keep its comments.",
            ),
            Part::items("Settings", SETTINGS.iter().map(item)),
            Part::items(
                "Tables",
                [(
                    "[folders]",
                    "A profile for each folder, as seqera profile bind writes it. Only in your own file.",
                )],
            ),
            Part::items("Files", file_items(|commands| commands.is_empty() || commands.contains(&"config"))),
            see(&["environment", "files"]),
        ],
    }
}

fn json() -> Page {
    let part = |output: &keys::Output| {
        let mut part = Part::items(format!("{} --json", output.command), output.keys.iter().copied());
        part.blocks.insert(0, Block::Text(output.about.to_owned()));
        part
    };
    let first = Part::text(
        "Description",
        "With --json a command prints one JSON value on standard output. Times are RFC 3339 in UTC; a key without a \
         value is null, and keys may be added. The exit code is the same as without --json.",
    );
    Page {
        topic: "json",
        section: 7,
        about: "what seqera prints with --json",
        parts: std::iter::once(first)
            .chain(keys::OUTPUTS.iter().map(part))
            .chain([see(&["exit-codes"])])
            .collect(),
    }
}

fn exit_codes() -> Page {
    Page {
        topic: "exit-codes",
        section: 7,
        about: "how seqera and seqera-credential-helper end",
        parts: vec![
            exit_status(),
            Part::text(
                "Protocols",
                "Where a client's protocol has exit codes of its own, those count. seqera exec ends with the status of \
                 its command.",
            ),
            see(&["environment"]),
        ],
    }
}

fn files() -> Page {
    Page {
        topic: "files",
        section: 7,
        about: "the files of seqera and seqera-credential-helper",
        parts: vec![
            Part::text(
                "Description",
                "Below SEQERA_HELPER_HOME where that is set, else in the folders of the system, which XDG_CONFIG_HOME and \
                 its like move.",
            ),
            Part::items("Files", file_items(|_| true)),
            see(&["config", "environment"]),
        ],
    }
}

fn file_items(fits: impl Fn(&[&str]) -> bool) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter(move |(_, commands, _)| fits(commands)).map(|(path, _, about)| (*path, *about))
}

fn exit_status() -> Part {
    let codes = Kind::ALL.iter().map(|kind| (kind.exit_code().to_string(), kind.about()));
    Part::items("Exit status", std::iter::once(("0".to_owned(), "done")).chain(codes))
}

fn see(topics: &[&str]) -> Part {
    let sections = |topic: &&str| {
        let section = if *topic == "config" { 5 } else { 7 };
        format!("seqera-{topic}({section})")
    };
    let all: Vec<String> =
        std::iter::once("seqera(1)".to_owned()).chain(topics.iter().map(sections)).collect();
    Part::text("See also", all.join(", "))
}

/// What stands on a command's page after its options, for `man`. `words` call it, without the program's name.
pub fn after_options(words: &str) -> String {
    let top = words.split(' ').next().unwrap_or_default();
    let mut parts = Vec::new();
    let examples: Vec<(&str, &str)> = match guide(words) {
        Some(guide) => guide.examples.to_vec(),
        None if words == PROGRAM => vec![
            ("printf 'protocol=https\\nhost=github.com\\n' | seqera-credential-helper get", "as git asks it"),
            ("echo https://index.docker.io/v1/ | docker-credential-seqera get", "as docker asks it"),
        ],
        None if words.is_empty() => vec![
            ("seqera login", "once"),
            ("seqera configure git", "git asks for no password any more"),
            ("eval \"$(seqera hook bash)\"", "in ~/.bashrc: a fresh token in every shell"),
            ("seqera exec -- tw runs list", "or for one command"),
            ("seqera doctor", "where something does not work"),
        ],
        None => Vec::new(),
    };
    if !examples.is_empty() {
        parts.push(Part::items("Examples", examples));
    }
    if words.is_empty() {
        parts.push(Part::text("Environment", "seqera-environment(7) has every variable."));
    } else {
        let named: Vec<_> = variables::of(top).map(|variable| (variable.name, variable.about)).collect();
        let mut part = Part::items("Environment", named);
        part.blocks
            .push(Block::Text("seqera-environment(7) has those that count for every command.".to_owned()));
        parts.push(part);
    }
    parts.push(Part::items("Files", file_items(|commands| commands.is_empty() || commands.contains(&top))));
    parts.push(exit_status());
    let related = guide(top).map_or(&[][..], |guide| guide.see);
    let mut all: Vec<String> = Vec::new();
    if !words.is_empty() {
        all.push("seqera(1)".to_owned());
    }
    if words != top {
        all.push(format!("seqera-{top}(1)"));
    }
    all.extend(related.iter().map(|name| format!("seqera-{name}(1)")));
    all.extend(pages().iter().map(|page| format!("seqera-{}({})", page.topic, page.section)));
    parts.push(Part::text("See also", all.join(", ")));
    page::roff(&parts)
}

/// The commands with what the manual says of them, without examples: for the pages.
pub fn described() -> Command {
    guide::GUIDES.iter().fold(Cli::command(), |cli, guide| {
        cli.mut_subcommand(guide.command, |command| match guide.description {
            "" => command,
            more => {
                let about = command.get_about().map(ToString::to_string).unwrap_or_default();
                command.long_about(format!("{about}\n\n{more}"))
            }
        })
    })
}

/// The commands as `--help` shows them: in groups, with examples. `more` stands at the end of the first help.
pub fn help(more: Option<String>) -> Command {
    let cli = guide::GUIDES.iter().fold(described(), |cli, guide| {
        cli.mut_subcommand(guide.command, |command| command.after_help(examples(guide)))
    });
    let topics: Vec<&str> = pages().iter().map(|page| page.topic).collect();
    let mut end =
        format!("Help on a command: seqera help COMMAND; on a topic: seqera help {}", topics.join("|"));
    if let Some(more) = more {
        end += "\n\n";
        end += &more;
    }
    let template = format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{}{}\n{{options}}{{after-help}}",
        groups(&cli),
        heading("Options")
    );
    cli.help_template(template).after_help(end)
}

/// A longer command line is not a reason to move what is said of the others to the right.
const COLUMN: usize = 44;

fn examples(guide: &Guide) -> String {
    let width =
        guide.examples.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default().min(COLUMN);
    let lines = guide.examples.iter().map(|(line, about)| format!("  {line:width$}  # {about}"));
    let lines: Vec<String> = std::iter::once(heading("Examples")).chain(lines).collect();
    lines.join("\n")
}

/// As clap makes its own; where there are no colours, clap takes them away.
fn heading(title: &str) -> String {
    format!("\x1b[1m\x1b[4m{title}:\x1b[0m")
}

fn groups(cli: &Command) -> String {
    let width =
        GROUPS.iter().flat_map(|(_, names)| names.iter()).map(|name| name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for (title, names) in GROUPS {
        text += &heading(title);
        for name in *names {
            let about = cli.find_subcommand(name).and_then(Command::get_about).map(ToString::to_string);
            text += &format!("\n  \x1b[1m{name:width$}\x1b[0m  {}", about.unwrap_or_default());
        }
        text += "\n\n";
    }
    text
}

/// Whether somebody asks for help.
pub fn is_asked(args: &[OsString]) -> bool {
    args.len() <= 1
        || args.get(1).is_some_and(|word| word == "help")
        || args.iter().any(|word| word == "--help" || word == "-h")
}

/// The page that `seqera help TOPIC` asks for.
pub fn topic(args: &[OsString]) -> Option<String> {
    let [_, help, topic] = args else { return None };
    let topic = topic.to_str().filter(|_| help == "help")?;
    let page = pages().into_iter().find(|page| page.topic == topic)?;
    Some(page.text(ui::out_width().unwrap_or(100).min(100)))
}

#[cfg(test)]
mod tests;

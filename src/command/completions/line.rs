//! What a command line can go on with, from the one definition of the commands.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::engine::ArgValueCandidates;

/// What comes next.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Next {
    /// What the shell itself has to offer here.
    pub also: Also,
    /// What we have to offer.
    pub candidates: Vec<Candidate>,
}

/// What the shell itself has to offer.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Also {
    /// Nothing.
    #[default]
    Nothing,
    /// Names of files.
    Files,
    /// Names of folders.
    Folders,
    /// What it offers on the line of another command, whose name is the word of this number.
    Command(usize),
}

/// One candidate, and what it is.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The whole word.
    pub word: String,
    /// One line, or nothing.
    pub about: String,
    /// Whether it is one of our commands, by its first name.
    pub is_command: bool,
}

impl Candidate {
    /// A candidate of which nothing is said.
    pub fn new(word: impl Into<String>) -> Candidate {
        Candidate { word: word.into(), about: String::new(), is_command: false }
    }
}

/// What the last one of `words` can become; the first one is the program. `theirs` are commands of another program
/// that takes what is not a command of ours.
pub fn next(program: &Command, words: &[OsString], theirs: &[&str]) -> Next {
    let [_, before @ .., last] = words else { return Next::default() };
    let mut line = Line::new(program);
    for (at, word) in before.iter().enumerate() {
        match line.pass(word) {
            Passed::Ours => {}
            Passed::OtherProgram => return Next { also: Also::Files, ..Next::default() },
            Passed::OtherCommand => return Next { also: Also::Command(at + 1), ..Next::default() },
        }
    }
    line.ends_with(last, words.len() - 1, theirs)
}

/// A command line, read so far.
struct Line<'a> {
    command: &'a Command,
    is_program: bool,
    /// The positional argument that comes next, counted from 1.
    position: usize,
    /// After `--` there are no options.
    is_over: bool,
    /// The option whose value comes next.
    option: Option<&'a Arg>,
    given: Vec<&'a clap::Id>,
}

/// Whose line it is after a word.
#[derive(PartialEq)]
enum Passed {
    Ours,
    OtherProgram,
    OtherCommand,
}

impl<'a> Line<'a> {
    fn new(program: &'a Command) -> Line<'a> {
        let given = Vec::new();
        Line { command: program, is_program: true, position: 1, is_over: false, option: None, given }
    }

    fn pass(&mut self, word: &OsStr) -> Passed {
        if self.option.take().is_some() {
            return Passed::Ours;
        }
        let text = word.to_str().unwrap_or("\u{fffd}");
        if !self.is_over && text == "--" {
            self.is_over = true;
        } else if !self.is_over && text.len() > 1 && text.starts_with('-') {
            let (name, value) =
                text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            if let Some(option) = self.option(name) {
                self.given.push(option.get_id());
                self.option = Some(option).filter(|option| takes_value(option) && value.is_none());
            }
        } else if let Some(command) = self.subcommand(text) {
            self.command = command;
            self.is_program = false;
        } else if self.is_program {
            return Passed::OtherProgram;
        } else if let Some(argument) = self.argument() {
            if argument.is_trailing_var_arg_set() {
                return Passed::OtherCommand;
            }
            self.position += usize::from(!takes_several(argument));
        }
        Passed::Ours
    }

    fn ends_with(&self, word: &OsStr, at: usize, theirs: &[&str]) -> Next {
        if let Some(option) = self.option {
            return values(option);
        }
        let text = word.to_str().unwrap_or("\u{fffd}");
        if !self.is_over && text.starts_with('-') {
            return match text.split_once('=') {
                Some((name, _)) => {
                    let option = self.option(name).filter(|option| takes_value(option));
                    let mut next = option.map(values).unwrap_or_default();
                    next.candidates
                        .iter_mut()
                        .for_each(|value| value.word.insert_str(0, &format!("{name}=")));
                    next
                }
                None => Next { candidates: self.options(), ..Next::default() },
            };
        }
        let argument = self.argument();
        if argument.is_some_and(Arg::is_trailing_var_arg_set) {
            return Next { also: Also::Command(at), ..Next::default() };
        }
        let mut next = argument.map(values).unwrap_or_default();
        next.candidates.extend(self.subcommands());
        if self.is_program && !self.is_over {
            next.candidates.extend(theirs.iter().map(|name| Candidate::new(*name)));
        }
        next
    }

    /// A command below this one; only the first word can be one.
    fn subcommand(&self, name: &str) -> Option<&'a Command> {
        self.command.find_subcommand(name).filter(|_| self.position == 1 && !self.is_over)
    }

    fn subcommands(&self) -> Vec<Candidate> {
        let are_possible = self.position == 1 && !self.is_over;
        let shown = self.command.get_subcommands().filter(|command| are_possible && !command.is_hide_set());
        let here = self.command.get_name();
        let named = |command: &Command| {
            let about = command.get_about().map(ToString::to_string);
            let about = first_line(about.as_deref());
            let is_command = |name: &str| name == command.get_name() && ![name, here].contains(&"help");
            let one = |name: &str| Candidate {
                word: name.into(),
                about: about.clone(),
                is_command: is_command(name),
            };
            command.get_name_and_visible_aliases().into_iter().map(one).collect::<Vec<_>>()
        };
        shown.flat_map(named).collect()
    }

    fn argument(&self) -> Option<&'a Arg> {
        self.command.get_positionals().find(|argument| argument.get_index() == Some(self.position))
    }

    /// The option that a word names: a long one, or the last one of several short ones.
    fn option(&self, word: &str) -> Option<&'a Arg> {
        let is_named = |option: &&Arg| match word.strip_prefix("--") {
            Some(name) => option.get_long_and_visible_aliases().unwrap_or_default().contains(&name),
            None => option.get_short() == word.chars().last(),
        };
        self.command.get_arguments().find(is_named)
    }

    fn options(&self) -> Vec<Candidate> {
        let is_free = |option: &&Arg| {
            matches!(option.get_action(), ArgAction::Append | ArgAction::Count)
                || !self.given.contains(&option.get_id())
        };
        let shown =
            self.command.get_opts().chain(self.command.get_arguments().filter(|arg| !takes_value(arg)));
        let shown = shown.filter(|option| !option.is_hide_set() && !option.is_positional()).filter(is_free);
        let named = |option: &Arg| {
            let about = option.get_help().map(ToString::to_string);
            let about = first_line(about.as_deref());
            let long = option.get_long_and_visible_aliases().unwrap_or_default();
            let long = long.into_iter().map(|name| format!("--{name}"));
            let names = long.chain(option.get_short().map(|letter| format!("-{letter}")));
            names.map(|word| Candidate { word, about: about.clone(), is_command: false }).collect::<Vec<_>>()
        };
        shown.flat_map(named).collect()
    }
}

fn takes_value(option: &Arg) -> bool {
    !option.is_positional() && option.get_action().takes_values()
}

fn takes_several(argument: &Arg) -> bool {
    argument.get_num_args().is_some_and(|several| several.max_values() > 1)
}

/// What is known of an argument's values.
fn values(argument: &Arg) -> Next {
    let also = match argument.get_value_hint() {
        ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath => Also::Files,
        ValueHint::DirPath => Also::Folders,
        _ => Also::Nothing,
    };
    let known = argument.get::<ArgValueCandidates>().map(ArgValueCandidates::candidates).unwrap_or_default();
    let known = known.into_iter().filter_map(|value| Some(Candidate::new(value.get_value().to_str()?)));
    let possible = argument.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    let possible = possible.map(|value| {
        let about = value.get_help().map(ToString::to_string);
        let about = first_line(about.as_deref());
        Candidate { word: value.get_name().into(), about, is_command: false }
    });
    Next { also, candidates: known.chain(possible).collect() }
}

fn first_line(text: Option<&str>) -> String {
    text.and_then(|text| text.lines().next()).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::command::Cli;

    fn at(line: &str) -> Next {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut program = Cli::command();
        program.build();
        next(&program, &words, &["ai"])
    }

    fn words(line: &str) -> Vec<String> {
        at(line).candidates.into_iter().map(|candidate| candidate.word).collect()
    }

    fn has(line: &str, wanted: &[&str]) {
        let words = words(line);
        for word in wanted {
            assert!(words.iter().any(|one| one == word), "{line}: {word} is not in {words:?}");
        }
    }

    #[test]
    fn commands_come_first_and_options_only_after_a_dash() {
        has("seqera ", &["login", "profile", "help", "ai"]);
        has("seqera profile ", &["list", "bind"]);
        has("seqera org ", &["switch", "select"]);
        has("seqera help ", &["login"]);
        has("seqera -q ", &["login"]);
        has("seqera --profile work ", &["login"]);
        for line in
            ["seqera ", "seqera profile ", "seqera status ", "seqera token --min-ttl 5 ", "seqera exec "]
        {
            assert!(words(line).iter().all(|word| !word.starts_with('-')), "{line}");
        }
        for line in ["seqera -", "seqera status --", "seqera exec -", "seqera profile -"] {
            let words = words(line);
            assert!(words.len() > 2 && words.iter().all(|word| word.starts_with('-')), "{line}: {words:?}");
            assert!(!words.iter().any(|word| word == "--"), "{line}");
        }
    }

    #[test]
    fn what_is_hidden_stays_so() {
        for hidden in ["auth", "hook-env", "generate"] {
            for line in ["seqera ", "seqera help ", &format!("seqera {hidden}")] {
                assert!(!words(line).iter().any(|word| word == hidden), "{line}");
            }
        }
        assert!(!words("seqera login --").iter().any(|word| word == "--headless" || word == "--browser"));
    }

    #[test]
    fn an_option_is_offered_once() {
        assert!(!words("seqera status --json --").iter().any(|word| word == "--json"));
        has("seqera exec --live --allow x --", &["--allow"]);
    }

    #[test]
    fn values_are_of_their_option_or_their_place() {
        has("seqera login --provider ", &["sekuire"]);
        has("seqera login --provider=", &["--provider=sekuire"]);
        has("seqera hook ", &["bash", "elvish"]);
        has("seqera configure ", &["git"]);
        assert_eq!(at("seqera hook bash "), Next::default());
        assert_eq!(at("seqera login --endpoint "), Next::default());
        // A value is not a command, whatever it looks like.
        has("seqera --profile status ", &["login"]);
    }

    #[test]
    fn files_are_for_the_shell() {
        for line in [
            "seqera exec --live --log ",
            "seqera exec --live --log=",
            "seqera relay --socket ",
            "seqera login --paste-from ",
            "seqera ai ",
            "seqera ai --token ",
        ] {
            assert_eq!(at(line).also, Also::Files, "{line}");
        }
        assert_eq!(at("seqera profile bind ").also, Also::Folders);
    }

    #[test]
    fn another_command_has_a_line_of_its_own() {
        for (line, number) in [
            ("seqera exec ", 2),
            ("seqera exec gi", 2),
            ("seqera exec -- gi", 3),
            ("seqera exec -- git sta", 3),
            ("seqera exec git -", 2),
            ("seqera exec --live --workspace 5 -- git -- ", 6),
            ("seqera --profile work exec -q git ", 5),
        ] {
            assert_eq!(at(line), Next { also: Also::Command(number), ..Next::default() }, "{line}");
        }
    }

    #[test]
    fn nothing_is_offered_where_nothing_can_come() {
        for line in ["seqera", "seqera status ", "seqera logout x", "seqera -- ", "seqera status -- -"] {
            let next = at(line);
            assert_eq!(next, Next::default(), "{line}");
        }
    }
}

//! The programs' door: which protocol is spoken, what comes in, what goes out.
//!
//! A protocol is one file or folder here and one line in [`PROTOCOLS`]. Standard output carries an answer, whole, or
//! nothing. Every way out has an exit code; words for a person go to standard error, one line, and only where the
//! person can do something.

pub mod docker;
pub mod git;
mod stdio;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;

use zeroize::Zeroizing;

use crate::broker::Broker;
use crate::error::{Error, Result};
use crate::os::deadline::Deadline;
use crate::os::env::env_text;
use crate::os::paths::Paths;
use crate::ui;

/// The program's name, as it introduces itself.
pub const PROGRAM: &str = "seqera-credential-helper";
/// What clients know the helper by, where they put something of their own in front.
pub const HELPER: &str = "seqera";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// In the environment, a word that says: somebody only wants to know whether a client starts this program
/// (`client/ask.rs`). It is repeated on standard error; no credential is looked for, kept or forgotten.
pub const PROBE: &str = "SEQERA_HELPER_PROBE";

/// The most we read of a request.
const INPUT: usize = 1024 * 1024;

/// One wire protocol in which a client asks for credentials.
pub trait Protocol: Sync {
    /// The word that picks it on the command line.
    fn name(&self) -> &'static str;

    /// The name of the file that its clients start, which picks it as well.
    fn file_name(&self) -> &'static str;

    /// The operations that a client names, for those who look them up.
    fn operations(&self) -> &'static [&'static str];

    /// Whether an input that comes with an operation of several protocols is of this one.
    fn is_its(&self, input: &[u8]) -> bool;

    /// Answers one call: `args` are the words after the program's name, the protocol's own word not among them.
    /// Returns the exit code.
    ///
    /// # Errors
    /// Nothing was written, and the person gets to see it on standard error.
    fn talk(
        &self,
        args: &[String],
        input: &mut dyn Read,
        output: &mut dyn Write,
        broker: &Broker<'_>,
    ) -> Result<u8>;
}

/// A row of protocols.
pub type Table<'a> = [&'a dyn Protocol];

/// Every protocol there is, in the order in which an input is tried.
pub const PROTOCOLS: &Table<'static> = &[&git::Git, &docker::Docker];

/// How the program is called.
pub fn usage(table: &Table<'_>) -> String {
    let list = |word: fn(&dyn Protocol) -> &'static str| {
        table.iter().map(|protocol| word(*protocol)).collect::<Vec<_>>().join(", ")
    };
    let operations: Vec<String> = table
        .iter()
        .map(|protocol| format!("{}: {}", protocol.name(), protocol.operations().join(", ")))
        .collect();
    format!(
        "\
Hands credentials to other programs. They call it; you set it up with: seqera configure git

Usage: {PROGRAM} [PROTOCOL] OPERATION

  PROTOCOL   {}; found out from the input, or from the name that the
             program was called by ({})
  OPERATION  {}
",
        list(|protocol| protocol.name()),
        list(|protocol| protocol.file_name()),
        operations.join("\n             "),
    )
}

/// Answers one call of this process. `args` are the program's, its own name first. Returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>, deadline: Deadline) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    // A token from outside needs no home.
    let paths = Paths::if_known();
    let broker = match (env_text(PROBE), &paths) {
        (Some(word), _) => {
            ui::say(&format!("{PROGRAM}: reached ({word})"));
            Broker::in_memory()
        }
        (None, Ok(paths)) => Broker::new(paths, deadline),
        (None, Err(error)) => Broker::unavailable(error.clone()),
    };
    let (mut input, mut output) = (stdio::Input::until(deadline), io::stdout().lock());
    serve(PROTOCOLS, &args, &mut input, &mut output, &broker).unwrap_or_else(|error| {
        ui::complain(PROGRAM, &error);
        error.exit_code()
    })
}

/// Answers one call in the protocol that it is in. Returns the exit code.
///
/// # Errors
/// Those of [`Protocol::talk`], and that the call is in no protocol.
pub fn serve(
    table: &Table<'_>,
    args: &[OsString],
    input: &mut dyn Read,
    output: &mut dyn Write,
    broker: &Broker<'_>,
) -> Result<u8> {
    let called = args.first().and_then(|name| by_file_name(table, name));
    let words: Vec<String> = args.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let by_word = |word: &String| table.iter().copied().find(|protocol| protocol.name() == word);
    if let Some(named) = words.first().and_then(by_word) {
        return named.talk(&words[1..], input, output, broker);
    }
    if let Some(called) = called {
        return called.talk(&words, input, output, broker);
    }
    let [word] = words.as_slice() else { return Err(unknown_arguments()) };
    if ["help", "--help", "-h"].contains(&word.as_str()) {
        return reply(output, usage(table).as_bytes());
    }
    let word = if word == "-V" { "--version" } else { word.as_str() };
    let args = [word.trim_start_matches('-').to_owned()];
    let speaking: Vec<&dyn Protocol> =
        table.iter().copied().filter(|protocol| protocol.operations().contains(&args[0].as_str())).collect();
    match speaking.as_slice() {
        [] => Err(unknown_arguments()),
        [only] => only.talk(&args, input, output, broker),
        several => {
            let request = read(input)?;
            let its = several.iter().find(|protocol| protocol.is_its(&request)).ok_or_else(unknown_input)?;
            its.talk(&args, &mut request.as_slice(), output, broker)
        }
    }
}

/// By the name that the program was called by: git calls by path, docker by bare name. What follows `git-credential-`
/// may be another name than ours: somebody made a link of that name.
fn by_file_name<'a>(table: &Table<'a>, name: &OsStr) -> Option<&'a dyn Protocol> {
    let name = Path::new(name).file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.strip_suffix(".exe").unwrap_or(&name);
    let is_its = |file_name: &str| match file_name.strip_suffix(HELPER) {
        Some(start) if start.ends_with('-') => name.starts_with(start),
        _ => name == file_name,
    };
    table.iter().copied().find(|protocol| is_its(protocol.file_name()))
}

fn unknown_arguments() -> Error {
    Error::usage("unknown arguments").next(format!("see: {PROGRAM} --help"))
}

fn unknown_input() -> Error {
    Error::failed("the request is in no protocol that is known here").next(format!("see: {PROGRAM} --help"))
}

/// Reads a request to its end.
fn read(input: &mut dyn Read) -> Result<Zeroizing<Vec<u8>>> {
    // Grown by hand, so that no copy of a secret stays behind unwiped.
    let mut request = Zeroizing::new(vec![0; 8 * 1024]);
    let mut length = 0;
    loop {
        match input.read(&mut request[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return Err(Error::timed_out("the client did not finish its request in time"));
            }
            Err(error) => return Err(Error::io("the request cannot be read", &error)),
        }
        if length > INPUT {
            return Err(Error::failed("the request is larger than any honest client sends"));
        }
        if length == request.len() {
            let mut larger = Zeroizing::new(vec![0; 2 * length]);
            larger[..length].copy_from_slice(&request);
            request = larger;
        }
    }
    request.truncate(length);
    Ok(request)
}

/// Writes a whole answer. Returns the exit code for success.
fn reply(output: &mut dyn Write, answer: &[u8]) -> Result<u8> {
    if answer.is_empty() {
        return Ok(0);
    }
    output
        .write_all(answer)
        .and_then(|()| output.flush())
        .map(|()| 0)
        .map_err(|error| Error::io("the answer cannot be written", &error))
}

/// Says what the person should hear of a store that was made just now.
fn tell(notice: Option<String>) {
    if let Some(notice) = notice {
        ui::say(&format!("{PROGRAM}: {notice}"));
    }
}

#[cfg(test)]
mod tests;

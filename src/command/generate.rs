//! `seqera generate`, hidden: writes `completions/`, `man/` and `packaging/names` from the one definition of the
//! commands and the tables.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Arg, Command, ValueEnum};
use clap_mangen::Man;

use super::completions::Completed;
use super::{Context, manual};
use crate::error::{Error, Result};
use crate::protocol::{PROGRAM, PROTOCOLS, usage};
use crate::provider;

/// Write completions and manual pages below a folder
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder
    dir: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, _: &Context) -> Result<ExitCode> {
    let completions = args.dir.join("completions");
    for shell in Completed::value_variants() {
        write(&completions.join(shell.file_name()), shell.script().as_bytes())?;
    }
    let man = args.dir.join("man");
    let mut seqera = manual::described().disable_help_subcommand(true);
    seqera.build();
    pages(&seqera, &man)?;
    page(&helper(), &man)?;
    for topic in manual::pages() {
        write(&man.join(topic.file_name()), topic.roff().as_bytes())?;
    }
    write(&args.dir.join("packaging/names"), names().as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn pages(command: &Command, dir: &Path) -> Result<()> {
    command.get_subcommands().filter(|sub| !sub.is_hide_set()).try_for_each(|sub| pages(sub, dir))?;
    page(command, dir)
}

fn page(command: &Command, dir: &Path) -> Result<()> {
    let man = Man::new(command.clone()).source(concat!("seqera ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    let rendered = man
        .render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page));
    rendered.map_err(|error| Error::io("a page cannot be made", &error))?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)
            .map_err(|error| Error::io("a page cannot be made", &error))?;
    }
    // Each part comes with the preamble of a page.
    let text = String::from_utf8_lossy(&page).into_owned();
    let is_preamble = |line: &str| line.starts_with(".ie \\n(.g") || line.starts_with(".el .ds Aq");
    let body = text.lines().skip(2).filter(|line| !is_preamble(line));
    let mut page: Vec<u8> =
        text.lines().take(2).chain(body).flat_map(|line| [line, "\n"].concat().into_bytes()).collect();
    // The words that call it, without the program's name.
    let called = command.get_bin_name().unwrap_or_else(|| command.get_name());
    let words = if called == "seqera" { "" } else { called.strip_prefix("seqera ").unwrap_or(called) };
    page.extend_from_slice(manual::after_options(words).as_bytes());
    write(&dir.join(man.get_filename()), &page)
}

/// Each name under which somebody looks for one of our programs, and the program: what an installer makes links of.
fn names() -> String {
    let clients = PROTOCOLS.iter().map(|protocol| (protocol.file_name(), PROGRAM));
    let platforms = provider::ALL.iter().flat_map(|platform| platform.names()).map(|name| (*name, "seqera"));
    let links = clients.chain(platforms).filter(|(name, program)| name != program);
    links.map(|(name, program)| format!("{name} {program}\n")).collect()
}

/// The programs' door parses by hand, for speed; this is only for its page.
fn helper() -> Command {
    let names: Vec<&str> = PROTOCOLS.iter().map(|protocol| protocol.name()).collect();
    Command::new(PROGRAM)
        .version(env!("CARGO_PKG_VERSION"))
        .about("Hands credentials to other programs")
        .long_about(usage(PROTOCOLS))
        .arg(Arg::new("PROTOCOL").value_parser(names))
        .arg(Arg::new("OPERATION"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| Error::io(format_args!("{} cannot be written", path.display()), &error);
    let mut text = bytes.trim_ascii_end().to_vec();
    text.push(b'\n');
    std::fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
    #[allow(clippy::disallowed_methods, reason = "generated files of the source tree, not ours to guard")]
    std::fs::write(path, text).map_err(failed)
}

//! The people's door: one file a command, each with its arguments, its flow and its words.

mod configure;

use std::ffi::OsString;

use clap::{Parser, Subcommand};

use crate::error::Result;
use crate::paths::Paths;
use crate::ui;

/// Log in to Seqera and Sekuire once; git, docker, shells and prompts get what they need.
#[derive(Debug, Parser)]
#[command(name = "seqera", version, about, propagate_version = false, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
struct Global {
    /// Say nothing but what was asked for
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Configure(configure::Args),
}

/// What a command works with.
#[derive(Debug)]
struct Context {
    paths: Paths,
    quiet: bool,
}

impl Context {
    /// Tells the person how it goes, unless they asked for quiet.
    fn tell(&self, line: &str) {
        if !self.quiet {
            ui::say(line);
        }
    }
}

/// Runs the command that `args` (the program's name first) ask for. Returns the exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return error.exit_code() as u8;
        }
    };
    match dispatch(cli) {
        Ok(()) => 0,
        Err(error) => {
            ui::complain("seqera", &error);
            error.exit_code()
        }
    }
}

fn dispatch(cli: Cli) -> Result<()> {
    let context = Context { paths: Paths::from_env()?, quiet: cli.global.quiet };
    match cli.command {
        Command::Configure(args) => configure::run(&args, &context),
    }
}

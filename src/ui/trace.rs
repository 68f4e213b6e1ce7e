//! `SEQERA_HELPER_LOG`: what a program does, line by line on standard error, without a secret in it. What is
//! logged anywhere in the house is chosen to be fit to be seen; what the libraries log is not ours to vouch
//! for, and left out.

use log::{LevelFilter, Log, Metadata, Record};

use crate::os::env::env_text;
use crate::ui;

struct Trace;

static TRACE: Trace = Trace;

/// Begins to log, where the person wants it: `error`, `warn`, `info`, `debug` or `trace`.
pub fn begin() {
    let Some(wish) = env_text("SEQERA_HELPER_LOG") else { return };
    let level = wish.trim().parse().unwrap_or(LevelFilter::Off);
    if log::set_logger(&TRACE).is_ok() {
        log::set_max_level(level);
    }
}

/// `-v` and `--debug`, as Seqera's own program takes them.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Flags {
    /// Say more of what is done, as SEQERA_HELPER_LOG=info does
    #[arg(long, short, hide = true, global = true)]
    verbose: bool,
    /// Say all of what is done, as SEQERA_HELPER_LOG=debug does
    #[arg(long, hide = true, global = true)]
    debug: bool,
}

impl Flags {
    /// Begins to log what the person asks for, unless the environment asks for more.
    pub fn apply(self) {
        let level = match (self.debug, self.verbose) {
            (true, _) => LevelFilter::Debug,
            (false, true) => LevelFilter::Info,
            (false, false) => return,
        };
        let _ = log::set_logger(&TRACE);
        log::set_max_level(level.max(log::max_level()));
    }
}

impl Log for Trace {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        target == env!("CARGO_CRATE_NAME") || target.starts_with(concat!(env!("CARGO_CRATE_NAME"), "::"))
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let room = record.target().split("::").nth(1).unwrap_or("main");
            ui::say(&format!("{} {room}: {}", record.level().as_str().to_lowercase(), record.args()));
        }
    }

    fn flush(&self) {}
}

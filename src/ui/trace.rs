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

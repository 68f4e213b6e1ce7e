//! `seqera doctor`: finds out what is wrong, and says what to do about it.

mod clients;
mod environment;
mod hook;
mod login;
mod network;
mod programs;
mod store;
mod vendor;

use serde::Serialize;
use std::process::ExitCode;

use super::Context;
use crate::error::{Error, Result};
use crate::ui;

/// Find out what is wrong
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at, and how it is.
#[derive(Debug, Serialize)]
pub struct Finding {
    about: &'static str,
    state: State,
    what: String,
    next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Note,
    Wrong,
}

#[derive(Serialize)]
struct Report {
    ok: bool,
    findings: Vec<Finding>,
}

impl Finding {
    fn new(about: &'static str, state: State, what: impl Into<String>) -> Finding {
        Finding { about, state, what: what.into(), next: None }
    }

    fn ok(about: &'static str, what: impl Into<String>) -> Finding {
        Finding::new(about, State::Ok, what)
    }

    /// Worth knowing, and no fault.
    fn note(about: &'static str, what: impl Into<String>) -> Finding {
        Finding::new(about, State::Note, what)
    }

    fn wrong(about: &'static str, what: impl Into<String>) -> Finding {
        Finding::new(about, State::Wrong, what)
    }

    fn next(mut self, next: impl Into<String>) -> Finding {
        self.next = Some(next.into());
        self
    }

    fn of_error(about: &'static str, error: &Error) -> Finding {
        let usual = "see more with: SEQERA_HELPER_LOG=debug seqera doctor";
        Finding::wrong(about, error.what()).next(error.hint().unwrap_or(usual))
    }

    fn line(&self) -> String {
        let state = match self.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Wrong => "WRONG",
        };
        let next = self.next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
        format!("{state:<6}{}: {}{next}", self.about, self.what)
    }
}

/// Runs the command. Answers the exit code: 1 where something is wrong.
///
/// # Errors
/// Standard output cannot be written. Whatever else goes wrong is a finding.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let mut findings = programs::look();
    // First: what is started below writes a state line that is missing.
    hook::look(context, &mut findings);
    let opens = store::look(&context.paths, &mut findings);
    login::look(context, opens, &mut findings);
    if opens {
        clients::look(context, &mut findings);
    }
    vendor::look(context, &mut findings);
    environment::look(context, &mut findings);
    network::look(&mut findings);
    let ok = findings.iter().all(|finding| finding.state != State::Wrong);
    if args.json {
        ui::out_json(&Report { ok, findings })?;
    } else {
        let shown = findings.iter().filter(|finding| !context.quiet || finding.state == State::Wrong);
        shown.map(Finding::line).try_for_each(|line| ui::out(&line))?;
    }
    Ok(if ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

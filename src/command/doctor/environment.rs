//! Tokens where they do not belong: in the environment twice, in start-up files, in files that others may read.

use std::path::{Path, PathBuf};

use super::Finding;
use super::store::open_to_others;
use crate::command::plain::{Found, start_up_files, tokens_in};
use crate::command::{Context, shadow};
use crate::config::Config;
use crate::os::env::non_empty;
use crate::provider;
use crate::session::outside;
use crate::session::profile::Profile;

/// Looks at the environment and at the files that make it.
pub fn look(context: &Context, findings: &mut Vec<Finding>) {
    const ABOUT: &str = "environment";
    let login = context.name().and_then(|name| Profile::load(&context.paths, &name)).ok().flatten();
    findings.extend(
        provider::ALL
            .iter()
            .flat_map(|provider| {
                let flawed = outside::complaint(*provider, &non_empty);
                flawed.into_iter().chain(shadow::differing(*provider, &non_empty))
            })
            .map(|words| Finding::wrong(ABOUT, words)),
    );
    findings.extend(
        login.and_then(|login| shadow::hidden(&login, &non_empty)).map(|words| Finding::note(ABOUT, words)),
    );
    match Config::load(&context.paths) {
        Ok(config) => {
            findings.extend(config.unfit().into_iter().map(|unfit| {
                Finding::wrong("config", unfit.to_string()).next("it does not count: correct the file")
            }));
            findings.extend(config.from_site().into_iter().map(|(key, value, path)| {
                Finding::note("config", format!("your site's {path} says {key} = {value}"))
                    .next("see what counts with: seqera config list")
            }));
        }
        Err(error) => findings.push(Finding::of_error("config", &error)),
    }
    let Some(home) = dirs::home_dir() else { return };
    let files = start_up_files(&home);
    let pasted: Vec<Finding> =
        files.iter().flat_map(|file| tokens_in(file)).map(|found| pasted(&found)).collect();
    if pasted.is_empty() {
        findings.push(Finding::ok("start-up files", "no token stands in them"));
    }
    findings.extend(pasted);
    findings.extend(nextflow(&home));
}

/// Where a token stands. It is not shown, not even in part.
fn pasted(found: &Found) -> Finding {
    let what = format!("a token stands in {}, line {}", found.path.display(), found.line);
    Finding::wrong("start-up files", what).next(
        "take it over with: seqera import env; or take it out, and use: eval \"$(seqera hook bash)\" (or your shell)",
    )
}

/// What `nextflow auth login` wrote. Nextflow before 26.04.3 let everybody read it.
fn nextflow(home: &Path) -> Option<Finding> {
    let folder = non_empty("NXF_HOME").map_or_else(|| home.join(".nextflow"), PathBuf::from);
    open_to_others("nextflow", &folder.join("seqera-auth.config"))
}

//! The platforms' own programs beside ours: their logins, and whether their organization is ours.

use super::Finding;
use crate::command::Context;
use crate::command::vendor::{login, without_relay};
use crate::config::Config;
use crate::provider::ProviderId;
use crate::provider::sekuire::auth_file;
use crate::provider::seqera::vendor;
use crate::session::profile::Profile;

/// Looks at them.
pub fn look(context: &Context, findings: &mut Vec<Finding>) {
    seqera(context, findings);
    if let Ok(path) = auth_file::path()
        && path.exists()
    {
        findings.extend(super::store::open_to_others("sekuire", &path));
        findings.push(
            Finding::note("sekuire", format!("{} holds a key in plain text", path.display()))
                .next("take it over with: seqera import sekuire --remove"),
        );
    }
}

fn seqera(context: &Context, findings: &mut Vec<Finding>) {
    const ABOUT: &str = "seqera ai";
    if let Some(interrupted) = login::interrupted(context) {
        findings.push(Finding::wrong(ABOUT, interrupted).next("finish with: seqera import seqera"));
    }
    if let Some(words) = Config::load(&context.paths).ok().as_ref().and_then(without_relay) {
        findings
            .push(Finding::note(ABOUT, words).next("turn it on with: seqera config set seqera.relay true"));
    }
    let home = context.name_for(ProviderId::SEQERA).and_then(|name| Profile::load(&context.paths, &name));
    let is_taken = home.ok().flatten().is_some_and(|login| login.ended_at.is_none());
    match login::everywhere() {
        Ok(all) => findings.extend(all.into_iter().map(|sentence| {
            Finding::note(ABOUT, sentence).next(match is_taken {
                true => "end it with: seqera import seqera --remove; or keep it, too, with: seqera import seqera --profile NAME",
                false => "move it here with: seqera import seqera; or end it with: seqera logout --everywhere",
            })
        })),
        Err(error) => findings.push(
            Finding::note(
                ABOUT,
                format!("whether Seqera's own program keeps a login is not known: {}", error.what()),
            )
            .next(error.hint().unwrap_or("unlock the keychain, and try again").to_owned()),
        ),
    }
    let login = context.name().and_then(|name| Profile::load(&context.paths, &name)).ok().flatten();
    let Some(login) = login.filter(|login| login.provider == ProviderId::SEQERA) else { return };
    let Some(theirs) = vendor::chosen(&login.endpoint) else { return };
    if login.organization.as_ref().is_some_and(|ours| ours.id != theirs.id) {
        findings.push(
            Finding::note(ABOUT, format!("Seqera's own program has another organization: {}", theirs.name))
                .next("make them agree with: seqera org switch NAME"),
        );
    }
}

//! Where a login goes: said first where the person may not know it, refused where a token would go astray.

use url::Url;

use super::settings::{Named, Settings};
use crate::error::{Error, Result};
use crate::oauth::discovery::Server;
use crate::os::paths::Paths;
use crate::provider::ProviderId;
use crate::session::profile::Profile;
use crate::target::Target;
use crate::ui;

/// Says which variables of the environment (it may be that of a folder just entered) lead the login to a place
/// where nobody has logged in from here.
pub fn announce(paths: &Paths, id: ProviderId, named: &[Named]) {
    let known = known(paths, id);
    let mut told: Vec<&str> = Vec::new();
    for Named { address, .. } in named {
        let target = Target::from_url(address);
        let is_known = target.is_some_and(|target| known.iter().flatten().any(|known| *known == target));
        if is_known || told.contains(&address.as_str()) {
            continue;
        }
        told.push(address);
        let named: Vec<&str> =
            named.iter().filter(|other| other.address == *address).map(|other| other.variable).collect();
        let (variables, verb) = (named.join(" and "), if named.len() > 1 { "name" } else { "names" });
        ui::say(&format!(
            "This login goes to {address}, which {variables} {verb} and which was not used here before."
        ));
    }
}

/// The installations that are known here: the platform's own, and those of the logins. Each is a few origins.
fn known(paths: &Paths, id: ProviderId) -> Vec<Vec<Target>> {
    let usual = id.origins(&id.usual_endpoint());
    let names = Profile::list(paths).unwrap_or_default();
    let logins = names.iter().filter_map(|name| Profile::load(paths, name).ok().flatten());
    let theirs = logins.filter(|login| login.provider == id).map(|login| id.origins(&login.endpoint));
    std::iter::once(usual).chain(theirs).collect()
}

/// Makes sure that the tokens of one installation do not go to the API of another: a description may lead to the
/// pages of an honest server, all of them, and only the API be an attacker's. Says so where the two are apart.
///
/// # Errors
/// The tokens would come from an installation that is known here, and the API is none of its.
pub fn must_stay_home(paths: &Paths, server: &Server, settings: &Settings) -> Result<()> {
    let apis = ProviderId::SEQERA.origins(&settings.endpoint);
    let Some(issues) = Target::from_url(server.token.as_str()) else { return Ok(()) };
    if apis.contains(&issues) {
        return Ok(());
    }
    if known(paths, ProviderId::SEQERA).iter().any(|installation| installation.contains(&issues)) {
        return Err(Error::refused(format!(
            "the tokens of {issues} are not sent to another server, {}",
            settings.endpoint
        ))
        .next(leave(settings)));
    }
    ui::say(&format!("The login is at {issues}, the API at {}.", settings.endpoint));
    Ok(())
}

/// Makes sure that a code is not confirmed on the pages of a server that is known here while its tokens come from
/// another one: that one may have begun a login of its own there, and would have the person finish it.
///
/// # Errors
/// It is.
pub fn must_be_of_one_server(paths: &Paths, server: &Server, page: &Url) -> Result<()> {
    let (Some(page), Some(issues)) =
        (Target::from_url(page.as_str()), Target::from_url(server.token.as_str()))
    else {
        return Ok(());
    };
    let known = known(paths, ProviderId::SEQERA);
    match known.iter().find(|installation| installation.contains(&page)) {
        Some(installation) if !installation.contains(&issues) => Err(Error::refused(format!(
            "the code is to be confirmed at {page}, and the login is at another server, {issues}"
        ))
        .next(
            "that one could be finishing a login of its own there; check the address, or log in with a token (--with-token)",
        )),
        _ => Ok(()),
    }
}

fn leave(settings: &Settings) -> String {
    match &settings.named[..] {
        [] => "check the address after --endpoint".to_owned(),
        named => {
            let variables: Vec<&str> = named.iter().map(|named| named.variable).collect();
            format!("check {}, or unset it", variables.join(" and "))
        }
    }
}

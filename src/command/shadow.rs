//! What stands in the way of what: tokens that the environment brings, and the login they hide.

use crate::os::env::Environment;
use crate::provider::ProviderId;
use crate::session::exports;
use crate::session::outside;
use crate::session::profile::Profile;

/// What the person should know about the tokens in the environment, a sentence each.
pub fn warnings(provider: ProviderId, login: Option<&Profile>, env: &impl Environment) -> Vec<String> {
    let (flawed, differing) = (outside::complaint(provider, env), differing(provider, env));
    flawed.into_iter().chain(differing).chain(login.and_then(|login| hidden(login, env))).collect()
}

/// Two tokens for one thing.
pub fn differing(provider: ProviderId, env: &impl Environment) -> Option<String> {
    let mut set = exports::given_tokens(provider, env);
    let (first, token) = set.next()?;
    set.find(|(_, other)| *other != token).map(|(second, _)| {
        format!("{first} and {second} are both set and differ: programs disagree about which one counts; unset one")
    })
}

/// A token from outside that overrides the login, or an address beside which its own is not exported.
pub fn hidden(login: &Profile, env: &impl Environment) -> Option<String> {
    let name = &login.name;
    if let Some((variable, _)) = exports::outside_token(login.provider, env) {
        return Some(format!("{variable} hides the login '{name}': unset {variable} to use the login"));
    }
    let variable = exports::foreign_endpoint(login, env)?;
    Some(format!(
        "{variable} names another server than the login '{name}', so the hook exports nothing: unset {variable}, or log in there too"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_that_differ_are_told_and_two_that_do_not_are_not() {
        let with = |one: &'static str, other: &'static str| {
            differing(ProviderId::first(), &move |name: &str| match name {
                "SEQERA_ACCESS_TOKEN" => Some(one.into()),
                "TOWER_ACCESS_TOKEN" => Some(other.into()),
                _ => None,
            })
        };
        assert_eq!(with("same", "same"), None);
        assert_eq!(with(" ", "other"), None);
        assert!(!with("one-secret", "other-secret").unwrap().contains("secret"));
    }
}

//! What stands in the way of what: tokens that the environment brings, and the login they hide.

use crate::profile::{Profile, ProviderId};
use crate::shell::exports::{self, Environment};

/// What the person should know about the tokens in the environment, a sentence each.
pub fn warnings(login: Option<&Profile>, env: &impl Environment) -> Vec<String> {
    let mut warnings = Vec::new();
    let provider = login.map_or(ProviderId::Seqera, |login| login.provider);
    let [first, second] = ["SEQERA_ACCESS_TOKEN", "TOWER_ACCESS_TOKEN"];
    if let (ProviderId::Seqera, Some(one), Some(other)) = (provider, env(first), env(second))
        && one != other
    {
        warnings.push(format!(
            "{first} and {second} are both set and differ: programs disagree about which one counts; unset one"
        ));
    }
    if let (Some(login), Some((variable, _))) = (login, exports::outside_token(provider, env)) {
        warnings
            .push(format!("{variable} hides the login '{}': unset {variable} to use the login", login.name));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tokens_that_differ_are_told_and_two_that_do_not_are_not() {
        let with = |one: &'static str, other: &'static str| {
            warnings(None, &move |name: &str| match name {
                "SEQERA_ACCESS_TOKEN" => Some(one.into()),
                "TOWER_ACCESS_TOKEN" => Some(other.into()),
                _ => None,
            })
        };
        assert_eq!(with("same", "same"), Vec::<String>::new());
        assert_eq!(with("one-secret", "other-secret").len(), 1);
        assert!(!with("one-secret", "other-secret")[0].contains("secret"));
    }
}

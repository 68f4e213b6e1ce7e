//! Nushell.

use super::Language;

/// Nushell, which evaluates no text: it takes JSON.
pub(super) struct Nu;

impl Language for Nu {
    fn name(&self) -> &'static str {
        "nu"
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["nushell"]
    }

    fn about(&self) -> &'static str {
        "Nushell"
    }

    fn literal(&self, value: &[u8]) -> Option<String> {
        serde_json::to_string(std::str::from_utf8(value).ok()?).ok()
    }

    fn export(&self, name: &str, literal: &str) -> String {
        format!("$env.{name} = {literal}")
    }

    fn unset(&self, name: &str) -> String {
        format!("hide-env -i {name}")
    }

    fn assign(&self, name: &str, literal: &str) -> String {
        format!("const {name} = {literal}")
    }

    fn say(&self, literal: &str) -> String {
        format!("print -e {literal}")
    }

    fn evaluates(&self) -> bool {
        false
    }

    fn hook_evaluates(&self) -> bool {
        false
    }

    fn hook(&self) -> &'static str {
        include_str!("../../shell/hook.nu")
    }

    fn way_out(&self) -> &'static str {
        ""
    }

    /// Without its variable the hook takes itself out at the next prompt.
    fn left_by_way_out(&self) -> &'static [&'static str] {
        &["SEQERA_PROMPT", "__seqera"]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_constant() {
        let literal = Nu.literal("/run/\"ü\"".as_bytes()).unwrap();
        assert_eq!(Nu.assign("dir", &literal), r#"const dir = "/run/\"ü\"""#);
        assert_eq!(Nu.literal(&[0xff]), None);
    }
}

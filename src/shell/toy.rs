//! A shell that is nowhere but here: what a new one takes is this file, its hook and a line in the table.

use super::Language;

/// It puts every value into angle brackets.
pub(super) struct Toy;

impl Language for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn other_names(&self) -> &'static [&'static str] {
        &["toysh"]
    }

    fn about(&self) -> &'static str {
        "A toy"
    }

    fn literal(&self, value: &[u8]) -> Option<String> {
        let value = std::str::from_utf8(value).ok()?;
        (!value.contains(['<', '>', '\n'])).then(|| format!("<{value}>"))
    }

    fn export(&self, name: &str, literal: &str) -> String {
        format!("give {name} {literal}")
    }

    fn unset(&self, name: &str) -> String {
        format!("take {name}")
    }

    fn assign(&self, name: &str, literal: &str) -> String {
        format!("keep {name} {literal}")
    }

    fn say(&self, literal: &str) -> String {
        format!("say {literal}")
    }

    fn hook(&self) -> &'static str {
        "own SEQERA_HOOK_PROVIDER SEQERA_HOOK_TOKEN\n"
    }

    fn way_out(&self) -> &'static str {
        "forget"
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use crate::os::env::Change;
    use crate::os::paths::Paths;
    use crate::secret::Secret;
    use crate::shell::{Shell, hook, render};

    #[test]
    fn a_new_shell_is_a_line_in_the_table() {
        let toy: Shell = "toysh".parse().unwrap();
        assert_eq!(toy.to_string(), "toy");
        assert_eq!(Shell::of_program("/usr/bin/toysh"), Some(toy));
        assert!(toy.to_possible_value().unwrap().matches("toy", true));

        let changes = [Change::Set("A", Secret::from("it's")), Change::Unset("B")];
        let statements = render::statements(toy, &changes).unwrap();
        assert_eq!(statements.expose(), b"give A <it's>; take B");
        assert!(render::statements(toy, &[Change::Set("A", Secret::from("<"))]).is_err());

        // The hook is printed with the variables of every platform.
        assert!(hook::body(toy).contains("own toy TOY_TOKEN\n"));
        let folder = tempfile::tempdir().unwrap();
        let head = hook::head(toy, &Paths::below(folder.path()), true).unwrap();
        assert!(head[0].starts_with("keep __seqera_dir <"), "{head:?}");
    }
}

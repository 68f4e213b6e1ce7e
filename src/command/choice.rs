//! One of several, by what the person typed or from a menu.

use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::ui::{self, Keyboard, Typed};

/// How long a person may think.
const PATIENCE: Duration = Duration::from_secs(300);

/// Something that can be chosen.
pub struct Choice<T> {
    /// What is chosen.
    pub value: T,
    /// What it may be called by, the best name first. Of foreign origin.
    pub names: Vec<String>,
    /// What stands behind the first name in a menu.
    pub remark: String,
}

/// The choice called `wanted`; without one, the choice made at the terminal, where there is one.
///
/// # Errors
/// Nothing is called so, or several are; nobody can be asked. The error names what there is to choose.
pub fn choose<T>(what: &str, wanted: Option<&str>, mut choices: Vec<Choice<T>>) -> Result<T> {
    if choices.is_empty() {
        return Err(Error::failed(format!("your account has no {what}")));
    }
    if let Some(wanted) = wanted {
        let at = find(what, wanted, &choices)?;
        return Ok(choices.swap_remove(at).value);
    }
    let keyboard =
        Keyboard::open().ok_or_else(|| Error::usage(format!("no {what} is named")).next(listed(&choices)))?;
    menu(what, &keyboard, choices).ok_or_else(|| Error::failed("nothing was chosen and nothing is changed"))
}

/// Better names go before worse, and exact spelling before another case.
fn find<T>(what: &str, wanted: &str, choices: &[Choice<T>]) -> Result<usize> {
    let ranks = choices.iter().map(|choice| choice.names.len()).max().unwrap_or_default();
    for exact in [true, false] {
        for rank in 0..ranks {
            let is_it = |name: &String| name == wanted || (!exact && name.eq_ignore_ascii_case(wanted));
            let called =
                |at: &usize| choices[*at].names.get(rank).is_some_and(|name| !name.is_empty() && is_it(name));
            let found: Vec<usize> = (0..choices.len()).filter(called).collect();
            match found.as_slice() {
                [] => {}
                [one] => return Ok(*one),
                _ => {
                    let several = Error::usage(format!("several {what}s are called '{}'", ui::plain(wanted)));
                    let called: Vec<_> = found.iter().map(|at| &choices[*at]).collect();
                    return Err(several.next(told_apart(&called)));
                }
            }
        }
    }
    Err(Error::usage(format!("there is no {what} '{}'", ui::plain(wanted))).next(listed(choices)))
}

fn listed<T>(choices: &[Choice<T>]) -> String {
    const MANY: usize = 20;
    let names: Vec<&str> = choices.iter().take(MANY).filter_map(|choice| best_name(choice)).collect();
    match choices.len().saturating_sub(MANY) {
        0 => format!("there are: {}", names.join(", ")),
        more => format!("there are: {} and {more} more", names.join(", ")),
    }
}

/// Choices with one name, each with the name that no other has: the last, which is the number.
fn told_apart<T>(choices: &[&Choice<T>]) -> String {
    let one = |choice: &&Choice<T>| {
        let (name, number) =
            (best_name(choice).unwrap_or("-"), choice.names.last().map_or("-", String::as_str));
        format!("{number} ({name})")
    };
    format!("use the number: {}", choices.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn best_name<T>(choice: &Choice<T>) -> Option<&str> {
    choice.names.iter().map(String::as_str).find(|name| !name.is_empty())
}

/// The choice made at a terminal; nothing where the person would rather not, or went away.
pub fn menu<T>(what: &str, keyboard: &Keyboard, mut choices: Vec<Choice<T>>) -> Option<T> {
    ui::say(&format!("Your {what}s:"));
    for (number, choice) in (1..).zip(&choices) {
        ui::say(&format!("  {number}. {} {}", best_name(choice).unwrap_or("-"), choice.remark));
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let line = line(what, keyboard, choices.len(), deadline)?;
        let at = match line.parse::<usize>() {
            Ok(number) if (1..=choices.len()).contains(&number) => Ok(number - 1),
            _ => find(what, &line, &choices),
        };
        match at {
            Ok(at) => return Some(choices.swap_remove(at).value),
            Err(error) => ui::say(&error.to_string()),
        }
    }
}

fn line(what: &str, keyboard: &Keyboard, last: usize, deadline: Instant) -> Option<String> {
    ui::prompt(&format!("Which {what} (1-{last}), or q for none of them: "));
    loop {
        match keyboard.typed(Duration::from_secs(1)) {
            Typed::Line(line) => {
                break Some(line.trim().to_owned()).filter(|line| !matches!(&**line, "q" | "Q"));
            }
            Typed::Nothing if Instant::now() < deadline => {}
            _ => {
                ui::say("");
                break None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &str) -> Option<usize> {
        chosen(wanted).ok()
    }

    fn complaint(wanted: &str) -> String {
        chosen(wanted).unwrap_err().to_string()
    }

    fn chosen(wanted: &str) -> Result<usize> {
        let choice = |value, names: &[&str]| Choice {
            value,
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            remark: String::new(),
        };
        let choices = vec![
            choice(0, &["acme/research", "research", "3001"]),
            choice(1, &["acme/Production", "Production", "3002"]),
            choice(2, &["solo/research", "research", "3003"]),
            choice(3, &["solo/3001", "3001", "3004"]),
            choice(4, &["", "", "3005"]),
        ];
        choose("workspace", Some(wanted), choices)
    }

    #[test]
    fn a_name_is_one_thing_or_nothing() {
        assert_eq!(found("acme/research"), Some(0));
        assert_eq!(found("3002"), Some(1));
        assert_eq!(found("production"), Some(1));
        assert_eq!(found("3005"), Some(4));
        assert_eq!(found("3001"), Some(3), "a name counts before a number");
        assert_eq!(found("research"), None, "there are two");
        assert!(complaint("research").contains("use the number: 3001 (acme/research), 3003 (solo/research)"));
        assert_eq!(found("nothing"), None);
        assert_eq!(found(""), None);
    }
}

//! Which organization a new login is for.

use std::time::{Duration, Instant};

use crate::profile::Organization;
use crate::provider::seqera::Membership;
use crate::ui::{self, Keyboard, Typed};

/// How long a person may think before we go on without an answer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Asks a person to choose one of several. Nothing where they would rather not, or go away.
pub fn choose(keyboard: &Keyboard, memberships: &[Membership]) -> Option<Organization> {
    ui::say("Your organizations:");
    for (n, Membership { organization, plan, .. }) in (1..).zip(memberships) {
        let plan = plan.as_deref().map(|plan| format!(" ({plan})")).unwrap_or_default();
        ui::say(&format!("  {n}. {}{plan}", organization.name));
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        ui::prompt(&format!("Which one (1-{}), or q to choose later: ", memberships.len()));
        let answer = loop {
            match keyboard.typed(Duration::from_secs(1)) {
                Typed::Line(line) => break line,
                Typed::Nothing if Instant::now() < deadline => {}
                _ => {
                    ui::say("");
                    return None;
                }
            }
        };
        let answer = answer.trim();
        if matches!(answer, "q" | "Q") {
            return None;
        }
        let by_number = answer.parse::<usize>().ok().and_then(|n| memberships.get(n.checked_sub(1)?));
        let by_name = || memberships.iter().find(|membership| membership.organization.name == answer);
        if let Some(chosen) = by_number.or_else(by_name) {
            return Some(chosen.organization.clone());
        }
    }
}

//! The mark says what a prompt needs, and nothing that a shell could act on.

use seqera_credential_helper::provider::{Organization, Workspace};
use seqera_credential_helper::session::mark::{Mark, NEVER, State};
use seqera_credential_helper::session::profile::{Profile, ProfileName};

use super::terminal::Home;

const NOW: u64 = 1_795_311_000;
const DAY: u64 = 86_400;

fn profile(home: &Home) -> Profile {
    let mut profile = home.log_in(42, "acme");
    profile.logged_in_at = NOW;
    profile.access_expires_at = Some(NOW + 3600);
    profile.session_expires_at = Some(NOW + 30 * DAY);
    profile
}

#[test]
fn a_login_that_renews_itself_shows_the_end_of_the_session() {
    let home = Home::new();
    let profile = profile(&home);
    let mark = Mark::of(&profile, NOW);
    assert_eq!((mark.generation.as_str(), mark.label.as_str()), ("default.42", "acme"));
    assert_eq!((mark.next, mark.end), (NOW + 3240, NOW + 30 * DAY));
    assert_eq!(mark.state, State::Fresh);
    assert_eq!(mark.state_at(NOW + 4000), State::Fresh, "the token's end is not the session's");
    assert_eq!(mark.state_at(NOW + 29 * DAY + 1), State::Ending);
    assert_eq!(mark.state_at(NOW + 30 * DAY), State::Ended);
    assert_eq!(
        mark.to_string(),
        format!(
            "1 default.42 {} {} {} 3240 {} {} fresh acme",
            NOW + 3240,
            NOW + 29 * DAY,
            NOW + 30 * DAY,
            29 * DAY,
            30 * DAY
        )
    );
}

#[test]
fn a_token_that_does_not_renew_itself_ends_when_it_ends() {
    let home = Home::new();
    let mut profile = profile(&home);
    profile.renews = false;
    let mark = Mark::of(&profile, NOW);
    assert_eq!((mark.next, mark.end), (NOW + 3600, NOW + 3600));
    let mark = Mark::of(&profile, NOW + 3600);
    assert_eq!((mark.state, mark.next), (State::Ended, NEVER), "nothing can be renewed any more");
}

#[test]
fn a_personal_access_token_never_ends() {
    let home = Home::new();
    let mut profile = profile(&home);
    (profile.renews, profile.access_expires_at, profile.session_expires_at) = (false, None, None);
    let mark = Mark::of(&profile, NOW);
    assert_eq!((mark.next, mark.warn, mark.end, mark.state), (NEVER, NEVER, NEVER, State::Fresh));
}

#[test]
fn a_session_that_the_server_ended_has_ended() {
    let home = Home::new();
    let mut profile = profile(&home);
    profile.ended_at = Some(NOW + 5);
    let mark = Mark::of(&profile, NOW + 6);
    assert_eq!((mark.state, mark.next, mark.end), (State::Ended, NEVER, NOW + 5));
}

#[test]
fn a_label_holds_nothing_that_acts() {
    let home = Home::new();
    let mut profile = profile(&home);
    let hostile = "A$(touch x)`y`%n\\u!!{user}#[fg=red]\x1b]0;t\x07\u{202e}\u{9b} \n1 x.9";
    profile.organization = Some(Organization { id: "1".into(), name: hostile.into() });
    profile.workspace =
        Some(Workspace { id: "2".into(), name: "a/b@c".into(), organization: "long".repeat(99) });
    profile.name = "prod".parse().unwrap();
    let label = Mark::of(&profile, NOW).label;
    assert_eq!(label, format!("{}/a?b?c@prod", "long".repeat(10)));
    profile.workspace = None;
    let mark = Mark::of(&profile, NOW);
    assert_eq!(mark.label, "A??touch?x??y??n?u???user???fg?red???0?t@prod");
    assert_eq!(mark.to_string().split(' ').count(), 10);
}

#[test]
fn what_was_written_is_read_again() {
    let home = Home::new();
    let name = ProfileName::default_name();
    let profile = home.log_in(3, "acme");
    let mark = Mark::read(&home.paths, Some(&name)).unwrap();
    assert_eq!(mark, Mark::read(&home.paths, None).unwrap());
    assert_eq!((mark.generation.as_str(), mark.end), ("default.3", profile.session_expires_at.unwrap()));
    let due = std::fs::metadata(home.paths.run.join("default.mark.due")).unwrap().modified().unwrap();
    let due = due.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(due, mark.next);
    let tidy = std::fs::read_dir(&home.paths.run).unwrap().count();
    assert_eq!(tidy, 8, "no temporary file stays");

    home.log_out();
    assert_eq!(Mark::read(&home.paths, None).unwrap().state, State::Out);
    assert_eq!(Mark::read(&home.paths, None).unwrap().generation, "default.0");
    Mark::remove(&home.paths, &name).unwrap();
    assert_eq!(Mark::read(&home.paths, Some(&name)), None);
}

#[test]
fn a_mark_that_makes_no_sense_is_none() {
    let home = Home::new();
    home.log_in(3, "acme");
    let file = home.paths.run.join("mark");
    for bad in [
        "",
        "\n",
        "2 a.1 1 1 1 1 1 1 fresh a",
        "1 a.1 x 1 1 1 1 1 fresh a",
        "1 a.1 1 1 1 1 1 1 what a",
        "1 a.1 1 1 1 1 1 1 fresh $(id)",
        "1 a.1 1 1 1 1 1 1 fresh a b",
        "1 a.1 1 1 1 1 1 1 fresh",
    ] {
        super::write(&file, bad.as_bytes());
        assert_eq!(Mark::read(&home.paths, None), None, "{bad:?}");
    }
    super::write(&file, &vec![b'1'; 5000]);
    assert_eq!(Mark::read(&home.paths, None), None);
}

//! The prompt's segment says who and how long, in any prompt, and has the right width.

use seqera_credential_helper::session::mark::{Mark, NEVER, State};
use seqera_credential_helper::shell::Shell;
use seqera_credential_helper::shell::segment::{DEFAULT_FORMAT, Look, Segment, Surface};

use super::terminal::{Home, now};
use crate::platform::Platform;
use crate::support::login;
use crate::support::session::paths;

const NOW: u64 = 1_795_311_000;
const PLAIN: Look<'_> =
    Look { format: DEFAULT_FORMAT, place: Surface::Terminal, colour: false, unicode: false };

fn segment(end: u64, label: &str) -> Segment {
    let home = Home::new();
    let mut mark = Mark::of(&home.log_in(1, "x"), NOW);
    (mark.end, mark.warn, mark.state, mark.label) =
        (end, end.saturating_sub(600).max(1), State::Fresh, label.into());
    Segment::of(mark, NOW)
}

#[test]
fn each_state_can_be_told_at_a_glance() {
    let shown = |segment: Segment, unicode| segment.render(&Look { unicode, ..PLAIN }).unwrap();
    let [fresh, ending, ended] = [NOW + 9000, NOW + 60, NOW - 1].map(|end| segment(end, "acme/research"));
    assert_eq!(shown(fresh.clone(), true), "acme/research");
    assert_eq!(shown(ending.clone(), false), "acme/research~");
    assert_eq!(shown(ending, true), "acme/research◷");
    assert_eq!(shown(ended.clone(), false), "acme/research!");
    assert_eq!(shown(ended, true), "acme/research✗");
    assert_eq!(shown(Segment::FromEnvironment, false), "env");
    let out = Segment::of(Mark::logged_out(&"default".parse().unwrap(), NOW), NOW);
    assert_eq!(shown(out.clone(), false), "");
    assert_eq!(out.render(&Look { format: "[{state}]", ..PLAIN }).unwrap(), "[logged out]");
}

#[test]
fn a_format_has_every_field() {
    let segment = segment(NOW + 2 * 3600 + 5, "acme/research@prod");
    let shown = |format| segment.render(&Look { format, ..PLAIN }).unwrap();
    assert_eq!(
        shown("{organization}|{workspace}|{profile}|{state}|{symbol}|{left}|{label}|{{x}"),
        "acme|research|prod|fresh||2h|acme/research@prod|{x}"
    );
    for bad in ["{nothing}", "{", "a{label", "{}"] {
        segment.render(&Look { format: bad, ..PLAIN }).unwrap_err();
    }
}

#[test]
fn the_time_left_is_said_in_one_unit() {
    let left = |seconds| segment(NOW + seconds, "a").render(&Look { format: "{left}", ..PLAIN }).unwrap();
    assert_eq!([5, 60, 3599, 3600, 172_799, 172_800].map(left), ["5s", "1m", "59m", "1h", "47h", "2d"]);
    assert_eq!(segment(NEVER, "a").render(&Look { format: "{label}{left}", ..PLAIN }).unwrap(), "a");
}

#[test]
fn colours_do_not_count_as_width() {
    let segment = segment(NOW + 9000, "acme");
    let shown = |place| segment.render(&Look { place, colour: true, ..PLAIN }).unwrap();
    assert_eq!(shown(Surface::Terminal), "\x1b[32macme\x1b[0m");
    assert_eq!(shown(Surface::Prompt(Shell::Bash)), "\x01\x1b[32m\x02acme\x01\x1b[0m\x02");
    assert_eq!(shown(Surface::Prompt(Shell::Zsh)), "%{\x1b[32m%}acme%{\x1b[0m%}");
    assert_eq!(shown(Surface::Prompt(Shell::Fish)), "\x1b[32macme\x1b[0m");
    assert_eq!(shown(Surface::Tmux), "#[fg=green]acme#[default]");
}

#[test]
fn the_program_prints_it() {
    let home = Home::new();
    let prompt = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = home.command(crate::support::seqera());
        let output = command.arg("prompt").args(args).envs(env.iter().copied()).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.code())
    };
    assert_eq!(prompt(&[], &[]), (String::new(), Some(0)));
    let mut profile = home.log_in(1, "acme");
    assert_eq!(prompt(&[], &[]), ("acme\n".into(), Some(0)));
    assert_eq!(prompt(&["--tmux"], &[]), ("#[fg=green]acme#[default]\n".into(), Some(0)));
    assert_eq!(prompt(&["--tmux"], &[("NO_COLOR", "1")]), ("acme\n".into(), Some(0)));
    assert_eq!(prompt(&[], &[("TOWER_ACCESS_TOKEN", "own")]), ("env\n".into(), Some(0)));
    assert_eq!(prompt(&["--format", "{no}"], &[]), (String::new(), Some(2)));

    // After a restart of the machine the marks are gone.
    std::fs::remove_dir_all(&home.paths.run).unwrap();
    assert_eq!(prompt(&[], &[]), ("acme\n".into(), Some(0)));

    profile.session_expires_at = Some(now() + 60);
    home.put(&profile);
    assert_eq!(prompt(&[], &[]), ("acme◷\n".into(), Some(0)));
    assert_eq!(
        prompt(&["--ascii", "--format", "{label}{symbol} {state}"], &[]),
        ("acme~ ending soon\n".into(), Some(0))
    );
}

#[test]
fn the_program_shows_the_login_that_is_meant_and_as_it_is() {
    let (mut home, platform) = (crate::support::home::Home::with_file_store(), Platform::start());
    login::with_token(&home, &platform, &[]);
    login::with_token(&home, &platform, &["--profile", "work"]);
    assert_eq!(home.run("seqera", &["prompt"], "").ok(), "seqera\n");
    assert_eq!(
        home.run("sekuire", &["prompt"], "").ok(),
        "",
        "a login of the other platform is none of its own"
    );
    login::sekuire(&home, "sekuire");
    assert_eq!(home.run("sekuire", &["prompt"], "").ok(), "sekuire@sekuire\n");

    // The folder of marks is this machine's; another one that shares the home has logged out.
    std::fs::remove_file(paths(&home).state.join("profiles/default.json")).unwrap();
    assert_eq!(home.run("seqera", &["prompt"], "").ok(), "");

    home.set("TOWER_ACCESS_TOKEN", "outside");
    assert_eq!(home.run("seqera", &["prompt"], "").ok(), "env\n");
    assert_eq!(home.run("seqera", &["prompt", "--profile", "work"], "").ok(), "seqera@work\n");
}

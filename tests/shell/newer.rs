//! Shells that are newer than a stable Debian's: bash 5.3, whose PS0 is a place for a hook before a command, and fish 4.

use std::time::{Duration, Instant};

use seqera_credential_helper::shell::Shell;

use super::neighbours::{Kind, NEWEST_BASH, NEWEST_FISH, SECOND, TOKEN, has_token, lives};
use super::terminal::{Home, Terminal, now, text};
use super::write;

const PROMPT: &str = "PS1='> '";

fn opens<'a>(kind: &Kind, home: &'a Home, before: &str, after: &str) -> Terminal<'a> {
    Terminal::open(home, kind.shell, &home.rc(kind.shell, &[], before, after), &[])
}

#[test]
fn the_newest_bash_follows_the_login() {
    for (before, after) in [("", ""), ("set -u", ""), ("", "set -u"), ("set -o posix", "")] {
        let home = NEWEST_BASH.logged_in();
        let mut terminal = opens(&NEWEST_BASH, &home, before, after);
        lives(&NEWEST_BASH, &home, &mut terminal);
    }
}

/// The first thing that happens in a strict shell after a switch is a command, and the answer to its hook a failure.
#[test]
fn the_newest_bash_lives_on_when_it_is_strict() {
    for (before, after) in [("set -eu", ""), ("", "set -eu")] {
        let home = NEWEST_BASH.logged_in();
        let mut terminal = opens(&NEWEST_BASH, &home, before, after);
        let env = terminal.env();
        has_token(&env, TOKEN, &terminal);
        std::thread::sleep(Duration::from_millis(500));
        home.at_once(|| {
            home.log_in(2, "umbrella");
            home.answers(Shell::Bash, &env, None);
        });
        let env = terminal.env();
        assert_eq!(text(&env, "SEQERA_PROMPT"), Some("umbrella"), "{}", terminal.screen());
        has_token(&terminal.env(), TOKEN, &terminal);
    }
}

#[test]
fn the_newest_fish_follows_the_login() {
    let home = NEWEST_FISH.logged_in();
    let mut terminal = opens(&NEWEST_FISH, &home, "", "");
    lives(&NEWEST_FISH, &home, &mut terminal);
}

/// A prompt that is left alone while its token comes to its end.
fn after_lunch_the_first_command_has_the_next_token(kind: &Kind) {
    let home = kind.logged_in();
    let mut terminal = opens(kind, &home, "", "");
    let env = terminal.env();
    has_token(&env, TOKEN, &terminal);
    kind.forgets_when_it_asked(&home, &terminal);
    let written = Instant::now();
    home.at_once(|| {
        let mut profile = home.log_in(1, "acme");
        home.answers(kind.shell, &env, Some(SECOND));
        profile.access_expires_at = Some(now() + 16); // and is due at half that
        home.put(&profile);
    });
    has_token(&terminal.env(), TOKEN, &terminal);
    assert_eq!(home.calls().len(), 1, "the token is not due yet");
    std::thread::sleep(Duration::from_secs(9).saturating_sub(written.elapsed()));
    has_token(&terminal.env(), SECOND, &terminal);
    assert_eq!(home.calls().len(), 2);
}

#[test]
fn the_newest_bash_has_the_next_token_after_lunch() {
    after_lunch_the_first_command_has_the_next_token(&NEWEST_BASH);
}

#[test]
fn the_newest_fish_has_the_next_token_after_lunch() {
    after_lunch_the_first_command_has_the_next_token(&NEWEST_FISH);
}

/// PS0 is text that is printed: ours prints none, and what the person has in it stays.
#[test]
fn ps0_shows_what_is_the_persons_and_nothing_of_ours() {
    for (before, shown) in [("", ""), ("PS0='[\\!] '", "[1] ")] {
        let home = NEWEST_BASH.logged_in();
        let mut terminal = opens(&NEWEST_BASH, &home, before, PROMPT);
        terminal.sees("> ");
        terminal.type_line("echo out $TOWER_ACCESS_TOKEN");
        let token = String::from_utf8_lossy(TOKEN);
        terminal.sees(&format!("> echo out $TOWER_ACCESS_TOKEN\n{shown}out {token}\n> "));

        // Not when it asks, either.
        home.at_once(|| home.log_in(2, "umbrella"));
        terminal.type_line("printf '%s\\n' \"$SEQERA_PROMPT\" | cat");
        let shown = shown.replace('1', "2");
        terminal.sees(&format!("| cat\n{shown}umbrella\n> "));
        assert_eq!(home.calls().len(), 2);

        let env = terminal.env();
        home.off(Shell::Bash, &env);
        terminal.type_line("eval \"$(cat $HOME/off)\"");
        terminal.type_line("echo \"${PS0-none}\" >$HOME/ps0");
        let expected = if before.is_empty() { "none" } else { "[\\!] " };
        assert_eq!(terminal.reads("ps0").trim_end_matches('\n'), expected);
    }
}

/// ^C while the hook waits before a command gives the prompt back, without the command.
#[test]
fn an_interrupt_before_a_command_gives_the_prompt_back() {
    let home = NEWEST_BASH.logged_in();
    let mut terminal = opens(&NEWEST_BASH, &home, "", PROMPT);
    terminal.env();
    std::thread::sleep(Duration::from_millis(500));
    write(&home.path("slow"), b"");
    home.log_in(2, "acme");
    terminal.type_line("touch $HOME/ran");
    super::terminal::wait_for(|| home.calls().len() == 2, || "it did not ask".into());
    terminal.press("C-c");
    assert_eq!(text(&terminal.env(), "SEQERA_PROMPT"), Some("acme"));
    assert_eq!(home.calls().len(), 2, "it did not ask again");
}

//! The hook in a person's shell: it follows the login, costs no process, and touches nothing that is theirs.

use seqera_credential_helper::shell::Shell;

use super::terminal::{Env, Home, Terminal, text};

const TOKEN: &[u8] = b"eyJhbGciOi.first";
const SECOND: &[u8] = b"it's $(the) `second`!";

/// bash before 5.3 and tcsh have no place for a hook before a command.
fn before_prompts_only(shell: Shell) -> bool {
    matches!(shell, Shell::Bash | Shell::Tcsh)
}

fn follows(shell: Shell) {
    let home = Home::new();
    home.at_once(|| {
        home.log_in(1, "acme");
        home.answers(shell, &Env::new(), Some(TOKEN));
    });
    let rc = home.rc(shell, &[], "", "");
    let mut terminal = Terminal::open(&home, shell, &rc, &[]);

    let env = terminal.env();
    assert_eq!(text(&env, "TOWER_ACCESS_TOKEN").map(str::as_bytes), Some(TOKEN), "{}", terminal.screen());
    assert_eq!(env.get("SEQERA_ACCESS_TOKEN"), env.get("TOWER_ACCESS_TOKEN"));
    assert_eq!(text(&env, "TOWER_API_ENDPOINT"), Some("https://api.cloud.seqera.io"));
    assert_eq!(env.get("TOWER_WORKSPACE_ID"), None);
    assert_eq!(text(&env, "SEQERA_PROMPT"), Some("acme"));
    terminal.env();
    assert_eq!(home.calls().len(), 1, "{shell} asked once: {:?}", home.calls());

    // In another terminal: a switch, and a token renewed. The name has what no prompt may show, and what stands for
    // that is no pattern for the names of files.
    home.at_once(|| {
        home.log_in(2, "umbrella corp");
        home.answers(shell, &env, Some(SECOND));
    });
    if before_prompts_only(shell) {
        terminal.type_line("");
    }
    let env = terminal.env();
    assert_eq!(env.get("TOWER_ACCESS_TOKEN").map(Vec::as_slice), Some(SECOND), "{}", terminal.screen());
    terminal.type_line("");
    assert_eq!(text(&terminal.env(), "SEQERA_PROMPT"), Some("umbrella?corp"));

    // And a logout.
    home.at_once(|| {
        home.log_out();
        home.answers(shell, &env, None);
    });
    if before_prompts_only(shell) {
        terminal.type_line("");
    }
    let env = terminal.env();
    for name in [
        "SEQERA_ACCESS_TOKEN",
        "TOWER_ACCESS_TOKEN",
        "TOWER_API_ENDPOINT",
        "SEQERA_ENV",
        "SEQERA_TOKEN_EXPIRES_AT",
    ] {
        assert_eq!(text(&env, name), None, "{shell} {name}");
    }
    terminal.type_line("");
    assert_eq!(text(&terminal.env(), "SEQERA_PROMPT").unwrap_or(""), "");
    assert_eq!(home.calls().len(), 3, "{shell}: {:?}", home.calls());
}

macro_rules! for_each_shell {
    ($($name:ident: $what:ident $shell:ident;)*) => {
        $(#[test] fn $name() { $what(Shell::$shell) })*
    };
}

for_each_shell! {
    bash_follows_a_login_a_switch_and_a_logout: follows Bash;
    zsh_follows_a_login_a_switch_and_a_logout: follows Zsh;
    fish_follows_a_login_a_switch_and_a_logout: follows Fish;
    nushell_follows_a_login_a_switch_and_a_logout: follows Nu;
    elvish_follows_a_login_a_switch_and_a_logout: follows Elvish;
    xonsh_follows_a_login_a_switch_and_a_logout: follows Xonsh;
    tcsh_follows_a_login_a_switch_and_a_logout: follows Tcsh;
}

#[test]
fn a_hook_for_another_login_than_it_would_follow_is_refused() {
    let home = Home::new();
    let mut command = home.command(crate::support::seqera());
    let output = command.args(["hook", "bash", "--profile", "work"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(String::from_utf8(output.stderr).unwrap().contains("SEQERA_PROFILE=work"));
}

#[test]
fn what_the_help_says_for_nushell_works_in_a_new_home() {
    let home = Home::new();
    let seqera = std::path::Path::new(crate::support::seqera());
    let help = home.command(seqera).args(["hook", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let (_, lines) = help.split_once("once: ").unwrap();
    let line = lines.lines().take(2).collect::<Vec<_>>().join("; ");
    let mut nu = home.command(super::nu());
    nu.env("PATH", seqera.parent().unwrap())
        .args(["-c", &format!("{line}; ls ($nu.user-autoload-dirs | first)")]);
    let output = nu.output().unwrap();
    assert!(
        output.status.success() && String::from_utf8_lossy(&output.stdout).contains("seqera.nu"),
        "{output:?}"
    );
}

//! Subcommands that are not ours go to the next program called `seqera`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use crate::platform::{Endpoint, Fault, Platform};
use crate::support::home::{Home, run};
use crate::support::login;
use crate::support::session::{self, Token};

/// Says how it was called and with what.
const OTHER: &str = r#"#!/bin/sh
echo "other: $0"
for word; do echo "arg: $word"; done
for name in SEQERA_ACCESS_TOKEN TOWER_ACCESS_TOKEN TOWER_API_ENDPOINT SEQERA_AUTH_DOMAIN SEQERA_PLATFORM_API_URL SEQERA_AI_BACKEND_URL SEKUIRE_API_KEY; do
  eval "value=\${$name-unset}"
  echo "$name=$value"
done
exit 7
"#;

fn program(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A home with Seqera's own program where its installer puts it.
fn with_other() -> Home {
    let home = Home::with_file_store();
    program(&home.path().join(".seqera/bin/seqera"), OTHER);
    home
}

/// Puts folders before and after ours on PATH.
fn path(home: &mut Home, folders: &[&str]) {
    let folders = folders.iter().map(|folder| home.path().join(folder));
    let path = std::env::join_paths(folders.chain(["/usr/bin".into(), "/bin".into()])).unwrap();
    home.set("PATH", path);
}

#[test]
fn what_is_not_ours_goes_over_with_all_its_arguments_and_its_exit_code() {
    let (home, platform) = (with_other(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    let run =
        home.run("seqera", &["ai", "--help", "-x", "--profile", "p", "a b", "--", "--version"], "").expect(7);
    let out = run.out();
    for word in ["ai", "--help", "-x", "--profile", "p", "a b", "--", "--version"] {
        assert!(out.contains(&format!("arg: {word}\n")), "{word}: {run:?}");
    }
    for line in [
        format!("SEQERA_ACCESS_TOKEN={token}"),
        format!("TOWER_ACCESS_TOKEN={token}"),
        format!("TOWER_API_ENDPOINT={}", platform.api()),
        format!("SEQERA_AUTH_DOMAIN={}", platform.api()),
    ] {
        assert!(out.contains(&line), "{line}: {run:?}");
    }
    assert_eq!(run.err(), "");
}

#[test]
fn a_token_and_the_address_of_another_server_are_not_handed_over_together() {
    let (home, platform) = (with_other(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    for variable in ["SEQERA_PLATFORM_API_URL", "TOWER_API_ENDPOINT"] {
        let hand_over = |words: &[&str]| {
            let mut command = home.command("seqera");
            command.args(words).env(variable, "https://elsewhere.example/api");
            run(command, "").expect(7)
        };
        let run = hand_over(&["info"]);
        assert!(run.err().contains(&format!("{variable} names another server than your login")), "{run:?}");
        assert!(!run.out().contains(&token), "{run:?}");
        // A login that was named is meant, and then its server is.
        let run = hand_over(&["--profile", "default", "info"]);
        assert!(run.out().contains(&token) && !run.out().contains("elsewhere"), "{run:?}");
    }
    let mut same = home.command("seqera");
    same.arg("info").env("SEQERA_PLATFORM_API_URL", format!(" {}// ", platform.api()));
    assert!(run(same, "").expect(7).out().contains(&token), "the same place, as a login reads it");
}

#[test]
fn the_token_is_fresh() {
    let (home, platform) = (with_other(), Platform::start());
    let login = session::logged_in(&home, &platform, Token::Dead);
    let out = home.run("seqera", &["info"], "").expect(7).out();
    assert_eq!(platform.count_grant("refresh_token"), 1);
    assert!(!out.contains(&login.access) && !out.contains("SEQERA_ACCESS_TOKEN=unset"), "{out}");
}

#[test]
fn the_next_program_on_path_is_taken_and_links_to_us_are_not() {
    let mut home = with_other();
    for folder in ["links", "hard", "next"] {
        fs::create_dir(home.path().join(folder)).unwrap();
    }
    symlink(crate::support::seqera(), home.path().join("links/seqera")).unwrap();
    symlink(home.path().join("links/seqera"), home.path().join("hard/seqera")).unwrap();
    program(&home.path().join("next/seqera"), OTHER);
    fs::set_permissions(home.path().join("next/seqera"), fs::Permissions::from_mode(0o755)).unwrap();
    path(&mut home, &["links", "bin", "hard", "next"]);
    let out = home.run("seqera", &["skill"], "").expect(7).out();
    assert!(out.starts_with(&format!("other: {}\n", home.path().join("next/seqera").display())), "{out}");
    // What is no program, or lies wherever we are, does not count.
    fs::set_permissions(home.path().join("next/seqera"), fs::Permissions::from_mode(0o644)).unwrap();
    program(&home.path().join("seqera"), "#!/bin/sh\necho hostile\n");
    home.set("PATH", format!(".::{}:/usr/bin:/bin", home.path().join("next").display()));
    let out = home.run("seqera", &["skill"], "").expect(7).out();
    assert!(out.starts_with(&format!("other: {}/.seqera/bin/seqera\n", home.path().display())), "{out}");
}

#[test]
fn nobody_to_hand_over_to_is_127() {
    let mut home = Home::with_file_store();
    path(&mut home, &["bin"]);
    let run = home.run("seqera", &["a\u{1b}[31mi"], "").expect(127);
    assert!(run.err().contains("is no command of this program") && !run.err().contains('\u{1b}'), "{run:?}");
    assert_eq!(run.out(), "");
}

#[test]
fn a_copy_of_ours_and_a_wrapper_around_ours_lead_on_to_the_other() {
    let mut home = with_other();
    fs::create_dir(home.path().join("copy")).unwrap();
    fs::copy(crate::support::seqera(), home.path().join("copy/seqera")).unwrap();
    let wrapper = format!("#!/bin/sh\nexec {} \"$@\"\n", crate::support::seqera());
    program(&home.path().join("wrapper/seqera"), &wrapper);
    path(&mut home, &["wrapper", "copy", "bin"]);
    let out = home.run("seqera", &["ai"], "").expect(7).out();
    assert!(out.starts_with(&format!("other: {}/.seqera/bin/seqera\n", home.path().display())), "{out}");
}

#[test]
fn programs_that_run_each_other_come_to_an_end() {
    let mut home = Home::with_file_store();
    // Not by exec: each turn is a process of its own.
    let wrapper = format!("#!/bin/sh\n{} \"$@\"\nexit $?\n", crate::support::seqera());
    program(&home.path().join("wrapper/seqera"), &wrapper);
    path(&mut home, &["bin", "wrapper"]);
    let run = home.run("seqera", &["ai"], "").expect(1);
    assert!(run.err().contains("hand over to each other without end"), "{run:?}");
}

#[test]
fn a_token_on_the_command_line_goes_through_the_environment() {
    let (home, platform) = (with_other(), Platform::start());
    login::with_token(&home, &platform, &[]);
    for args in [&["ai", "--token", "given-T", "why"][..], &["ai", "why", "--token=given-T"]] {
        let run = home.run("seqera", args, "").expect(7);
        assert!(
            run.out()
                .contains("arg: ai\narg: why\nSEQERA_ACCESS_TOKEN=given-T\nTOWER_ACCESS_TOKEN=given-T\n"),
            "{run:?}"
        );
    }
}

#[test]
fn who_is_not_logged_in_is_handed_over_without_a_token() {
    let mut home = with_other();
    home.set("SEQERA_AI_BACKEND_URL", "https://ai.example");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.out().contains("SEQERA_ACCESS_TOKEN=unset\nTOWER_ACCESS_TOKEN=unset\n"), "{run:?}");
    assert!(run.out().contains("SEQERA_AI_BACKEND_URL=https://ai.example\n"), "{run:?}");
    assert_eq!(run.err(), "");
}

#[test]
fn an_unreachable_server_is_said_and_does_not_stop_the_other_program() {
    let (home, platform) = (with_other(), Platform::start());
    session::logged_in(&home, &platform, Token::Dead);
    platform.fault(Endpoint::Token, Fault::ServiceUnavailable);
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.err().contains("going on without a token"), "{run:?}");
    assert!(run.out().contains("SEQERA_ACCESS_TOKEN=unset"), "{run:?}");
}

#[test]
fn what_the_person_set_stays() {
    let (mut home, platform) = (with_other(), Platform::start());
    let token = login::with_token(&home, &platform, &[]);
    home.set("TOWER_API_ENDPOINT", "https://tower.example/api");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(!run.out().contains(&token), "the login's token is not for that server: {run:?}");
    assert!(run.out().contains("TOWER_API_ENDPOINT=https://tower.example/api"), "{run:?}");
    home.set("TOWER_ACCESS_TOKEN", "outside");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.out().contains("SEQERA_ACCESS_TOKEN=unset\nTOWER_ACCESS_TOKEN=outside\n"), "{run:?}");
}

#[test]
fn a_key_of_the_other_platform_stays_here() {
    let home = with_other();
    login::sekuire(&home, "default");
    let run = home.run("seqera", &["ai"], "").expect(7);
    assert!(run.out().contains("SEKUIRE_API_KEY=unset"), "{run:?}");
}

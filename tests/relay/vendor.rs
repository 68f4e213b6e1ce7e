//! Seqera's own program under the relay: the real one, from npm.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::platform::Platform;
use crate::platform::ai::AiBackend;
use crate::support::home::{Home, run};
use crate::support::session::{self, Token};

/// The real program. Nothing of it is in this repository: tests/tools/install-seqera.sh fetches it.
fn vendor() -> PathBuf {
    let program = "target/tools/seqera-cli/node_modules/@seqera/cli-linux-x64/bin/seqera";
    let program = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(program);
    assert!(program.exists(), "Seqera's program is there; tests/tools/install-seqera.sh fetches it");
    program
}

/// A home where `seqera` is ours and the next one on the PATH is Seqera's.
fn home() -> Home {
    let home = Home::with_file_store();
    let folder = home.path().join(".seqera/bin");
    std::fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(vendor(), folder.join("seqera")).unwrap();
    home
}

fn agent(home: &Home, args: &[&str]) -> Command {
    let mut command = home.command("seqera");
    command.args(["ai", "--headless"]).args(args);
    command.env("SEQERA_DISABLE_LSP_DOWNLOAD", "1");
    command
}

#[test]
fn a_headless_session_outlives_its_tokens_and_its_agent_sees_none() {
    let platform = Platform::start();
    platform.world(|world| world.settings.access_lifetime = Duration::from_secs(3));
    let home = home();
    session::logged_in_for(&home, &platform, 3);
    // While the agent's command runs, the token it began with ends three times over.
    let backend = AiBackend::start_named(&platform, "sleep 10; env; echo the-end");
    let began = Instant::now();
    let run = run(agent(&home, &["--show-tool-results", "ping"]), "");
    let run = run.expect(0);
    assert!(began.elapsed() > Duration::from_secs(9), "{run:?}");
    assert!(run.out().contains("The work is done."), "{run:?}");
    let results = backend.posted("/tool-results");
    assert_eq!(results.len(), 1, "{:?}", backend.asked());
    assert!(results[0].contains("the-end") && results[0].contains("SEQERA_AI_BACKEND_URL"), "{results:?}");
    for secret in platform.issued_secrets() {
        assert!(!results[0].contains(&secret), "the agent sees a token: {}", results[0]);
        assert!(!run.out().contains(&secret) && !run.err().contains(&secret));
    }
    let refused: Vec<_> =
        backend.asked().into_iter().filter(|asked| asked.status == 401 && asked.token.is_none()).collect();
    assert!(refused.is_empty(), "no request but the relay's: {refused:?}");
    let used: std::collections::BTreeSet<String> = backend
        .asked()
        .into_iter()
        .filter(|asked| asked.status == 200)
        .filter_map(|asked| asked.token)
        .collect();
    assert!(used.len() >= 2, "{used:?}");
    assert!(!platform.family_burnt());
}

#[test]
fn the_chosen_organization_arrives_in_the_session() {
    let (home, platform) = (home(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    let backend = AiBackend::start_named(&platform, "true");
    home.write(
        ".config/seqera-ai/auth-metadata.json",
        r#"{"selected_organization":{"org_id":12,"org_name":"globex","org_type":"pro"}}"#,
    );
    run(agent(&home, &["ping"]), "").expect(0);
    let asked = backend.posted("/v1/cli/sessions");
    assert_eq!(asked.len(), 1, "{:?}", backend.asked());
    assert!(asked[0].contains("organization_id") && asked[0].contains("12"), "{asked:?}");
}

#[test]
fn an_own_installation_without_a_backend_is_sent_nothing() {
    let (home, platform) = (home(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    let before = platform.requests().len();
    let run = run(agent(&home, &["ping"]), "").expect(7);
    assert!(run.err().contains("no AI backend is known"), "{run:?}");
    let paths: Vec<String> =
        platform.requests().into_iter().skip(before).map(|request| request.path).collect();
    assert_eq!(paths, ["/api/service-info"], "the installation is asked for its backend, and nothing else");
}

#[test]
fn info_works_under_the_relay() {
    let (home, platform) = (home(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    let backend = AiBackend::start_named(&platform, "true");
    let mut command = home.command("seqera");
    command.args(["info", "-o", "json"]);
    run(command, "").expect(0);
    assert!(!backend.asked().is_empty());
    assert!(backend.asked().iter().all(|asked| asked.status == 200), "{:?}", backend.asked());
}

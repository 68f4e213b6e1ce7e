//! Seqera's own program under the relay: the real one, from npm.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::platform::Platform;
use crate::platform::ai::AiBackend;
use crate::support::home::{Home, run, until};
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
fn a_token_from_outside_goes_to_the_backend_of_its_own_installation_and_to_no_other() {
    let (mut home, platform) = (home(), Platform::start());
    home.set("TOWER_API_ENDPOINT", platform.api());
    // Nothing is at Cloud's place here: whoever asks there fails in another way.
    let token = platform.personal_token();
    let given = run(agent(&home, &["--token", &token, "ping"]), "").expect(7);
    home.set("SEQERA_ACCESS_TOKEN", &token);
    let outside = run(agent(&home, &["ping"]), "").expect(7);
    for run in [given, outside] {
        assert!(run.err().contains("no AI backend is known") && run.out().is_empty(), "{run:?}");
    }
    let backend = AiBackend::start_named(&platform, "true");
    home.set("SEQERA_AUTH_DOMAIN", platform.api());
    let run = run(agent(&home, &["ping"]), "").expect(0);
    assert!(run.out().contains("The work is done."), "{run:?}");
    assert!(backend.asked().iter().all(|asked| asked.token.as_deref().is_none_or(|used| used == token)));
    assert!(backend.asked().iter().any(|asked| asked.token.as_deref() == Some(token.as_str())));
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

/// Seqera's program with the login that it keeps itself, not handed over to by ours.
fn on_its_own(home: &Home, platform: &Platform, backend: &AiBackend) -> Command {
    let mut command = home.command("env");
    command.arg(home.path().join(".seqera/bin/seqera")).args(["ai", "--headless", "ping"]);
    command.env("SEQERA_DISABLE_LSP_DOWNLOAD", "1").env("SEQERA_AUTH_DOMAIN", platform.api());
    command.env("SEQERA_AI_BACKEND_URL", &backend.origin);
    command
}

/// A login is renewed by one program at a time, or its server takes it for stolen.
#[test]
fn its_login_moves_while_it_is_used_and_the_server_sees_no_reuse() {
    let platform = Platform::start();
    platform.world(|world| world.settings.access_lifetime = Duration::from_secs(4));
    let home = home();
    let backend = AiBackend::start_named(&platform, "touch begun; until [ -e moved ]; do sleep 0.1; done");
    let refresh = session::tokens(&platform).refresh.unwrap();
    let file = home.write(".config/seqera-ai/refresh-token", refresh.expose_str().unwrap());
    home.write(
        ".config/seqera-ai/auth-metadata.json",
        format!(r#"{{"user": {{"email": "ada@example.org"}}, "authDomain": "{}"}}"#, platform.api()),
    );
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();

    let theirs = crate::support::home::start(on_its_own(&home, &platform, &backend), "");
    until(Duration::from_secs(60), "its session has begun", || home.path().join("begun").exists());
    // While it runs, it may renew: nothing is touched, a dry run included.
    for more in [&[][..], &["--dry-run"]] {
        let run = home.run("seqera", &[&["import", "seqera"], more].concat(), "").expect(1);
        assert!(run.err().contains("Seqera's own program is running (process "), "{run:?}");
    }
    assert!(file.exists());
    // Its token has ended meanwhile, and it renews by itself.
    until(Duration::from_secs(30), "a life of a token is over", || {
        platform.requests().last().is_some_and(|request| request.at.elapsed() > Duration::from_secs(5))
    });
    home.write("moved", "");
    let theirs = theirs.finish().expect(0);
    assert!(!platform.family_burnt() && file.exists(), "{theirs:?}");

    // Once it has ended, the login moves; who asks meanwhile, and its own program under the relay, get ours.
    let import = |home: &Home| {
        let mut command = home.command("seqera");
        command.args(["import", "seqera"]);
        crate::support::home::start(command, "")
    };
    let moving = import(&home);
    let asking: Vec<_> = (0..6)
        .map(|_| {
            let mut command = home.command("seqera");
            command.arg("token");
            crate::support::home::start(command, "")
        })
        .collect();
    moving.finish().expect(0);
    for asked in asking {
        let asked = asked.finish();
        assert!([0, 3].contains(&asked.code()), "{asked:?}");
    }
    assert!(!file.exists());
    let under_ours = [run(agent(&home, &["ping"]), ""), run(agent(&home, &["ping"]), "")];
    for run in under_ours {
        assert!(run.expect(0).out().contains("The work is done."));
    }
    assert!(!platform.family_burnt());
    // And one that is lent our login does not stand in the way of a move.
    std::fs::remove_file(home.path().join("moved")).unwrap();
    std::fs::remove_file(home.path().join("begun")).unwrap();
    let lent = crate::support::home::start(agent(&home, &["ping"]), "");
    until(Duration::from_secs(60), "its session has begun", || home.path().join("begun").exists());
    assert!(home.run("seqera", &["import", "seqera"], "").expect(3).err().contains("keeps no login here"));
    home.write("moved", "");
    lent.finish().expect(0);
    home.run("seqera", &["token"], "").expect(0);
    assert!(!platform.family_burnt());
}

/// A program in a terminal of its own; what it shows is read all the time, so that it never waits for us.
struct Screen {
    session: expectrl::session::OsSession,
    shown: Vec<u8>,
}

impl Screen {
    fn start(mut command: Command) -> Screen {
        command.env("TERM", "xterm-256color");
        let mut session = expectrl::Session::spawn(command).unwrap();
        session.get_process_mut().set_window_size(120, 40).unwrap();
        Screen { session, shown: Vec::new() }
    }

    /// Reads on until something holds.
    #[track_caller]
    fn until(&mut self, what: &str, mut holds: impl FnMut(&str) -> bool) {
        use std::io::Read;

        use expectrl::process::NonBlocking;
        let end = Instant::now() + Duration::from_secs(50);
        let mut piece = [0; 4096];
        self.session.set_blocking(false).unwrap();
        while !holds(&String::from_utf8_lossy(&self.shown)) {
            let shown = String::from_utf8_lossy(&self.shown);
            assert!(Instant::now() < end, "{what}: {}", plain(&shown));
            match self.session.read(&mut piece) {
                Ok(read @ 1..) => self.shown.extend_from_slice(&piece[..read]),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// Reads on until nothing more comes for a while.
    fn until_quiet(&mut self) {
        let (mut length, mut since) = (0, Instant::now());
        self.until("it draws itself and rests", |shown| {
            if shown.len() != length {
                (length, since) = (shown.len(), Instant::now());
            }
            length > 1000 && since.elapsed() > Duration::from_secs(1)
        });
    }

    fn types(&mut self, text: &str) {
        use expectrl::Expect;
        self.session.send(text).unwrap();
    }
}

#[test]
fn the_full_screen_program_goes_on_over_a_tokens_end() {
    let (home, platform) = (home(), Platform::start());
    session::logged_in(&home, &platform, Token::Fresh);
    let backend = AiBackend::start_named(&platform, "true");
    home.write(
        ".config/seqera-ai/auth-metadata.json",
        r#"{"selected_organization":{"org_id":12,"org_name":"globex","org_type":"pro"}}"#,
    );
    let mut command = home.command("seqera");
    command.arg("ai").env("SEQERA_DISABLE_LSP_DOWNLOAD", "1");
    let mut screen = Screen::start(command);
    for turn in 1..=2 {
        // It draws itself when it can be typed to, and again when the turn is over.
        screen.until_quiet();
        screen.types("ping");
        screen.until_quiet();
        screen.types("\r");
        if turn == 1 {
            screen.until("the person is asked", |shown| plain(shown).contains("APPROVAL REQUIRED"));
            // Always, in this session.
            screen.types("2");
        }
        screen.until("the agent's command has run", |_| backend.posted("/tool-results").len() == turn);
        screen.until("the answer is shown", |shown| plain(shown).contains("The work is done."));
        platform.expire_access_tokens();
    }
    let refused =
        backend.asked().iter().filter(|asked| asked.status == 401 && asked.path.contains("messages")).count();
    let messages = backend
        .asked()
        .iter()
        .filter(|asked| asked.status == 200 && asked.path.ends_with("/messages") && asked.method == "POST")
        .count();
    assert!(messages >= 2 && refused <= 2, "{:?}", backend.asked());
    assert!(platform.count_grant("refresh_token") >= 1);
    for secret in platform.issued_secrets() {
        assert!(!plain(&String::from_utf8_lossy(&screen.shown)).contains(&secret));
    }
}

/// What a terminal shows, without how.
fn plain(shown: &str) -> String {
    let mut text = String::new();
    let mut rest = shown.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('\u{1b}', Some('[')) => drop(rest.by_ref().skip(1).find(|c| ('@'..='~').contains(c))),
            ('\u{1b}', Some(']' | '_' | 'P')) => drop(rest.by_ref().find(|c| matches!(c, '\u{7}' | '\\'))),
            ('\u{1b}', _) => drop(rest.next()),
            (c, _) => text.push(c),
        }
    }
    text
}

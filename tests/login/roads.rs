//! A login finishes over every road there is, and says at once where there is none.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::time::Duration;

use super::scene::{Scene, wait_for};
use crate::platform::http;
use crate::platform::{Endpoint, Fault, Standing};
use crate::support::home::run;

#[test]
fn an_address_that_is_pasted_in_pieces_is_whole_in_the_end() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    let address = scene.platform.approve(&scene.opened());
    let (one, other) = address.split_at(address.find("state=").unwrap() + 20);
    terminal.types(one);
    terminal.sees("the address is not complete");
    terminal.types(other);
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("[Login] ✓ Organization set: solo"), "{text}");
}

#[test]
fn a_slip_of_the_hand_raises_no_alarm_and_the_login_goes_on() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    let address = scene.platform.approve(&scene.opened());
    // Without its end, which is the issuer's; with a code that is cut off; with another host and a page's source.
    terminal.types(&address[..address.len() - 3]);
    terminal.sees("the address is not complete");
    let code = address.split("code=").nth(1).unwrap().split('&').next().unwrap();
    terminal.types(&address.replace(code, &code[..code.len() - 4]));
    terminal.sees("The server does not accept this address");
    let host = url::Url::parse(&address).unwrap().authority().to_owned();
    terminal.types(&format!("<{}>", address.replace(&host, "localhost:9").replace('&', "&amp;")));
    let (code, text) = terminal.ends();
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("another server than") && !scene.platform.family_burnt(), "{text}");
}

#[test]
fn an_address_that_is_longer_than_a_line_comes_from_a_file() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let long = |address: &str| format!("{address}&session_state={}\n", "x".repeat(6000));
    let mut terminal = scene.terminal(&["login"]);
    terminal.sees("paste the address it ended at");
    terminal.types(
        &long(&scene.platform.approve(&scene.opened())).replace("code=", "session=").replace("&state", "&x"),
    );
    terminal.sees("longer than a line that a terminal passes on");
    terminal.sees("--paste-from FILE");
    terminal.interrupts();
    assert_eq!(terminal.ends().0, 130);

    let file = scene.home.write("address.txt", "http://127.0.0.1/callback?code=old&state=old");
    let args = ["--paste-from", file.to_str().unwrap()];
    let (run, ()) = scene.login(&args, |url| fs::write(&file, long(&scene.platform.approve(url))).unwrap());
    let run = run.expect(0);
    assert!(run.err().contains("[Login] ✓ Organization set: solo"), "{run:?}");
    assert!(!run.err().contains("another login"), "what the file said before is of no interest: {run:?}");
}

#[test]
fn standard_input_is_a_road_too() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let mut command = scene.home.command("bash");
    command.args(["-c", "mkfifo pipe && exec seqera login --paste-from - < pipe"]);
    let url = scene.home.path().join("url");
    let pipe = scene.home.path().join("pipe");
    let done = std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for("the pipe is there", || pipe.exists());
            let mut write = fs::File::options().write(true).open(&pipe).unwrap();
            wait_for("the browser is opened", || url.exists());
            use std::io::Write;
            writeln!(write, "{}", scene.platform.approve(&scene.opened())).unwrap();
        });
        run(command, "")
    });
    assert!(done.expect(0).err().contains("[Login] ✓ Organization set: solo"));
}

#[test]
fn a_browser_that_fetches_its_last_page_twice_sees_the_same_page() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    let (run, (first, second)) = scene.login(&[], |url| {
        let address = scene.platform.approve(url);
        (http::get(&address, &[]).unwrap(), http::get(&address, &[]).unwrap())
    });
    run.expect(0);
    for page in [first, second] {
        assert!(
            page.body.contains("You are logged in") && page.body.contains("grace@example.org"),
            "{}",
            page.body
        );
    }
}

#[test]
fn without_a_browser_and_without_a_terminal_it_fails_at_once_with_the_ways_out() {
    let mut scene = Scene::new();
    scene.home.set("BROWSER", "");
    scene.home.set("SSH_CONNECTION", "198.51.100.7 50222 203.0.113.5 22");
    let run = scene.seqera(&["login"], "").expect(1);
    assert!(run.took < Duration::from_secs(20), "{run:?}");
    for way in ["--device", "--with-token", "--no-browser", "from a terminal"] {
        assert!(run.err().contains(way), "{way}: {run:?}");
    }
    scene.home.set("BROWSER", "/nonexistent/browser");
    scene.seqera(&["login"], "").expect(1);
    assert!(scene.is_logged_out());
}

#[test]
fn a_home_that_takes_no_login_is_found_before_the_browser_opens() {
    let scene = Scene::new();
    scene.home.write(".local/share/seqera-credential-helper", "not a folder");
    let run = scene.seqera(&["login"], "").expect(6);
    assert!(
        run.err().contains("a login cannot be kept in ") && run.err().contains("SEQERA_HELPER_HOME"),
        "{run:?}"
    );
    assert!(!scene.home.path().join("url").exists() && scene.platform.requests().is_empty());
}

/// As root, others are at hand.
#[test]
fn nothing_is_written_into_the_home_of_somebody_else() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tried: it takes root to be another user");
        return;
    }
    // `sudo -E`: root, in a home that is somebody's.
    let scene = Scene::new();
    chown(scene.home.path(), Some(54321), None).unwrap();
    let before = count(scene.home.path());
    let run = scene.seqera(&["login"], "").expect(7);
    assert!(
        run.err().contains("(uid 54321), and you are root here") && run.err().contains("sudo -H"),
        "{run:?}"
    );
    assert_eq!(count(scene.home.path()), before, "nothing was made");
    assert!(scene.platform.requests().is_empty());
    chown(scene.home.path(), Some(0), None).unwrap();

    // What such a sudo left: a store of root's, in the home of somebody who is not.
    let scene = Scene::new();
    let share = scene.home.path().join(".local/share/seqera-credential-helper/store");
    fs::create_dir_all(&share).unwrap();
    let copy = scene.home.path().join("copy");
    fs::copy(scene.home.bin().join("seqera"), &copy).unwrap();
    for entry in [
        scene.home.path().to_owned(),
        scene.home.path().join(".local"),
        scene.home.path().join(".local/share"),
    ] {
        chown(&entry, Some(54321), None).unwrap();
    }
    let mut command = scene.home.command("setpriv");
    command.args(["--reuid=54321", "--regid=54321", "--clear-groups", "--"]).arg(&copy).arg("login");
    let run = crate::support::home::run(command, "").expect(6);
    assert!(run.err().contains("belongs to root") && run.err().contains("sudo chown -R"), "{run:?}");
    assert!(run.err().contains(".local/share/seqera-credential-helper'"), "{run:?}");
    assert_eq!(fs::metadata(&share).unwrap().uid(), 0);
}

fn count(folder: &std::path::Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_server_that_fails_once_does_not_cost_a_whole_login() {
    let scene = Scene::new();
    scene.platform.sign_in("grace");
    scene.platform.fault_next(1, Endpoint::UserInfo, Fault::ServiceUnavailable);
    scene.login_and_allow(&[]).0.expect(0);
    assert!(scene.platform.all_faults_happened());
    assert_eq!(scene.platform.standings(), [Standing::Live]);
}

#[test]
fn a_port_for_root_alone_is_found_before_the_browser_opens() {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    if first.trim().parse().is_ok_and(|first: u16| first <= 80) {
        eprintln!("not tried: here everybody may listen on port 80");
        return;
    }
    let scene = Scene::new();
    let login = ["seqera", "login", "--port", "80"];
    let command = if rustix::process::geteuid().is_root() {
        let mut command = scene.home.command("setpriv");
        command.args(["--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service", "--"]).args(login);
        command
    } else {
        scene.command(&login[1..])
    };
    let run = crate::support::home::run(command, "").expect(1);
    assert!(run.err().contains("the system does not let you listen on port 80"), "{run:?}");
    assert!(run.err().contains("choose a higher one"), "{run:?}");
    assert!(!scene.home.path().join("url").exists(), "no browser was opened");
    assert!(scene.is_logged_out());
}

/// Root may write whatever modes say, but not there.
#[test]
fn a_home_that_is_mounted_to_be_read_only_is_found_before_the_browser_opens() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tried: it takes root to mount");
        return;
    }
    let all = "mount --bind . . && mount -o remount,bind,ro . && cd \"$PWD\"";
    let store = "mkdir -p .local/share && mount --bind .local/share .local/share \
        && mount -o remount,bind,ro .local/share";
    // In use already, and read-only since.
    let old = "git-credential-seqera store </dev/null; mkdir -p .local/state \
        && mount --bind .local/state .local/state && mount -o remount,bind,ro .local/state";
    for (mounts, login) in [
        (all, "login"),
        (all, "login --device"),
        (all, "login --with-token"),
        (all, "login --provider sekuire"),
        (store, "login"),
        (old, "login"),
    ] {
        let scene = Scene::new();
        let token = scene.platform.personal_token();
        let mut command = scene.home.command("unshare");
        command.args(["--mount", "sh", "-euc", &format!("{mounts}; exec seqera {login}")]);
        let run = crate::support::home::run(command, &token).expect(6);
        let case = format!("{mounts}, {login}: {run:?}");
        assert!(run.err().contains("a login cannot be kept in "), "{case}");
        assert!(run.err().contains("read-only") && run.err().contains("SEQERA_HELPER_HOME"), "{case}");
        assert!(!scene.home.path().join("url").exists() && scene.platform.requests().is_empty(), "{case}");
    }
}

#[test]
fn an_address_with_a_slip_in_it_is_told_the_slip() {
    let scene = Scene::new();
    for (endpoint, words) in [
        ("htps://tower.example/api", "htps:// instead of https://"),
        ("https://tower.example./api", "its host ends with a dot"),
    ] {
        let run = scene.seqera(&["login", "--endpoint", endpoint], "").expect(2);
        assert!(run.err().contains(words), "{run:?}");
    }
}

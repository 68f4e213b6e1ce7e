//! xonsh 0.13 takes what it has not read when a program ends for nothing.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use super::follow::Person;
use crate::support::login;

#[test]
fn what_is_for_xonsh_is_there_until_it_was_read() {
    let person = Person::new();
    login::with_token(&person.home, &person.platform, &[]);
    for args in [&["env", "--shell", "xonsh"][..], &["hook", "xonsh"], &["hook", "xonsh", "--off"]] {
        let start = || person.home.command("seqera").args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut unread = start();
        std::thread::sleep(Duration::from_millis(400));
        assert!(unread.try_wait().unwrap().is_none(), "{args:?} did not wait");
        let mut text = String::new();
        unread.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        assert!(unread.wait().unwrap().success() && !text.is_empty());

        let began = Instant::now();
        let mut never = start();
        assert!(never.wait().unwrap().success(), "{args:?}");
        assert!(began.elapsed() < Duration::from_secs(10), "{args:?} waits for ever");
    }
    // A shell that reads to the end is not kept waiting.
    let mut bash = person.home.command("seqera");
    let mut bash = bash.args(["env", "--shell", "bash"]).stdout(Stdio::piped()).spawn().unwrap();
    assert!(bash.wait().unwrap().success());
}

/// A program that does not wait loses an answer in ten to twenty, on a busy machine.
#[test]
fn xonsh_gets_every_answer() {
    let person = Person::new();
    let token = login::with_token(&person.home, &person.platform, &[]);
    let script = "lost = 0
for _ in range(40):
    for name in ('SEQERA_ENV', 'TOWER_ACCESS_TOKEN'):
        ${...}.pop(name, None)
    execx($(seqera env --shell xonsh))
    lost += ${...}.get('TOWER_ACCESS_TOKEN') is None
print(lost, ${...}.get('TOWER_ACCESS_TOKEN'))
";
    let script = person.home.write("often.xsh", script);
    let said = person.home.run("xonsh", &["--no-rc", script.to_str().unwrap()], "").ok();
    assert_eq!(said.trim(), format!("0 {token}"));
}

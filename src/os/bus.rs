//! The session bus, through which a keychain is asked.

use std::path::Path;

use super::env::{env_text, non_empty};
use super::ownership;
use super::paths;

/// Whether the session bus was started by us or by root, as far as can be seen: the client proves to a bus who it
/// is, and a bus proves nothing to the client.
pub fn is_ours() -> bool {
    match env_text("DBUS_SESSION_BUS_ADDRESS") {
        Some(addresses) => addresses.split(';').filter(|one| !one.is_empty()).all(is_own_address),
        // What the D-Bus specification says instead.
        None => match non_empty("XDG_RUNTIME_DIR") {
            Some(_) => is_in_runtime_dir(),
            None => {
                let uid = rustix::process::geteuid().as_raw();
                is_own_socket(Path::new(&format!("/run/user/{uid}/bus")))
            }
        },
    }
}

fn is_in_runtime_dir() -> bool {
    paths::runtime_dir().is_some_and(|dir| ownership::is_own_socket(&dir.join("bus")))
}

/// One address of the D-Bus specification, "Server Addresses".
fn is_own_address(address: &str) -> bool {
    let Some(parameters) = address.strip_prefix("unix:") else { return false };
    parameters.split(',').all(|parameter| match parameter.split_once('=') {
        Some(("path", path)) => is_own_socket(Path::new(&unescaped(path))),
        Some(("runtime", _)) => is_in_runtime_dir(),
        // A name that is nobody's file: the person who named it has chosen it.
        Some(("abstract" | "guid", _)) => true,
        _ => false,
    })
}

fn is_own_socket(path: &Path) -> bool {
    let is_in_runtime_dir = path.parent().map(Path::as_os_str) == non_empty("XDG_RUNTIME_DIR").as_deref();
    ownership::is_own_socket(path) && (!is_in_runtime_dir || paths::runtime_dir().is_some())
}

/// `%XX` is a byte.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let escaped = || u8::from_str_radix(std::str::from_utf8(more.get(..2)?).ok()?, 16).ok();
        let byte = if *first == b'%' { escaped() } else { None };
        rest = if byte.is_some() { &more[2..] } else { more };
        bytes.push(byte.unwrap_or(*first));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_unescaped_as_the_specification_says() {
        assert_eq!(unescaped("/tmp/a%20b%2fc"), "/tmp/a b/c");
        assert_eq!(unescaped("/tmp/%"), "/tmp/%");
        assert_eq!(unescaped("/tmp/%zz"), "/tmp/%zz");
    }

    #[test]
    fn a_bus_that_nobody_can_vouch_for_is_not_ours() {
        for address in ["tcp:host=127.0.0.1,port=1", "unixexec:path=/bin/sh", "nonsense", "unix:what=/x"] {
            assert!(!is_own_address(address), "{address}");
        }
        assert!(is_own_address("unix:abstract=/tmp/dbus-x,guid=0"));
    }
}

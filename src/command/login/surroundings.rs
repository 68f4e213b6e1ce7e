//! Is a browser that is opened here in front of the person?

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::Path;

/// Where this process runs, as far as it matters to a browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surroundings {
    /// Why a browser opened here would be in front of nobody.
    pub obstacle: Option<&'static str>,
    /// What to type on the person's own computer so that its browser can come back here.
    pub forward: Option<Forward>,
}

/// The other end of an SSH connection, as the person reaches us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    port: u16,
    to: String,
}

impl Forward {
    /// The exact line for a loopback `port` here.
    pub fn line(&self, port: u16) -> String {
        let ssh_port = if self.port == 22 { String::new() } else { format!(" -p {}", self.port) };
        format!("ssh -N -L {port}:127.0.0.1:{port}{ssh_port} {}", self.to)
    }
}

impl Surroundings {
    /// Looks around in this process's environment.
    pub fn look(env: impl Fn(&str) -> Option<OsString>, has_display: bool) -> Surroundings {
        let set = |names: &[&str]| names.iter().any(|name| env(name).is_some());
        let contained = set(&["container"])
            || ["/.dockerenv", "/run/.containerenv"].iter().any(|file| Path::new(file).exists());
        let obstacle = if set(&["SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"]) {
            Some("you are here over SSH")
        } else if set(&["CODESPACES", "REMOTE_CONTAINERS", "VSCODE_IPC_HOOK_CLI"]) {
            Some("your editor is on another computer")
        } else if set(&["WSL_DISTRO_NAME", "WSL_INTEROP"]) {
            // Windows opens it, and what listens here is reachable from there.
            None
        } else if contained {
            Some("this is a container")
        } else if !has_display {
            Some("there is no screen here")
        } else {
            None
        };
        Surroundings { obstacle, forward: forward(&env) }
    }
}

/// From `SSH_CONNECTION` (client address and port, server address and port; ssh(1)).
fn forward(env: impl Fn(&str) -> Option<OsString>) -> Option<Forward> {
    let connection = env("SSH_CONNECTION")?.into_string().ok()?;
    let [_, _, host, port] = connection.split(' ').collect::<Vec<_>>()[..] else { return None };
    let host: IpAddr = host.split('%').next()?.parse().ok()?;
    let user = env("USER").or_else(|| env("LOGNAME")).and_then(|user| user.into_string().ok());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let user = user.filter(|user| !user.starts_with('-') && !user.is_empty() && user.chars().all(plain));
    let to = user.map_or_else(|| host.to_string(), |user| format!("{user}@{host}"));
    Some(Forward { port: port.parse().ok()?, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(variables: &[(&str, &str)], has_display: bool) -> Surroundings {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into());
        Surroundings::look(find, has_display)
    }

    #[test]
    fn the_way_back_over_ssh_is_an_exact_line() {
        let line = |variables: &[(&str, &str)]| seen(variables, true).forward.map(|f| f.line(53682));
        let connection = ("SSH_CONNECTION", "198.51.100.7 50222 203.0.113.5 22");
        let here = "ssh -N -L 53682:127.0.0.1:53682";
        assert_eq!(line(&[connection, ("USER", "ada")]), Some(format!("{here} ada@203.0.113.5")));
        assert_eq!(line(&[connection]), Some(format!("{here} 203.0.113.5")));
        assert_eq!(line(&[connection, ("USER", "$(x)")]), Some(format!("{here} 203.0.113.5")));
        let v6 = ("SSH_CONNECTION", "fe80::1%eth0 1 2001:db8::5 2222");
        assert_eq!(line(&[v6, ("LOGNAME", "ada")]), Some(format!("{here} -p 2222 ada@2001:db8::5")));
        for bad in ["", "a b", "1 2 $(x) 22", "1 2 203.0.113.5 x"] {
            assert_eq!(line(&[("SSH_CONNECTION", bad)]), None, "{bad}");
        }
    }

    #[test]
    fn a_browser_is_only_opened_where_somebody_sees_it() {
        let obstacle = |variables: &[(&str, &str)], display| seen(variables, display).obstacle;
        assert!(obstacle(&[("SSH_TTY", "/dev/pts/1")], true).is_some());
        assert!(obstacle(&[("CODESPACES", "true")], true).is_some());
        assert!(obstacle(&[("container", "podman")], true).is_some());
        assert!(obstacle(&[("WSL_DISTRO_NAME", "Debian")], false).is_none());
        assert!(obstacle(&[], false).is_some());
    }
}

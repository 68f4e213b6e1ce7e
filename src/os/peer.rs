//! Who is at the other end of a connection on this machine.

use std::net::SocketAddr;

/// Whether another user of this machine made the connection between `theirs` and `ours`: surely another, neither
/// ourselves nor root. For root everybody is at home here, and where the system does not say, nobody is another.
pub fn is_another_user(theirs: SocketAddr, ours: SocketAddr) -> bool {
    platform::owner(theirs, ours).is_some_and(|owner| {
        let us = platform::us();
        us != 0 && owner != us && owner != 0
    })
}

#[cfg(target_os = "linux")]
mod platform {
    use std::fs::File;
    use std::io::{BufRead, BufReader, Read};
    use std::net::{IpAddr, SocketAddr};

    /// A machine has fewer connections than fit in this.
    const LIMIT: u64 = 16 << 20;

    pub fn us() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    /// The owner of the other end, by the kernel's table of connections (proc(5)).
    pub fn owner(theirs: SocketAddr, ours: SocketAddr) -> Option<u32> {
        let mapped = |address: SocketAddr| match address.ip() {
            IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
            IpAddr::V6(_) => address,
        };
        // A browser may well speak to an IPv4 address through an IPv6 socket.
        find("/proc/net/tcp", theirs, ours).or_else(|| find("/proc/net/tcp6", mapped(theirs), mapped(ours)))
    }

    fn find(table: &str, theirs: SocketAddr, ours: SocketAddr) -> Option<u32> {
        let (theirs, ours) = (shown(theirs), shown(ours));
        let lines = BufReader::new(File::open(table).ok()?.take(LIMIT)).lines();
        lines.map_while(Result::ok).find_map(|line| owner_in(&line, &theirs, &ours))
    }

    pub(super) fn owner_in(line: &str, theirs: &str, ours: &str) -> Option<u32> {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let ends = fields.next()? == theirs && fields.next()? == ours;
        // State, queues, timer and retransmissions stand between.
        ends.then(|| fields.nth(4)?.parse().ok()).flatten()
    }

    /// As the kernel writes it: words of 32 bits in the machine's own order.
    pub(super) fn shown(address: SocketAddr) -> String {
        let bytes = match address.ip() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        let word = |word: &[u8]| format!("{:08X}", u32::from_ne_bytes([word[0], word[1], word[2], word[3]]));
        let words: String = bytes.chunks_exact(4).map(word).collect();
        format!("{words}:{:04X}", address.port())
    }
}

#[cfg(not(target_os = "linux"))]
mod platform {
    use std::net::SocketAddr;

    pub fn us() -> u32 {
        0
    }

    pub fn owner(_: SocketAddr, _: SocketAddr) -> Option<u32> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn both_ends_of_our_own_connection_are_ours() {
        for host in ["127.0.0.1", "::1"] {
            let Ok(listener) = TcpListener::bind((host, 0)) else { continue };
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (theirs, ours) = (stream.local_addr().unwrap(), stream.peer_addr().unwrap());
            assert_eq!(platform::owner(theirs, ours), Some(platform::us()), "{host}");
            assert!(!is_another_user(theirs, ours));
        }
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_line_of_the_table_is_read() {
        let (theirs, ours) = ("127.0.0.1:51000".parse().unwrap(), "127.0.0.1:53682".parse().unwrap());
        let line = "   1: 0100007F:C738 0100007F:D1B2 01 00000000:00000000 00:00000000 00000000  1001        0 12345 1 x";
        let owner = |line: &str| platform::owner_in(line, &platform::shown(theirs), &platform::shown(ours));
        assert_eq!(owner(line), Some(1001));
        assert_eq!(owner(&line.replace("D1B2", "D1B3")), None);
        assert_eq!(owner(""), None);
        assert_eq!(platform::shown("[::1]:1".parse().unwrap()), "00000000000000000000000001000000:0001");
    }
}

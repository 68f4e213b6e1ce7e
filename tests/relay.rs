//! The relay: by itself, between a client and a server that a test scripts; and as the commands use it.

mod docs;
mod faults;
mod live;
mod passage;
mod refusals;
mod renewal;
mod streams;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod vendor;
mod wire;

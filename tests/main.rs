//! Everything the programs promise, shown by driving the built programs. One file a capability.

#![allow(clippy::disallowed_methods, clippy::disallowed_macros)]
mod oauth;
mod platform;
mod shell;
mod support;

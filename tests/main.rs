//! Everything the programs promise, shown by driving the built programs. One file a capability.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

mod conformance;
mod docker;
mod generated;
mod git;
mod keychain;
mod oauth;
mod platform;
mod sekuire;
mod shell;
mod support;

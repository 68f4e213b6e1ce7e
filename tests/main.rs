//! Everything the programs promise, shown by driving the built programs. One file a capability.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

mod bad_input;
mod configure;
mod conformance;
mod docker;
mod generated;
mod git;
mod keychain;
mod login;
mod oauth;
mod platform;
mod refresh;
mod sekuire;
mod shell;
mod store;
mod support;

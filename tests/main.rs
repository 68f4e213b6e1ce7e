//! Everything the programs promise, shown by driving the built programs. One file a capability.
#![allow(clippy::disallowed_macros, clippy::disallowed_methods)]

mod account;
mod bad_input;
mod completions;
mod configure;
mod conformance;
mod docker;
mod doctor;
mod exec;
mod generated;
mod git;
mod handover;
mod install;
mod keychain;
mod login;
mod oauth;
mod platform;
mod profile;
mod refresh;
mod relay;
mod sekuire;
mod shell;
mod status;
mod store;
mod support;
mod vendor;

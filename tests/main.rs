//! Everything the programs promise, shown by driving the built programs. One file a capability.

mod oauth;
mod support;

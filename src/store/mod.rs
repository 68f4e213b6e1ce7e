//! Where secrets rest.

pub mod file;

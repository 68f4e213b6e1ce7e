//! Placeholder while the refresh tests are written.

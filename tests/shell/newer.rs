//! Shells that are newer than a stable Debian's.

//! A hermetic home for each test, and what starts the real parts.

//! The `holo` program: one file per verb.
fn main() {}

//! A machine that only pretends, for testing the harness's own logic.

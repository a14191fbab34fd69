//! Two-phase rebuilds and the watchdog that settles them.

mod appliance;
mod damage;
mod interleaving;
mod marker;
mod order;
mod persisting;
mod power;
mod timeout;

use harness::Suite;

pub const SUITE: Suite = Suite {
    target: "appliance",
    name: "rollback",
    checks: &[
        order::MARKER_COMPLETE,
        power::TEST_NOT_PERSISTED,
        persisting::PERSIST_WHEN_VERIFIED,
        timeout::ROLLBACK_ON_TIMEOUT,
        timeout::NOT_TOO_EARLY,
        persisting::VERIFIED_AFTER_ACTIVATION,
        persisting::VERIFIED_MEANS_HEALTHY,
        timeout::INDEPENDENT_OF_AGENT,
        order::FAILED_BUILD,
        persisting::FAILED_SWITCH,
        damage::GARBAGE_MARKER,
        damage::PREVIOUS_MISSING,
        order::SECOND_ORDER,
        timeout::CLOCK_STEP,
        power::POWER_CUT_ANYWHERE,
        damage::DISK_FULL,
        interleaving::ANY_INTERLEAVING,
    ],
};

/// The reference's own programs, for mutants to change.
const AGENT: &str = "/usr/local/libexec/compliance-agent";
const ORDER: &str = "/usr/local/bin/appliance-order";
const REBUILD: &str = "/usr/local/libexec/msp-rebuild";
const WATCHDOG: &str = "/usr/local/libexec/msp-rebuild-watchdog";

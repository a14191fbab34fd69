//! What the machine says it is, to programs that look before they trust it.

mod nix;
mod os_release;
mod password;

use harness::Suite;

pub const SUITE: Suite = Suite {
    target: "omarchy",
    name: "identity",
    checks: &[os_release::OS_RELEASE, password::PASSWORD_POLICY, nix::NIX_READABLE],
};

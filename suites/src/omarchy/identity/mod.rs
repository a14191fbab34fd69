//! What the machine says it is, to programs that look before they trust it.

mod nix;
mod os_release;
mod password;

use harness::{Check, Suite};

pub const SUITE: Suite = Suite::new("omarchy", "identity", |_| Ok(checks()));

fn checks() -> Vec<Check> {
    vec![os_release::os_release(), password::password_policy(), nix::nix_readable()]
}

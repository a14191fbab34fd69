//! What the machine says it is, to programs that look before they trust it.

mod nix;
mod os_release;
mod password;

use harness::{Check, Settings, SettingsError, Suite};

use super::settings::Omarchy;
use super::user::with_user;

pub const SUITE: Suite = Suite::new("omarchy", "identity", checks).with_table::<Omarchy>();

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    settings.read::<Omarchy>()?;
    Ok(with_user(vec![os_release::os_release(), password::password_policy(), nix::nix_readable()]))
}

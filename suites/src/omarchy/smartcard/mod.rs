//! The smart card daemon, its clients of another architecture, and the card.

mod access;
mod card;
mod client;
mod daemon;
mod host_client;
mod object;
mod piv;
mod plist;
mod pulled;
mod reader;
mod settings;
mod signature;
mod symlink;
mod token;
mod tool;
mod usb;

use harness::{Check, Settings, SettingsError, Suite};
use settings::SmartCard;

use super::settings::Omarchy;
use super::user::with_user;

pub const SUITE: Suite = Suite::new("omarchy", "smartcard", checks)
    .with_tables::<Omarchy, SmartCard>()
    .furnishing(|trial, machine| Box::pin(reader::furnish(trial, machine)));

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    settings.read::<SmartCard>()?;
    let omarchy = settings.read::<Omarchy>()?;
    Ok(with_user(vec![
        daemon::socket_activated(&omarchy),
        symlink::symlink_at_boot(&omarchy),
        symlink::symlink_survives(),
        access::connect_through_symlink(&omarchy),
        access::no_polkit_refusal(),
        plist::ccid_plist(&omarchy),
        usb::ccid_reader_appears(),
        card::reader_and_atr(),
        object::pkcs11_object(&omarchy),
        signature::sign_and_verify(),
        card::wrong_pin(),
        pulled::card_pulled(),
    ]))
}

const DAEMON_SOCKET: &str = "pcscd.socket";

const DAEMON: &str = "pcscd.service";

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

pub const SUITE: Suite = Suite::new("omarchy", "smartcard", checks)
    .with_table::<SmartCard>()
    .furnishing(|trial, machine| Box::pin(reader::furnish(trial, machine)));

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    settings.read::<SmartCard>()?;
    Ok(vec![
        daemon::socket_activated(),
        symlink::symlink_at_boot(),
        symlink::symlink_survives(),
        access::connect_through_symlink(),
        access::no_polkit_refusal(),
        plist::ccid_plist(),
        usb::ccid_reader_appears(),
        card::reader_and_atr(),
        object::pkcs11_object(),
        signature::sign_and_verify(),
        card::wrong_pin(),
        pulled::card_pulled(),
    ])
}

/// Where the daemon listens.
const SOCKET: &str = "/run/pcscd/pcscd.comm";

/// Where clients of another architecture look.
const SYMLINK: &str = "/run/pcscd/pcscd";

const DAEMON_SOCKET: &str = "pcscd.socket";

const DAEMON: &str = "pcscd.service";

/// What has the link made at every boot.
const TMPFILES: &str = "/etc/tmpfiles.d/pcscd-symlink.conf";

/// The reader that is always there: a card of software can be put into it.
const READER: &str = "Virtual PCD";

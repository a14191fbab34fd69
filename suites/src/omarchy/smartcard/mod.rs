//! The smart card daemon, its clients of another architecture, and the card.

mod access;
mod card;
mod client;
mod daemon;
mod object;
mod piv;
mod plist;
mod pulled;
mod signature;
mod symlink;
mod usb;

use harness::Suite;

pub const SUITE: Suite = Suite {
    target: "omarchy",
    name: "smartcard",
    checks: &[
        daemon::SOCKET_ACTIVATED,
        symlink::SYMLINK_AT_BOOT,
        symlink::SYMLINK_SURVIVES,
        access::CONNECT_THROUGH_SYMLINK,
        access::NO_POLKIT_REFUSAL,
        plist::CCID_PLIST,
        usb::CCID_READER_APPEARS,
        card::READER_AND_ATR,
        object::PKCS11_OBJECT,
        signature::SIGN_AND_VERIFY,
        card::WRONG_PIN,
        pulled::CARD_PULLED,
    ],
};

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

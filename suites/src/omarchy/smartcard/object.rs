//! The card's certificate as a PKCS#11 object, for x86_64 programs that ask p11-kit for modules.

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use super::reader::{insert, token};
use crate::omarchy::{as_user, document};

/// The user's own configuration of p11-kit.
const MODULE: &str = "/home/user/.config/pkcs11/modules/opensc.module";

pub fn pkcs11_object() -> Check {
    Check::must(
        "smartcard.pkcs11-object",
        document("Critical Path for pcscd"),
        "The x86_64 OpenSC module, found through p11-kit by `~/.config/pkcs11/modules/opensc.module`, lists \
         the PIV authentication certificate.",
        pkcs11_object_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant("module file missing", [Edit::remove(MODULE)])
    .mutant(
        "module path of the wrong architecture",
        [Edit::replace(
            MODULE,
            "/opt/library-layer/usr/lib/x86_64-linux-gnu/",
            "/usr/lib/aarch64-linux-gnu/",
        )],
    )
    .mutant(
        "mode 0600 root",
        [Edit::run(
            "cd /home/user/.config/pkcs11/modules && chown root: opensc.module && chmod 600 opensc.module",
        )],
    )
}

/// An x86_64 program as a wrapper would start it. It loads p11-kit's proxy, which loads what p11-kit is told to.
const LIST: &str = "HOME=/home/user && . /usr/local/lib/library-layer/environment && \
    exec $layer/usr/bin/pkcs11-tool --module $layer/$libraries/libp11-kit.so.0 --list-objects --type cert";

async fn pkcs11_object_holds(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let token = token(trial).await?;
    let _card = insert(trial, &token, &*machine).await?;
    let listed = machine.run(&as_user(LIST)).await?;
    let found = listed.success() && listed.text().contains("Certificate for PIV Authentication");
    expect(found, "p11-kit's proxy lists the certificate for PIV authentication", listed)
}

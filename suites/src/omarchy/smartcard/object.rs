//! The card's certificate as a PKCS#11 object, for x86_64 programs that ask p11-kit for modules.

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use super::reader::{insert, token};
use crate::omarchy::document;
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn pkcs11_object(omarchy: &Omarchy) -> Check {
    // The user's own configuration of p11-kit.
    let modules = format!("{}/.config/pkcs11/modules", omarchy.home());
    let module = format!("{modules}/opensc.module");
    Check::must(
        "smartcard.pkcs11-object",
        document("Critical Path for pcscd"),
        "The x86_64 OpenSC module, found through p11-kit by `~/.config/pkcs11/modules/opensc.module`, lists \
         the PIV authentication certificate.",
        pkcs11_object_holds,
    )
    .needs([Need::Undo, Need::Sockets, Need::Token])
    .mutant("module file missing", [Edit::remove(module.clone())])
    .mutant(
        "module path of the wrong architecture",
        [Edit::replace(module, format!("{}/", omarchy.library.layer), "/usr/lib/aarch64-linux-gnu/")],
    )
    .mutant(
        "mode 0600 root",
        [Edit::run(format!("cd {modules} && chown root: opensc.module && chmod 600 opensc.module"))],
    )
}

async fn pkcs11_object_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let token = token(trial).await?;
    let _card = insert(trial, &token, &*machine).await?;
    let tool = &omarchy.program.pkcs11_tool;
    let list = format!("HOME={} && {tool} --list-objects --type cert", omarchy.home());
    let listed = machine.run(&omarchy.as_user(&list)).await?;
    let found = listed.success() && listed.text().contains("Certificate for PIV Authentication");
    expect(found, "p11-kit's proxy lists the certificate for PIV authentication", listed)
}

//! Target `omarchy`: an aarch64 machine that runs x86_64 programs through an interpreter on a share.

pub mod binfmt;
pub mod identity;
pub mod openssl;
mod process;
mod programs;
pub mod provision;
mod running;
pub mod session;
mod settings;
pub mod smartcard;
mod unit;
mod user;
mod wrapper;

use std::time::Duration;

use harness::machine::{COMMAND_LIMIT, quoted};
use harness::{Edit, Machine, MachineError, Source, Text};

/// A section of the document that describes the target.
fn document(section: &'static str) -> Source {
    Source::new("omarchy-architecture.md", section)
}

/// Has systemd of a running machine take over what its unit files say now.
const DAEMON_RELOAD: Edit = Edit::Run { command: Text::Borrowed("systemctl daemon-reload") };

/// A password that the policy lets the user have.
const COMPLIANT: &str = "Violet+Anchor+38+Pebble";

/// Waits, as long as this many seconds of the guest's own time, until a command succeeds, and tells whether
/// it did. For what nothing announces: the guest tries again and again.
async fn within(machine: &dyn Machine, seconds: u32, command: &str) -> Result<bool, MachineError> {
    // In a fiftieth of the limit, what is waited for hardly gets older, and asking costs it little.
    let pause = f64::from(seconds) / 50.0;
    let again = format!("until {command} 2>/dev/null; do sleep {pause}; done");
    let bounded = format!("timeout {seconds} sh -c {}", quoted(&again));
    Ok(machine.run_within(&bounded, limit(seconds)).await?.success())
}

/// How long so many seconds of the guest's own time may take. A busy guest's are long ones: it executes a billion
/// instructions in each.
fn limit(seconds: u32) -> Duration {
    Duration::from_secs(u64::from(seconds)) * 40 + COMMAND_LIMIT
}

#[cfg(test)]
mod tests {
    use crate::CATALOGUE;

    /// All that a machine may have otherwise, as one has it.
    const OWN: &str = "
        [omarchy]
        user = 'andreym'
        uid = 1001
        share = '/media/translation'
        drive = 'mac'
        handler = 'translation'
        [omarchy.unit]
        share = 'shares.service'
        watcher = 'translation.path'
        registrar = 'translation.service'
        device_broker = 'device.service'
        agent = 'compliance.service'
        timer = 'compliance.timer'
        keyring = 'keyring.service'
        [omarchy.wrapper]
        portal = '/own/portal'
        agent = '/own/agent'
        user_broker = '/own/user-broker'
        device_broker = '/own/device-broker'
        [omarchy.library]
        layer = '/own/lib'
        openssl = '/own/openssl'
        system = '/own/system'
        [omarchy.program]
        busybox = '/own/busybox'
        shell = '/own/shell'
        opensc_tool = '/own/opensc-tool'
        pkcs11_tool = 'pkcs11-tool --module /own/proxy.so'
        translator = '/own/translator'
        [omarchy.pcscd]
        socket = '/run/own/socket'
        link = '/run/own/link'
        reader = 'Own'
        [omarchy.file]
        handler = '/own/translation.conf'
        share = '/own/shares'
        link = '/own/link.conf'
        add_reader = '/own/add-reader'
        reload = '/own/reload'
        environment = '/own/environment'
        ";

    #[test]
    fn what_a_machine_has_otherwise_is_so_in_every_check() {
        let settings = crate::settings(OWN);
        let suites = CATALOGUE.iter().filter(|suite| suite.target == "omarchy");
        let checks: Vec<String> = suites
            .flat_map(|suite| suite.checks(&settings).unwrap())
            .map(|check| format!("{check:#?}"))
            .collect();
        let ours = [
            "/home/user",
            "--reuid=user",
            "chown user",
            "/run/user/1000",
            "user@1000",
            "/mnt/psf",
            "prltoolsd",
            "rosetta-binfmt",
            "/etc/binfmt.d/",
            "`rosetta`",
            "broker.service",
            "intune-agent.",
            "gnome-keyring-daemon",
            "/usr/local/",
            "/opt/",
            "/run/pcscd/pcscd.comm",
            "pcscd-symlink",
            "Virtual PCD",
        ];
        for word in ours {
            let found: Vec<&String> = checks.iter().filter(|check| check.contains(word)).collect();
            assert!(found.is_empty(), "{word}: {found:#?}");
        }
        for word in ["/home/andreym/", "chown andreym:", "/media/translation", "/own/user-broker"] {
            assert!(checks.iter().any(|check| check.contains(word)), "{word}");
        }
    }
}

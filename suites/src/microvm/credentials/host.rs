//! The host stage: from secrets to the command line of a hypervisor.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use harness::machine::qemu::Vm;
use harness::machine::quoted;
use harness::target::Convention;
use harness::{Machine, MachineError, Outcome, Stop, Trial, expect, violated};

use super::HOST;
use super::chain::Order;
use super::frontend::{Frontend, Recorded};

/// Where secrets lie, decrypted (microvm-credential-loading.md, phase 1).
pub const SECRETS: &str = "/run/secrets/vars/test-vm-secrets";

/// Installs them there, and what it takes them from: the stand-in for SOPS.
pub const INSTALLER: &str = "test-vm-secrets.service";
const DECRYPTED: &str = "/run/sops/test-vm-secrets";

/// Runs the hypervisor (phase 3).
pub const UNIT: &str = "microvm@test-vm.service";

/// What the runner reads of the microVM's configuration.
const CONFIGURATION: &str = "/etc/microvms/test-vm.conf";

/// More credentials than the documented three are loaded by a drop-in.
const DROP_IN: &str = "/run/systemd/system/microvm@test-vm.service.d/ordered.conf";

/// What the recorder that stands for the hypervisor has seen.
const RECORD: &str = "/run/microvms/test-vm/record";

/// The host, with an order to carry out.
pub struct Host {
    pub machine: Arc<Vm>,
    frontend: Frontend,
}

impl Host {
    /// A host that has the secrets of an order and the configuration that sends them.
    pub async fn with(trial: &Trial, order: &Order) -> Result<Host, Stop> {
        let machine = trial.stage(HOST)?.machine().await?;
        let mut host = Host { machine, frontend: order.frontend };
        host.give(order).await?;
        Ok(host)
    }

    /// Has the secrets of an order decrypted and installed, and the microVM configured for it.
    pub async fn give(&mut self, order: &Order) -> Result<(), MachineError> {
        for credential in order.credentials.iter().filter(|credential| credential.there) {
            let path = Path::new(DECRYPTED).join(&credential.name);
            self.machine.write(&path, &credential.value, 0o600).await?;
        }
        self.machine.write(Path::new(CONFIGURATION), configuration(order).as_bytes(), 0o644).await?;
        if let Some(drop_in) = drop_in(order) {
            self.machine.write(Path::new(DROP_IN), drop_in.as_bytes(), 0o644).await?;
            self.machine.succeed("systemctl daemon-reload").await?;
        }
        self.machine.succeed(&format!("systemctl start {INSTALLER}")).await?;
        self.frontend = order.frontend;
        Ok(())
    }

    /// What the installer and the runner have said.
    pub async fn said(&self) -> Result<String, MachineError> {
        let command = format!("journalctl --merge --output=cat --unit={INSTALLER} --unit={UNIT}");
        self.machine.succeed(&command).await
    }

    /// Starts the microVM, up to where its hypervisor runs.
    pub async fn start(&self) -> Outcome {
        let started = self.machine.run(&format!("systemctl start {UNIT}")).await?;
        expect(started.success(), format!("{UNIT} starts"), started)
    }

    /// The command line with which the hypervisor was started, and the files that it names.
    pub async fn recorded(&self) -> Result<Recorded, Stop> {
        let mut files = BTreeMap::new();
        let words = self.machine.read(Path::new(&format!("{RECORD}/arguments"))).await?;
        let names = self.machine.read(Path::new(&format!("{RECORD}/files"))).await?;
        for (number, name) in nul_separated(&names).into_iter().enumerate() {
            let content = self.machine.read(Path::new(&format!("{RECORD}/file-{number}"))).await?;
            files.insert(name, content);
        }
        Ok(Recorded { words: nul_separated(&words), files })
    }

    /// The OEM strings that the hypervisor was given, in order.
    pub async fn strings(&self) -> Result<Vec<Vec<u8>>, Stop> {
        let recorded = self.recorded().await?;
        self.frontend.strings(&recorded).or_else(|reason| violated("a list of OEM strings", reason))
    }
}

fn configuration(order: &Order) -> String {
    let (hypervisor, form) = match order.frontend {
        Frontend::QemuValue => ("qemu-system-x86_64", "value"),
        Frontend::QemuFile => ("qemu-system-x86_64", "file"),
        Frontend::CloudHypervisor => ("cloud-hypervisor", "value"),
    };
    let convention = match order.convention {
        Convention::Plain => "plain",
        Convention::Host => "host",
    };
    let names: Vec<&str> = order.credentials.iter().map(|credential| credential.name.as_str()).collect();
    let fixed: Vec<String> = order.fixed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "HYPERVISOR={hypervisor}\nFORM={form}\nCONVENTION={convention}\nCREDENTIALS={}\nSTATIC={}\n",
        quoted(&names.join(" ")),
        quoted(&fixed.join(" ")),
    )
}

/// Loads what the documented unit does not.
fn drop_in(order: &Order) -> Option<String> {
    let documented = ["api-key", "db-password", "jwt-secret"];
    let more = order.credentials.iter().filter(|credential| !documented.contains(&credential.name.as_str()));
    let lines: String = more
        .map(|credential| {
            let name = &credential.name;
            format!("LoadCredential=host-{name}:{SECRETS}/{name}\nSetCredential=host-{name}:\\x00\n")
        })
        .collect();
    (!lines.is_empty()).then(|| format!("[Service]\n{lines}"))
}

fn nul_separated(bytes: &[u8]) -> Vec<Vec<u8>> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

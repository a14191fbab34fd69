//! All that the credentials suite relies on of a host that starts microVMs, and of their guests.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::settings::Convention;
use crate::plain;

/// What a target file says of the host. What it does not say is as the document has it (microvm-credential-loading.md,
/// phases 1 to 5), or as the reference has it where the document is silent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Host {
    /// The unit that starts the microVM's runner, which starts its hypervisor.
    pub unit: String,
    /// Whom the hypervisor runs as.
    pub user: String,
    pub group: String,
    /// Where the decrypted secrets lie, one file each.
    pub secrets: PathBuf,
    /// What the unit's name for a secret has before the secret's own.
    pub prefix: String,
    /// A unit that installs the secrets there, when it is started, from the files in `decrypted`: it stands for what
    /// decrypts them.
    pub installer: String,
    pub decrypted: PathBuf,
    /// Where the runner looks for its hypervisor, if that is not `cloud-hypervisor` or `qemu-system-x86_64` on its
    /// PATH, such as in a store: what records the command line is put there. The file is called as its program is.
    pub hypervisors: Vec<PathBuf>,
    pub ask: Ask,
}

/// Variables of the unit's environment by which the runner can be asked for what it is not configured for. It is
/// asked for nothing that has no variable here, and a check that needs it is skipped. No document names any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ask {
    /// `cloud-hypervisor` or `qemu-system-x86_64`: what it starts.
    pub hypervisor: Option<String>,
    /// How QEMU is given strings: `value`, each an argument, or `file`, each a file in `$RUNTIME_DIRECTORY`, which is
    /// then a directory of the unit's own.
    pub form: Option<String>,
    /// `plain` or `host`, as `convention` says.
    pub convention: Option<String>,
    /// Names of secrets to send, with spaces between them. The unit loads them as it loads its own.
    pub secrets: Option<String>,
    /// What is sent as it is, `NAME=value` each, with spaces between them.
    #[serde(rename = "static")]
    pub fixed: Option<String>,
}

/// What a target file says of the guests (microvm-credential-loading.md, phase 7).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guest {
    /// The service that loads each secret under the secret's own name, where they are sent under plain names.
    pub plain: String,
    /// The same, where they are sent under the names of the host.
    pub host: String,
    /// Whom both run as.
    pub user: String,
    /// A service of another user, which loads none of them.
    pub other: String,
}

impl Default for Host {
    fn default() -> Self {
        Host {
            unit: "microvm@test-vm.service".into(),
            user: "microvm".into(),
            group: "kvm".into(),
            secrets: "/run/secrets/vars/test-vm-secrets".into(),
            prefix: "host-".into(),
            installer: "test-vm-secrets.service".into(),
            decrypted: "/run/sops/test-vm-secrets".into(),
            hypervisors: Vec::new(),
            ask: Ask::default(),
        }
    }
}

impl Default for Guest {
    fn default() -> Self {
        Guest {
            plain: "demo-oem-credentials.service".into(),
            host: "demo-host-credentials.service".into(),
            user: "demo-svc-user".into(),
            other: "other.service".into(),
        }
    }
}

impl Host {
    /// Where systemd puts the credentials of the unit.
    pub fn loaded(&self) -> String {
        format!("/run/credentials/{}", self.unit)
    }

    pub fn validate(&self) -> Result<(), String> {
        let places = [("secrets", &self.secrets), ("decrypted", &self.decrypted)];
        let hypervisors = self.hypervisors.iter().map(|path| ("hypervisors", path));
        plain::paths("credentials.host", places.into_iter().chain(hypervisors))?;
        if let Some(path) = self.hypervisors.iter().find(|path| !names_a_hypervisor(path)) {
            return Err(format!(
                "credentials.host.hypervisors = {path:?}: its name has to say which it is: cloud-hypervisor or qemu"
            ));
        }
        let names = [
            ("unit", &self.unit),
            ("user", &self.user),
            ("group", &self.group),
            ("installer", &self.installer),
        ];
        let prefix = Some(("prefix", &self.prefix)).filter(|(_, prefix)| !prefix.is_empty());
        plain::names("credentials.host", names.into_iter().chain(prefix))?;
        let Ask { hypervisor, form, convention, secrets, fixed } = &self.ask;
        let variables = [hypervisor, form, convention, secrets, fixed].into_iter().flatten();
        for variable in variables {
            let letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if variable.is_empty() || !variable.chars().all(letter) {
                return Err(format!("credentials.host.ask: {variable:?} is no name of a variable"));
            }
        }
        Ok(())
    }
}

impl Guest {
    /// The service that consumes what is sent under the names of this convention.
    pub fn consumer(&self, convention: Convention) -> &str {
        match convention {
            Convention::Plain => &self.plain,
            Convention::Host => &self.host,
        }
    }

    pub fn validate(&self) -> Result<(), String> {
        plain::names(
            "credentials.guest",
            [("plain", &self.plain), ("host", &self.host), ("user", &self.user), ("other", &self.other)],
        )
    }
}

fn names_a_hypervisor(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy());
    name.is_some_and(|name| name.contains("cloud-hypervisor") || name.contains("qemu"))
}

//! All that the suites of this target rely on of a machine, beyond what its document and its programs have for everybody.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use harness::{Stop, Table, Trial};
use serde::Deserialize;

use super::unit;
use crate::plain;

/// What a target file says of the machine. What it does not say is as the document has it (omarchy-architecture.md), or
/// as the reference has it where the document is silent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Omarchy {
    /// Whose desktop it is: an ordinary user.
    pub user: String,
    pub uid: u32,
    /// Called as the user, if nothing is said.
    pub group: Option<String>,
    /// Below `/home`, if nothing is said.
    pub home: Option<String>,
    /// Where the share with the interpreter is mounted.
    pub share: String,
    /// The target's drive that stands for the share.
    pub drive: String,
    /// `rosetta` on the share, if nothing is said.
    pub interpreter: Option<String>,
    /// The interpreter's name in binfmt_misc.
    pub handler: String,
    pub unit: Units,
    pub wrapper: Wrappers,
    pub library: Libraries,
    pub program: Programs,
    pub pcscd: Pcscd,
    pub file: Files,
}

/// Names of units.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Units {
    /// Has the share mounted before it is active.
    pub share: String,
    /// As systemd calls it after its path, if nothing is said.
    pub mount: Option<String>,
    /// Waits for the interpreter, and starts what registers it.
    pub watcher: String,
    pub registrar: String,
    pub device_broker: String,
    /// Of the user's, as those that follow.
    pub agent: String,
    pub timer: String,
    pub keyring: String,
}

/// Files of the wrappers that give the library layer to the vendor's programs. The user starts the portal's by its name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wrappers {
    pub portal: String,
    pub agent: String,
    pub user_broker: String,
    pub device_broker: String,
}

/// Directories of x86_64 libraries.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Libraries {
    pub layer: String,
    /// OpenSSL 3.3.2 of the layer.
    pub openssl: String,
    /// Of the system beside the layer, with a newer OpenSSL.
    pub system: String,
}

/// x86_64 programs that the suites run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Programs {
    /// A static BusyBox.
    pub busybox: String,
    /// A dynamic shell.
    pub shell: String,
    /// OpenSC's, which finds its libraries in those of the system and the layer.
    pub opensc_tool: String,
    /// A shell command: OpenSC's program as a wrapper starts one, with p11-kit's proxy for a module.
    pub pkcs11_tool: String,
    /// Another translator, which a mutant registers.
    pub translator: String,
}

/// The smart card daemon.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pcscd {
    /// Where it listens.
    pub socket: String,
    /// Where clients of another architecture look.
    pub link: String,
    /// How the names of the readers begin that a card of software can be put into.
    pub reader: String,
}

/// Files of the reference, for mutants to change. `add_reader` is also run once more, if it is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Files {
    /// Has the interpreter registered.
    pub handler: String,
    /// Mounts the share.
    pub share: String,
    /// Has the daemon's link made at every boot.
    pub link: String,
    /// Adds a reader to the ccid driver's table.
    pub add_reader: String,
    /// Has the bus read its policies.
    pub reload: String,
    /// What the wrappers set, which they source.
    pub environment: String,
}

impl Default for Omarchy {
    fn default() -> Self {
        Omarchy {
            user: "user".into(),
            uid: 1000,
            group: None,
            home: None,
            share: "/mnt/psf/RosettaLinux".into(),
            drive: "psf".into(),
            interpreter: None,
            handler: "rosetta".into(),
            unit: Units::default(),
            wrapper: Wrappers::default(),
            library: Libraries::default(),
            program: Programs::default(),
            pcscd: Pcscd::default(),
            file: Files::default(),
        }
    }
}

impl Default for Units {
    fn default() -> Self {
        Units {
            share: "prltoolsd.service".into(),
            mount: None,
            watcher: "rosetta-binfmt.path".into(),
            registrar: "rosetta-binfmt.service".into(),
            device_broker: "microsoft-identity-device-broker.service".into(),
            agent: "intune-agent.service".into(),
            timer: "intune-agent.timer".into(),
            keyring: "gnome-keyring-daemon.service".into(),
        }
    }
}

impl Default for Wrappers {
    fn default() -> Self {
        let wrapper = |name| format!("/usr/local/bin/{name}-rosetta");
        Wrappers {
            portal: wrapper("intune-portal"),
            agent: wrapper("intune-agent"),
            user_broker: wrapper("microsoft-identity-broker"),
            device_broker: wrapper("microsoft-identity-device-broker"),
        }
    }
}

impl Default for Libraries {
    fn default() -> Self {
        Libraries {
            layer: "/opt/library-layer/usr/lib/x86_64-linux-gnu".into(),
            openssl: "/opt/library-layer/openssl-3.3.2/lib".into(),
            system: "/opt/x86_64/usr/lib/x86_64-linux-gnu".into(),
        }
    }
}

impl Default for Programs {
    fn default() -> Self {
        Programs {
            busybox: "/opt/x86_64/usr/bin/busybox".into(),
            shell: "/opt/x86_64/usr/bin/dash".into(),
            opensc_tool: "/opt/x86_64/usr/bin/opensc-tool".into(),
            pkcs11_tool: PKCS11_TOOL.into(),
            translator: "/opt/interpreter/usr/bin/qemu-x86_64-static".into(),
        }
    }
}

/// It loads p11-kit's proxy, which loads what p11-kit is told to.
const PKCS11_TOOL: &str = ". /usr/local/lib/library-layer/environment && \
    exec $layer/usr/bin/pkcs11-tool --module $layer/$libraries/libp11-kit.so.0";

impl Default for Pcscd {
    fn default() -> Self {
        Pcscd {
            socket: "/run/pcscd/pcscd.comm".into(),
            link: "/run/pcscd/pcscd".into(),
            reader: "Virtual PCD".into(),
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        Files {
            handler: "/etc/binfmt.d/rosetta.conf".into(),
            share: "/usr/bin/prltoolsd".into(),
            link: "/etc/tmpfiles.d/pcscd-symlink.conf".into(),
            add_reader: "/usr/local/libexec/add-ccid-reader".into(),
            reload: "/usr/local/libexec/reload-bus-policies".into(),
            environment: "/usr/local/lib/library-layer/environment".into(),
        }
    }
}

/// What the machine can be relied on for.
pub fn omarchy(trial: &Trial) -> Result<Arc<Omarchy>, Stop> {
    trial.kept(|settings| settings.read::<Omarchy>())
}

impl Omarchy {
    pub fn group(&self) -> &str {
        self.group.as_ref().unwrap_or(&self.user)
    }

    pub fn home(&self) -> String {
        self.home.clone().unwrap_or_else(|| format!("/home/{}", self.user))
    }

    pub fn interpreter(&self) -> String {
        self.interpreter.clone().unwrap_or_else(|| format!("{}/rosetta", self.share))
    }

    /// There as long as the interpreter is registered.
    pub fn registered(&self) -> String {
        format!("/proc/sys/fs/binfmt_misc/{}", self.handler)
    }

    /// The mount unit of the share.
    pub fn mount(&self) -> String {
        self.unit.mount.clone().unwrap_or_else(|| unit::of_mount(&self.share))
    }

    fn paths(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let Omarchy { home, share, interpreter, wrapper, library, program, pcscd, file, .. } = self;
        let derived = [("home", home), ("interpreter", interpreter)];
        let derived = derived.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?)));
        derived.chain([
            ("share", share),
            ("wrapper.portal", &wrapper.portal),
            ("wrapper.agent", &wrapper.agent),
            ("wrapper.user_broker", &wrapper.user_broker),
            ("wrapper.device_broker", &wrapper.device_broker),
            ("library.layer", &library.layer),
            ("library.openssl", &library.openssl),
            ("library.system", &library.system),
            ("program.busybox", &program.busybox),
            ("program.shell", &program.shell),
            ("program.opensc_tool", &program.opensc_tool),
            ("program.translator", &program.translator),
            ("pcscd.socket", &pcscd.socket),
            ("pcscd.link", &pcscd.link),
            ("file.handler", &file.handler),
            ("file.share", &file.share),
            ("file.link", &file.link),
            ("file.add_reader", &file.add_reader),
            ("file.reload", &file.reload),
            ("file.environment", &file.environment),
        ])
    }

    /// Those that become words of commands, each with how it ends.
    fn units(&self) -> [(&'static str, &String, &'static str); 7] {
        let Units { share, mount: _, watcher, registrar, device_broker, agent, timer, keyring } = &self.unit;
        [
            ("unit.share", share, ".service"),
            ("unit.watcher", watcher, ".path"),
            ("unit.registrar", registrar, ".service"),
            ("unit.device_broker", device_broker, ".service"),
            ("unit.agent", agent, ".service"),
            ("unit.timer", timer, ".timer"),
            ("unit.keyring", keyring, ".service"),
        ]
    }
}

impl Table for Omarchy {
    const NAME: &'static str = "omarchy";

    fn validate(&self) -> Result<(), String> {
        let Omarchy { user, uid, group, drive, handler, unit, program, pcscd, .. } = self;
        let names = [("user", user), ("drive", drive), ("handler", handler)];
        let names = names.into_iter().chain(group.iter().map(|group| ("group", group)));
        let units = self.units();
        plain::names(Self::NAME, names.clone().chain(units.map(|(name, unit, _)| (name, unit))))?;
        plain::paths(Self::NAME, self.paths())?;
        for (name, text) in names {
            if text.contains('/') || text.starts_with(['-', '.']) {
                return Err(format!(
                    "omarchy.{name} = {text:?}: use a name, without \"/\" and not after \"-\" or \".\""
                ));
            }
        }
        if *uid == 0 {
            return Err("omarchy.uid = 0: that is root, and the user is an ordinary one".into());
        }
        if user == "root" {
            return Err("omarchy.user = \"root\": name an ordinary user".into());
        }
        for (name, path) in self.paths() {
            // They are compared with what the kernel and systemd say.
            let shortest: PathBuf = Path::new(path).components().collect();
            if shortest.as_os_str() != path.as_str() {
                return Err(format!("omarchy.{name} = {path:?}: write it as {shortest:?}"));
            }
        }
        for (name, path) in self.paths() {
            let listed = name.starts_with("library.") || name.starts_with("program.");
            if listed && path.contains([':', '@']) {
                return Err(format!(
                    "omarchy.{name} = {path:?}: neither LD_LIBRARY_PATH nor Nix takes \":\" and \"@\" in a path"
                ));
            }
        }
        let mount = unit.mount.iter().map(|mount| ("unit.mount", mount, ".mount"));
        for (name, unit, end) in units.into_iter().chain(mount) {
            if unit.contains('/') || !unit.ends_with(end) {
                return Err(format!("omarchy.{name} = {unit:?}: use the name of a unit that ends in {end}"));
            }
        }
        if program.pkcs11_tool.trim().is_empty() {
            return Err("omarchy.program.pkcs11_tool is empty: write a shell command".into());
        }
        if pcscd.reader.is_empty() {
            return Err("omarchy.pcscd.reader is empty: every reader would be the one".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use harness::{Home, Target};
    use rstest::rstest;

    use super::*;
    use crate::settings_with;

    #[test]
    fn what_is_not_said_follows_from_what_is() {
        let own = "user = 'andreym'\nshare = '/media/rosetta-share'\n[omarchy.unit]\ntimer = 'agent.timer'";
        let own = settings_with::<Omarchy>(own).unwrap();
        assert_eq!((own.group(), &*own.home(), own.uid), ("andreym", "/home/andreym", 1000));
        assert_eq!(own.interpreter(), "/media/rosetta-share/rosetta");
        assert_eq!(own.mount(), r"media-rosetta\x2dshare.mount");
        assert_eq!((&*own.unit.timer, &*own.unit.agent), ("agent.timer", "intune-agent.service"));
    }

    #[rstest]
    #[case("user = \"o'neill\"", r#"user = "o'neill": use a name, without blanks and quotes"#)]
    #[case("user = ''", r#"user = "": use a name, without blanks and quotes"#)]
    #[case("user = 'a/b'", r#"user = "a/b": use a name, without "/" and not after "-" or ".""#)]
    #[case("group = '-g'", r#"group = "-g": use a name, without "/" and not after "-" or ".""#)]
    #[case("user = 'root'", r#"user = "root": name an ordinary user"#)]
    #[case("uid = 0", "uid = 0: that is root, and the user is an ordinary one")]
    #[case(
        "home = 'home/me'",
        r#"home = "home/me": use a path of the machine, from /, without blanks and quotes"#
    )]
    #[case("share = '/mnt/psf/'", r#"share = "/mnt/psf/": write it as "/mnt/psf""#)]
    #[case("unit.timer = 'agent'", r#"unit.timer = "agent": use the name of a unit that ends in .timer"#)]
    #[case("unit.agent = 'a;b'", r#"unit.agent = "a;b": use a name, without blanks and quotes"#)]
    #[case("pcscd.reader = ''", "pcscd.reader is empty: every reader would be the one")]
    fn what_no_machine_can_have_is_refused(#[case] line: &str, #[case] reason: &str) {
        assert_eq!(settings_with::<Omarchy>(line).unwrap_err(), format!("t.toml: omarchy.{reason}"));
    }

    #[test]
    fn the_target_file_of_omarchy_says_what_the_defaults_are() {
        let home = Home::find().unwrap();
        let target = Target::load(&home.target("omarchy"), &home).unwrap();
        assert_eq!(target.settings.read::<Omarchy>().unwrap(), Omarchy::default());
    }
}

//! The host stage: from secrets to the command line of a hypervisor.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::parties::Host as Settings;
use super::settings::{Convention, ResolvedCredentials, credentials};
use harness::machine::{programs, quoted};
use harness::{Machine, MachineError, Outcome, Stop, Trial, expect, violated};

use super::HOST;
use super::chain::{Form, Order};
use super::frontend::Recorded;

/// What stands for every hypervisor. It keeps open each file that it was given, from this descriptor on, and the one
/// before when it has them all.
const STAND_IN: &str = "/usr/local/libexec/hypervisor";
const FIRST_FILE: u32 = 512;

/// How long the runner may take to start a hypervisor, where its unit does not wait for that, in seconds.
const SOON: u32 = 60;

/// What the runner is asked for, when that is not what it is configured for: last, so that it counts.
const ASKED: &str = "/run/asked-of-microvm";

/// Words that a shell's exit status and systemd's have for what could not be executed.
const NOT_EXECUTED: [&str; 3] = ["126", "127", "203"];

/// The host, with an order to carry out.
pub struct Host {
    pub machine: Arc<dyn Machine>,
    pub settings: Settings,
}

impl Host {
    /// A host that has the secrets of an order, and is asked for what it is not configured for.
    pub async fn with(trial: &Trial, order: &Order) -> Result<Host, Stop> {
        let given = credentials(trial)?;
        let asked = Asked::of(order, &given)?;
        let host = Host { machine: trial.stage(HOST)?.machine().await?, settings: given.host.clone() };
        for hypervisor in &host.settings.hypervisors {
            let path = hypervisor.display();
            let linked = format!("mkdir -p $(dirname {path}) && ln -sfn {STAND_IN} {path}");
            host.machine.succeed(&linked).await?;
        }
        for credential in order.credentials.iter().filter(|credential| credential.there) {
            let path = host.settings.decrypted.join(&credential.name);
            host.machine.write(&path, &credential.value, 0o600).await?;
        }
        host.ask(&asked).await?;
        host.started(&host.settings.installer).await?;
        Ok(host)
    }

    async fn ask(&self, asked: &Asked) -> Result<(), MachineError> {
        if asked.is_nothing() {
            return Ok(());
        }
        let Settings { unit, prefix, secrets, .. } = &self.settings;
        let mut drop_in = format!("[Service]\nEnvironmentFile={ASKED}\n");
        let has = async |what| self.machine.run(&format!("systemctl cat {unit} | grep -q ^{what}=")).await;
        if asked.files && !has("RuntimeDirectory").await?.success() {
            drop_in += "RuntimeDirectory=microvm-strings\nRuntimeDirectoryMode=0700\n";
        }
        // One that is missing is met as the unit's own are.
        let falls_back = !asked.loads.is_empty() && has("SetCredential").await?.success();
        for name in &asked.loads {
            drop_in += &format!("LoadCredential={prefix}{name}:{}/{name}\n", secrets.display());
            if falls_back {
                drop_in += &format!("SetCredential={prefix}{name}:\\x00\n");
            }
        }
        self.machine.write(Path::new(ASKED), asked.variables.as_bytes(), 0o644).await?;
        let path = format!("/run/systemd/system/{unit}.d/zz-asked.conf");
        self.machine.write(Path::new(&path), drop_in.as_bytes(), 0o644).await?;
        self.machine.succeed("systemctl daemon-reload").await.map(drop)
    }

    /// What the installer and the runner have said.
    pub async fn said(&self) -> Result<String, MachineError> {
        let Settings { installer, unit, .. } = &self.settings;
        let command = format!(
            "journalctl --sync; journalctl --merge --quiet --output=cat --unit={installer} --unit={unit}"
        );
        self.machine.succeed(&command).await
    }

    /// Starts the microVM, up to where its hypervisor runs, and gives that process.
    pub async fn start(&self) -> Result<u32, Stop> {
        self.started(&self.settings.unit).await?;
        self.hypervisor().await
    }

    async fn started(&self, unit: &str) -> Outcome {
        let started = self.machine.run(&format!("systemctl start {unit}")).await?;
        if started.success() { Ok(()) } else { self.ends(unit, &format!("{unit} starts")).await }
    }

    /// Waits for the process of the hypervisor.
    async fn hypervisor(&self) -> Result<u32, Stop> {
        let unit = &self.settings.unit;
        let find = format!(
            "group=/sys/fs/cgroup/$(systemctl show -P ControlGroup {unit})
             find_it() {{
                 for pid in $(find $group -name cgroup.procs -exec cat {{}} + 2>/dev/null); do
                     program=$(tr '\\0' '\\n' </proc/$pid/cmdline | sed -n 2p)
                     [ \"$(readlink -f \"$program\")\" = {STAND_IN} ] && [ -e /proc/$pid/fd/{} ] && echo $pid && return
                 done
                 return 1
             }}
             end=$(($(cut -d. -f1 /proc/uptime) + {SOON}))
             until find_it; do
                 [ $(cut -d. -f1 /proc/uptime) -lt $end ] || exit 1
                 case $(systemctl show -p ActiveState -p NRestarts {unit} | sort | xargs) in
                     *=active*=0 | *=activating*=0) ;;
                     *) exit 1 ;;
                 esac
                 sleep 0.1
             done",
            FIRST_FILE - 1
        );
        let limit = std::time::Duration::from_secs(u64::from(SOON) * 2);
        let found = self.machine.run_within(&find, limit).await?;
        match found.text().parse() {
            Ok(pid) if found.success() => Ok(pid),
            _ => self.ends(unit, &format!("{unit} starts cloud-hypervisor or QEMU")).await,
        }
    }

    /// Tells how a unit has ended that was to do something: whose fault that is, and what it said last.
    async fn ends<T>(&self, unit: &str, expected: &str) -> Result<T, Stop> {
        if let Some(missing) = programs::missing(&*self.machine, &[unit], &[]).await? {
            return Err(Stop::Broken(missing.to_string()));
        }
        let asked = format!(
            "journalctl --sync
             echo $(systemctl show -P Result {unit}) $(systemctl show -P ExecMainStatus {unit}) $(systemctl show -P ConditionResult {unit})
             journalctl --merge --quiet --output=cat --lines=6 _SYSTEMD_UNIT={unit} + UNIT={unit}"
        );
        let told = self.machine.run(&asked).await?.text();
        let (state, said) = told.split_once('\n').unwrap_or((&told, ""));
        let (result, status) = state.split_once(' ').unwrap_or((state, ""));
        let (status, condition) = status.split_once(' ').unwrap_or((status, ""));
        let said: Vec<String> = said.lines().map(|line| line.chars().take(200).collect()).collect();
        let said = format!("{:?}", said.join("; "));
        if NOT_EXECUTED.contains(&status) {
            return Err(Stop::Broken(format!(
                "{unit} ended with status {status}, which is that of a program that is not on the image: it said {said}"
            )));
        }
        if condition == "no" {
            return violated(expected, format!("a condition of its unit does not hold: {said}"));
        }
        violated(expected, format!("result {result}, exit status {status}: it said {said}"))
    }

    /// The command line with which the hypervisor was started, and the files that it names.
    pub async fn recorded(&self, pid: u32) -> Result<Recorded, Stop> {
        let line = self.machine.read(Path::new(&format!("/proc/{pid}/cmdline"))).await?;
        // The interpreter of the stand-in is the first.
        let mut words = nul_separated(&line).into_iter().skip(1);
        let program = words.next().unwrap_or_default();
        let mut recorded = Recorded { program, words: words.collect(), files: BTreeMap::new() };
        for (name, descriptor) in recorded.named_files().into_iter().zip(FIRST_FILE..) {
            let content = self.machine.read(Path::new(&format!("/proc/{pid}/fd/{descriptor}"))).await?;
            recorded.files.insert(name, content);
        }
        Ok(recorded)
    }

    /// The OEM strings that the hypervisor was given.
    pub async fn strings(&self, pid: u32) -> Result<Vec<Vec<u8>>, Stop> {
        let smbios = self.recorded(pid).await?.smbios();
        Ok(smbios.or_else(|reason| violated("options that the hypervisor takes", reason))?.strings())
    }

    /// Whether a file is there for root alone, in memory, as a secret of the host has to be.
    pub async fn keeps(&self, source: &Path) -> Outcome {
        let mode = self.machine.run(&format!("stat --format='%U:%G %a' {}", source.display())).await?;
        expect(mode.text() == "root:root 400", format!("{} is root:root 0400", source.display()), mode)
    }
}

/// What a host is asked for, because it is not configured for it.
struct Asked {
    /// `NAME='value'` lines.
    variables: String,
    /// Secrets that its unit does not load.
    loads: Vec<String>,
    /// Whether it needs a directory for files.
    files: bool,
}

impl Asked {
    fn of(order: &Order, given: &ResolvedCredentials) -> Result<Asked, Stop> {
        let ask = &given.host.ask;
        let mut asked =
            Asked { variables: String::new(), loads: Vec::new(), files: order.form == Form::QemuFile };
        let mut name = |what: &str, variable: &Option<String>, value: &str| match variable {
            Some(variable) => {
                asked.variables += &format!("{variable}={}\n", quoted(value));
                Ok(())
            }
            None => Err(cannot_ask(what)),
        };
        let (hypervisor, form) = match order.form {
            Form::Configured => (None, None),
            Form::QemuValue => (Some("qemu-system-x86_64"), Some("value")),
            Form::QemuFile => (Some("qemu-system-x86_64"), Some("file")),
            Form::CloudHypervisor => (Some("cloud-hypervisor"), None),
        };
        if let Some(hypervisor) = hypervisor {
            name("another hypervisor", &ask.hypervisor, hypervisor)?;
        }
        if let Some(form) = form {
            name("another form of QEMU's strings", &ask.form, form)?;
        }
        if order.convention != given.convention {
            let convention = match order.convention {
                Convention::Plain => "plain",
                Convention::Host => "host",
            };
            name("names of the other convention", &ask.convention, convention)?;
        }
        let names: Vec<&str> = order.credentials.iter().map(|credential| credential.name.as_str()).collect();
        let own: Vec<&str> = given.secrets.iter().map(|secret| secret.name()).collect();
        if names != own {
            name("other secrets", &ask.secrets, &names.join(" "))?;
        }
        let fixed: Vec<_> = given.fixed.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if order.fixed != fixed {
            let pairs: Vec<String> =
                order.fixed.iter().map(|(name, value)| format!("{name}={value}")).collect();
            name("other strings that are no secret", &ask.fixed, &pairs.join(" "))?;
        }
        let more = names.iter().filter(|name| !own.contains(name));
        asked.loads = more.map(|name| (*name).to_owned()).collect();
        Ok(asked)
    }

    fn is_nothing(&self) -> bool {
        self.variables.is_empty() && self.loads.is_empty()
    }
}

fn cannot_ask(what: &str) -> Stop {
    Stop::Skipped(format!(
        "the runner cannot be asked for {what}: [credentials.host.ask] names no variable for it"
    ))
}

fn nul_separated(bytes: &[u8]) -> Vec<Vec<u8>> {
    let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
    if bytes.is_empty() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect()
}

//! Starting a container.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use record::tail::Tail;
use record::{MachineError, Phase, Start, Transcript};
use testcontainers::bollard::models::HostConfigLogConfig;
use testcontainers::bollard::query_parameters::WaitContainerOptionsBuilder;
use testcontainers::core::CgroupnsMode;
use testcontainers::core::logs::LogFrame;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerRequest, GenericImage, ImageExt};
use tokio::sync::Mutex;

use super::engine::PASSING;
use super::{Container, Engine, EngineError, Snapshot};
use crate::Machine;
use crate::life::Life;

/// What systemd and the root's own init need beside what an engine allows anyway. All at once, as `--privileged` means,
/// would fail on a host that lacks one.
const CAPABILITIES: [&str; 4] = ["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_BOOT"];

/// How long a container may take until it has nothing left to start.
const BOOT_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to hold on to a container, which waits a little longer for that.
const HOLD_LIMIT: Duration = Duration::from_secs(15);

/// More than any target starts.
const PROCESSES: i64 = 4096;

const ENTRY: &str = include_str!("entry.sh");

/// Holds on to a container: when what it reads from is closed, the container ends.
const HOLD: &str =
    ": >/dev/shm/assay-held; echo held; cat >/dev/null; exec systemctl poweroff --force --force";

/// Waits until systemd has started everything. Before it runs it is `offline`; whether it started well is for checks.
const BOOTED: &str = "until state=$(systemctl is-system-running --wait 2>/dev/null); \
     [ \"$state\" != offline ] && [ -n \"$state\" ]; do sleep 0.05; done";

/// A container to start.
pub struct Plan<'p> {
    pub name: String,
    pub hostname: String,
    pub transcript: Transcript,
    /// In MiB.
    pub memory: u32,
    /// File systems in memory, by their mount points, and their sizes in MiB.
    pub volumes: &'p BTreeMap<String, u32>,
}

impl Container {
    /// Starts a container and waits until it has nothing left to start.
    pub async fn start(engine: &Engine, image: &Snapshot, plan: Plan<'_>) -> Result<Container, MachineError> {
        let Plan { name, hostname, transcript, memory, volumes } = plan;
        let refused = |reason: String| MachineError::NotStarted { machine: name.clone(), reason };
        let (starting, life) = (Instant::now(), Life::new(&name));
        transcript.began(&name, Start::Container);
        let console = Tail::default();
        transcript.keep_console(&name, console.clone());

        let request = request(image, hostname, memory, volumes, console);
        let container = request.start().await.map_err(|error| refused(error.to_string()))?;
        let id = container.id().to_owned();
        watch(engine, &id, life.clone());
        transcript.phase(&name, Phase::since(starting, "the engine starts it"));

        let began = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started = Container {
            name: name.clone(),
            transcript,
            life,
            engine: engine.clone(),
            id,
            container: Mutex::new(Some(container)),
            held: Mutex::default(),
            started: starting,
            began,
        };
        started.hold().await?;
        let booting = Instant::now();
        started.run_within(BOOTED, BOOT_LIMIT).await?;
        started.transcript.phase(&started.name, Phase::since(booting, "it boots"));
        Ok(started)
    }

    /// From when this returns, the container ends with the harness.
    async fn hold(&self) -> Result<(), MachineError> {
        let holding = async {
            let (_, input, mut printed) = self.begin(HOLD, true).await?;
            match tokio::time::timeout(HOLD_LIMIT, printed.next()).await {
                Ok(Some(Ok(_))) => *self.held.lock().await = Some(input),
                _ => return Err(self.refused("hold on to it", "nothing in it answers")),
            }
            Ok(())
        };
        self.life.during(holding).await
    }
}

/// What is asked of the engine.
fn request(
    image: &Snapshot,
    hostname: String,
    memory: u32,
    volumes: &BTreeMap<String, u32>,
    console: Tail,
) -> ContainerRequest<GenericImage> {
    let mut in_memory = HashMap::from([
        ("/run".to_owned(), "mode=755".to_owned()),
        ("/tmp".to_owned(), "mode=1777,exec".to_owned()),
    ]);
    in_memory.extend(volumes.iter().map(|(path, size)| (path.clone(), format!("mode=755,size={size}m"))));
    let request = CAPABILITIES.into_iter().fold(
        GenericImage::new("sha256", image.hex()).with_entrypoint("/bin/sh").with_cmd(["-c", ENTRY]),
        ImageExt::with_cap_add,
    );
    request
        .with_label(PASSING, "container")
        // For whoever wonders whose it is.
        .with_label("assay.process", std::process::id().to_string())
        .with_hostname(hostname)
        .with_network("none")
        .with_cgroupns_mode(CgroupnsMode::Private)
        .with_security_opt("seccomp=unconfined")
        .with_security_opt("apparmor=unconfined")
        // By which systemd knows where it is.
        .with_env_var("container", "docker")
        .with_log_consumer(move |frame: &LogFrame| match frame {
            LogFrame::StdOut(bytes) | LogFrame::StdErr(bytes) => console.keep(bytes),
        })
        .with_host_config_modifier(move |host| {
            host.auto_remove = Some(true);
            host.publish_all_ports = Some(false);
            host.tmpfs = Some(in_memory.clone());
            // What is in it must not take the host's memory, processes or disk.
            host.memory = Some(i64::from(memory) << 20);
            host.pids_limit = Some(PROCESSES);
            host.log_config = Some(HostConfigLogConfig {
                typ: Some("json-file".into()),
                config: Some(HashMap::from([("max-size".into(), "1m".into())])),
            });
        })
}

/// Waits for the end of a container in the background.
fn watch(engine: &Engine, id: &str, life: Life) {
    let (docker, id) = (engine.docker.clone(), id.to_owned());
    tokio::spawn(async move {
        let ended = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let reason = match docker.wait_container(&id, Some(ended)).next().await {
            Some(Ok(end)) => format!("its first process ended with status {}", end.status_code),
            Some(Err(EngineError::DockerContainerWaitError { code, .. })) => {
                format!("its first process ended with status {code}")
            }
            Some(Err(error)) => format!("the engine does not know it any more: {error}"),
            None => "the engine does not know it any more".to_owned(),
        };
        life.end(reason);
    });
}

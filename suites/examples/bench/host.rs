//! Where the measurements were made, without which they say nothing.

use std::fmt;
use std::os::unix::fs::MetadataExt;

use harness::Accelerator;
use harness::Target;
use harness::machine::qemu::{Template, version};
use serde::Serialize;

#[derive(Serialize)]
pub struct Host {
    target: String,
    architecture: String,
    /// The guest's.
    cpus: u32,
    memory_mib: u32,
    processor: String,
    cores: usize,
    emulator: String,
    accelerator: Accelerator,
    /// The template's memory without its holes, its devices' state, and its disk over the image.
    memory_bytes: u64,
    state_bytes: u64,
    disk_bytes: u64,
}

impl Host {
    pub fn of(target: &Target, template: &Template) -> std::io::Result<Host> {
        let frozen = template.frozen();
        let allocated = |file: &std::fs::File| Ok::<_, std::io::Error>(file.metadata()?.blocks() * 512);
        Ok(Host {
            target: target.name.clone(),
            architecture: frozen.hardware.architecture.to_string(),
            cpus: frozen.hardware.cpus,
            memory_mib: frozen.hardware.memory_mib,
            processor: processor(),
            cores: std::thread::available_parallelism()?.get(),
            emulator: version(frozen.hardware.emulator())?,
            accelerator: frozen.hardware.accelerator,
            memory_bytes: allocated(&frozen.memory)?,
            state_bytes: frozen.state.metadata()?.len(),
            disk_bytes: allocated(template.disk().top())?,
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let accelerator = match self.accelerator {
            Accelerator::Kvm => "under KVM",
            Accelerator::Tcg => "emulated",
        };
        writeln!(
            f,
            "{}: {}, {accelerator}, {} CPU, {} MiB, on {} cores ({}) with {}.",
            self.target,
            self.architecture,
            self.cpus,
            self.memory_mib,
            self.cores,
            self.processor,
            self.emulator
        )?;
        let [memory, state, disk] =
            [self.memory_bytes, self.state_bytes, self.disk_bytes].map(|bytes| bytes as f64 / 1e6);
        write!(
            f,
            "The template: {memory:.0} MB of memory, {state:.1} MB of devices' state, {disk:.1} MB of disk over what is provisioned."
        )
    }
}

fn processor() -> String {
    let facts = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = facts.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("unknown processor", |(_, name)| name.trim()).to_owned()
}

/// How many programs wanted a processor in the last minute, five and fifteen.
#[derive(Serialize)]
pub struct Load([f64; 3]);

impl Load {
    pub fn now() -> anyhow::Result<Load> {
        let text = std::fs::read_to_string("/proc/loadavg")?;
        let mut words = text.split_whitespace();
        let mut next = || anyhow::Ok(words.next().unwrap_or_default().parse()?);
        Ok(Load([next()?, next()?, next()?]))
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Load([one, five, fifteen]) = self;
        write!(f, "{one:.2}, {five:.2}, {fifteen:.2}")
    }
}

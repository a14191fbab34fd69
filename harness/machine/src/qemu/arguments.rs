//! The command line of QEMU, as a pure function of what the machine is to be.

use std::ffi::OsString;
use std::time::Duration;

use record::{Accelerator, Architecture};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::clock::Clock;
use super::contact;
use super::ends;
use super::hardware::Hardware;
use super::port::Port;
use super::smbios::Smbiosed;

/// A file descriptor that QEMU inherits, by its number in QEMU.
pub type Inherited = i32;

/// One start of QEMU.
#[derive(Debug, Clone)]
pub struct Launch {
    pub hardware: Hardware,
    pub clock: Clock,
    pub start: Start,
    /// Unless it is the board's own.
    pub firmware: Option<Inherited>,
    pub smbios: Vec<Smbiosed>,
    pub memory: Memory,
    /// The image layers of the root disk, the writable one first.
    pub disk: Vec<Layer>,
    /// Where all that is written to the disk is noted too.
    pub write_log: Option<Inherited>,
    /// The drive with what such a disk has not, of a machine that boots from its own.
    pub instruments: Option<Inherited>,
    /// What its hardware's clock says at power-on, as time since 1970, unless it is the host's time.
    pub time: Option<Duration>,
    /// Drives that are there from the start, by name.
    pub drives: Vec<(String, Inherited)>,
    pub ports: Vec<(Port, Inherited)>,
}

/// Where execution begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At power-on, with this kernel.
    Cold { kernel: Inherited, initramfs: Inherited, command_line: String },
    /// At power-on, with whatever its firmware finds on the disk.
    Disk,
    /// Where another machine was frozen. Its state is fed in over the monitor.
    Frozen,
}

/// The file behind the guest's memory.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    pub file: Inherited,
    /// Writes go to the file, so that it can become a template; otherwise they are private to the machine.
    pub shared: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    pub file: Inherited,
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Raw,
    Qcow2,
}

/// The id of the controller that drives are plugged into.
pub const DRIVE_BUS: &str = "drives.0";

/// The id of the controller that ports are plugged into.
pub const PORT_BUS: &str = "ports.0";

/// The id and the name of the port that appears to call a guest.
pub const CALL: &str = "assay.call";

/// The id of the device that the root disk is.
pub const DISK: &str = "disk";

/// The arguments after the program's name.
pub fn arguments(launch: &Launch) -> Vec<OsString> {
    let mut line = Line::default();
    let hardware = &launch.hardware;

    line.add("-name", "assay,debug-threads=on");
    for bare in ["-nodefaults", "-no-user-config", "-S"] {
        line.0.push(bare.into());
    }
    line.add("-display", "none");
    // A guest that reboots itself ends: what comes next is decided by the check.
    line.add("-action", "reboot=shutdown,shutdown=poweroff,panic=none");
    line.add("-rtc", format!("base={},clock=host", launch.time.map_or("utc".into(), calendar)));
    line.add("-machine", board(hardware));
    line.add("-cpu", processor(hardware));
    line.add("-smp", hardware.cpus.to_string());
    if hardware.counts_instructions() {
        line.add("-icount", launch.clock.instructions());
    }
    line.add("-m", format!("{}M", hardware.memory_mib));
    line.add(
        "-object",
        format!(
            "memory-backend-file,id=ram,size={}M,mem-path=/dev/fd/{},share={}",
            hardware.memory_mib,
            launch.memory.file,
            if launch.memory.shared { "on" } else { "off" },
        ),
    );

    if let Some(file) = launch.firmware {
        line.add("-bios", format!("/dev/fd/{file}"));
    }
    for strings in &launch.smbios {
        line.add("-smbios", strings.value());
    }

    for (port, file) in &launch.ports {
        line.add("-chardev", format!("socket,id={},fd={file}", port.id()));
    }
    line.add("-mon", "chardev=monitor,mode=control");
    line.add("-serial", "chardev:console");
    line.add("-device", "virtio-serial-pci,id=ports,max_ports=16");
    line.add("-device", "virtserialport,bus=ports.0,nr=1,chardev=boot,name=assay.boot");
    line.add("-device", "virtserialport,bus=ports.0,nr=2,chardev=agent,name=org.qemu.guest_agent.0");
    line.add("-device", "virtserialport,bus=ports.0,nr=3,chardev=bus,name=assay.bus");
    line.add("-device", "virtserialport,bus=ports.0,nr=4,chardev=resident,name=assay.resident");
    line.add("-device", "virtconsole,bus=ports.0,nr=5,chardev=terminal");
    line.add("-device", format!("virtserialport,bus=ports.0,nr=6,chardev=ends,name={}", ends::PORT));
    line.add("-device", "virtio-rng-pci");

    if let Start::Disk = launch.start {
        line.add("-chardev", format!("null,id={CALL}"));
    }
    let root = disk(&launch.disk, Access::Write);
    line.add("-blockdev", root_disk(root, launch.write_log).to_string());
    let first = if let Start::Disk = launch.start { ",bootindex=0" } else { "" };
    line.add("-device", format!("virtio-blk-pci,id={DISK},drive=disk{first}"));
    if let Some(file) = launch.instruments {
        line.add("-blockdev", drive(contact::SERIAL, &format!("/dev/fd/{file}")).to_string());
        let serial = format!("serial={0},drive={0}", contact::SERIAL);
        line.add("-device", format!("virtio-blk-pci,id=instruments,{serial}"));
    }
    line.add("-device", format!("virtio-scsi-pci,id={}", DRIVE_BUS.trim_end_matches(".0")));
    for (name, file) in &launch.drives {
        line.add("-blockdev", drive(name, &format!("/dev/fd/{file}")).to_string());
        line.add("-device", drive_device(name));
    }

    match &launch.start {
        Start::Cold { kernel, initramfs, command_line } => {
            line.add("-kernel", format!("/dev/fd/{kernel}"));
            line.add("-initrd", format!("/dev/fd/{initramfs}"));
            line.add("-append", command_line);
        }
        Start::Disk => {}
        Start::Frozen => line.add("-incoming", "defer"),
    }
    line.0
}

/// All that QEMU is told of a machine, whatever is in it: a frozen one goes on only in the same.
pub fn definition(hardware: &Hardware) -> String {
    let launch = Launch {
        hardware: hardware.clone(),
        // One frozen with this clock goes on with any.
        clock: Clock::Real,
        start: Start::Frozen,
        firmware: None,
        smbios: Vec::new(),
        memory: Memory { file: 0, shared: false },
        disk: vec![Layer { file: 0, format: Format::Qcow2 }],
        write_log: None,
        instruments: None,
        time: None,
        drives: Vec::new(),
        ports: Port::ALL.into_iter().map(|port| (port, 0)).collect(),
    };
    let words = arguments(&launch);
    words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A read-only drive, for `-blockdev` and `blockdev-add`.
pub fn drive(name: &str, path: &str) -> Value {
    json!({
        "driver": "raw", "node-name": name, "read-only": true,
        "file": { "driver": "file", "filename": path, "read-only": true, "locking": "off" },
    })
}

fn drive_device(name: &str) -> String {
    format!("scsi-hd,bus={DRIVE_BUS},id={name},drive={name}")
}

/// What the first layer of a disk is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Read,
    Write,
}

/// The layers as nested block nodes.
pub fn disk(layers: &[Layer], access: Access) -> Value {
    let mut below: Option<Value> = None;
    for (depth, layer) in layers.iter().enumerate().rev() {
        let writable = depth == 0 && access == Access::Write;
        let mut node = json!({
            "driver": match layer.format { Format::Raw => "raw", Format::Qcow2 => "qcow2" },
            "read-only": !writable,
            "file": {
                "driver": "file", "filename": format!("/dev/fd/{}", layer.file),
                "read-only": !writable, "locking": "off",
            },
        });
        if writable {
            node["discard"] = json!("unmap");
        }
        match below.take() {
            Some(backing) => node["backing"] = backing,
            // What the image itself names as lying beneath it could be any file of this host's.
            None if layer.format == Format::Qcow2 => node["backing"] = Value::Null,
            None => {}
        }
        below = Some(node);
    }
    below.unwrap_or(Value::Null)
}

/// The node that the guest's disk is.
fn root_disk(mut layers: Value, write_log: Option<Inherited>) -> Value {
    if let Some(file) = write_log {
        layers = json!({
            "driver": "blklogwrites", "discard": "unmap", "file": layers,
            "log": { "driver": "file", "filename": format!("/dev/fd/{file}"), "locking": "off" },
        });
    }
    layers["node-name"] = json!("disk");
    layers
}

/// As `-rtc` takes it.
fn calendar(time: Duration) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or_default();
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, (hour, minute, second)) = (time.date(), time.to_hms());
    format!("{date}T{hour:02}:{minute:02}:{second:02}")
}

fn board(hardware: &Hardware) -> String {
    let board = match hardware.architecture {
        Architecture::Aarch64 if hardware.virtualization => "virt,gic-version=3,virtualization=on",
        Architecture::Aarch64 => "virt,gic-version=3",
        // The older entry point to the tables counts their bytes in 16 bits.
        Architecture::X86 => "q35,smbios-entry-point-type=64",
    };
    let accelerator = match hardware.accelerator {
        Accelerator::Kvm => "kvm",
        Accelerator::Tcg => "tcg",
    };
    format!("{board},accel={accelerator},memory-backend=ram")
}

/// QEMU's `cmpxchg16b` leaves flags that are made of what lay in a register (seen with 7.2.22). Linux takes memory
/// with it, and when an interrupt saves those flags the guest dies of a double fault: one boot in ten.
const WITHOUT_CMPXCHG16B: &str = "qemu64,-cx16";

fn processor(hardware: &Hardware) -> &'static str {
    match (hardware.accelerator, hardware.architecture) {
        (Accelerator::Kvm, _) => "host",
        (Accelerator::Tcg, Architecture::Aarch64) if hardware.virtualization => "max,pauth-impdef=on",
        // The emulator has AMD's virtualisation, not Intel's.
        (Accelerator::Tcg, Architecture::X86) if hardware.virtualization => "max,svm=on",
        (Accelerator::Tcg, Architecture::Aarch64) => "cortex-a72",
        (Accelerator::Tcg, Architecture::X86) => WITHOUT_CMPXCHG16B,
    }
}

#[derive(Default)]
struct Line(Vec<OsString>);

impl Line {
    fn add(&mut self, option: &str, value: impl Into<OsString>) {
        self.0.push(option.into());
        self.0.push(value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qemu::hardware::Firmware;

    fn launch(architecture: Architecture, accelerator: Accelerator, start: Start) -> Launch {
        let frozen = matches!(start, Start::Frozen);
        Launch {
            hardware: Hardware {
                virtualization: false,
                architecture,
                accelerator,
                firmware: Firmware::Board,
                memory_mib: 1024,
                cpus: 2,
            },
            clock: Clock::Real,
            start,
            firmware: None,
            smbios: Vec::new(),
            memory: Memory { file: 20, shared: !frozen },
            disk: vec![
                Layer { file: 22, format: Format::Qcow2 },
                Layer { file: 23, format: Format::Qcow2 },
                Layer { file: 24, format: Format::Raw },
            ],
            write_log: None,
            instruments: None,
            time: None,
            drives: if frozen { vec![("psf".into(), 25)] } else { Vec::new() },
            ports: Port::ALL.into_iter().zip(3..).collect(),
        }
    }

    fn lines(launch: &Launch) -> String {
        let words = arguments(launch);
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
        words.join("\n").replace("\n-", "\n\n-")
    }

    #[test]
    fn a_cold_aarch64_machine_with_firmware_and_strings() {
        let start = Start::Cold { kernel: 30, initramfs: 31, command_line: "console=ttyAMA0".into() };
        let mut launch = launch(Architecture::Aarch64, Accelerator::Tcg, start);
        launch.hardware.firmware = Firmware::Uefi;
        launch.firmware = Some(40);
        launch.smbios = vec![
            Smbiosed::Option(b"type=11,value=io.systemd.credential:A=x,,y".to_vec()),
            Smbiosed::File(41),
        ];
        insta::assert_snapshot!(lines(&launch));
    }

    #[test]
    fn a_cold_aarch64_machine() {
        let command_line = "console=ttyAMA0".into();
        let start = Start::Cold { kernel: 30, initramfs: 31, command_line };
        insta::assert_snapshot!(lines(&launch(Architecture::Aarch64, Accelerator::Tcg, start)));
    }

    #[test]
    fn an_aarch64_fork() {
        insta::assert_snapshot!(lines(&launch(Architecture::Aarch64, Accelerator::Tcg, Start::Frozen)));
    }

    #[test]
    fn an_accelerated_x86_64_fork() {
        insta::assert_snapshot!(lines(&launch(Architecture::X86, Accelerator::Kvm, Start::Frozen)));
    }

    #[test]
    fn ovmf_is_not_made_to_count_instructions() {
        for (architecture, counts) in [(Architecture::X86, false), (Architecture::Aarch64, true)] {
            let mut launch = launch(architecture, Accelerator::Tcg, Start::Frozen);
            launch.hardware.firmware = Firmware::Uefi;
            assert_eq!(arguments(&launch).iter().any(|word| word == "-icount"), counts);
        }
    }

    #[test]
    fn only_the_clock_of_a_time_lapse_fork_differs() {
        let real = launch(Architecture::X86, Accelerator::Tcg, Start::Frozen);
        let lapse = Launch { clock: Clock::Lapse, ..real.clone() };
        assert_eq!(lines(&lapse), lines(&real).replace("sleep=on", "sleep=off"));
    }

    #[test]
    fn a_disk_whose_writes_are_noted() {
        let layers = [Layer { file: 22, format: Format::Qcow2 }, Layer { file: 24, format: Format::Raw }];
        let disk = root_disk(disk(&layers, Access::Write), Some(26));
        insta::assert_snapshot!(serde_json::to_string_pretty(&disk).unwrap());
    }

    #[test]
    fn an_emulated_x86_64_fork() {
        insta::assert_snapshot!(lines(&launch(Architecture::X86, Accelerator::Tcg, Start::Frozen)));
    }
}

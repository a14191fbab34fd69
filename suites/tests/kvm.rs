//! assay on a host with KVM. It needs none: that host is emulated, with a processor that has virtualisation.
//!
//! Takes an hour or more: runs where `ASSAY_KVM_TESTS` is set. `ASSAY_KVM_OPTIONS` selects other checks, in the words of a
//! shell: `--only credentials.system-store@x86_64`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use harness::Accelerator;
use harness::cache::Cache;
use harness::image::{Image, Recipe};
use harness::lab::booted;
use harness::machine::qemu::{Clock, Disk, Drive, Firmware, Hardware, Kernel, Own, PowerOn, Vm};
use harness::machine::quoted;
use harness::{Architecture, Home, Machine, Target, Transcript};
use rstest::rstest;
use serde_json::Value;

/// A host with KVM, and what assay needs in it: itself, its fixtures, and the images that would have to be downloaded.
struct Host {
    machine: Vm,
}

/// How long one run may take in there.
const RUN_LIMIT: Duration = Duration::from_secs(3 * 3600);

impl Host {
    async fn boot(architecture: Architecture, targets: &[&str]) -> Host {
        let (home, cache) = (Home::find().unwrap(), Cache::open().unwrap());
        let recipe = Recipe::load(&home.recipe(&format!("kvm-host-{}", architecture.name()))).unwrap();
        let image = Image::ensure(&recipe, &cache, &|progress| eprintln!("{progress:?}")).await.unwrap();
        let open = |path: PathBuf| File::open(path).unwrap();
        let kernel = Kernel {
            file: open(image.kernel()),
            initramfs: open(image.initramfs()),
            arguments: image.arguments().to_vec(),
        };
        let hardware = Hardware {
            architecture,
            accelerator: Accelerator::Tcg,
            firmware: Firmware::Board,
            memory_mib: 8192,
            cpus: 1,
            virtualization: true,
        };
        let frozen = PowerOn::prepare(hardware, &kernel).await.unwrap();
        let power_on = PowerOn::Prepared(frozen, Arc::new(kernel));
        let transcript = Transcript::default();
        let own = Own {
            name: "kvm-host".into(),
            transcript: transcript.clone(),
            disk: Disk::image(open(image.root())).unwrap().fresh_layer().unwrap(),
            drives: vec![brought(&home, &cache, &program(architecture), targets).await],
            clock: Clock::Real,
            time: None,
        };
        // Not from the frozen kernel: of an emulated aarch64 processor that runs in its hypervisor's mode something is lost.
        let machine = power_on.boot_cold(own).await.unwrap();
        booted(&machine).await.unwrap_or_else(|error| panic!("{error}\n{}", transcript.console()));
        machine.succeed(BEGIN).await.unwrap();
        Host { machine }
    }

    /// Runs assay, prints what it says, and gives its report.
    async fn assay(&self, arguments: &str) -> Value {
        let report = "/root/report.json";
        let command = format!("assay {arguments} --json {report}");
        eprintln!("$ {command}");
        let started = format!("cd /root; {ENVIRONMENT} setsid {command} >/root/said 2>&1 & echo $!");
        let process = self.machine.succeed(&started).await.unwrap();
        let mut line = 1;
        let ends = tokio::time::Instant::now() + RUN_LIMIT;
        loop {
            let told = format!(
                "timeout 50 tail --pid={process} --follow --lines=+{line} /root/said; ! kill -0 {process} 2>/dev/null"
            );
            let told = self.machine.run_within(&told, Duration::from_secs(600)).await.unwrap();
            eprint!("{}", String::from_utf8_lossy(&told.stdout));
            line += told.stdout.iter().filter(|byte| **byte == b'\n').count();
            if told.success() {
                break;
            }
            assert!(tokio::time::Instant::now() < ends, "`{command}` has not ended within {RUN_LIMIT:?}");
        }
        serde_json::from_slice(&self.machine.read(Path::new(report)).await.unwrap()).unwrap()
    }
}

/// What the cache would be filled with comes on a drive that cannot be written to.
const BEGIN: &str = "set -e
    modprobe -q kvm_amd nested=0 || true
    mkdir -p /mnt /root/upper /root/work /root/cache
    mount -o ro /dev/sda /mnt
    mount -t overlay -o lowerdir=/mnt/cache,upperdir=/root/upper,workdir=/root/work overlay /root/cache
    ln -s /mnt/assay /usr/local/bin/assay
    ls /dev/kvm";

/// An emulated host is slow.
const ENVIRONMENT: &str = "ASSAY_HOME=/mnt ASSAY_CACHE=/root/cache HOME=/root ASSAY_PATIENCE=6";

/// The program, compiled for such a host.
fn program(architecture: Architecture) -> PathBuf {
    if architecture.name() == std::env::consts::ARCH {
        return env!("CARGO_BIN_EXE_assay").into();
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let made = Command::new("ci/cross").arg(architecture.name()).current_dir(repository).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap().trim_end().into()
}

/// A drive with the program, what it reads, and the images of these targets.
async fn brought(home: &Home, cache: &Cache, program: &Path, targets: &[&str]) -> Drive {
    let place = tempfile::tempdir_in(cache.logs()).unwrap();
    let copy = |from: &Path, to: &Path| {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = Command::new("cp").args(["--archive", "--link"]).arg(from).arg(to).status().unwrap();
        assert!(copied.success() || plain_copy(from, to), "{} cannot be copied", from.display());
    };
    for directory in ["fixtures", "vm-images"] {
        copy(&home.directory().join(directory), &place.path().join(directory));
    }
    copy(program, &place.path().join("assay"));
    for target in targets {
        let target = Target::find(target, home).unwrap();
        for stage in target.stages.values() {
            let recipe = Recipe::load(&stage.recipe).unwrap();
            let image = Image::ensure(&recipe, cache, &|progress| eprintln!("{progress:?}")).await.unwrap();
            let entry = image.root().parent().unwrap().to_owned();
            let to = place.path().join("cache/images").join(entry.file_name().unwrap());
            if !to.exists() {
                copy(&entry, &to);
            }
        }
    }
    let drive = place.path().with_extension("drive");
    let made = Command::new("mke2fs")
        .args(["-q", "-t", "ext4", "-O", "^has_journal", "-d"])
        .arg(place.path())
        .arg(&drive)
        .arg("16G")
        .status()
        .unwrap();
    assert!(made.success());
    let image = Arc::new(File::open(&drive).unwrap());
    fs::remove_file(&drive).unwrap();
    Drive { name: "brought".into(), image, plugged: true }
}

/// Where the two are on different file systems.
fn plain_copy(from: &Path, to: &Path) -> bool {
    Command::new("cp").args(["--archive", "--sparse=always"]).arg(from).arg(to).status().unwrap().success()
}

/// How many checks ended with each verdict, and why one is broken.
fn verdicts(report: &Value) -> (Vec<(String, usize)>, Vec<String>) {
    let mut counts: Vec<(String, usize)> = Vec::new();
    let mut broken = Vec::new();
    for case in report["checks"].as_array().unwrap() {
        let verdict = case["verdict"].as_str().unwrap_or_default().to_owned();
        if verdict == "broken" {
            broken.push(format!("{}: {}", case["id"], case["reason"]));
        }
        match counts.iter_mut().find(|(known, _)| *known == verdict) {
            Some((_, count)) => *count += 1,
            None => counts.push((verdict, 1)),
        }
    }
    (counts, broken)
}

/// How many of the checks' machines ran under KVM.
fn accelerated(report: &Value) -> usize {
    let checks = report["checks"].as_array().unwrap().iter();
    let machines = checks.filter_map(|check| check["evidence"]["machines"].as_array()).flatten();
    machines.filter(|machine| machine["accelerator"] == "kvm").count()
}

#[rstest]
#[case::microvm(Architecture::X86, "microvm", "--only '@x86_64'")]
#[case::appliance(Architecture::X86, "appliance", "")]
#[case::omarchy(Architecture::Aarch64, "omarchy", "")]
#[tokio::test(flavor = "multi_thread")]
async fn a_target_is_decided_under_kvm(
    #[case] architecture: Architecture,
    #[case] target: &str,
    #[case] selection: &str,
) {
    if std::env::var_os("ASSAY_KVM_TESTS").is_none() {
        eprintln!("skipped: set ASSAY_KVM_TESTS=1 to start a host with KVM");
        return;
    }
    let host = Host::boot(architecture, &[target]).await;
    // A guest of another architecture is emulated, and by what is emulated itself too slowly to boot in its time.
    let options = std::env::var("ASSAY_KVM_OPTIONS").unwrap_or_else(|_| selection.to_owned());
    // It has one processor, and guests that take turns would find themselves too slow for their own limits.
    let report = host.assay(&format!("run {} --jobs 1 {options}", quoted(target))).await;
    let (counts, broken) = verdicts(&report);
    let accelerated = accelerated(&report);
    eprintln!("{target}: {counts:?}, {accelerated} machines under KVM");
    assert!(!counts.is_empty() && broken.is_empty(), "{broken:#?}");
    assert!(accelerated > 0, "KVM was not found");
    host.machine.end().await;
}

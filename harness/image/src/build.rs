//! Runs the build scripts in namespaces of its own and follows what it says.
//!
//! The root is put together in a tmpfs that only the build sees, as root of its
//! own user namespace when the user is not root. Whatever ends it takes mounts,
//! processes and the tree with it: there is nothing to clean up.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::contained::contained;
use super::error::ImageError;
use super::log::Log;
use super::mirror::mirror;
use super::prerequisites::prerequisites;
use super::recipe::Recipe;
use super::{ImageProgress, Stage, initramfs, made, plan};
use crate::cache::{Cache, Digest};

/// Run one after the other, the first as mmdebstrap's hook.
pub(super) const ROOT: &str = include_str!("root.sh");
pub(super) const DISKS: &str = include_str!("disks.sh");

/// Mounts the tmpfs and runs mmdebstrap on it: for an empty root, from which
/// the hook goes on with the packages and the apt configuration of the suite.
const ENTER: &str = r#"
exec 2>&1 </dev/null
PATH=$PATH:/usr/sbin:/sbin
mount -t tmpfs -o mode=755,size=90% tmpfs "$OUT/parts" || exit
mkdir "$OUT/parts/root"
mmdebstrap --mode=root --variant=custom --architectures="$ARCHITECTURES" \
    --skip=check/qemu,cleanup --extract-hook="sh '$OUT/root.sh' \"\$1\"" \
    "$SUITE" "$OUT/parts/root" "$MIRROR" && sh "$OUT/disks.sh"
"#;

/// Fills `work` with everything that an image consists of.
pub(super) async fn build(
    recipe: &Recipe,
    digest: Digest,
    cache: &Cache,
    work: &Path,
    progress: &(dyn Fn(ImageProgress) + Sync),
) -> Result<(), ImageError> {
    let missing = prerequisites(recipe);
    if !missing.is_empty() {
        return Err(ImageError::Missing(missing));
    }
    let log = Log::new(work, cache, digest);
    // They stay in the cache for as long as this has them.
    let made = made::trees(recipe, cache, &log, progress).await?;
    let trees: Vec<_> = made.iter().map(|made| made.path("tree")).collect();
    let run = async {
        run(recipe, &trees, cache, work, &log, progress).await?;
        let parts = work.join("kernel-parts");
        let archive = initramfs::initramfs(&parts.join("busybox"), &parts.join("modules"))?;
        fs::write(work.join("initramfs"), archive)?;
        fs::remove_dir_all(&parts)?;
        fs::remove_dir(work.join("parts"))?;
        fs::remove_file(work.join("root.sh"))?;
        fs::remove_file(work.join("disks.sh"))
    };
    run.await.map_err(|error| log.failed(&error))
}

async fn run(
    recipe: &Recipe,
    made: &[PathBuf],
    cache: &Cache,
    work: &Path,
    log: &Log,
    progress: &(dyn Fn(ImageProgress) + Sync),
) -> std::io::Result<()> {
    let packages = cache.root().join("packages");
    fs::create_dir_all(&packages)?;
    fs::create_dir(work.join("parts"))?;
    fs::write(work.join("root.sh"), ROOT)?;
    fs::write(work.join("disks.sh"), DISKS)?;
    let mut log = log.open()?;

    let mut child = contained(ENTER)
        .envs(plan::environment(recipe, made))
        .env("ARCHITECTURES", architectures(recipe))
        .env("SUITE", &recipe.suite)
        .env("MIRROR", mirror(recipe).unwrap_or_default())
        .env("OUT", work)
        .env("PACKAGE_CACHE", packages)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log.try_clone()?)
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().ok_or(std::io::ErrorKind::BrokenPipe)?;
    let mut lines = BufReader::new(output).split(b'\n');
    let mut follower = Follower::default();
    while let Some(line) = lines.next_segment().await? {
        let line = String::from_utf8_lossy(&line);
        writeln!(log, "{line}")?;
        if let Some(event) = follower.follow(&line) {
            progress(event);
        }
    }
    let status = child.wait().await?;
    if status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("the build ended with {status}")))
    }
}

fn architectures(recipe: &Recipe) -> String {
    let mut names = vec![recipe.architecture.debian()];
    for foreign in &recipe.foreign {
        if !names.contains(&foreign.architecture.debian()) {
            names.push(foreign.architecture.debian());
        }
    }
    names.join(",")
}

/// Makes progress of what the script and dpkg print.
#[derive(Default)]
struct Follower {
    configured: usize,
    total: Option<usize>,
}

impl Follower {
    fn follow(&mut self, line: &str) -> Option<ImageProgress> {
        if line.starts_with("Setting up ") && self.total.is_some() {
            self.configured += 1;
            let (done, total) = (self.configured, self.total);
            return Some(ImageProgress::Stage { stage: Stage::Configure, done, total });
        }
        let mut words = line.strip_prefix("assay: stage ")?.split_whitespace();
        let stage = match words.next()? {
            "download" => Stage::Download,
            "unpack" => Stage::Unpack,
            "configure" => Stage::Configure,
            "lay" => Stage::Lay,
            "kernel" => Stage::Kernel,
            "disks" => Stage::Disks,
            "initramfs" => Stage::Initramfs,
            _ => return None,
        };
        let total = words.next().and_then(|count| count.parse().ok());
        self.total = self.total.or(total);
        Some(ImageProgress::Stage { stage, done: 0, total })
    }
}

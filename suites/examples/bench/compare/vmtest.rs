//! The program of the crate `vmtest`, which boots an image for every command.

use std::fs;
use std::time::{Duration, Instant};

use harness::Architecture;
use harness::image::Image;
use harness::target::Stage;
use serde_json::json;
use tokio::process::Command;

use super::other::run;

/// How long one check takes, from nothing to its verdict.
pub async fn check(image: &Image, guest: &Stage, command: &str) -> anyhow::Result<Duration> {
    // It shares the directory of its configuration with the guest.
    let place = tempfile::tempdir()?;
    let console = match guest.architecture {
        Architecture::Aarch64 => "ttyAMA0",
        Architecture::X86 => "ttyS0",
    };
    let arguments = image.arguments().join(" ");
    let extra = [
        // The image stays as it is.
        "-snapshot".to_owned(),
        "-kernel".to_owned(),
        image.kernel().display().to_string(),
        "-initrd".to_owned(),
        image.initramfs().display().to_string(),
        "-append".to_owned(),
        format!("console={console} root=/dev/vda rw loglevel=4 systemd.show_status=false {arguments}"),
    ];
    let vm = json!({ "num_cpus": guest.cpus, "memory": format!("{}M", guest.memory), "extra_args": extra });
    let target = json!({
        "name": "comparison", "image": image.root(), "arch": guest.architecture.name(), "command": command, "vm": vm
    });
    let config = place.path().join("vmtest.toml");
    fs::write(&config, toml::to_string(&json!({ "target": [target] }))?)?;

    let began = Instant::now();
    run(Command::new("vmtest").arg("--config").arg(&config), "cargo install vmtest").await?;
    Ok(began.elapsed())
}

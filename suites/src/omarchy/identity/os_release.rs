//! The system that the machine passes for.

use harness::{Check, Edit, Outcome, Trial, expect};

use crate::omarchy::document;
use crate::omarchy::settings::omarchy;

const LINK: &str = "/etc/os-release";

const FILE: &str = "/usr/lib/os-release";

pub fn os_release() -> Check {
    Check::must(
        "identity.os-release",
        document("Phase 5, 5.1"),
        "`/etc/os-release` is a symlink to `/usr/lib/os-release`, which says Ubuntu 22.04.",
        os_release_holds,
    )
    .needs([])
    .mutant(
        "copy instead of link",
        [Edit::run("rm /etc/os-release && cp /usr/lib/os-release /etc/os-release")],
    )
    .mutant("VERSION_ID 24.04", [Edit::replace(FILE, "VERSION_ID=\"22.04\"", "VERSION_ID=\"24.04\"")])
}

async fn os_release_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let link = machine.run(&format!("test -L {LINK} && realpath {LINK}")).await?;
    expect(link.text() == FILE, format!("{LINK} is a link to {FILE}"), link)?;

    let read = machine.run(&omarchy.as_user(&format!(". {LINK} && echo \"$ID $VERSION_ID\""))).await?;
    expect(read.text() == "ubuntu 22.04", "a user's program reads \"ubuntu 22.04\" there", read)?;

    let told =
        machine.run("hostnamectl --json=short | grep -o '\"OperatingSystemPrettyName\":\"[^\"]*\"'").await?;
    let is_ubuntu = told.text().starts_with("\"OperatingSystemPrettyName\":\"Ubuntu 22.04");
    expect(is_ubuntu, "systemd-hostnamed tells that the system is Ubuntu 22.04", told)
}

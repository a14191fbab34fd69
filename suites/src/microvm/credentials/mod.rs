//! From a secret on a host to a service in a guest.

mod arrival;
mod awkward;
mod chain;
mod consumer;
mod firmware;
mod frontend;
mod host;
mod injection;
mod limits;
mod parties;
mod private;
mod report;
mod runner;
mod settings;
mod sources;
mod strings;
mod trace;

use harness::{Check, Settings, SettingsError, Suite};
use settings::Credentials;

/// The stages whose machines receive credentials.
const X86_64: &str = "x86_64";
const X86_64_UEFI: &str = "x86_64-uefi";
const AARCH64: &str = "aarch64";

/// The stage that sends them.
const HOST: &str = "host";

/// Not a stage: cloud-hypervisor's command line is checked, and its guest where it could run.
const CLOUD_HYPERVISOR: &str = "cloud-hypervisor";

pub const SUITE: Suite = Suite::new("microvm", "credentials", checks).with_table::<Credentials>();

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    settings.read::<Credentials>()?;
    Ok(vec![
        sources::source_files(),
        sources::host_load(),
        sources::host_isolated(),
        runner::strings_built(),
        runner::cmdline_exposure(),
        consumer::name_mapping().on(X86_64),
        consumer::name_mapping().on(AARCH64),
        runner::missing_one().on(X86_64),
        runner::missing_one().on(AARCH64),
        injection::no_injection().on(X86_64),
        injection::no_injection().on(AARCH64),
        injection::no_injection().on(CLOUD_HYPERVISOR),
        firmware::smbios_table().on(X86_64),
        firmware::smbios_table().on(AARCH64),
        firmware::smbios_table().on(CLOUD_HYPERVISOR),
        firmware::smbios_root_only().on(X86_64),
        firmware::smbios_root_only().on(AARCH64),
        arrival::system_store().on(X86_64),
        arrival::system_store().on(AARCH64),
        consumer::service_store().on(X86_64),
        consumer::service_store().on(AARCH64),
        arrival::arrival_order().on(X86_64),
        arrival::arrival_order().on(AARCH64),
        trace::not_on_disk().on(X86_64),
        trace::not_on_disk().on(AARCH64),
        trace::ephemeral().on(X86_64),
        trace::ephemeral().on(AARCH64),
        limits::binary_and_limits().on(X86_64),
        limits::binary_and_limits().on(AARCH64),
        limits::many().on(X86_64_UEFI),
        limits::many().on(AARCH64),
    ])
}

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
mod private;
mod report;
mod runner;
mod sources;
mod strings;
mod trace;

use harness::Suite;

/// The stages whose machines receive credentials.
const X86_64: &str = "x86_64";
const X86_64_UEFI: &str = "x86_64-uefi";
const AARCH64: &str = "aarch64";

/// The stage that sends them.
const HOST: &str = "host";

/// Not a stage: cloud-hypervisor's command line is checked, and its guest where it could run.
const CLOUD_HYPERVISOR: &str = "cloud-hypervisor";

pub const SUITE: Suite = Suite {
    target: "microvm",
    name: "credentials",
    checks: &[
        sources::SOURCE_FILES,
        sources::HOST_LOAD,
        sources::HOST_ISOLATED,
        runner::STRINGS_BUILT,
        runner::CMDLINE_EXPOSURE,
        consumer::NAME_MAPPING.on(X86_64),
        consumer::NAME_MAPPING.on(AARCH64),
        runner::MISSING_ONE.on(X86_64),
        runner::MISSING_ONE.on(AARCH64),
        injection::NO_INJECTION.on(X86_64),
        injection::NO_INJECTION.on(AARCH64),
        injection::NO_INJECTION.on(CLOUD_HYPERVISOR),
        firmware::SMBIOS_TABLE.on(X86_64),
        firmware::SMBIOS_TABLE.on(AARCH64),
        firmware::SMBIOS_TABLE.on(CLOUD_HYPERVISOR),
        firmware::SMBIOS_ROOT_ONLY.on(X86_64),
        firmware::SMBIOS_ROOT_ONLY.on(AARCH64),
        arrival::SYSTEM_STORE.on(X86_64),
        arrival::SYSTEM_STORE.on(AARCH64),
        consumer::SERVICE_STORE.on(X86_64),
        consumer::SERVICE_STORE.on(AARCH64),
        arrival::ARRIVAL_ORDER.on(X86_64),
        arrival::ARRIVAL_ORDER.on(AARCH64),
        trace::NOT_ON_DISK.on(X86_64),
        trace::NOT_ON_DISK.on(AARCH64),
        trace::EPHEMERAL.on(X86_64),
        trace::EPHEMERAL.on(AARCH64),
        limits::BINARY_AND_LIMITS.on(X86_64),
        limits::BINARY_AND_LIMITS.on(AARCH64),
        limits::MANY.on(X86_64_UEFI),
        limits::MANY.on(AARCH64),
    ],
};

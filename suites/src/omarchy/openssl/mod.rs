//! The library layer of the x86_64 programs, as the processes find it that the wrappers start.

mod layer;
mod rendering;
mod search;
mod tls;
mod version;

use harness::Suite;

pub const SUITE: Suite = Suite {
    target: "omarchy",
    name: "openssl",
    checks: &[
        search::FIRST_IN_PATH,
        version::LOADED_VERSION,
        version::CODE_1200,
        search::NOT_DISPLACED,
        layer::OPENSC_LOADS,
        layer::CURL_NO_HTTP3,
        rendering::RENDERING_ENV,
        tls::TLS_BACKEND,
    ],
};

/// What OpenSSL of the layer calls itself, before the day of its release.
const VERSION: &str = "OpenSSL 3.3.2 ";

/// Where the x86_64 system beside the layer has a newer one.
const SYSTEM_LIBRARIES: &str = "/opt/x86_64/usr/lib/x86_64-linux-gnu";

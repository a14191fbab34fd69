//! What goes with OpenSSL 3.3.2 in the library layer.

use harness::{Check, Edit, Need, Outcome, Trial, expect};
use serde::Deserialize;

use super::with_module;
use crate::omarchy::document;
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;

pub fn opensc_loads() -> Check {
    Check::must(
        "openssl.opensc-loads",
        document("Critical Path for pcscd"),
        "The x86_64 OpenSC module loads in that environment with no unresolved symbol (OPENSSL_3.4.0 and \
         later are absent).",
        opensc_loads_holds,
    )
    .needs([Need::Undo])
    .mutant(
        "a module that needs a newer symbol version",
        [Edit::run(
            "cp /opt/x86_64/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so \
             /opt/library-layer/usr/lib/x86_64-linux-gnu/",
        )],
    )
}

/// What became of a library that was to be loaded.
#[derive(Deserialize)]
struct Loaded {
    refused: Option<String>,
}

/// What is asked of a program: whether this loads.
pub const OPENSC: &str = "module opensc-pkcs11.so";

async fn opensc_loads_holds(trial: &Trial) -> Outcome {
    let machine = with_module(trial).await?;
    for process in processes(&*machine) {
        let Loaded { refused } = process.ask(OPENSC).await?;
        let expected = format!("{}: opensc-pkcs11.so loads, every symbol resolved", process.wrapper);
        expect(refused.is_none(), expected, refused.unwrap_or_default())?;
    }
    Ok(())
}

pub fn curl_no_http3() -> Check {
    Check::must(
        "openssl.curl-no-http3",
        document("Component Diagram, Library Layer"),
        "curl in the library layer has no HTTP/3.",
        curl_has_no_http3,
    )
    .needs([Need::Undo])
    .mutant(
        "curl linked with it",
        [Edit::run(
            "cp -P /opt/x86_64/usr/lib/x86_64-linux-gnu/libcurl.so.4* \
             /opt/library-layer/usr/lib/x86_64-linux-gnu/",
        )],
    )
}

/// What curl says of itself.
#[derive(Deserialize)]
struct Curl {
    version: String,
    http3: bool,
}

async fn curl_has_no_http3(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await?;
    for process in processes(&*machine) {
        let Curl { version, http3 } = process.ask("curl").await?;
        let expected = format!("{}: curl has no HTTP/3", process.wrapper);
        expect(!http3, expected, format!("curl {version} has it"))?;
    }
    Ok(())
}

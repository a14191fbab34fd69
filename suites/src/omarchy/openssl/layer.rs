//! What goes with OpenSSL 3.3.2 in the library layer.

use harness::{Check, Edit, Need, Outcome, Trial, expect};
use serde::Deserialize;

use super::with_module;
use crate::omarchy::document;
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::settings::{Libraries, Omarchy, omarchy};

pub fn opensc_loads(omarchy: &Omarchy) -> Check {
    let Libraries { system, layer, .. } = &omarchy.library;
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
        [Edit::run(format!("cp {system}/opensc-pkcs11.so {layer}/"))],
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
    let (omarchy, machine) = (omarchy(trial)?, with_module(trial).await?);
    for process in processes(&*machine, &omarchy) {
        let Loaded { refused } = process.ask(OPENSC).await?;
        let expected = format!("{}: opensc-pkcs11.so loads, every symbol resolved", process.wrapper);
        expect(refused.is_none(), expected, refused.unwrap_or_default())?;
    }
    Ok(())
}

pub fn curl_no_http3(omarchy: &Omarchy) -> Check {
    let Libraries { system, layer, .. } = &omarchy.library;
    Check::must(
        "openssl.curl-no-http3",
        document("Component Diagram, Library Layer"),
        "curl in the library layer has no HTTP/3.",
        curl_has_no_http3,
    )
    .needs([Need::Undo])
    .mutant("curl linked with it", [Edit::run(format!("cp -P {system}/libcurl.so.4* {layer}/"))])
}

/// What curl says of itself.
#[derive(Deserialize)]
struct Curl {
    version: String,
    http3: bool,
}

async fn curl_has_no_http3(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_programs(trial).await?);
    for process in processes(&*machine, &omarchy) {
        let Curl { version, http3 } = process.ask("curl").await?;
        let expected = format!("{}: curl has no HTTP/3", process.wrapper);
        expect(!http3, expected, format!("curl {version} has it"))?;
    }
    Ok(())
}

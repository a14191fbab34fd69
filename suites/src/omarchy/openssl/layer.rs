//! What goes with OpenSSL 3.3.2 in the library layer.

use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial, expect};
use serde::Deserialize;

use super::with_module;
use crate::omarchy::document;
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;

pub const OPENSC_LOADS: Check = Check {
    invariant: Invariant {
        id: "openssl.opensc-loads",
        level: Level::Must,
        statement: "The x86_64 OpenSC module loads in that environment with no unresolved symbol (OPENSSL_3.4.0 and later are absent).",
        source: document("Critical Path for pcscd"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(opensc_loads(trial)),
    mutants: &[Mutant {
        name: "a module that needs a newer symbol version",
        stage: None,
        boots: false,
        edits: &[Edit::Run {
            command: "cp /opt/x86_64/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so /opt/library-layer/usr/lib/x86_64-linux-gnu/",
        }],
    }],
};

/// What became of a library that was to be loaded.
#[derive(Deserialize)]
struct Loaded {
    refused: Option<String>,
}

/// What is asked of a program: whether this loads.
pub const OPENSC: &str = "module opensc-pkcs11.so";

async fn opensc_loads(trial: &Trial) -> Outcome {
    let machine = with_module(trial).await?;
    for process in processes(&*machine) {
        let Loaded { refused } = process.ask(OPENSC).await?;
        let expected = format!("{}: opensc-pkcs11.so loads, every symbol resolved", process.wrapper);
        expect(refused.is_none(), expected, refused.unwrap_or_default())?;
    }
    Ok(())
}

pub const CURL_NO_HTTP3: Check = Check {
    invariant: Invariant {
        id: "openssl.curl-no-http3",
        level: Level::Must,
        statement: "curl in the library layer has no HTTP/3.",
        source: document("Component Diagram, Library Layer"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(curl_has_no_http3(trial)),
    mutants: &[Mutant {
        name: "curl linked with it",
        stage: None,
        boots: false,
        edits: &[Edit::Run {
            command: "cp -P /opt/x86_64/usr/lib/x86_64-linux-gnu/libcurl.so.4* /opt/library-layer/usr/lib/x86_64-linux-gnu/",
        }],
    }],
};

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

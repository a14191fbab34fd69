//! TLS, which GIO has from glib-networking.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use harness::machine::quoted;
use harness::{Check, Machine, Need, Outcome, Stop, Trial, expect};
use serde::Deserialize;

use super::with_module;
use crate::omarchy::document;
use crate::omarchy::process::{Process, processes};
use crate::omarchy::settings::{Omarchy, omarchy};

pub fn tls_backend(omarchy: &Omarchy) -> Check {
    Check::must(
        "openssl.tls-backend",
        document("Intune Component Dependencies"),
        "A TLS handshake from an x86_64 program in that environment succeeds against a local server with a \
         local CA, and fails for an unknown CA.",
        tls_backend_holds,
    )
    .needs([Need::Undo])
    .mutant("CA path unset", [omarchy.wrapper_then(&omarchy.wrapper.agent, "unset SSL_CERT_FILE")])
}

/// Starts the server, and makes its keys and certificates.
const SERVER: &str = include_str!("server.sh");

const SERVER_LIMIT: Duration = Duration::from_secs(300);

/// What is asked of a program: one with that server.
const HANDSHAKE: &str = "handshake localhost:44301";

/// The variables that name the file with the authorities, the first of them that is set.
const AUTHORITIES: [&str; 2] = ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"];

/// Where they are for who has no such variable, as GnuTLS is built to look.
const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What became of a handshake.
#[derive(Deserialize)]
struct Handshake {
    backend: String,
    refused: Option<String>,
    /// Whether that is because nobody knows the authority.
    unknown_authority: bool,
}

async fn tls_backend_holds(trial: &Trial) -> Outcome {
    // They have GIO from OpenSC, and what else may be wrong with that is not a handshake's.
    let (omarchy, machine) = (omarchy(trial)?, with_module(trial).await.map_err(Stop::undecided)?);
    let started = machine.run_within(&format!("sh -c {}", quoted(SERVER)), SERVER_LIMIT).await?;
    if !started.success() {
        return Err(Stop::Broken(format!("the server does not start: {started}")));
    }
    let processes = processes(&*machine, &omarchy);
    let trusted = authorities(&processes).await?;
    add(&*machine, "another-authority", &trusted).await?;
    for process in &processes {
        let unknown: Handshake = process.ask(HANDSHAKE).await?;
        let refused = unknown.refused.is_some() && unknown.unknown_authority;
        let expected =
            format!("{}: a handshake is refused with a server of an unknown authority", process.wrapper);
        expect(refused, expected, described(&unknown))?;
    }

    add(&*machine, "authority", &trusted).await?;
    for process in &processes {
        let known: Handshake = process.ask(HANDSHAKE).await?;
        let expected =
            format!("{}: a handshake succeeds once the server's authority is known", process.wrapper);
        expect(known.refused.is_none(), expected, described(&known))?;
    }
    Ok(())
}

/// The files that they have authorities from.
async fn authorities(processes: &[Process<'_>]) -> Result<BTreeSet<String>, Stop> {
    let mut files = BTreeSet::new();
    for process in processes {
        let environment: BTreeMap<String, String> = process.ask("environment").await?;
        let named = AUTHORITIES.iter().find_map(|name| environment.get(*name));
        files.insert(named.cloned().unwrap_or_else(|| SYSTEM_AUTHORITIES.to_owned()));
    }
    Ok(files)
}

/// Adds an authority to those of these files that there are: whose is not there trusts nobody. A copy is mounted over
/// each, because a store's own cannot be written.
async fn add(machine: &dyn Machine, authority: &str, files: &BTreeSet<String>) -> Outcome {
    for (number, file) in files.iter().enumerate() {
        let file = quoted(file);
        let copy = format!("/run/assay-tls/{authority}-{number}");
        let add = format!(
            "! test -e {file} || {{ cp --dereference --preserve=all {file} {copy} && \
             cat /run/assay-tls/{authority}.pem >>{copy} && mount --bind {copy} {file}; }}"
        );
        machine.succeed(&add).await?;
    }
    Ok(())
}

fn described(handshake: &Handshake) -> String {
    let Handshake { backend, refused, unknown_authority } = handshake;
    let authority = if *unknown_authority { ", the authority is unknown" } else { "" };
    match refused {
        Some(refused) => format!("{backend}: {refused}{authority}"),
        None => format!("{backend} accepts it"),
    }
}

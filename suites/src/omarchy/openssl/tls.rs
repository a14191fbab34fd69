//! TLS, which GIO has from glib-networking.

use std::collections::BTreeMap;
use std::time::Duration;

use harness::machine::quoted;
use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Stop, Touches, Trial, expect};
use serde::Deserialize;

use super::with_programs;
use crate::omarchy::document;
use crate::omarchy::process::processes;
use crate::omarchy::wrapper::{AGENT, SOURCE};

pub const TLS_BACKEND: Check = Check {
    invariant: Invariant {
        id: "openssl.tls-backend",
        level: Level::Must,
        statement: "A TLS handshake from an x86_64 program in that environment succeeds against a local server with a local CA, and fails for an unknown CA.",
        source: document("Intune Component Dependencies"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(tls_backend(trial)),
    mutants: &[Mutant {
        name: "CA path unset",
        stage: None,
        boots: false,
        edits: &[Edit::Replace {
            path: AGENT.file,
            from: SOURCE,
            to: ". /usr/local/lib/library-layer/environment\nunset SSL_CERT_FILE\n",
        }],
    }],
};

/// Starts the servers, and makes their keys and certificates.
const SERVERS: &str = include_str!("servers.sh");

const SERVERS_LIMIT: Duration = Duration::from_secs(300);

/// The variables that name the file with the authorities, the first of them that is set.
const AUTHORITIES: [&str; 2] = ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"];

/// What became of a handshake.
#[derive(Deserialize)]
struct Handshake {
    backend: String,
    refused: Option<String>,
    /// Whether that is because nobody knows the authority.
    unknown_authority: bool,
}

async fn tls_backend(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await?;
    let started = machine.run_within(&format!("sh -c {}", quoted(SERVERS)), SERVERS_LIMIT).await?;
    if !started.success() {
        return Err(Stop::Broken(format!("the servers do not start: {started}")));
    }
    let mut trusting = Vec::new();
    for process in processes(&*machine).await? {
        let wrapper = process.wrapper;
        let environment: BTreeMap<String, String> = process.ask("environment").await?;
        // Whose authorities are not to be found trusts nobody.
        if let Some(file) = AUTHORITIES.iter().find_map(|name| environment.get(*name))
            && !trusting.contains(file)
        {
            let add = format!("cat /run/assay-tls/known-authority.pem >>{}", quoted(file));
            machine.succeed(&add).await?;
            trusting.push(file.clone());
        }

        let known: Handshake = process.ask("handshake localhost:44301").await?;
        let expected =
            format!("{wrapper}: a handshake succeeds with a server of an authority that it is given");
        expect(known.refused.is_none(), expected, described(&known))?;
        let unknown: Handshake = process.ask("handshake localhost:44302").await?;
        let expected = format!("{wrapper}: a handshake is refused with a server of an unknown authority");
        expect(unknown.refused.is_some() && unknown.unknown_authority, expected, described(&unknown))?;
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

//! The library layer of the x86_64 programs, as the processes find it that the wrappers start.

mod layer;
mod rendering;
mod search;
mod tls;
mod version;

use std::sync::Arc;

use harness::machine::qemu::Vm;
use harness::{Edit, Prepared, Stop, Suite, Trial};
use serde::de::IgnoredAny;

use super::process::{Caller, processes, start};
use super::wrapper::SOURCE;

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

/// A wrapper that has the system's libraries looked for first.
const fn system_first(wrapper: &'static str) -> Edit {
    Edit::Replace {
        path: wrapper,
        from: SOURCE,
        to: ". /usr/local/lib/library-layer/environment\n\
             LD_LIBRARY_PATH=/opt/x86_64/usr/lib/x86_64-linux-gnu:$LD_LIBRARY_PATH\n",
    }
}

/// A caller from whose environment and directory wrappers must take nothing over: a desktop has its programs draw
/// otherwise, and a libcrypto may lie anywhere.
const CALLER: Caller<'static> =
    Caller { environment: &[("GDK_BACKEND", "wayland,x11,*")], directory: SYSTEM_LIBRARIES };

#[derive(PartialEq, Eq, Hash)]
struct Programs;

/// Machines on which that caller has started the programs of all wrappers.
async fn programs(trial: &Trial) -> Result<Prepared<'_>, Stop> {
    trial.subject()?.after(Programs, async |machine| start(machine, &CALLER).await).await
}

async fn with_programs(trial: &Trial) -> Result<Arc<Vm>, Stop> {
    Ok(programs(trial).await?.machine().await?)
}

#[derive(PartialEq, Eq, Hash)]
struct Module;

/// The same machine when those programs have loaded OpenSC, and GIO with it, which takes each of them seconds. What became
/// of that is for a check to ask, and answered at once then.
async fn with_module(trial: &Trial) -> Result<Arc<Vm>, Stop> {
    let load = async |machine: &Vm| {
        for process in processes(machine) {
            let _: IgnoredAny = process.ask(layer::OPENSC).await?;
        }
        Ok(())
    };
    Ok(programs(trial).await?.after(Module, load).await?.machine().await?)
}

//! The library layer of the x86_64 programs, as the processes find it that the wrappers start.

mod in_session;
mod layer;
mod rendering;
mod search;
mod tls;
mod version;

use std::sync::Arc;

use harness::{Check, Edit, Machine, Outcome, Stop, Suite, Trial};
use serde::de::IgnoredAny;

use super::process::processes;
use super::programs::programs;
use super::wrapper::SOURCE;

pub const SUITE: Suite = Suite::new("omarchy", "openssl", |_| Ok(checks()));

fn checks() -> Vec<Check> {
    vec![
        search::first_in_path(),
        version::loaded_version(),
        version::code_1200(),
        in_session::in_session(),
        search::not_displaced(),
        layer::opensc_loads(),
        layer::curl_no_http3(),
        rendering::rendering_env(),
        tls::tls_backend(),
    ]
}

/// A wrapper that has the system's libraries looked for first.
fn system_first(wrapper: &'static str) -> Edit {
    Edit::replace(
        wrapper,
        SOURCE,
        ". /usr/local/lib/library-layer/environment\n\
             LD_LIBRARY_PATH=/opt/x86_64/usr/lib/x86_64-linux-gnu:$LD_LIBRARY_PATH\n",
    )
}

/// A wrapper that has its caller's libraries looked for first.
fn appends(wrapper: &'static str) -> Edit {
    Edit::replace(
        wrapper,
        SOURCE,
        "own=$LD_LIBRARY_PATH LD_LIBRARY_PATH=\n. /usr/local/lib/library-layer/environment\n\
             LD_LIBRARY_PATH=${own:+$own:}$LD_LIBRARY_PATH\n",
    )
}

#[derive(PartialEq, Eq, Hash)]
struct Module;

/// The same machine when those programs have loaded OpenSC, and GIO with it, which takes each of them seconds. What became
/// of that is for a check to ask, and answered at once then.
async fn with_module(trial: &Trial) -> Result<Arc<dyn Machine>, Stop> {
    Ok(programs(trial).await?.after(Module, |machine| Box::pin(load(machine))).await?.machine().await?)
}

async fn load(machine: &dyn Machine) -> Outcome {
    for process in processes(machine) {
        let _: IgnoredAny = process.ask(layer::OPENSC).await?;
    }
    Ok(())
}

//! The library layer of the x86_64 programs, as the processes find it that the wrappers start.

mod in_session;
mod layer;
mod rendering;
mod search;
mod tls;
mod version;

use std::sync::Arc;

use harness::{Check, Edit, Machine, Outcome, Settings, SettingsError, Stop, Suite, Trial};
use serde::de::IgnoredAny;

use super::process::processes;
use super::programs::programs;
use super::settings::{Omarchy, omarchy};
use super::user::with_user;

pub const SUITE: Suite = Suite::new("omarchy", "openssl", checks).with_table::<Omarchy>();

fn checks(settings: &Settings) -> Result<Vec<Check>, SettingsError> {
    let omarchy = settings.read::<Omarchy>()?;
    Ok(with_user(vec![
        search::first_in_path(&omarchy),
        version::loaded_version(&omarchy),
        version::code_1200(&omarchy),
        in_session::in_session(&omarchy),
        search::not_displaced(&omarchy),
        layer::opensc_loads(&omarchy),
        layer::curl_no_http3(&omarchy),
        rendering::rendering_env(&omarchy),
        tls::tls_backend(&omarchy),
    ]))
}

impl Omarchy {
    /// The wrapper in this file, which does this when it has the library layer's environment.
    fn wrapper_then(&self, wrapper: &str, line: &str) -> Edit {
        let source = self.source();
        Edit::replace(wrapper.to_owned(), source.clone(), format!("{source}{line}\n"))
    }

    /// The same, which has the system's libraries looked for first.
    fn system_first(&self, wrapper: &str) -> Edit {
        self.wrapper_then(wrapper, &format!("LD_LIBRARY_PATH={}:$LD_LIBRARY_PATH", self.library.system))
    }

    /// The same, which has its caller's libraries looked for first.
    fn appends(&self, wrapper: &str) -> Edit {
        let source = self.source();
        let appended = format!(
            "own=$LD_LIBRARY_PATH LD_LIBRARY_PATH=\n{source}\
             LD_LIBRARY_PATH=${{own:+$own:}}$LD_LIBRARY_PATH\n"
        );
        Edit::replace(wrapper.to_owned(), source, appended)
    }
}

#[derive(PartialEq, Eq, Hash)]
struct Module;

/// The same machine when those programs have loaded OpenSC, and GIO with it, which takes each of them seconds. What became
/// of that is for a check to ask, and answered at once then.
async fn with_module(trial: &Trial) -> Result<Arc<dyn Machine>, Stop> {
    let omarchy = omarchy(trial)?;
    let prepared = programs(trial).await?.after(Module, |machine| Box::pin(load(machine, omarchy))).await?;
    Ok(prepared.machine().await?)
}

async fn load(machine: &dyn Machine, omarchy: Arc<Omarchy>) -> Outcome {
    for process in processes(machine, &omarchy) {
        let _: IgnoredAny = process.ask(layer::OPENSC).await?;
    }
    Ok(())
}

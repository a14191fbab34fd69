//! How the programs with a window are to draw it.

use std::collections::BTreeMap;

use harness::{Check, Edit, Need, Outcome, Trial, expect};

use crate::omarchy::document;
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::settings::{Omarchy, Wrappers, omarchy};

pub fn rendering_env(omarchy: &Omarchy) -> Check {
    let Wrappers { portal, user_broker, .. } = &omarchy.wrapper;
    Check::must(
        "openssl.rendering-env",
        document("Intune Component Dependencies"),
        "Wrappers with a window set WEBKIT_DISABLE_DMABUF_RENDERER=1, LIBGL_ALWAYS_SOFTWARE=1, \
         GALLIUM_DRIVER=llvmpipe, GDK_BACKEND=x11, and do not set WEBKIT_DISABLE_COMPOSITING_MODE.",
        rendering_environment,
    )
    .needs([Need::Undo])
    .mutant(
        "WEBKIT_DISABLE_DMABUF_RENDERER missing",
        [after_rendering(portal, "render_in_software\nunset WEBKIT_DISABLE_DMABUF_RENDERER\n")],
    )
    .mutant(
        "LIBGL_ALWAYS_SOFTWARE missing",
        [after_rendering(user_broker, "render_in_software\nunset LIBGL_ALWAYS_SOFTWARE\n")],
    )
    .mutant("GALLIUM_DRIVER missing", [after_rendering(portal, "render_in_software\nunset GALLIUM_DRIVER\n")])
    .mutant("GDK_BACKEND missing", [after_rendering(user_broker, "render_in_software\nunset GDK_BACKEND\n")])
    .mutant(
        "WEBKIT_DISABLE_COMPOSITING_MODE set",
        [after_rendering(portal, "render_in_software\nexport WEBKIT_DISABLE_COMPOSITING_MODE=1\n")],
    )
}

fn after_rendering(path: &str, to: &'static str) -> Edit {
    Edit::replace(path.to_owned(), "render_in_software\n", to)
}

const WANTED: &[(&str, Option<&str>)] = &[
    ("WEBKIT_DISABLE_DMABUF_RENDERER", Some("1")),
    ("LIBGL_ALWAYS_SOFTWARE", Some("1")),
    ("GALLIUM_DRIVER", Some("llvmpipe")),
    ("GDK_BACKEND", Some("x11")),
    ("WEBKIT_DISABLE_COMPOSITING_MODE", None),
];

async fn rendering_environment(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_programs(trial).await?);
    let processes = processes(&*machine, &omarchy);
    for process in processes.iter().filter(|process| process.wrapper.window) {
        let environment: BTreeMap<String, String> = process.ask("environment").await?;
        for (name, wanted) in WANTED {
            let found = environment.get(*name).map(String::as_str);
            let described = |value: Option<&str>| match value {
                Some(value) => format!("{name}={value}"),
                None => format!("{name} is not set"),
            };
            expect(
                found == *wanted,
                format!("{}: {}", process.wrapper, described(*wanted)),
                described(found),
            )?;
        }
    }
    Ok(())
}

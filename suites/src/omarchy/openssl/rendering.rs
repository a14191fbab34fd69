//! How the programs with a window are to draw it.

use std::collections::BTreeMap;

use harness::{Check, Edit, Invariant, Level, Mutant, Need, Outcome, Trial, expect};

use crate::omarchy::document;
use crate::omarchy::process::processes;
use crate::omarchy::programs::with_programs;
use crate::omarchy::wrapper::{PORTAL, USER_BROKER};

pub const RENDERING_ENV: Check = Check {
    invariant: Invariant {
        id: "openssl.rendering-env",
        level: Level::Must,
        statement: "Wrappers with a window set WEBKIT_DISABLE_DMABUF_RENDERER=1, LIBGL_ALWAYS_SOFTWARE=1, GALLIUM_DRIVER=llvmpipe, GDK_BACKEND=x11, and do not set WEBKIT_DISABLE_COMPOSITING_MODE.",
        source: document("Intune Component Dependencies"),
        variant: None,
    },
    needs: &[Need::Undo],
    run: |trial| Box::pin(rendering_environment(trial)),
    mutants: &[
        Mutant {
            name: "WEBKIT_DISABLE_DMABUF_RENDERER missing",
            stage: None,
            boots: false,
            edits: &[after_rendering(
                PORTAL.file,
                "render_in_software\nunset WEBKIT_DISABLE_DMABUF_RENDERER\n",
            )],
        },
        Mutant {
            name: "LIBGL_ALWAYS_SOFTWARE missing",
            stage: None,
            boots: false,
            edits: &[after_rendering(USER_BROKER.file, "render_in_software\nunset LIBGL_ALWAYS_SOFTWARE\n")],
        },
        Mutant {
            name: "GALLIUM_DRIVER missing",
            stage: None,
            boots: false,
            edits: &[after_rendering(PORTAL.file, "render_in_software\nunset GALLIUM_DRIVER\n")],
        },
        Mutant {
            name: "GDK_BACKEND missing",
            stage: None,
            boots: false,
            edits: &[after_rendering(USER_BROKER.file, "render_in_software\nunset GDK_BACKEND\n")],
        },
        Mutant {
            name: "WEBKIT_DISABLE_COMPOSITING_MODE set",
            stage: None,
            boots: false,
            edits: &[after_rendering(
                PORTAL.file,
                "render_in_software\nexport WEBKIT_DISABLE_COMPOSITING_MODE=1\n",
            )],
        },
    ],
};

const fn after_rendering(path: &'static str, to: &'static str) -> Edit {
    Edit::Replace { path, from: "render_in_software\n", to }
}

const WANTED: &[(&str, Option<&str>)] = &[
    ("WEBKIT_DISABLE_DMABUF_RENDERER", Some("1")),
    ("LIBGL_ALWAYS_SOFTWARE", Some("1")),
    ("GALLIUM_DRIVER", Some("llvmpipe")),
    ("GDK_BACKEND", Some("x11")),
    ("WEBKIT_DISABLE_COMPOSITING_MODE", None),
];

async fn rendering_environment(trial: &Trial) -> Outcome {
    let machine = with_programs(trial).await?;
    let processes = processes(&*machine);
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

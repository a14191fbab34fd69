//! Whether what a host has is enough.

use std::path::Path;

use super::distribution::Distribution;
use super::look::Located;
use super::need::Need;
use super::{Finding, State};

/// Has the kernel run programs of the other architecture.
pub const REGISTER: &str = "ci/emulator register (as root, once the emulator is installed)";

const GIB: u64 = 1 << 30;
/// A template's memory, some forks of it, and QEMU itself.
const MEMORY: u64 = 3 * GIB;
/// The images and templates of one target, and a build beside them.
const SPACE: u64 = 4 * GIB;
/// The oldest QEMU that assay was tried with.
const QEMU: (u32, u32) = (7, 2);

pub fn need(need: &Need, located: Option<&Located>, root: bool, distribution: Distribution) -> Finding {
    let fix = distribution.install(need);
    let state = match located {
        Some(Located { place, version: None }) => State::Fine(place.display().to_string()),
        Some(Located { version: Some(text), .. }) => emulator_version(text),
        None if need.required(root) => State::Missing { observed: "not found".into(), fix },
        None => State::Absent { fix },
    };
    Finding { need: need.name().into(), purpose: format!("for {}: it {}", need.purpose, need.does), state }
}

fn emulator_version(text: &str) -> State {
    let number = text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    let mut parts = number.unwrap_or_default().split('.').map_while(|part| part.parse().ok());
    match (number, parts.next(), parts.next()) {
        (Some(number), Some(major), Some(minor)) if (major, minor) >= QEMU => {
            State::Fine(format!("version {number}"))
        }
        (Some(number), Some(_), Some(_)) => State::Note(format!(
            "version {number}; assay was never tried with one older than {}.{}",
            QEMU.0, QEMU.1
        )),
        _ => State::Note(format!("a version that cannot be told from {text:?}")),
    }
}

pub fn emulator(architecture: &str, runs: bool) -> Finding {
    let state = if runs {
        State::Fine("registered, and its emulator is held open".into())
    } else {
        State::Missing { observed: "the kernel has no such handler with flag F".into(), fix: REGISTER.into() }
    };
    Finding {
        need: format!("{architecture} programs"),
        purpose: "for images: the packages' own scripts run when they are installed".into(),
        state,
    }
}

pub fn memory(available: Option<u64>) -> Finding {
    let state = enough(available, MEMORY, "end what uses it, or run fewer machines at once with --jobs");
    Finding { need: "memory".into(), purpose: "for every target: the machines' memory".into(), state }
}

pub fn space(cache: &Path, available: Option<u64>) -> Finding {
    let fix = "free some with `assay image remove`, or set ASSAY_CACHE to a directory with more";
    Finding {
        need: "space".into(),
        purpose: format!("for every target: the cache, {}", cache.display()),
        state: enough(available, SPACE, fix),
    }
}

fn enough(available: Option<u64>, needed: u64, fix: &str) -> State {
    #[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
    let gib = |bytes: u64| format!("{:.1} GiB", bytes as f64 / GIB as f64);
    match available {
        Some(available) if available >= needed => State::Fine(format!("{} free", gib(available))),
        Some(available) => State::Missing {
            observed: format!("{} free, {} needed", gib(available), gib(needed)),
            fix: fix.into(),
        },
        None => State::Note(format!("cannot be told; {} are needed", gib(needed))),
    }
}

pub fn kvm(present: bool) -> Finding {
    let state = if present {
        "is there; used for a target of this architecture when guest code turns out to run under it"
    } else {
        "is not there; machines are emulated, which all checks allow for"
    };
    Finding {
        need: "/dev/kvm".into(),
        purpose: "for targets of this architecture: speed".into(),
        state: State::Note(state.into()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::{need, render};

    #[rstest]
    #[case("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)", "Fine(\"version 7.2.22\")")]
    #[case("QEMU emulator version 10.0.13 (Debian 1:10.0.13+ds-0+deb13u1)", "Fine(\"version 10.0.13\")")]
    #[case(
        "QEMU emulator version 6.2.0 (Debian 1:6.2+dfsg-2ubuntu6)",
        "Note(\"version 6.2.0; assay was never tried with one older than 7.2\")"
    )]
    #[case("who knows", "Note(\"a version that cannot be told from \\\"who knows\\\"\")")]
    fn an_emulator_is_judged_by_its_version(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(format!("{:?}", emulator_version(text)), expected);
    }

    #[rstest]
    #[case("mmdebstrap", true, true)]
    #[case("newuidmap", false, true)]
    #[case("newuidmap", true, false)]
    #[case("xmllint", false, false)]
    fn what_is_not_found_is_missing_where_it_is_required(
        #[case] name: &str,
        #[case] root: bool,
        #[case] missing: bool,
    ) {
        let need = need::all().iter().find(|need| need.name() == name).unwrap();
        let finding = super::need(need, None, root, Distribution::Debian);
        assert_eq!(matches!(finding.state, State::Missing { .. }), missing, "{finding:?}");
    }

    #[rstest]
    #[case(Some(3 * GIB), "Fine(\"3.0 GiB free\")")]
    #[case(None, "Note(\"cannot be told; 3.0 GiB are needed\")")]
    fn memory_is_enough(#[case] available: Option<u64>, #[case] expected: &str) {
        assert_eq!(format!("{:?}", memory(available).state), expected);
    }

    #[test]
    fn a_full_disk_is_missing_with_what_to_do() {
        insta::assert_snapshot!(render(&[space(Path::new("/cache"), Some(GIB / 2))]), @r"
        MISSING  space  0.5 GiB free, 4.0 GiB needed
                 for every target: the cache, /cache
                 to mend it: free some with `assay image remove`, or set ASSAY_CACHE to a directory with more
        1 missing. `ci/bootstrap` installs all that comes in packages.
        ");
    }
}

//! What a password must have.

use harness::machine::quoted;
use harness::{
    Check, Edit, Invariant, Level, Machine, MachineError, Mutant, Outcome, Output, Touches, Trial, expect,
};

use crate::omarchy::{COMPLIANT, USER, as_user, document};

const POLICY: &str = "/etc/pam.d/common-password";

pub const PASSWORD_POLICY: Check = Check {
    invariant: Invariant {
        id: "identity.password-policy",
        level: Level::Must,
        statement: "`/etc/pam.d/common-password` is 0644 and effective: a weak password is refused, a compliant one accepted, as the user.",
        source: document("Phase 2, 2.2; Phase 5, 5.5"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(password_policy(trial)),
    mutants: &[
        Mutant {
            name: "mode 0600",
            stage: None,
            boots: false,
            edits: &[Edit::Run { command: "chmod 600 /etc/pam.d/common-password" }],
        },
        Mutant {
            name: "minlen missing",
            stage: None,
            boots: false,
            edits: &[Edit::Replace { path: "/etc/security/pwquality.conf", from: "minlen = 12\n", to: "" }],
        },
        Mutant {
            name: "module commented out",
            stage: None,
            boots: false,
            edits: &[Edit::Replace {
                path: POLICY,
                from: "password requisite pam_pwquality",
                to: "# pam_pwquality",
            }],
        },
    ],
};

/// What the user has before the check.
const FIRST: &str = "Zebra+Quilt+59+Lamp";

/// Each lacks one thing: length, a digit, a capital, a small letter, a mark.
const WEAK: [&str; 5] = [
    "Oak7+Fjord!",
    "Violet+Anchor+Pebble",
    "violet+anchor+38+pebble",
    "VIOLET+ANCHOR+38",
    "Violet7Anchor38Pebble",
];

async fn password_policy(trial: &Trial) -> Outcome {
    let machine = trial.machine().await?;
    let mode = machine.run(&format!("stat --format=%a {POLICY}")).await?;
    expect(mode.text() == "644", format!("{POLICY} has the mode 644"), mode)?;
    let read = machine.run(&as_user(&format!("grep -c . {POLICY}"))).await?;
    expect(read.success(), format!("the user can read {POLICY}"), read)?;

    let hash = format!("perl -e 'print crypt(\"{FIRST}\", \"\\$5\\$assay\")'");
    machine.succeed(&format!("usermod --password \"$({hash})\" {USER}")).await?;
    for weak in WEAK {
        let changed = change(&*machine, weak).await?;
        let refused = !changed.success() && String::from_utf8_lossy(&changed.stderr).contains("BAD PASSWORD");
        expect(refused, format!("the user's new password {weak:?} is refused as bad"), changed)?;
    }
    let changed = change(&*machine, COMPLIANT).await?;
    expect(changed.success(), format!("the user's new password {COMPLIANT:?} is accepted"), changed)
}

/// Has the user change their password.
async fn change(machine: &dyn Machine, password: &str) -> Result<Output, MachineError> {
    let answers = [FIRST, password, password].map(quoted).join(" ");
    machine.run(&format!("printf '%s\\n' {answers} | {}", as_user("exec passwd"))).await
}

//! What a password must have.

use harness::machine::quoted;
use harness::{Check, Edit, Machine, MachineError, Need, Outcome, Output, Trial, expect};

use crate::omarchy::settings::{Omarchy, omarchy};
use crate::omarchy::{COMPLIANT, document};

const POLICY: &str = "/etc/pam.d/common-password";

pub fn password_policy() -> Check {
    Check::must(
        "identity.password-policy",
        document("Phase 2, 2.2; Phase 5, 5.5"),
        "`/etc/pam.d/common-password` is 0644, names pam_pwquality to the agent, which reads its text as the user, \
         and is effective: PAM refuses a weak password and accepts a compliant one, from the user.",
        password_policy_holds,
    )
    .needs([Need::Undo])
    .mutant("mode 0600", [Edit::run("chmod 600 /etc/pam.d/common-password")])
    .mutant("minlen missing", [Edit::replace("/etc/security/pwquality.conf", "minlen = 12\n", "")])
    .mutant(
        "module commented out",
        [Edit::replace(POLICY, "password requisite pam_pwquality", "# pam_pwquality")],
    )
    .mutant(
        "a policy that PAM has from another file",
        [Edit::run(
            "cd /etc/pam.d && cp common-password policy && sed -i /pam_pwquality/d common-password && \
             sed -i 's/^@include common-password/@include policy/' passwd && grep -q policy passwd",
        )],
    )
    .mutant(
        "a policy that PAM does not have",
        [Edit::run(
            "cd /etc/pam.d && sed -i 's/^@include common-password/password required pam_unix.so/' passwd && \
             grep -q pam_unix passwd",
        )],
    )
}

/// What holds new passwords to the policy (2.2).
const MODULE: &str = "pam_pwquality.so";

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

async fn password_policy_holds(trial: &Trial) -> Outcome {
    // It gives the user another password.
    trial.is_undone()?;
    let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
    let mode = machine.run(&format!("stat --dereference --format=%a {POLICY}")).await?;
    expect(mode.text() == "644", format!("{POLICY} has the mode 644"), mode)?;
    let read = machine.run(&omarchy.as_user(&format!("cat {POLICY}"))).await?;
    expect(read.success(), format!("the user can read {POLICY}"), &read)?;
    let modules = password_modules(&read.text());
    expect(
        modules.iter().any(|module| module == MODULE),
        format!("{POLICY} names {MODULE} for passwords, to an agent that reads its text"),
        format!("it names {modules:?}"),
    )?;

    let hash = format!("perl -e 'print crypt(\"{FIRST}\", \"\\$5\\$assay\")'");
    machine.succeed(&format!("usermod --password \"$({hash})\" {}", omarchy.user)).await?;
    for weak in WEAK {
        let changed = change(&*machine, &omarchy, weak).await?;
        expect(!changed.success(), format!("the user's new password {weak:?} is refused"), changed)?;
    }
    // That it is taken also shows that the others were refused for what they are.
    let changed = change(&*machine, &omarchy, COMPLIANT).await?;
    expect(changed.success(), format!("the user's new password {COMPLIANT:?} is accepted"), changed)
}

/// The modules that a file of PAM's names for passwords (pam.d(5)).
fn password_modules(text: &str) -> Vec<String> {
    let lines = text.replace("\\\n", " ");
    lines.lines().filter_map(password_module).map(str::to_owned).collect()
}

fn password_module(line: &str) -> Option<&str> {
    let line = line.split('#').next()?.trim();
    let (kind, rest) = line.split_once(char::is_whitespace)?;
    if !kind.trim_start_matches('-').eq_ignore_ascii_case("password") {
        return None;
    }
    let rest = rest.trim_start();
    let rest = match rest.strip_prefix('[') {
        Some(control) => control.split_once(']')?.1,
        None => rest.split_once(char::is_whitespace)?.1,
    };
    rest.split_whitespace().next()?.rsplit('/').next()
}

/// Has the user change their password.
async fn change(machine: &dyn Machine, omarchy: &Omarchy, password: &str) -> Result<Output, MachineError> {
    let answers = [FIRST, password, password].map(quoted).join(" ");
    machine.run(&format!("printf '%s\\n' {answers} | {}", omarchy.as_user("exec passwd"))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modules_for_passwords_are_those_that_pam_reads() {
        let text = "# password requisite pam_cracklib.so\nauth required pam_deny.so\n\
            @include other\n-Password [success=1 default=ignore] /usr/lib/security/pam_unix.so shadow\n\
            password\trequisite \\\n  pam_pwquality.so retry=3 # minlen=12\n";
        assert_eq!(password_modules(text), ["pam_unix.so", "pam_pwquality.so"]);
    }

    #[test]
    fn a_line_that_is_cut_short_names_no_module() {
        assert!(password_modules("password\npassword requisite\npassword [success=1\n").is_empty());
    }
}

//! Programs that a machine is to run and does not have.

use std::fmt;

use super::{Machine, MachineError, quoted};

/// A program, or what runs it, that a machine lacks. That is no fault of the target's own files, which are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// The file that cannot do without.
    user: String,
    program: String,
}

/// The first program that one of these units starts, or that is one of these commands, and that cannot run because what
/// interprets or loads it, or what it is a link to, is not there. One that is not there itself is the target's to lay.
pub async fn missing(
    machine: &dyn Machine,
    units: &[&str],
    commands: &[&str],
) -> Result<Option<Missing>, MachineError> {
    let units: Vec<String> = units.iter().map(|unit| quoted(unit)).collect();
    let asked = format!("systemctl show --property=ExecStart --value {}", units.join(" "));
    // Asked for none, it would tell of the manager itself.
    let started = if units.is_empty() { String::new() } else { machine.succeed(&asked).await? };
    let programs = started.split("path=").skip(1).filter_map(|rest| rest.split(" ;").next());
    let found =
        programs.map(quoted).chain(commands.iter().map(|name| format!("$(command -v {})", quoted(name))));
    let files: Vec<String> = found.collect();
    let looked = machine.succeed(&format!("set -f; for file in {}; do {LOOK}done", files.join(" "))).await?;
    let lacking = looked.lines().find_map(|line| line.split_once('\t'));
    Ok(lacking.map(|(user, program)| Missing { user: user.into(), program: program.into() }))
}

/// Prints the file and what it lacks. Where a program is loaded by another, the latter's name is near its beginning.
const LOOK: &str = r#"
    if [ -L "$file" ] && [ ! -e "$file" ]; then printf '%s\t%s\n' "$file" "$(readlink "$file")"; continue; fi
    [ -f "$file" ] || continue
    head=$(head -c 4096 "$file" | tr '\0' '\n')
    case $head in
        '#!'*)
            line=${head%%"
"*}
            set -- ${line#??}
            by=${1-}
            case $by in
                */env)
                    shift
                    [ "${1-}" != -S ] || shift
                    command -v "${1-}" >/dev/null || by=${1-} ;;
            esac ;;
        ?ELF*) by=$(echo "$head" | grep -a -m 1 '^/.*/ld-.*\.so') ;;
        *) continue ;;
    esac
    case $by in
        '') ;;
        /*) [ -e "$by" ] || printf '%s\t%s\n' "$file" "$by" ;;
        *) printf '%s\t%s\n' "$file" "$by" ;;
    esac
"#;

/// The first program that somebody on this machine has called in vain, by what the journal says of it, if it is none of
/// the target's own.
pub async fn missing_for_somebody(machine: &dyn Machine) -> Result<Option<Missing>, MachineError> {
    let said = machine.succeed(COMPLAINTS).await?;
    missing_by(machine, &said).await
}

/// The newest lines that may be about it.
const COMPLAINTS: &str = "journalctl --merge --quiet --output=cat | \
                          grep -a -E 'not found$|bad interpreter|No such file or directory' | tail -n 50 | cut -c -500";

/// The same, by what a command has said.
pub async fn missing_by(machine: &dyn Machine, said: &str) -> Result<Option<Missing>, MachineError> {
    for missing in said.lines().filter_map(complaint) {
        // It may be there, where its user does not look: that is no fault of the machine.
        let there = format!("command -v {} >/dev/null", quoted(&missing.program));
        if !machine.run(&there).await?.success() {
            return Ok(Some(missing));
        }
    }
    Ok(None)
}

/// What shells, `env` and Python say of a program that is not there.
fn complaint(line: &str) -> Option<Missing> {
    let line = line.trim();
    let (user, program) = if let Some(program) =
        line.strip_prefix("FileNotFoundError: [Errno 2] No such file or directory: ")
    {
        ("a program in Python", program)
    } else if let Some((before, _)) = line.split_once(": bad interpreter:") {
        before.rsplit_once(": ")?
    } else if let Some(program) =
        line.strip_prefix("env: ").and_then(|rest| rest.strip_suffix(": No such file or directory"))
    {
        ("env", program)
    } else {
        let before = line.strip_suffix(": command not found").or_else(|| line.strip_suffix(": not found"))?;
        let (place, program) = before.rsplit_once(": ").unwrap_or(("a shell", before));
        (place.split(':').next().unwrap_or(place), program)
    };
    let program = program.trim_matches(['\'', '"', '‘', '’']);
    let a_name = !program.is_empty() && !program.contains(char::is_whitespace);
    let the_images = !program.contains('/')
        || ["/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"].iter().any(|place| program.starts_with(place));
    (a_name && the_images).then(|| Missing { user: user.into(), program: program.into() })
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing { user, program } = self;
        write!(
            f,
            "{user} needs {program}, which the machine does not have: add what brings it to the image's recipe"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{Fake, said};

    #[test]
    fn what_shells_say_of_a_missing_program_is_understood() {
        for (line, user, program) in [
            (
                "/usr/local/libexec/watchdog: line 83: logger: command not found",
                "/usr/local/libexec/watchdog",
                "logger",
            ),
            ("/usr/local/libexec/watchdog: 12: jq: not found", "/usr/local/libexec/watchdog", "jq"),
            ("env: ‘python3’: No such file or directory", "env", "python3"),
            (
                "/usr/local/bin/order: /usr/bin/python3: bad interpreter: No such file or directory",
                "/usr/local/bin/order",
                "/usr/bin/python3",
            ),
            ("FileNotFoundError: [Errno 2] No such file or directory: 'jq'", "a program in Python", "jq"),
        ] {
            let missing = Missing { user: user.into(), program: program.into() };
            assert_eq!(complaint(line), Some(missing), "{line}");
        }
    }

    #[test]
    fn the_targets_own_files_and_other_words_are_no_missing_program() {
        for line in [
            "watchdog: line 3: /usr/local/libexec/msp-rebuild: command not found",
            "FileNotFoundError: [Errno 2] No such file or directory: '/var/lib/msp/.rebuild-in-progress'",
            "cat: /var/lib/msp/.rebuild-verified: No such file or directory",
            "error: flake output attribute not found",
            "Unit msp.service not found",
            "",
        ] {
            assert_eq!(complaint(line), None, "{line}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_there_after_all_is_not_missing() {
        let line = "watchdog: 1: jq: not found";
        let there = Fake::new("machine").answer("command -v 'jq' >/dev/null", said(0, ""));
        assert_eq!(missing_by(&there, line).await.unwrap(), None);
        let lacking = Fake::new("machine").answer("command -v 'jq' >/dev/null", said(1, ""));
        let missing = missing_by(&lacking, line).await.unwrap().unwrap();
        assert_eq!(
            missing.to_string(),
            "watchdog needs jq, which the machine does not have: add what brings it to the image's recipe"
        );
    }

    #[tokio::test]
    async fn what_a_unit_starts_is_looked_at() {
        let shown = "{ path=/usr/local/libexec/a ; argv[]=a ; }\n\n{ path=/usr/bin/b c ; argv[]=b ; }";
        let machine = Fake::new("machine").answering(move |command, _| {
            if command.starts_with("systemctl show") {
                return Some(said(0, shown));
            }
            let looked = command.starts_with(
                "set -f; for file in '/usr/local/libexec/a' '/usr/bin/b c' $(command -v 'c'); do",
            );
            Some(said(if looked { 0 } else { 1 }, "/usr/local/libexec/a\t/usr/bin/python3\n"))
        });
        let missing = super::missing(&machine, &["a.service", "b.service"], &["c"]).await.unwrap().unwrap();
        assert_eq!(
            missing,
            Missing { user: "/usr/local/libexec/a".into(), program: "/usr/bin/python3".into() }
        );
    }
}

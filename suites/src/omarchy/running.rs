//! A program that runs, as the kernel shows it: whoever's program it is, and with nothing done to it.

use std::collections::BTreeMap;

use harness::machine::quoted;
use harness::{Machine, Outcome, Stop, expect, violated};

use super::wrapper::{VERSION, Wrapper};

/// The program of a wrapper that somebody has started, by its number.
pub struct Running<'m> {
    pub wrapper: Wrapper,
    pub machine: &'m dyn Machine,
    pub id: u32,
}

/// An entry of LD_LIBRARY_PATH.
#[derive(Debug, serde::Deserialize)]
pub struct Entry {
    entry: String,
    /// Whether it has a libcrypto, and of which version if that can be told.
    has: bool,
    version: Option<String>,
}

/// Says of each directory whether it has a libcrypto, and how that calls itself: `OpenSSL 3.3.2 3 Sep 2024`. An empty one is
/// the working directory (ld.so(8)).
const LOOK: &str = r#"for entry; do
    library=${entry:-.}/libcrypto.so.3
    if [ -e "$library" ]; then
        echo "has $(grep --text --only-matching 'OpenSSL [0-9][^[:cntrl:]]*' "$library" | head --lines=1)"
    else
        echo none
    fi
done"#;

impl Running<'_> {
    /// The environment that it was started with (proc_pid_environ(5)).
    pub async fn environment(&self) -> Result<BTreeMap<String, String>, Stop> {
        let told = self.machine.run(&format!("cat /proc/{}/environ", self.id)).await?;
        if !told.success() {
            return violated(format!("the program of {} goes on running", self.wrapper), told);
        }
        Ok(variables(&told.stdout))
    }

    /// Expects of it that the first directory of LD_LIBRARY_PATH with a libcrypto is that of the layer's OpenSSL, as
    /// only its wrapper can have made it.
    pub async fn has_the_layer_first(&self) -> Outcome {
        let path = self.environment().await?.remove("LD_LIBRARY_PATH").unwrap_or_default();
        let entries: Vec<&str> = if path.is_empty() { Vec::new() } else { path.split([':', ';']).collect() };
        let words: Vec<String> = entries.iter().map(|entry| quoted(entry)).collect();
        let look = format!("cd /proc/{}/cwd && sh -c {} look {}", self.id, quoted(LOOK), words.join(" "));
        let told = self.machine.run(&look).await?;
        let lines = told.text();
        let lines: Vec<&str> = lines.lines().collect();
        if !told.success() || lines.len() != entries.len() {
            return Err(Stop::Broken(format!("{}: nobody could look along {path}: {told}", self.wrapper)));
        }
        let entries = entries.into_iter().zip(lines).map(|(entry, line)| {
            let version = line.strip_prefix("has ").filter(|version| !version.is_empty());
            Entry { entry: entry.to_owned(), has: line != "none", version: version.map(str::to_owned) }
        });
        the_layer_is_first(&self.wrapper, &entries.collect::<Vec<_>>())
    }
}

/// Expects that the first of the entries with a libcrypto is the layer's.
pub fn the_layer_is_first(wrapper: &Wrapper, entries: &[Entry]) -> Outcome {
    let first = entries.iter().find(|entry| entry.has);
    let version = first.and_then(|first| first.version.as_deref()).unwrap_or("no version");
    let observed = match first {
        Some(first) => format!("it is {:?}, with {version}", first.entry),
        None => format!("none of its {} entries has one", entries.len()),
    };
    let expected =
        format!("{wrapper}: the first directory of LD_LIBRARY_PATH with a libcrypto is that of {VERSION}");
    expect(version.starts_with(VERSION), expected.trim_end(), observed)
}

/// The variables of an environment, of which the first of a name is the one that getenv(3) finds.
fn variables(environment: &[u8]) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for variable in environment.split(|byte| *byte == 0) {
        if let Some((name, value)) = String::from_utf8_lossy(variable).split_once('=') {
            variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_read_as_the_kernel_tells_it() {
        let found = variables(b"HOME=/root\0LINES=one\ntwo=2\0EMPTY=\0HOME=/second\0no variable\0");
        let wanted = [("EMPTY", ""), ("HOME", "/root"), ("LINES", "one\ntwo=2")];
        assert_eq!(found, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }
}

//! Which OpenSSL the running programs have, and what it does.

use std::fmt;
use std::path::Path;

use harness::{Check, Edit, Need, Outcome, Trial, expect};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::with_module;
use crate::omarchy::document;
use crate::omarchy::process::{Process, processes};
use crate::omarchy::programs::with_programs;
use crate::omarchy::settings::{Libraries, Omarchy, omarchy};
use crate::omarchy::wrapper::VERSION;

pub fn loaded_version(omarchy: &Omarchy) -> Check {
    let Libraries { system, openssl, .. } = &omarchy.library;
    Check::must(
        "openssl.loaded-version",
        document("Intune Component Dependencies"),
        "The running process has 3.3.2 mapped (libcrypto and libssl), and nothing of another version.",
        loaded_version_holds,
    )
    .needs([Need::Undo])
    .mutant(
        "libssl of 3.3.2 with libcrypto of the system",
        [Edit::run(format!("ln -sf {system}/libcrypto.so.3 {openssl}/"))],
    )
}

/// What a process has mapped of OpenSSL.
#[derive(Deserialize)]
struct Mapped {
    /// The version that the library says which it calls.
    called: String,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    /// Only libcrypto has it inside.
    version: Option<String>,
}

impl Mapped {
    /// One libcrypto of the version, and one libssl from beside it.
    fn is_whole(&self) -> bool {
        let [crypto, ssl] = &self.files[..] else { return false };
        let named = |file: &File, name| Path::new(&file.path).file_name().is_some_and(|found| found == name);
        self.called.starts_with(VERSION)
            && named(crypto, "libcrypto.so.3")
            && crypto.version.as_deref().is_some_and(|version| version.starts_with(VERSION))
            && named(ssl, "libssl.so.3")
            && Path::new(&ssl.path).parent() == Path::new(&crypto.path).parent()
    }
}

impl fmt::Display for Mapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it calls {}, and has mapped", self.called)?;
        for File { path, version } in &self.files {
            write!(f, " {path}")?;
            if let Some(version) = version {
                write!(f, " ({version})")?;
            }
        }
        Ok(())
    }
}

async fn loaded_version_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_module(trial).await?);
    for process in processes(&*machine, &omarchy) {
        // With it, whatever brings an OpenSSL of its own has had its chance to.
        let _: IgnoredAny = process.ask("curl").await?;
        has_one_openssl(&process, "with what it has loaded").await?;
    }
    Ok(())
}

/// Expects that a process has the version mapped, and nothing of another.
pub async fn has_one_openssl(process: &Process<'_>, circumstance: &str) -> Outcome {
    let mapped: Mapped = process.ask("mapped").await?;
    let expected = format!("{}, {circumstance}: {VERSION}is mapped, and no other", process.wrapper);
    expect(mapped.is_whole(), expected, mapped)
}

pub fn code_1200(omarchy: &Omarchy) -> Check {
    Check::must(
        "openssl.code-1200",
        document("Intune Component Dependencies"),
        "In the wrapper's environment `X509_REQ_set_version` with a non-zero version succeeds. It fails \
         since 3.4: this is what Code:1200 is.",
        code_1200_holds,
    )
    .needs([Need::Undo])
    .mutant("any newer OpenSSL first", [omarchy.system_first(&omarchy.wrapper.user_broker)])
}

/// What became of a certificate request's version.
#[derive(Deserialize)]
struct Request {
    version: u32,
    refused: Option<String>,
}

async fn code_1200_holds(trial: &Trial) -> Outcome {
    let (omarchy, machine) = (omarchy(trial)?, with_programs(trial).await?);
    for process in processes(&*machine, &omarchy) {
        versions_a_request(&process, "with what its wrapper sets").await?;
    }
    Ok(())
}

/// Expects that a process can give a certificate request the version that it asks for.
pub async fn versions_a_request(process: &Process<'_>, circumstance: &str) -> Outcome {
    let Request { version, refused } = process.ask("request").await?;
    let expected = format!("{}, {circumstance}: X509_REQ_set_version({version}) succeeds", process.wrapper);
    expect(refused.is_none(), expected, refused.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::Mapped;

    const LIBRARIES: &str = "/opt/library-layer/openssl-3.3.2/lib";

    fn mapped(called: &str, files: &[(&str, Option<&str>)]) -> Mapped {
        let file = |(path, version): &(&str, Option<&str>)| super::File {
            path: (*path).to_owned(),
            version: version.map(str::to_owned),
        };
        Mapped { called: called.to_owned(), files: files.iter().map(file).collect() }
    }

    #[test]
    fn one_whole_openssl_of_the_version_is_wanted() {
        const WANTED: &str = "OpenSSL 3.3.2 3 Sep 2024";
        const OTHER: &str = "OpenSSL 3.5.7 9 Jun 2026";
        let crypto = &*format!("{LIBRARIES}/libcrypto.so.3");
        let ssl = &*format!("{LIBRARIES}/libssl.so.3");
        let system = "/opt/x86_64/usr/lib/x86_64-linux-gnu";
        let system_ssl = &*format!("{system}/libssl.so.3");
        let system_crypto = &*format!("{system}/libcrypto.so.3");

        assert!(mapped(WANTED, &[(crypto, Some(WANTED)), (ssl, None)]).is_whole());
        assert!(!mapped(OTHER, &[(system_crypto, Some(OTHER)), (system_ssl, None)]).is_whole());
        assert!(!mapped(OTHER, &[(crypto, Some(WANTED)), (ssl, None)]).is_whole());
        assert!(!mapped(WANTED, &[(crypto, Some(WANTED)), (system_ssl, None)]).is_whole());
        assert!(!mapped(WANTED, &[(crypto, Some(WANTED))]).is_whole());
        let both = [(crypto, Some(WANTED)), (ssl, None), (system_crypto, Some(OTHER))];
        assert!(!mapped(WANTED, &both).is_whole());
        assert!(!mapped(WANTED, &[(crypto, None), (ssl, None)]).is_whole());
    }
}

//! The credentials that a target's guests are to receive, and whether they can be sent at all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use harness::secret::{self, Secret, SecretError};
use harness::{Stop, Table, Trial};
use rustix::rand::{GetRandomFlags, getrandom};
use serde::Deserialize;

use super::parties::{Guest, Host};

/// The longest name, in bytes: a credential is a file (systemd.exec, Credentials).
const NAME_LIMIT: usize = 255;

/// The longest value, in bytes (systemd.exec, Credentials: 1 MB).
const VALUE_LIMIT: u64 = 1 << 20;

/// An SMBIOS structure counts its strings in one byte.
const COUNT_LIMIT: usize = 255;

/// The longest value that is made at random, in bytes.
const RANDOM_LIMIT: usize = 64 << 10;

/// How names become those of OEM strings (microvm-secret-flow.md, Credential Name Mapping;
/// microvm-credential-loading.md, phase 4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Convention {
    /// `api-key` is sent as `API_KEY`.
    #[default]
    Plain,
    /// `api-key` is sent as `HOST-API-KEY`.
    Host,
}

/// What a target file says of credentials.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    #[serde(default)]
    pub convention: Convention,
    /// What is no secret, by the name of its OEM string.
    #[serde(default, rename = "static")]
    pub fixed: BTreeMap<String, String>,
    /// By the name that the consuming service knows it under.
    #[serde(default, rename = "secret")]
    pub secrets: BTreeMap<String, Source>,
    #[serde(default)]
    pub host: Host,
    #[serde(default)]
    pub guest: Guest,
}

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// So many random bytes, in base64: another value in each run.
    Random(usize),
    /// The content of a file.
    File(PathBuf),
}

/// The credentials of one run.
pub struct ResolvedCredentials {
    pub convention: Convention,
    /// By the name of the OEM string.
    pub fixed: BTreeMap<String, String>,
    pub secrets: Vec<Secret>,
    pub host: Host,
    pub guest: Guest,
}

#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("credential {name:?}: {reason}")]
    Name { name: String, reason: &'static str },
    #[error("credential {name:?}: it has {size} bytes, and systemd takes at most {VALUE_LIMIT}")]
    Long { name: String, size: u64 },
    #[error("credential {name:?} is one too many: {count} are declared, and SMBIOS holds {COUNT_LIMIT}")]
    Count { name: String, count: usize },
    #[error("credential {name:?}: cannot read {}: {source}", .file.display())]
    Unreadable { name: String, file: PathBuf, source: std::io::Error },
    #[error("credential {name:?}: random = {length}: use 1 to {RANDOM_LIMIT} bytes")]
    Random { name: String, length: usize },
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// The credentials of this run.
pub fn credentials(trial: &Trial) -> Result<Arc<ResolvedCredentials>, Stop> {
    trial.kept(|settings| Ok::<_, Stop>(settings.read::<Credentials>()?.resolved()?))
}

impl Table for Credentials {
    const NAME: &'static str = "credentials";

    fn validate(&self) -> Result<(), String> {
        self.host.validate()?;
        self.guest.validate()?;
        self.can_be_sent().map_err(|error| error.to_string())
    }

    /// Those of files: what is random nobody knows before it is made.
    fn declare_secrets(&self) -> Result<(), String> {
        let files = self.secrets.iter().filter(|(_, source)| matches!(source, Source::File(_)));
        let mut values = files.map(|(name, source)| source.value(name).map_err(|error| error.to_string()));
        values.try_for_each(|value| value.map(drop))
    }

    fn find(&mut self, target: &Path, _fixtures: &Path) {
        for source in self.secrets.values_mut() {
            if let Source::File(file) = source {
                *file = target.join(&file);
            }
        }
    }
}

impl Credentials {
    fn can_be_sent(&self) -> Result<(), CredentialError> {
        let names = || self.fixed.keys().chain(self.secrets.keys());
        names().try_for_each(|name| check_name(name))?;
        if let Some(name) = names().nth(COUNT_LIMIT) {
            return Err(CredentialError::Count { name: name.clone(), count: names().count() });
        }
        let mut fixed = self.fixed.iter();
        fixed.try_for_each(|(name, value)| check_length(name, value.len() as u64))?;
        self.secrets.iter().try_for_each(|(name, source)| source.validate(name))
    }

    /// The credentials with their values, the secret ones declared so that no output has them.
    fn resolved(&self) -> Result<ResolvedCredentials, CredentialError> {
        let secrets = self.secrets.iter().map(|(name, source)| source.value(name));
        let (convention, fixed) = (self.convention, self.fixed.clone());
        let secrets = secrets.collect::<Result<_, _>>()?;
        Ok(ResolvedCredentials {
            convention,
            fixed,
            secrets,
            host: self.host.clone(),
            guest: self.guest.clone(),
        })
    }
}

impl Source {
    fn validate(&self, name: &str) -> Result<(), CredentialError> {
        match self {
            Source::Random(length) if !(1..=RANDOM_LIMIT).contains(length) => {
                Err(CredentialError::Random { name: name.to_owned(), length: *length })
            }
            Source::Random(_) | Source::File(_) => Ok(()),
        }
    }

    fn value(&self, name: &str) -> Result<Secret, CredentialError> {
        let name = name.to_owned();
        let value = match self {
            Source::Random(length) => random_base64(&name, *length)?,
            Source::File(file) => read(&name, file)?,
        };
        Ok(secret::declare(&name, &value)?)
    }
}

fn check_name(name: &str) -> Result<(), CredentialError> {
    let reason = if name.is_empty() || name == "." || name == ".." {
        "this cannot be the name of a file, which a credential becomes"
    } else if name.contains('/') {
        "a credential becomes a file, so its name has no \"/\""
    } else if name.len() > NAME_LIMIT {
        "a credential becomes a file, so its name has at most 255 bytes"
    } else if name.contains(|c: char| c.is_control() || c == ':' || c == '=') {
        "a name is written as NAME=value and NAME:path, so it has no \":\", no \"=\" and no control characters"
    } else {
        return Ok(());
    };
    Err(CredentialError::Name { name: name.to_owned(), reason })
}

fn check_length(name: &str, size: u64) -> Result<(), CredentialError> {
    if size <= VALUE_LIMIT {
        return Ok(());
    }
    Err(CredentialError::Long { name: name.to_owned(), size })
}

fn read(name: &str, file: &Path) -> Result<Vec<u8>, CredentialError> {
    let unreadable = |source| {
        let (name, file) = (name.to_owned(), file.to_owned());
        CredentialError::Unreadable { name, file, source }
    };
    // The size first: a file may be without end.
    let metadata = std::fs::metadata(file).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(unreadable(std::io::Error::other("it is no regular file")));
    }
    check_length(name, metadata.len())?;
    std::fs::read(file).map_err(unreadable)
}

fn random_base64(name: &str, length: usize) -> Result<Vec<u8>, CredentialError> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        filled += getrandom(&mut bytes[filled..], GetRandomFlags::empty()).map_err(|error| {
            let source = std::io::Error::from(error);
            CredentialError::Unreadable { name: name.to_owned(), file: "getrandom".into(), source }
        })?;
    }
    Ok(BASE64.encode(bytes).into_bytes())
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::super::parties::Ask;
    use super::*;
    use crate::settings_with;

    #[test]
    fn what_a_host_is_relied_on_for_is_as_documented_or_as_the_file_says() {
        let (host, guest) = (Host::default(), Guest::default());
        let silent = settings_with::<Credentials>("").unwrap();
        assert_eq!((&silent.host, &silent.guest), (&host, &guest));
        let said =
            settings_with::<Credentials>("[credentials.host]\nunit = 'vm@a.service'\nask.form = 'FORM'\n")
                .unwrap();
        let ask = Ask { form: Some("FORM".into()), ..Ask::default() };
        assert_eq!(said.host, Host { unit: "vm@a.service".into(), ask, ..host });
    }

    #[test]
    fn the_secret_of_a_file_is_hidden_as_soon_as_it_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("key");
        let lines = format!("secret.key = {{ file = {file:?} }}");
        std::fs::write(&file, "known-to-a-file-alone").unwrap();
        settings_with::<Credentials>(&lines).unwrap();
        assert_eq!(secret::hide("known-to-a-file-alone"), secret::HIDDEN);
        std::fs::write(&file, "x").unwrap();
        let refused = settings_with::<Credentials>(&lines).unwrap_err();
        assert!(refused.starts_with("t.toml: the secret \"key\""), "{refused}");
    }

    #[test]
    fn what_no_host_can_have_is_refused() {
        let refused =
            |text: &str| settings_with::<Credentials>(&format!("[credentials.host]\n{text}\n")).unwrap_err();
        assert_snapshot!(refused("secrets = 'run/x'"), @r#"t.toml: credentials.host.secrets = "run/x": use a path of the machine, from /, without blanks and quotes"#);
        assert_snapshot!(refused("unit = 'a; b'"), @r#"t.toml: credentials.host.unit = "a; b": use a name, without blanks and quotes"#);
        assert_snapshot!(refused("hypervisors = ['/nix/store/x/bin/vm']"), @r#"t.toml: credentials.host.hypervisors = "/nix/store/x/bin/vm": its name has to say which it is: cloud-hypervisor or qemu"#);
        assert_snapshot!(refused("ask.form = 'A B'"), @r#"t.toml: credentials.host.ask: "A B" is no name of a variable"#);
    }
}

//! What is left of a secret when its guest is off.

use std::io::Read;
use std::path::Path;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use harness::lab::{Drives, booted};
use harness::{Check, Edit, Need, Outcome, Stop, Trial, expect, violated};

use super::arrival::{received, stored};
use super::chain::{Order, deliver, guests};
use super::settings::credentials;
use super::strings::some;
use crate::microvm::loading;

pub fn not_on_disk() -> Check {
    Check::must(
        "credentials.not-on-disk",
        loading("Summary, Security Properties"),
        "After shutdown no byte string of any secret is anywhere on the disk image or in the journal.",
        not_on_disk_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Disk, Need::Strings])
    .mutant_at_boot(
        "service that logs it",
        [Edit::run(
            "mkdir -p /etc/systemd/system/demo-oem-credentials.service.d && \
             printf '[Service]\\nExecStartPost=/bin/sh -c \"cat $CREDENTIALS_DIRECTORY/api-key\"\\n' \
             >/etc/systemd/system/demo-oem-credentials.service.d/log.conf",
        )],
    )
    .mutant_at_boot(
        "swap on",
        [Edit::run(
            "dd if=/dev/zero of=/swapfile bs=1M count=64 && chmod 600 /swapfile && \
             mkswap /swapfile && echo '/swapfile none swap defaults 0 0' >>/etc/fstab",
        )],
    )
}

/// A service that has a secret in its memory, as any consumer has.
fn holder(secret: &str) -> String {
    format!(
        "systemd-run --quiet --unit=holder --property=LoadCredential=secret:{secret} \
         sh -c 'value=$(cat \"$CREDENTIALS_DIRECTORY/secret\"); while :; do sleep 60; done'"
    )
}

/// Has the kernel put the holder's memory wherever it puts what is not used. It fails where there is no such
/// place, which is the point.
const RECLAIM: &str = "echo 64M >/sys/fs/cgroup/system.slice/holder.service/memory.reclaim || true";

async fn not_on_disk_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let guest = deliver(trial, &order).await?;
    received(&*guest, &order).await?;
    for credential in order.credentials.iter().take(1) {
        guest.succeed(&holder(&order.sent_as(&credential.name))).await?;
    }
    guest.succeed(RECLAIM).await?;

    let search = Search::of(&order)?;
    // With all its fields, and as a file: what is found must not be in a transcript.
    guest.succeed("journalctl --sync; journalctl --merge --output=export --all >/run/journal").await?;
    let journal = guest.read(Path::new("/run/journal")).await?;
    expect(journal.len() > 1024, "there is a journal to search", format!("{} bytes", journal.len()))?;
    search.finds_nothing("the journal", &journal[..])?;

    guest.shut_down().await?;
    search.finds_nothing("the disk after shutdown", guest.disk_image().await?)
}

/// A search for secrets in every form that something on the way may give them.
struct Search {
    automaton: AhoCorasick,
    /// What each pattern is.
    names: Vec<String>,
}

impl Search {
    fn of(order: &Order) -> Result<Search, Stop> {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for credential in &order.credentials {
            for (form, pattern) in forms(&credential.value) {
                names.push(format!("{} {form}", credential.name));
                patterns.push(pattern);
            }
        }
        let automaton = AhoCorasick::new(&patterns).map_err(|error| Stop::Broken(error.to_string()))?;
        Ok(Search { automaton, names })
    }

    fn finds_nothing(&self, place: &str, content: impl Read) -> Outcome {
        match self.automaton.stream_find_iter(content).next() {
            None => Ok(()),
            Some(Ok(found)) => {
                let name = &self.names[found.pattern().as_usize()];
                violated(format!("no secret in {place}"), format!("{name}, {} bytes in", found.start()))
            }
            Some(Err(error)) => Err(Stop::Broken(format!("cannot search {place}: {error}"))),
        }
    }
}

/// Plain, in hexadecimal, in UTF-16, and in base64, where the bytes before it shift the text in three ways.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("as it is", secret.to_vec()),
        ("in hexadecimal", hex.clone().into_bytes()),
        ("in hexadecimal", hex.to_uppercase().into_bytes()),
        ("in UTF-16", secret.iter().flat_map(|byte| [*byte, 0]).collect()),
        ("in UTF-16", secret.iter().flat_map(|byte| [0, *byte]).collect()),
    ];
    for shift in 0..3 {
        let shifted = [&[0; 2][..shift], secret].concat();
        // Without the characters that also hold bits of what is before and after.
        let text = BASE64_STANDARD_NO_PAD.encode(&shifted);
        let whole = shifted.len() / 3 * 4;
        forms.push(("in base64", text.as_bytes()[if shift == 0 { 0 } else { 4 }..whole].to_vec()));
    }
    forms
}

pub fn ephemeral() -> Check {
    let saves = "[Unit]\nConditionPathExists=/run/credentials/@system/API_KEY\n[Service]\nType=oneshot\n\
        ExecStart=/bin/sh -c 'mkdir -p /etc/credstore && cp /run/credentials/@system/* /etc/credstore/'\n\
        [Install]\nWantedBy=multi-user.target\n";
    Check::must(
        "credentials.ephemeral",
        loading("Summary, Security Properties"),
        "Booted again without the strings: gone.",
        ephemeral_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Strings])
    .mutant_at_boot(
        "a unit that saves them",
        [
            Edit::write("/etc/systemd/system/save-credentials.service", saves),
            Edit::run("systemctl enable save-credentials.service"),
        ],
    )
}

async fn ephemeral_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let guest = deliver(trial, &order).await?;
    received(&*guest, &order).await?;
    let again = guests(trial)?.reboot(&*guest, Drives::Plugged).await?;
    booted(&*again).await?;
    let sent: Vec<String> = order.delivered().into_iter().map(|(name, _)| name).collect();
    let left: Vec<String> = stored(&*again).await?.into_iter().filter(|name| sent.contains(name)).collect();
    expect(left.is_empty(), "the system has none of the credentials any more", some(&left))?;
    let given = credentials(trial)?;
    let service = given.guest.consumer(order.convention);
    let left = again.run(&format!("ls -A /run/credentials/{service} 2>/dev/null")).await?.text();
    let left: Vec<String> = left.lines().map(str::to_owned).collect();
    expect(left.is_empty(), format!("{service} has none either"), some(&left))
}

#[cfg(test)]
mod tests {
    use super::super::settings::Convention;

    use super::super::chain::{Credential, Form};
    use super::*;

    #[test]
    fn every_form_of_a_secret_is_found() {
        let secret = b"gtcaOXNCOWUeR0FwdpBzTwYK/XAd5Q==";
        let order = Order {
            form: Form::Configured,
            convention: Convention::Plain,
            credentials: vec![Credential::new("api-key", secret)],
            fixed: Vec::new(),
        };
        let search = Search::of(&order).unwrap();
        let text = String::from_utf8(secret.to_vec()).unwrap();
        let utf16 = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut all = vec![secret.to_vec(), utf16, hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
        for before in ["", "x", "xy", "password="] {
            all.push(BASE64_STANDARD_NO_PAD.encode(format!("{before}{text}\n")).into_bytes());
        }
        for form in all {
            let content = [b"before", &form[..], b"after"].concat();
            assert!(search.finds_nothing("it", &content[..]).is_err(), "{}", String::from_utf8_lossy(&form));
        }
        assert!(search.finds_nothing("it", &b"gtcaOXNCOWUeR0FwdpBzTwYK/XAd5Q="[..]).is_ok());
    }
}

//! Credentials in the guest's system.

use std::path::Path;

use harness::lab::booted;
use harness::machine::qemu::Vm;
use harness::{Check, Edit, Invariant, Level, Machine, Mutant, Outcome, Touches, Trial, expect};

use super::HOST;
use super::chain::{Order, deliver, guests, send};
use super::runner::RUNNER;
use crate::microvm::loading;

/// Where systemd puts what came with the machine.
pub const STORE: &str = "/run/credentials/@system";

pub const SYSTEM_STORE: Check = Check {
    invariant: Invariant {
        id: "credentials.system-store",
        level: Level::Must,
        statement: "`/run/credentials/@system/NAME` is there for each, 0400 root, on tmpfs or ramfs, byte-equal, when sysinit.target is reached.",
        source: loading("Phase 6"),
        variant: None,
    },
    touches: Touches::State,
    run: |trial| Box::pin(system_store(trial)),
    mutants: &[Mutant {
        name: "name lost",
        stage: Some(HOST),
        edits: &[Edit::Replace {
            path: RUNNER,
            from: "string=io.systemd.credential:$1=$(cat \"$2\")",
            to: "string=io.systemd.credential:=$(cat \"$2\")",
        }],
    }],
};

async fn system_store(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let guest = deliver(trial, &order).await?;
    received(&guest, &order).await?;

    let kept = guest.run(&format!("stat --file-system --format=%T {STORE}")).await?;
    expect(
        ["tmpfs", "ramfs"].contains(&kept.text().as_str()),
        format!("{STORE} is on tmpfs or ramfs"),
        kept,
    )?;
    let modes = guest.run(&format!("stat --format='%U:%G %a' {STORE}/* | sort -u")).await?;
    expect(modes.text() == "root:root 400", format!("all of {STORE} is root:root 0400"), modes)?;

    let sysinit = times(&guest, "systemctl show -P ActiveEnterTimestampMonotonic sysinit.target").await?;
    let (arrived, reached) = (arrival(&guest).await?, sysinit.first().copied().unwrap_or(0));
    let expected = format!("they are there when sysinit.target is reached, {reached} us after boot");
    expect(arrived <= reached, expected, format!("the last came {arrived} us after boot"))
}

/// The guest's system has all of an order, byte for byte, and nothing else.
pub async fn received(guest: &Vm, order: &Order) -> Outcome {
    let names = guest.run(&format!("ls -A {STORE}")).await?;
    let mut expected: Vec<String> = order.delivered().into_iter().map(|(name, _)| name).collect();
    expected.sort();
    let mut there: Vec<String> = names.text().lines().map(str::to_owned).collect();
    there.sort();
    expect(there == expected, format!("{STORE} has {expected:?}"), format!("{there:?}"))?;
    for (name, value) in order.delivered() {
        let content = guest.read(&Path::new(STORE).join(&name)).await?;
        let observed = format!("{} other bytes", content.len());
        expect(content == value, format!("{STORE}/{name} is the value of {} bytes", value.len()), observed)?;
    }
    Ok(())
}

pub const ARRIVAL_ORDER: Check = Check {
    invariant: Invariant {
        id: "credentials.arrival-order",
        level: Level::Must,
        statement: "They are there before any unit that loads them starts, over N boots.",
        source: loading("Phases 6 and 7"),
        variant: None,
    },
    touches: Touches::Power,
    run: |trial| Box::pin(arrival_order(trial)),
    mutants: &[Mutant {
        name: "brought by a unit of its own",
        stage: None,
        edits: &[
            Edit::Write {
                path: "/etc/systemd/system/bring-credentials.service",
                content: "[Unit]\nAfter=basic.target\n[Service]\nType=oneshot\n\
                          ExecStart=/bin/sh -c 'umask 077; for credential in /run/credentials/@system/*; do \
                          mount -o remount,rw /run/credentials/@system; cp $credential /run/brought; \
                          rm -f $credential; install -m 0400 /run/brought $credential; done'\n\
                          [Install]\nWantedBy=multi-user.target\n",
            },
            Edit::Run { command: "systemctl enable bring-credentials.service" },
        ],
    }],
};

const BOOTS: u32 = 2;

async fn arrival_order(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let smbios = send(trial, &order).await?;
    for boot in 1..=BOOTS {
        let guest = guests(trial)?.power_on_with(&smbios).await?;
        booted(&guest).await?;
        received(&guest, &order).await?;
        let arrived = arrival(&guest).await?;
        // Every unit with credentials that the journal saw start, by when it began to.
        let command = "for unit in $(journalctl --merge --boot --output=json --output-fields=UNIT JOB_TYPE=start \
                       | grep -o '\"UNIT\":\"[^\"]*service\"' | cut -d'\"' -f4 | sort -u); do \
                       [ -z \"$(systemctl show -P LoadCredential $unit)\" ] || \
                       systemctl show -P InactiveExitTimestampMonotonic $unit; done";
        let started = times(&guest, command).await?;
        expect(!started.is_empty(), "units load credentials", "none has started")?;
        let first = started.iter().copied().filter(|time| *time != 0).min().unwrap_or(0);
        let expected =
            format!("boot {boot}: they are there before the first unit that loads them starts at {first} us");
        expect(arrived < first, expected, format!("the last came at {arrived} us"))?;
        guest.kill().await;
    }
    Ok(())
}

/// When the last credential was put into the store, in microseconds since boot.
async fn arrival(guest: &Vm) -> Result<u64, harness::Stop> {
    // The clock is set before systemd starts, so the difference of both clocks is the same all the time.
    let command = format!(
        "awk -v now=$(date +%s.%N) -v up=$(cut -d' ' -f1 /proc/uptime) -v last=$(stat --format=%.9Y {STORE}/* | sort -n | tail -n1) \
         'BEGIN {{ printf \"%d\\n\", (last - now + up) * 1000000 }}'"
    );
    Ok(times(guest, &command).await?.first().copied().unwrap_or(u64::MAX))
}

async fn times(guest: &Vm, command: &str) -> Result<Vec<u64>, harness::MachineError> {
    let text = guest.succeed(command).await?;
    Ok(text.lines().filter_map(|line| line.trim().parse().ok()).collect())
}

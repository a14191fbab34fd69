//! Credentials in the guest's system.

use std::path::Path;

use harness::machine::quoted;
use harness::{Check, Edit, Machine, Need, Outcome, Stop, Trial, expect, violated};

use super::HOST;
use super::chain::{Order, conventions, deliver};
use super::runner::RUNNER;
use super::strings::some;
use crate::microvm::loading;

/// Where systemd puts what came with the machine.
pub const STORE: &str = "/run/credentials/@system";

pub fn system_store() -> Check {
    Check::must(
        "credentials.system-store",
        loading("Phase 6"),
        "`/run/credentials/@system/NAME` is there for each, 0400 root, on tmpfs or ramfs, byte-equal, when \
         sysinit.target is reached.",
        system_store_holds,
    )
    .needs([Need::Undo, Need::Strings])
    .mutant_of(
        HOST,
        "name lost",
        [Edit::replace(
            RUNNER,
            "string=io.systemd.credential:$1=$value",
            "string=io.systemd.credential:=$value",
        )],
    )
}

async fn system_store_holds(trial: &Trial) -> Outcome {
    let order = Order::documented(trial)?;
    let guest = deliver(trial, &order).await?;
    received(&*guest, &order).await?;

    let kept = guest.run(&format!("stat --file-system --format=%T {STORE}")).await?;
    expect(
        ["tmpfs", "ramfs"].contains(&kept.text().as_str()),
        format!("{STORE} is on tmpfs or ramfs"),
        kept,
    )?;
    let files = files(&order);
    let modes =
        guest.run(&format!("stat --format='%U:%G %a %n' {files} | grep -v '^root:root 400 '")).await?;
    expect(modes.text().is_empty(), format!("the credentials in {STORE} are root:root 0400"), modes.text())?;

    // Both by the clock as it was then: a fork's is set anew.
    let sysinit = guest
        .succeed(
            "busctl get-property org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/sysinit_2etarget \
             org.freedesktop.systemd1.Unit ActiveEnterTimestamp",
        )
        .await?;
    let reached = sysinit.trim_start_matches("t ").parse().unwrap_or(0);
    let arrived = arrival(&*guest, &order).await?;
    let expected = format!("they are there when sysinit.target is reached, at {reached} us since 1970");
    expect(arrived <= reached, expected, format!("the last came at {arrived} us"))
}

/// The guest's system has all of an order, byte for byte, and nothing that was not there to be sent. What else came
/// with the machine may be there too.
pub async fn received(guest: &dyn Machine, order: &Order) -> Outcome {
    let there = stored(guest).await?;
    let delivered = order.delivered();
    let missing = order.credentials.iter().filter(|credential| !credential.there);
    let mut missing = missing.map(|credential| order.sent_as(&credential.name));
    let names: Vec<String> = delivered.iter().map(|(name, _)| name.clone()).collect();
    let lost: Vec<String> = names.iter().filter(|name| !there.contains(name)).cloned().collect();
    let arrived = format!("{} did not arrive, and there is {}", some(&lost), some(&there));
    expect(lost.is_empty(), format!("{STORE} has {}", some(&names)), arrived)?;
    if let Some(name) = missing.find(|name| there.contains(name)) {
        return violated(
            format!("{STORE} does not have {name}, which the host does not have"),
            "it is there",
        );
    }
    for (name, value) in delivered {
        let content = guest.read(&Path::new(STORE).join(&name)).await?;
        let observed = format!("{} other bytes", content.len());
        expect(content == value, format!("{STORE}/{name} is the value of {} bytes", value.len()), observed)?;
    }
    Ok(())
}

/// The names of all that the guest's system has.
pub async fn stored(guest: &dyn Machine) -> Result<Vec<String>, Stop> {
    let names = guest.run(&format!("ls -A {STORE}")).await?;
    Ok(names.text().lines().map(str::to_owned).collect())
}

/// What an order becomes there, as words of a command.
fn files(order: &Order) -> String {
    let files = order.delivered().into_iter().map(|(name, _)| quoted(&format!("{STORE}/{name}")));
    files.collect::<Vec<_>>().join(" ")
}

pub fn arrival_order() -> Check {
    Check::must(
        "credentials.arrival-order",
        loading("Phase 6; Phase 7"),
        "They are there before any unit that loads them starts, over N boots.",
        arrival_order_holds,
    )
    .needs([Need::Undo, Need::Boot, Need::Strings])
    .mutant_at_boot(
        "brought by a unit of its own",
        [
            Edit::write(
                "/etc/systemd/system/bring-credentials.service",
                "[Unit]\nAfter=basic.target\n[Service]\nType=oneshot\n\
                          ExecStart=/bin/sh -c 'umask 077; for credential in /run/credentials/@system/*; do \
                          mount -o remount,rw /run/credentials/@system; cp $credential /run/brought; \
                          rm -f $credential; install -m 0400 /run/brought $credential; done'\n\
                          [Install]\nWantedBy=multi-user.target\n",
            ),
            Edit::run("systemctl enable bring-credentials.service"),
        ],
    )
}

/// Over the boots of which other checks have forks as well: one with each convention's names.
async fn arrival_order_holds(trial: &Trial) -> Outcome {
    for convention in conventions(trial).await? {
        let order = Order { convention, ..Order::documented(trial)? };
        before_consumers(&*deliver(trial, &order).await?, &order).await?;
    }
    Ok(())
}

async fn before_consumers(guest: &dyn Machine, order: &Order) -> Outcome {
    received(guest, order).await?;
    let arrived = arrival(guest, order).await?;
    let first = first_consumer(guest).await?;
    let expected = format!("they are there before a unit that loads them starts, at {first} us since 1970");
    expect(arrived < first, expected, format!("the last came at {arrived} us"))
}

/// When the last credential was put into the store, in microseconds since 1970.
async fn arrival(guest: &dyn Machine, order: &Order) -> Result<u64, Stop> {
    let times = guest.succeed(&format!("stat --format=%.6Y {}", files(order))).await?;
    let times = times.lines().map(|time| time.replace('.', "").parse().unwrap_or(u64::MAX));
    times.max().ok_or_else(|| Stop::Broken(format!("{STORE} is empty")))
}

/// When the first unit that loads credentials began to start, in microseconds since 1970.
async fn first_consumer(guest: &dyn Machine) -> Result<u64, Stop> {
    let shown = guest
        .succeed("systemctl show --property=LoadCredential,InactiveExitTimestampMonotonic '*.service'")
        .await?;
    let consumers = shown.split("\n\n").filter(|unit| unit.contains("LoadCredential="));
    let starts = consumers.filter_map(|unit| {
        let start = unit.lines().find_map(|line| line.strip_prefix("InactiveExitTimestampMonotonic="))?;
        start.parse::<u64>().ok().filter(|start| *start != 0)
    });
    match starts.min() {
        Some(first) => Ok(powered_on(guest).await? + first),
        None => violated("a unit that loads credentials has started", "none has"),
    }
}

/// When the guest's monotonic clock was zero, in microseconds since 1970 by the clock as it was during boot: a
/// fork's is set anew, but its journal remembers.
async fn powered_on(guest: &dyn Machine) -> Result<u64, Stop> {
    let entry = guest
        .succeed(
            "journalctl --merge --output=export --lines=+1 _PID=1 \
             _BOOT_ID=$(tr -d - </proc/sys/kernel/random/boot_id)",
        )
        .await?;
    let time = |field: &str| {
        let value = entry.lines().find_map(|line| line.strip_prefix(field));
        value.and_then(|value| value.parse::<u64>().ok())
    };
    match (time("__REALTIME_TIMESTAMP="), time("__MONOTONIC_TIMESTAMP=")) {
        (Some(real), Some(monotonic)) => Ok(real.saturating_sub(monotonic)),
        _ => Err(Stop::Broken(format!("the journal has no entry of this boot with both times: {entry}"))),
    }
}

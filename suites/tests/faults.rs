//! Faults do what they say, to the instruction.
//!
//! Needs real machines: runs where `ASSAY_VM_TESTS` is set.

mod prepared;
mod reference;

use std::time::Duration;

use harness::fault::{self, Cue, FullDisk, Step, Unflushed};
use harness::lab::{Drives, Lab, booted};
use harness::machine::qemu::{Clock, Vm};
use harness::{Machine, MachineError, Transcript};

const SECOND: Duration = Duration::from_secs(1);

async fn fork(lab: &Lab) -> Vm {
    let stage = lab.stage(None).unwrap();
    stage.fork(Drives::Plugged, Clock::Lapse, &Transcript::default()).await.unwrap()
}

/// The next machine on the disk that this one has left.
async fn powered_on_again(lab: &Lab, vm: &Vm) -> Vm {
    let stage = lab.stage(None).unwrap();
    let vm = stage.power_on_again(vm, Drives::Plugged, &Transcript::default()).await.unwrap();
    booted(&vm).await.unwrap();
    vm
}

/// A Perl program that does something and then notes at once how long the guest has been up.
fn then_notes(action: &str) -> String {
    let now = r#"$t = pack("qq", 0, 0); syscall(228, 7, $t); ($s, $n) = unpack("qq", $t);"#;
    let note = r#"open($f, ">", "/run/after"); print $f $s * 1e9 + $n; close $f;"#;
    format!("perl -e '{action}; {now} {note}'")
}

async fn noted(vm: &Vm) -> Duration {
    // It is written a moment later.
    let nanoseconds = vm.succeed("until test -s /run/after; do :; done; cat /run/after").await.unwrap();
    Duration::from_nanos(nanoseconds.parse::<f64>().unwrap() as u64)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_brings_a_cue_about_does_nothing_after_it() {
    let Some(lab) = reference::lab().await else { return };
    let vm = fork(&lab).await;
    let rename = r#"rename("/run/before", "/run/new/deep/marker")"#;
    let line = r#"syswrite(STDERR, "now is the moment\n")"#;
    vm.succeed("touch /run/before; echo old >/run/there").await.unwrap();
    let service = then_notes("1");
    let service = format!("systemd-run --unit=brief {service}");
    for (cue, command) in [
        (
            Cue::FileAppears("/run/new/deep/marker".into()),
            format!("mkdir -p /run/new/deep; {}", then_notes(rename)),
        ),
        (Cue::FileAppears("/run/there".into()), then_notes(r#"open(my $f, ">", "/run/there")"#)),
        (Cue::FileVanishes("/run/new/deep/marker".into()), then_notes(r#"unlink("/run/new/deep/marker")"#)),
        (Cue::JournalSays("is the moment".into()), then_notes(line)),
        (Cue::unit_starts("brief.service"), service),
    ] {
        let stopped = vm.stop_at(&cue, &command, 60 * SECOND).await.unwrap();
        // Asked now, the resident would take it for the order to go on.
        let error = vm.uptime().await.unwrap_err().to_string();
        assert!(error.contains("it stands still until it is told to go on"), "{error}");
        vm.go_on().await.unwrap();
        let after = noted(&vm).await;
        assert!(stopped < after, "when {cue}, the guest was stopped at {stopped:?}, after {after:?}");
        vm.succeed("rm /run/after").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cue_that_does_not_come_is_an_error_and_the_machine_goes_on() {
    let Some(lab) = reference::lab().await else { return };
    let vm = fork(&lab).await;
    let error = vm.stop_at(&Cue::FileAppears("/run/never".into()), "", 300 * SECOND).await.unwrap_err();
    assert!(matches!(error, MachineError::NoCue { .. }), "{error}");
    vm.succeed("true").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_cut_loses_what_was_not_flushed_and_nothing_else() {
    let Some(lab) = reference::lab().await else { return };
    let first = fork(&lab).await;
    // Past all caches of the guest, but without a flush: the disk has it and may still lose it.
    let unflushed = "head -c 4096 /dev/zero | tr '\\0' n >/run/new; \
                     dd if=/run/new of=/root/place bs=4096 oflag=direct conv=notrunc 2>/run/dd || cat /run/dd";
    let flushed = "head -c 4096 /dev/zero | tr '\\0' o >/root/place; echo kept >/root/flushed; sync";
    first.succeed(flushed).await.unwrap();
    first.lapse(600 * SECOND).await.unwrap();
    first.succeed(&format!("{unflushed}; echo lost >/root/unflushed")).await.unwrap();
    first.step_clock(Step::Back(1000 * SECOND)).await.unwrap();
    let stepped: u64 = first.succeed("date +%s").await.unwrap().parse().unwrap();
    first.cut_power(Unflushed::Lost).await.unwrap();

    let second = powered_on_again(&lab, &first).await;
    let look = "head -c 1 /root/place; cat /root/flushed; ls /root; date +%s";
    let seen = second.succeed(look).await.unwrap();
    let lines: Vec<&str> = seen.lines().collect();
    let [content, files @ .., time] = lines.as_slice() else { panic!("{seen}") };
    assert_eq!(*content, "okept", "{seen}");
    assert_eq!(files, ["flushed", "place"], "{seen}");
    let passed = time.parse::<u64>().unwrap() - stepped;
    assert!((1000..1100).contains(&passed), "the clock went on {passed} s after it was stepped 1000 s back");

    second.succeed(unflushed).await.unwrap();
    second.cut_power(Unflushed::Kept).await.unwrap();
    let third = powered_on_again(&lab, &second).await;
    assert_eq!(third.succeed("head -c 1 /root/place").await.unwrap(), "n");
    assert_eq!(first.disk().layers().len(), 1, "what the first machine left is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_takes_no_time_that_is_not_the_guests() {
    let Some(lab) = reference::lab().await else { return };
    let vm = fork(&lab).await;
    // Half as many as there are: at least two real seconds of waiting, in which an idle clock would be far ahead.
    vm.slow_disk(20).await.unwrap();
    let work = "read from _ </proc/uptime; dd if=/dev/vda of=/dev/null iflag=direct bs=4k count=60 2>/run/dd; \
                read to _ </proc/uptime; echo $from $to >/run/took";
    vm.succeed(&format!("systemd-run --on-active=60 sh -c '{work}'")).await.unwrap();
    vm.lapse(120 * SECOND).await.unwrap();
    vm.slow_disk(0).await.unwrap();
    let took = vm.succeed("cat /run/took").await.unwrap();
    let times: Vec<f64> = took.split(' ').map(|time| time.parse().unwrap()).collect();
    assert!(times[1] - times[0] < 20.0, "reading took from {} s to {} s", times[0], times[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn units_and_disks_fail_as_they_are_told() {
    let Some(lab) = reference::lab().await else { return };
    let vm = fork(&lab).await;
    let ticks = async || vm.succeed("wc -l </run/ticks").await.unwrap().parse::<u32>().unwrap();
    let service = "while :; do echo >>/run/ticks; sleep 1; done";
    vm.succeed(&format!("systemd-run --unit=ticker -p Restart=always sh -c '{service}'")).await.unwrap();
    vm.lapse(10 * SECOND).await.unwrap();
    fault::hang(&vm, "ticker.service").await.unwrap();
    let hung = ticks().await;
    vm.lapse(10 * SECOND).await.unwrap();
    assert_eq!(ticks().await, hung, "what hangs goes on");
    fault::continues(&vm, "ticker.service").await.unwrap();
    vm.lapse(10 * SECOND).await.unwrap();
    assert!(ticks().await > hung, "what continues does not");

    let pid = async || vm.succeed("systemctl show -P MainPID ticker").await.unwrap();
    let before = pid().await;
    fault::kill(&vm, "ticker.service").await.unwrap();
    vm.lapse(10 * SECOND).await.unwrap();
    assert_ne!(pid().await, before);

    let full = FullDisk::at(&vm, "/var/lib").await.unwrap();
    let written = vm.run("cp /etc/hostname /var/lib/text && sync").await.unwrap();
    assert!(!written.success() && written.to_string().contains("No space left"), "{written}");
    full.undo(&vm).await.unwrap();
    vm.succeed("cp /etc/hostname /var/lib/text && sync").await.unwrap();
}

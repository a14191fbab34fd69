//! On a time-lapse machine guest time passes when it is told to, and exactly as long.
//!
//! Needs real machines: runs where `ASSAY_VM_TESTS` is set.

mod prepared;
mod reference;

use std::time::{Duration, Instant};

use harness::fault::Unflushed;
use harness::lab::{Drives, Lab, booted};
use harness::machine::qemu::{Clock, Vm};
use harness::{Machine, Transcript};

const SECOND: Duration = Duration::from_secs(1);

async fn fork(lab: &Lab) -> Vm {
    let stage = lab.stage(None).unwrap();
    stage.fork(Drives::Plugged, Clock::Lapse, &Transcript::default()).await.unwrap()
}

/// When systemd will start `later.service`, as uptime.
async fn due(vm: &Vm) -> Duration {
    let timer = "/org/freedesktop/systemd1/unit/later_2etimer org.freedesktop.systemd1.Timer";
    let ask = format!("busctl get-property org.freedesktop.systemd1 {timer} NextElapseUSecMonotonic");
    let answer = vm.succeed(&ask).await.unwrap();
    Duration::from_micros(answer.trim_start_matches("t ").parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_minutes_pass_in_seconds_and_not_a_second_more() {
    let Some(lab) = reference::lab().await else { return };
    let vm = fork(&lab).await;
    let timer = "systemd-run --unit=later --on-active=600 --timer-property=AccuracySec=1ms";
    vm.succeed(&format!("{timer} cp /proc/uptime /run/fired")).await.unwrap();
    let due = due(&vm).await;
    let began = Instant::now();

    let before = vm.lapse_until(due - SECOND).await.unwrap();
    assert!(before - (due - SECOND) < SECOND / 100, "{before:?} is not a second before {due:?}");
    assert!(!vm.run("test -e /run/fired").await.unwrap().success(), "it fired before its time");

    vm.lapse_until(due + SECOND).await.unwrap();
    let fired = vm.succeed("cut -d ' ' -f 1 /run/fired").await.unwrap();
    let late = fired.parse::<f64>().unwrap() - due.as_secs_f64();
    // The kernel writes hundredths.
    assert!((-0.01..0.5).contains(&late), "it fired {late} s after its time");
    let took = began.elapsed();
    assert!(took < 60 * SECOND, "ten minutes took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_held_while_nothing_lets_it_pass() {
    let Some(lab) = reference::lab().await else { return };
    let vm = fork(&lab).await;
    let (began, from) = (Instant::now(), vm.uptime().await.unwrap());
    // What real time does to it is what is tested.
    tokio::time::sleep(3 * SECOND).await;
    let passed = vm.uptime().await.unwrap() - from;
    assert!(passed < began.elapsed(), "{passed:?} passed on their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_held_from_the_first_look_at_the_disk_to_the_end() {
    let Some(lab) = reference::lab().await else { return };
    let stage = lab.stage(None).unwrap();
    let began = Instant::now();
    let vm = stage.power_on(Drives::Plugged, Clock::Lapse, &Transcript::default()).await.unwrap();
    booted(&vm).await.unwrap();
    let up = vm.uptime().await.unwrap();
    assert!(up < began.elapsed(), "{up:?} passed while it booted");
    let later = vm.lapse(600 * SECOND).await.unwrap();
    assert!(later - up < 601 * SECOND, "{up:?} became {later:?}");
    let holders = vm.succeed("ps -eo args").await.unwrap();
    assert!(!holders.contains("sh /init"), "what held the clock in the initramfs still does:\n{holders}");
    // With nothing to hold the clock, systemd's limits for stopping would be over at once.
    vm.shut_down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_begin_at_the_same_moment() {
    let Some(lab) = reference::lab().await else { return };
    let (one, other) = (fork(&lab).await.uptime().await.unwrap(), fork(&lab).await.uptime().await.unwrap());
    assert!(one.abs_diff(other) < SECOND / 100, "one began at {one:?}, another at {other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_machine_can_neither_let_time_pass_nor_lose_writes() {
    let Some(lab) = reference::lab().await else { return };
    let stage = lab.stage(None).unwrap();
    let vm = stage.fork(Drives::Plugged, Clock::Real, &Transcript::default()).await.unwrap();
    let error = vm.lapse(SECOND).await.unwrap_err();
    assert!(error.to_string().contains("it is no time-lapse machine"), "{error}");
    let error = vm.cut_power(Unflushed::Lost).await.unwrap_err();
    assert!(error.to_string().contains("only a time-lapse machine keeps a log"), "{error}");
    vm.succeed("true").await.unwrap();
}

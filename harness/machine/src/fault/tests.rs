//! Faults that are commands, on a machine that only pretends.

use record::{Answer, Output};

use super::{CrampedDisk, FullDisk, hang, kill, mask, restart};
use crate::Machine;
use crate::fake::{Fake, said};

#[tokio::test]
async fn a_fault_is_in_the_transcript_beside_its_command() {
    let machine = Fake::new("machine").answering(|_, _| Some(said(0, "")));
    assert!(kill(&machine, "agent.service").await.unwrap());
    hang(&machine, "agent.service").await.unwrap();
    mask(&machine, "agent.service").await.unwrap();
    restart(&machine, "agent.service").await.unwrap();
    FullDisk::at(&machine, "/var/lib").await.unwrap().undo(&machine).await.unwrap();
    CrampedDisk::over(&machine, "/boot").await.unwrap().grow(&machine).await.unwrap();
    let transcript = machine.transcript().take();
    let faults = transcript.iter().filter(|exchange| exchange.answer == Answer::Done);
    let faults: Vec<&str> = faults.map(|exchange| exchange.action.as_str()).collect();
    assert_eq!(
        faults,
        [
            "kill agent.service",
            "hang agent.service",
            "mask agent.service",
            "restart agent.service",
            "fill the disk that holds /var/lib",
            "remove /var/lib/.assay-full",
            "leave no room on the disk that holds /boot",
            "make room for a block in /boot",
        ]
    );
}

#[tokio::test]
async fn a_unit_that_has_just_stopped_is_not_killed() {
    let none = "Failed to kill unit agent.service: No main process to kill";
    let output = Output { stderr: none.into(), ..said(1, "") };
    let machine = Fake::new("machine").answering(move |_, _| Some(output.clone()));
    assert!(!kill(&machine, "agent.service").await.unwrap());
}

#[tokio::test]
async fn a_fault_that_could_not_be_done_is_an_error() {
    let machine = Fake::new("machine").answering(|_, _| Some(said(1, "no such unit")));
    let error = mask(&machine, "agent.service").await.unwrap_err();
    assert!(error.to_string().contains("no such unit"), "{error}");
    let transcript = machine.transcript().take();
    assert!(matches!(transcript.last().unwrap().answer, Answer::None(_)));
}

//! What does from the inside of the guest what the host asks (`assay-resident.service`).

use std::time::Duration;

use record::MachineError;
use tokio::io::AsyncWriteExt;

use super::Vm;

/// What an order is for.
fn kind(order: &str) -> &str {
    order.split(' ').next().unwrap_or_default()
}

/// Any bytes as one word of an order: in hexadecimal digits.
pub(crate) fn word(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Vm {
    /// Has the resident do something, and gives what it answers.
    pub(crate) async fn ask(&self, order: &str, limit: Duration) -> Result<String, MachineError> {
        // A resident that stands still takes whatever comes for the order to go on.
        self.goes_on(&format!("have the resident {}", kind(order))).await?;
        // One after the other: answers do not say what they answer.
        let _alone = self.asking.lock().await;
        self.order(order).await?;
        self.answer(order, limit).await
    }

    /// Gives the resident an order. It waits in the port until the guest runs, and the resident in it.
    pub(in crate::qemu) async fn order(&self, order: &str) -> Result<(), MachineError> {
        let sent = self.resident.lock().await.get_mut().write_all(format!("{order}\n").as_bytes()).await;
        sent.map_err(|error| self.refused("order the resident", error))
    }

    /// The answer to the oldest order that has none yet.
    pub(in crate::qemu) async fn answer(&self, order: &str, limit: Duration) -> Result<String, MachineError> {
        let what = kind(order);
        let line = self.line_from(&self.resident, &format!("the resident to {what}"), limit).await?;
        match line.split_once(' ') {
            Some(("done", answer)) => Ok(answer.trim().to_owned()),
            _ => Err(self.refused(&format!("have the resident {what}"), line.trim())),
        }
    }
}

//! Whether a machine is still alive, and what ended it.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::watch;

use crate::MachineError;

/// Shared by everything that can see a machine die. The first cause is kept.
#[derive(Clone)]
pub struct Life {
    machine: Arc<str>,
    death: watch::Sender<Option<Death>>,
}

/// What ended a machine.
#[derive(Debug, Clone)]
enum Death {
    /// The kernel or init said so on the console.
    Crashed(String),
    /// QEMU is gone.
    Ended(String),
}

impl Life {
    pub fn new(machine: &str) -> Self {
        Life { machine: machine.into(), death: watch::Sender::new(None) }
    }

    /// A line on the console said that the guest crashed.
    pub fn crash(&self, line: String) {
        self.die(Death::Crashed(line));
    }

    /// The emulator is gone.
    pub fn end(&self, reason: String) {
        self.die(Death::Ended(reason));
    }

    /// Runs something on the machine; a death ends it at once.
    pub async fn during<T>(
        &self,
        action: impl Future<Output = Result<T, MachineError>>,
    ) -> Result<T, MachineError> {
        tokio::select! {
            biased;
            error = self.over() => Err(error),
            result = action => result,
        }
    }

    /// Waits for the machine's death and says what it was.
    pub async fn over(&self) -> MachineError {
        let mut death = self.death.subscribe();
        match death.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(Death::Crashed(line))) => {
                MachineError::Crashed { machine: self.machine.to_string(), line: line.clone() }
            }
            Ok(Some(Death::Ended(reason))) => self.gone(reason),
            Ok(None) | Err(_) => self.gone("nothing watches it any more"),
        }
    }

    fn gone(&self, reason: &str) -> MachineError {
        MachineError::Gone { machine: self.machine.to_string(), reason: reason.to_owned() }
    }

    fn die(&self, cause: Death) {
        self.death.send_if_modified(|death| {
            let first = death.is_none();
            if first {
                *death = Some(cause);
            }
            first
        });
    }
}

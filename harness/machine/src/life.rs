//! Whether a machine is still alive, and what ended it.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use record::MachineError;
use tokio::sync::watch;

/// A connection that breaks is noticed before the death that broke it: how long to wait for that news.
const DEATH_NEWS: Duration = Duration::from_millis(500);

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
    /// Its emulator or its container is gone.
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

    /// The emulator, or the container, is gone.
    pub fn end(&self, reason: String) {
        self.die(Death::Ended(reason));
    }

    /// Runs something on the machine; a death ends it at once, and is told as the reason.
    pub async fn during<T>(
        &self,
        action: impl Future<Output = Result<T, MachineError>>,
    ) -> Result<T, MachineError> {
        during(self.over(), action).await
    }

    pub fn is_over(&self) -> bool {
        self.death.borrow().is_some()
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

/// Runs something while a machine may die.
pub(super) async fn during<T>(
    death: impl Future<Output = MachineError>,
    action: impl Future<Output = Result<T, MachineError>>,
) -> Result<T, MachineError> {
    let mut death = pin!(death);
    let result = tokio::select! {
        biased;
        error = &mut death => return Err(error),
        result = action => result,
    };
    match result {
        Err(refused @ MachineError::Refused { .. }) => {
            Err(tokio::time::timeout(DEATH_NEWS, death).await.unwrap_or(refused))
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> MachineError {
        let (machine, action) = ("machine".to_owned(), "open the monitor".to_owned());
        MachineError::Refused { machine, action, reason: "it has hung up".to_owned() }
    }

    #[tokio::test]
    async fn a_broken_connection_is_told_as_the_death_that_broke_it() {
        let life = Life::new("machine");
        let dying = life.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            dying.end("QEMU was killed by signal 9".to_owned());
        });
        let error = life.during(async { Err::<(), _>(refused()) }).await.unwrap_err();
        assert_eq!(error.to_string(), "machine: the machine is gone: QEMU was killed by signal 9");
    }

    #[tokio::test]
    async fn a_refusal_of_a_living_machine_stays_one() {
        let error = Life::new("machine").during(async { Err::<(), _>(refused()) }).await.unwrap_err();
        assert_eq!(error.to_string(), refused().to_string());
    }
}

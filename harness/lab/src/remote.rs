//! A machine that is somebody's own, and what may be done to it.

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use machine::Machine;
use machine::patience::patient;
use machine::ssh::{Connection, Login, Ssh};
use record::event::{Event, Listener};
use record::{MachineError, Need, Output, Transcript};
use tokio::sync::{Mutex, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use super::Changes;
use super::memo::Memo;

/// How long a command of the user's may take, and the machine to be back after it.
const COMMAND_LIMIT: Duration = Duration::from_secs(600);
const BACK_LIMIT: Duration = Duration::from_secs(300);

/// How soon it is tried again whether it is back: nothing tells.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// What may be done to a machine that is not assay's. Each has what comes before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allow {
    /// To look.
    #[default]
    Nothing,
    /// To change files and units.
    State,
    /// To reboot.
    Power,
}

/// How to reach it, what is allowed there, and the user's own commands, which run on this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub login: Login,
    pub allow: Allow,
    /// Has it boot again, instead of what it has for that itself.
    pub reboot: Option<String>,
    /// Undoes whatever a check has changed.
    pub restore: Option<String>,
    /// Where these commands run.
    pub directory: PathBuf,
}

impl Access {
    /// Whether a check that needs this may be tried, for all that its owner says.
    pub fn allows(&self, need: Need) -> bool {
        match need {
            Need::Undo => self.allow >= Allow::State,
            Need::Boot => self.allow >= Allow::Power,
            Need::Sockets => true,
            Need::Power | Need::Lapse | Need::Drives | Need::Token | Need::Disk | Need::Strings => false,
        }
    }

    /// Whether whatever is changed there is undone.
    pub fn restores(&self) -> bool {
        self.allow >= Allow::State && self.restore.is_some()
    }

    /// Whether checks with these needs have the machine to themselves.
    pub fn changes(needs: &[Need]) -> bool {
        needs.iter().any(|need| matches!(need, Need::Undo | Need::Boot | Need::Power))
    }
}

/// The one machine of a target, as it is or with a mutant's changes.
pub struct Remote {
    here: Arc<Here>,
    pub memo: Memo,
}

/// What all that use it share.
struct Here {
    access: Access,
    has_bridge: bool,
    link: Mutex<Link>,
    /// Many look at once; who changes something is alone.
    turns: Arc<RwLock<()>>,
    /// Why nothing may be changed any more.
    spoiled: std::sync::Mutex<Option<String>>,
    listener: Arc<dyn Listener>,
}

struct Link {
    connection: Arc<Connection>,
    /// Why it could not be had again.
    gone: Option<String>,
}

impl Remote {
    pub(super) async fn open(access: Access, listener: &Arc<dyn Listener>) -> Result<Remote, MachineError> {
        let connection = Arc::new(Connection::open(&access.login).await?);
        let here = Here {
            has_bridge: connection.has_bridge(),
            access,
            link: Mutex::new(Link { connection, gone: None }),
            turns: Arc::default(),
            spoiled: std::sync::Mutex::default(),
            listener: listener.clone(),
        };
        Ok(Remote { here: Arc::new(here), memo: Memo::default() })
    }

    pub(super) fn has(&self, need: Need) -> Result<(), String> {
        let host = &self.here.access.login.host;
        match need {
            Need::Sockets if self.here.has_bridge => Ok(()),
            Need::Sockets => Err(format!(
                "{host} has neither perl nor python3 nor systemd-stdio-bridge, one of which joins a process of a user's \
                 with a socket"
            )),
            need if self.here.access.allows(need) => Ok(()),
            Need::Undo => {
                Err(format!("{host} is not assay's: `--allow state` lets it change files and units there"))
            }
            Need::Boot => Err(format!("{host} is not assay's: `--allow power` lets it be rebooted")),
            need => Err(format!("a machine over SSH is without {need}, which `--machine vm` has")),
        }
    }

    /// The machine, for one check. A connection that was lost is made again, once.
    pub async fn machine(&self, transcript: &Transcript) -> Result<Ssh, MachineError> {
        Ok(Ssh::over(&self.here.connection().await?, transcript))
    }

    /// Waits until a check with these needs may begin, or a change to the machine.
    pub(super) async fn turn(&self, changes: bool) -> Result<Turn, MachineError> {
        if !changes {
            return Ok(Turn::Shared(self.here.turns.clone().read_owned().await));
        }
        let guard = self.here.turns.clone().write_owned().await;
        match self.here.spoiled() {
            Some(reason) => Err(self.here.refused("change anything", reason)),
            None => Ok(Turn::Alone(Alone { here: self.here.clone(), _guard: guard, over: false })),
        }
    }

    /// The same with something changed. Whoever has its turn undoes that at its end.
    pub(super) async fn changed(
        &self,
        changes: &Changes<'_>,
        transcript: &Transcript,
    ) -> Result<Remote, MachineError> {
        if !self.here.access.restores() {
            return Err(self.here.refused("change anything", "nothing would undo it"));
        }
        if changes.touch_the_disk() {
            let machine = self.machine(transcript).await?;
            let changing = changes.apply(&machine).await;
            machine.end().await;
            changing?;
        }
        if changes.boot() {
            self.has(Need::Boot)
                .map_err(|reason| self.here.refused("have the change take effect", reason))?;
            self.reboot(transcript).await?.end().await;
        }
        Ok(Remote { here: self.here.clone(), memo: Memo::default() })
    }

    /// Whether whatever is changed there is undone.
    pub fn restores(&self) -> bool {
        self.here.access.restores()
    }

    /// Reboots it, and waits until it is back.
    pub async fn reboot(&self, transcript: &Transcript) -> Result<Ssh, MachineError> {
        let Here { access: Access { login, reboot, .. }, .. } = &*self.here;
        let connection = self.here.connection().await?;
        let rebooting = async {
            match reboot {
                Some(command) => self.here.command("reboot", command).await?,
                // That it is gone before it can say so is what is wanted.
                None => drop(Ssh::over(&connection, &Transcript::default()).run("exec reboot").await),
            }
            self.here.back(Some(connection.boot())).await?;
            connection.give_up("the machine was rebooted");
            Ok(())
        };
        transcript.noted(&login.host, "reboot it", rebooting).await?;
        self.machine(transcript).await
    }

    /// Ends the connection, and tells what was started there and could not be ended.
    pub(super) async fn close(&self) {
        let connection = self.here.link.lock().await.connection.clone();
        if connection.is_lost() {
            return;
        }
        if let Err(error) = connection.close().await {
            self.here.tell(error.to_string());
        }
    }
}

impl Here {
    async fn connection(&self) -> Result<Arc<Connection>, MachineError> {
        let mut link = self.link.lock().await;
        if let Some(reason) = &link.gone {
            return Err(MachineError::Gone {
                machine: self.access.login.host.clone(),
                reason: reason.clone(),
            });
        }
        if link.connection.is_lost() {
            match Connection::open(&self.access.login).await {
                Ok(connection) => link.connection = Arc::new(connection),
                Err(error) => {
                    link.gone = Some(error.to_string());
                    return Err(error);
                }
            }
        }
        Ok(link.connection.clone())
    }

    /// Waits until it answers again, after another boot than this one.
    async fn back(&self, boot: Option<&str>) -> Result<(), MachineError> {
        let trying = async {
            loop {
                match Connection::open(&self.access.login).await {
                    Ok(connection) if Some(connection.boot()) != boot => return connection,
                    Ok(_) | Err(_) => tokio::time::sleep(TRY_AGAIN).await,
                }
            }
        };
        let limit = patient(BACK_LIMIT);
        let Ok(connection) = tokio::time::timeout(limit, trying).await else {
            let (machine, what) = (self.access.login.host.clone(), "it to be back".to_owned());
            return Err(MachineError::Never { machine, what, limit });
        };
        self.link.lock().await.connection = Arc::new(connection);
        Ok(())
    }

    /// Runs a command of the user's on this host.
    async fn command(&self, name: &str, command: &str) -> Result<(), MachineError> {
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", command]).current_dir(&self.access.directory).stdin(Stdio::null());
        // Half of it is worse than all of it: what interrupts the harness is not for it.
        shell.process_group(0);
        let running = tokio::process::Command::from(shell).output();
        let limit = patient(COMMAND_LIMIT);
        let Ok(ran) = tokio::time::timeout(limit, running).await else {
            let what = format!("the end of `{name}` on this host");
            return Err(MachineError::Never { machine: self.access.login.host.clone(), what, limit });
        };
        let output = Output::from(ran.map_err(|error| self.refused(name, error))?);
        if output.success() {
            return Ok(());
        }
        Err(MachineError::Failed {
            machine: self.access.login.host.clone(),
            command: command.to_owned(),
            output,
        })
    }

    fn spoiled(&self) -> Option<String> {
        self.spoiled.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn spoil(&self, reason: String) {
        self.tell(format!("{}: {reason}", self.access.login.host));
        *self.spoiled.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    fn tell(&self, text: String) {
        self.listener.hear(&Event::Noted { text });
    }

    fn refused(&self, action: &str, reason: impl std::fmt::Display) -> MachineError {
        MachineError::refused(&self.access.login.host, action, reason)
    }
}

/// A time at which a check may have a machine.
pub enum Turn {
    /// Whenever it likes.
    Any,
    Shared(OwnedRwLockReadGuard<()>),
    Alone(Alone),
}

/// The time of one who may change a machine that is not assay's.
pub struct Alone {
    here: Arc<Here>,
    _guard: OwnedRwLockWriteGuard<()>,
    over: bool,
}

impl Turn {
    /// Has what was changed undone, before anybody else has a turn. Where that fails nothing is changed there any more.
    pub async fn end(self) {
        let Turn::Alone(mut alone) = self else { return };
        if let Some(restore) = &alone.here.access.restore {
            let restoring = async {
                alone.here.command("restore", restore).await?;
                // It may have become another machine, or another boot of it.
                alone.here.back(None).await
            };
            if let Err(error) = restoring.await {
                alone.here.spoil(format!("what was changed could not be undone: {error}"));
            }
        }
        alone.over = true;
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if !self.over {
            let host = &self.here.access.login.host;
            let restore = match &self.here.access.restore {
                Some(_) => ", and `restore` was not run",
                None => "",
            };
            self.here.tell(format!("a check that may change {host} was interrupted{restore}"));
        }
    }
}

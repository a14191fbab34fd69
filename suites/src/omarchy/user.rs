//! The user, and what they run.

use futures::FutureExt;
use futures::future::BoxFuture;
use harness::machine::qemu::Peer;
use harness::machine::quoted;
use harness::{Check, Outcome, Stop, Trial};

use super::settings::{Omarchy, omarchy};

/// These checks, none of which can be decided on a machine of somebody's own that has no such user.
pub fn with_user(checks: Vec<Check>) -> Vec<Check> {
    checks.into_iter().map(|check| check.requiring(has_user)).collect()
}

fn has_user(trial: &Trial) -> BoxFuture<'_, Outcome> {
    async {
        // One of ours has the user that its recipe makes.
        if !trial.is_elsewhere() {
            return Ok(());
        }
        let (omarchy, machine) = (omarchy(trial)?, trial.machine().await?);
        let Omarchy { user, uid, .. } = &*omarchy;
        if machine.run(&format!("test \"$(id -u {user})\" = {uid}")).await?.success() {
            return Ok(());
        }
        let name = machine.name();
        Err(Stop::Broken(format!(
            "{name} has no user {user} with the uid {uid}: say whose desktop it is with `user` and `uid` in [omarchy]"
        )))
    }
    .boxed()
}

impl Omarchy {
    /// The same shell command, run as the user instead of root, without a seat or a session.
    pub fn as_user(&self, command: &str) -> String {
        self.run_by_user(&format!("sh -c {}", quoted(command)))
    }

    /// A command that the user runs. `runuser` would open a session of PAM's first, which nothing here is about and
    /// which takes an emulated guest ten times as long.
    pub fn run_by_user(&self, command: &str) -> String {
        format!("setpriv --reuid={} --regid={} --init-groups {command}", self.user, self.group())
    }

    /// A shell command as the user's own session runs it.
    pub fn in_session(&self, command: &str) -> String {
        let (home, runtime, shell) = (self.home(), self.runtime(), quoted(command));
        self.run_by_user(&format!("env HOME={home} XDG_RUNTIME_DIR={runtime} sh -c {shell}"))
    }

    /// As whom a bus is asked.
    pub fn peer(&self) -> Peer<'_> {
        Peer { name: &self.user, id: self.uid }
    }

    /// Where their session has its sockets.
    pub fn runtime(&self) -> String {
        format!("/run/user/{}", self.uid)
    }

    pub fn session_bus(&self) -> String {
        format!("{}/bus", self.runtime())
    }

    /// The unit of their service manager.
    pub fn manager(&self) -> String {
        format!("user@{}.service", self.uid)
    }

    /// The file of a unit of theirs.
    pub fn unit_file(&self, unit: &str) -> String {
        format!("{}/.config/systemd/user/{unit}", self.home())
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn what_the_user_runs_is_theirs() {
        let documented = Omarchy::default();
        assert_snapshot!(documented.as_user("id"), @"setpriv --reuid=user --regid=user --init-groups sh -c 'id'");
        assert_snapshot!(documented.in_session("id"), @"setpriv --reuid=user --regid=user --init-groups env HOME=/home/user XDG_RUNTIME_DIR=/run/user/1000 sh -c 'id'");
        assert_snapshot!(documented.session_bus(), @"/run/user/1000/bus");
        assert_snapshot!(documented.unit_file(&documented.unit.timer), @"/home/user/.config/systemd/user/intune-agent.timer");
        let own = Omarchy { user: "andreym".into(), uid: 1001, ..documented };
        assert_snapshot!(own.in_session("id"), @"setpriv --reuid=andreym --regid=andreym --init-groups env HOME=/home/andreym XDG_RUNTIME_DIR=/run/user/1001 sh -c 'id'");
        assert_snapshot!(own.manager(), @"user@1001.service");
    }
}

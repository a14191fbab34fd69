//! The Docker engine of this host, and the images that it keeps.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures::TryStreamExt;
pub use testcontainers::bollard::errors::Error as EngineError;
use testcontainers::bollard::models::ContainerConfig;
use testcontainers::bollard::query_parameters::{
    CommitContainerOptionsBuilder, CreateImageOptionsBuilder, PruneContainersOptionsBuilder,
    PruneImagesOptionsBuilder, RemoveImageOptionsBuilder,
};
use testcontainers::bollard::{Docker, body_try_stream};
use testcontainers::core::client::docker_client_instance;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

use super::archive::archive;

/// How long an engine may take to say that it is there.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// What everything is labelled with that is not to stay when a run is killed.
pub(super) const PASSING: &str = "assay.passing";

/// A container that was not started by then never will be.
const UNSTARTED: &str = "10m";

/// What a changed target was made for is over by then.
const FORGOTTEN: &str = "24h";

/// A running Docker engine.
#[derive(Clone)]
pub struct Engine {
    pub(super) docker: Docker,
}

/// Why no engine can be used, and what helps.
#[derive(Debug, thiserror::Error)]
#[error("no Docker engine answers ({reason}): {}", .remedy)]
pub struct NoEngine {
    reason: String,
    remedy: &'static str,
}

/// An image in the engine, by the digest of all that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(String);

impl Snapshot {
    /// Without the name of the function that made it: `sha256` is understood.
    pub(super) fn hex(&self) -> &str {
        self.0.trim_start_matches("sha256:")
    }
}

impl Engine {
    /// The engine that `DOCKER_HOST` or Docker's own configuration names, else the one at its usual socket. What other
    /// runs have left behind is removed.
    pub async fn find() -> Result<Engine, NoEngine> {
        let none = |reason: String| NoEngine { remedy: remedy(&reason), reason };
        let docker = docker_client_instance().await.map_err(|error| none(error.to_string()))?;
        match tokio::time::timeout(ANSWER_LIMIT, docker.ping()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(none(cause(&error))),
            Err(_) => return Err(none(format!("it said nothing for {} s", ANSWER_LIMIT.as_secs()))),
        }
        let engine = Engine { docker };
        engine.forget().await;
        Ok(engine)
    }

    /// The image of this name and tag, if it is there.
    pub async fn image(&self, name: &str, tag: &str) -> Result<Option<Snapshot>, EngineError> {
        match self.docker.inspect_image(&reference(name, tag)).await {
            Ok(image) => Ok(image.id.map(Snapshot)),
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes an image of everything in an ext4 file system.
    pub async fn import(&self, disk: &Path, name: &str, tag: &str) -> Result<Snapshot, EngineError> {
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(&repository(name)).tag(tag).build();
        let pieces = archive(disk).map_ok(Into::into);
        let told = self.docker.create_image(Some(options), Some(body_try_stream(pieces)), None);
        told.try_for_each(async |_| Ok(())).await?;
        let image = self.docker.inspect_image(&reference(name, tag)).await?;
        Ok(Snapshot(image.id.unwrap_or_default()))
    }

    /// Makes an image of a container's disk as it is now, under a name and tag or under none.
    pub(super) async fn commit(
        &self,
        id: &str,
        named: Option<(&str, &str)>,
    ) -> Result<Snapshot, EngineError> {
        let options = CommitContainerOptionsBuilder::new().container(id).pause(true);
        let options = match named {
            Some((name, tag)) => options.repo(&repository(name)).tag(tag),
            None => options.changes(&format!("LABEL {PASSING}=image")),
        };
        let made = self.docker.commit_container(options.build(), ContainerConfig::default()).await?;
        Ok(Snapshot(made.id))
    }

    /// Removes an image that was made for this run only, as soon as nobody has it any more. What a program that ends in
    /// between leaves is forgotten by the next.
    pub(super) fn guard(&self, image: Snapshot) -> Passing {
        Passing { engine: self.clone(), image }
    }

    /// Removes what killed runs have left: containers that never started, and images of changed targets. Others may be
    /// doing the same, and what cannot be removed now can be later.
    async fn forget(&self) {
        let older = |than| HashMap::from([("label", vec![PASSING]), ("until", vec![than])]);
        let containers = PruneContainersOptionsBuilder::new().filters(&older(UNSTARTED)).build();
        let _ = self.docker.prune_containers(Some(containers)).await;
        let images = PruneImagesOptionsBuilder::new().filters(&older(FORGOTTEN)).build();
        let _ = self.docker.prune_images(Some(images)).await;
    }
}

/// An image of this run alone. Dropping it removes it.
pub struct Passing {
    engine: Engine,
    image: Snapshot,
}

impl Passing {
    pub fn image(&self) -> &Snapshot {
        &self.image
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        let (docker, image) = (self.engine.docker.clone(), self.image.0.clone());
        // Its containers have ended, but the engine may be about to remove them.
        let forced = RemoveImageOptionsBuilder::new().force(true).build();
        let removing = async move { docker.remove_image(&image, Some(forced), None).await };
        match runtime.runtime_flavor() {
            // The program may end next, and would not wait for a task.
            RuntimeFlavor::MultiThread => {
                let _ = block_in_place(|| runtime.block_on(removing));
            }
            _ => drop(runtime.spawn(removing)),
        }
    }
}

/// A name that no registry in the world has, so that an engine finds it here or nowhere.
fn repository(name: &str) -> String {
    format!("localhost/assay-{name}")
}

fn reference(name: &str, tag: &str) -> String {
    format!("{}:{tag}", repository(name))
}

/// An error without the address of the request.
fn cause(error: &EngineError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

/// What makes an engine answer, on this host.
fn remedy(reason: &str) -> &'static str {
    if reason.contains("ermission denied") {
        return "be root, or a member of the group docker";
    }
    match (host::find("dockerd").is_some(), Path::new("/run/systemd/system").exists()) {
        (true, true) => "start it with `sudo systemctl start docker`",
        (true, false) => "start it with `sudo dockerd`, which stays in the foreground",
        (false, _) => "install one, on Debian with `apt-get install docker.io`, and start it",
    }
}

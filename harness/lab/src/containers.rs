//! Where the containers of a target come from: an image of its provisioned root in a Docker engine.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use image::cache::Cache;
use image::{self, Recipe};
use machine::Machine;
use machine::container::{Container, Engine, Passing, Plan, Snapshot};
use record::event::Listener;
use record::{MachineError, Transcript};

use super::Changes;
use super::memo::Memo;
use super::prepare::{PrepareError, Telling};
use super::stage::timed;
use super::store::digest;
use crate::provision;
use crate::target::{self, Stage};

/// Changes when what is kept in an engine is made differently.
const FORMAT: &str = "1";

/// The containers of a target: as provisioned, or with changes.
pub struct Containers {
    /// What they are named after.
    name: String,
    engine: Engine,
    image: Image,
    hostname: String,
    /// In MiB.
    memory: u32,
    /// File systems in memory, in MiB.
    volumes: BTreeMap<String, u32>,
    machines: Arc<AtomicU32>,
    pub memo: Memo,
}

enum Image {
    Kept(Snapshot),
    Passing(Passing),
}

impl Containers {
    /// Builds the image, hands its root to the engine and provisions it, as far as none of that was done before.
    pub(super) async fn prepare(
        name: &str,
        stage: &Stage,
        how: &target::Container,
        engine: Engine,
        cache: &Cache,
        listener: &Arc<dyn Listener>,
    ) -> Result<Containers, PrepareError> {
        let recipe = Recipe::load(&stage.recipe)?;
        let mut steps = stage.steps.as_deref().map(provision::Plan::load).transpose()?;
        if let Some(plan) = &mut steps {
            plan.build(&**listener).await?;
        }
        let telling = Telling::new(&**listener, name);
        let image = image::Image::ensure(&recipe, cache, &|progress| telling.tell(progress)).await?;
        let tag = digest(&[FORMAT, &image.contents().to_string()]).to_hex();
        let root = match engine.image(name, &tag).await? {
            Some(root) => root,
            None => {
                let disk = image.root();
                let import = engine.import(&disk, name, &tag);
                timed(&**listener, format!("hand the root of {name} to the engine"), import).await?
            }
        };
        let volumes = how.volumes.clone();
        let mut containers = Containers {
            name: name.to_owned(),
            engine,
            image: Image::Kept(root),
            hostname: recipe.hostname,
            memory: stage.memory,
            volumes,
            machines: Arc::default(),
            memo: Memo::default(),
        };
        if let Some(steps) = steps {
            containers.provision(&steps, &tag, &**listener).await?;
        }
        Ok(containers)
    }

    async fn provision(
        &mut self,
        steps: &provision::Plan,
        root: &str,
        listener: &dyn Listener,
    ) -> Result<(), PrepareError> {
        let volumes = format!("{:?}", self.volumes);
        let tag = digest(&[FORMAT, root, &steps.digest().to_string(), &volumes]).to_hex();
        let name = format!("{}-provisioned", self.name);
        if let Some(image) = self.engine.image(&name, &tag).await? {
            self.image = Image::Kept(image);
            return Ok(());
        }
        let provisioning = async {
            let container = self.start(&Transcript::default()).await?;
            let provisioned = async {
                let done = steps.provision(&container, listener).await;
                done.map_err(|error| PrepareError::Provision(Box::new(error)))?;
                Ok(container.commit(&name, &tag).await?)
            };
            let image: Result<_, PrepareError> = provisioned.await;
            container.end().await;
            image
        };
        let what = format!("provision {} in a container", self.name);
        self.image = Image::Kept(timed(listener, what, provisioning).await?);
        Ok(())
    }

    /// A container that has started all that the target starts.
    pub async fn start(&self, transcript: &Transcript) -> Result<Container, MachineError> {
        let number = self.machines.fetch_add(1, Ordering::Relaxed) + 1;
        let image = match &self.image {
            Image::Kept(image) => image,
            Image::Passing(image) => image.image(),
        };
        let plan = Plan {
            name: format!("{}-{number}", self.name),
            hostname: self.hostname.clone(),
            memory: self.memory,
            transcript: transcript.clone(),
            volumes: &self.volumes,
        };
        Container::start(&self.engine, image, plan).await
    }

    /// The same with something changed on the disk.
    pub(super) async fn changed(
        &self,
        changes: &Changes<'_>,
        transcript: &Transcript,
    ) -> Result<Containers, MachineError> {
        let container = self.start(transcript).await?;
        let changing = async {
            changes.apply(&container).await?;
            container.commit_passing().await
        };
        let image = changing.await;
        container.end().await;
        Ok(Containers {
            name: self.name.clone(),
            engine: self.engine.clone(),
            image: Image::Passing(image?),
            hostname: self.hostname.clone(),
            memory: self.memory,
            volumes: self.volumes.clone(),
            machines: self.machines.clone(),
            memo: Memo::default(),
        })
    }
}

//! `assay image`.

use std::collections::BTreeMap;
use std::sync::Arc;

use image::cache::Cache;
use image::{self, Image, Recipe};
use lab::target::Stage;
use lab::{self, Home, Target, Telling};
use record::event::Listener;
use report::{Purpose, Terminal};

use super::arguments::Image as Action;
use super::failure::Failure;
use super::print::print;

/// Builds, lists or removes images.
pub async fn image(action: Action) -> Result<u8, Failure> {
    let cache = Cache::open()?;
    match action {
        Action::Build { target } => build(&cache, &target).await,
        Action::List => list(&cache),
        Action::Remove { target } => remove(&cache, target.as_deref()),
    }
}

async fn build(cache: &Cache, target: &str) -> Result<u8, Failure> {
    let listener: Arc<dyn Listener> = Arc::new(Terminal::stderr(Purpose::Run, false));
    for (name, recipe) in recipes(target)? {
        let telling = Telling::new(&*listener, &name);
        let image = Image::ensure(&recipe, cache, &|progress| telling.tell(progress)).await;
        let image = image.map_err(|error| Failure::broken("build the image", error))?;
        print(&format!("{}  {name}\n", image.digest()))?;
    }
    Ok(0)
}

fn list(cache: &Cache) -> Result<u8, Failure> {
    let home = Home::find().map_err(Failure::usage)?;
    let known = home.targets().into_iter().filter_map(|target| recipes(&target).ok()).flatten();
    let current: Vec<_> =
        known.filter_map(|(name, recipe)| Some((Image::digest_of(&recipe).ok()?, name))).collect();
    let images = cache.list(image::KIND).map_err(|error| Failure::broken("read the cache", error))?;
    for image in images {
        let name = current.iter().find(|(digest, _)| *digest == image.digest).map(|(_, name)| name.as_str());
        let name = name.unwrap_or("(of no present recipe)");
        print(&format!("{}  {:>6} MiB  {name}\n", image.digest, image.size >> 20))?;
    }
    Ok(0)
}

/// Removes one target's image, or everything that was made from any.
fn remove(cache: &Cache, target: Option<&str>) -> Result<u8, Failure> {
    let broken = |error| Failure::broken("remove an image", error);
    if let Some(target) = target {
        for (name, recipe) in recipes(target)? {
            let digest = Image::digest_of(&recipe).map_err(Failure::usage)?;
            let removed = cache.remove(image::KIND, digest).map_err(broken)?;
            print(&format!("{name}: {}\n", if removed { "removed" } else { "there was none" }))?;
        }
        return Ok(0);
    }
    for kind in lab::KINDS.iter().chain([&image::KIND]).chain(image::PARTS) {
        for entry in cache.list(kind).map_err(broken)? {
            cache.remove(kind, entry.digest).map_err(broken)?;
            print(&format!("removed {kind}/{}\n", entry.digest))?;
        }
    }
    Ok(0)
}

/// The recipes of a target, each once, with the name of what is made from it.
fn recipes(target: &str) -> Result<BTreeMap<String, Recipe>, Failure> {
    let home = Home::find().map_err(Failure::usage)?;
    let target = Target::find(target, &home).map_err(Failure::usage)?;
    let recipe = |stage: &Stage| {
        let name = stage.recipe.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, Recipe::load(&stage.recipe).map_err(Failure::usage)?))
    };
    target.stages.values().map(recipe).collect()
}

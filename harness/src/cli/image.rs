//! `assay image`.

use std::sync::Arc;

use super::arguments::Image as Action;
use super::failure::Failure;
use super::print::print;
use crate::cache::Cache;
use crate::event::Listener;
use crate::image::{self, Image, Recipe};
use crate::lab;
use crate::report::{Purpose, Terminal};
use crate::{Home, Target};

/// Builds, lists or removes images.
pub async fn image(action: Action) -> Result<u8, Failure> {
    let cache = Cache::open().map_err(|error| Failure::broken("use the cache", error))?;
    match action {
        Action::Build { target } => build(&cache, &target).await,
        Action::List => list(&cache),
        Action::Remove { target } => remove(&cache, target.as_deref()),
    }
}

async fn build(cache: &Cache, target: &str) -> Result<u8, Failure> {
    let (target, recipe) = recipe(target)?;
    let listener: Arc<dyn Listener> = Arc::new(Terminal::stderr(Purpose::Run));
    let progress = |progress| lab::tell(&*listener, &target.name, progress);
    let image = Image::ensure(&recipe, cache, &progress).await;
    let image = image.map_err(|error| Failure::broken("build the image", error))?;
    print(&format!("{}  {}\n", image.digest(), target.name))?;
    Ok(0)
}

fn list(cache: &Cache) -> Result<u8, Failure> {
    let home = Home::find().map_err(Failure::usage)?;
    let current: Vec<_> = home
        .targets()
        .into_iter()
        .filter_map(|name| {
            let (_, recipe) = recipe(&name).ok()?;
            Some((Image::digest_of(&recipe).ok()?, name))
        })
        .collect();
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
        let (_, recipe) = recipe(target)?;
        let digest = Image::digest_of(&recipe).map_err(Failure::usage)?;
        let removed = cache.remove(image::KIND, digest).map_err(broken)?;
        print(if removed { "removed\n" } else { "there was none\n" })?;
        return Ok(0);
    }
    for kind in lab::KINDS.iter().chain([&image::KIND]) {
        for entry in cache.list(kind).map_err(broken)? {
            cache.remove(kind, entry.digest).map_err(broken)?;
            print(&format!("removed {kind}/{}\n", entry.digest))?;
        }
    }
    Ok(0)
}

fn recipe(target: &str) -> Result<(Target, Recipe), Failure> {
    let home = Home::find().map_err(Failure::usage)?;
    let target = Target::find(target, &home).map_err(Failure::usage)?;
    let recipe = Recipe::load(&target.recipe).map_err(Failure::usage)?;
    Ok((target, recipe))
}

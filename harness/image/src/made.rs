//! Trees that no package has, kept by the digest of the program that makes them.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Stdio;

use super::contained::contained;
use super::log::Log;
use super::recipe::Recipe;
use super::{ImageError, ImageProgress, Stage, digest};
use crate::cache::{Cache, CacheEvent, Entry};

pub(super) const KIND: &str = "made";

/// Runs the program of a package. What is compiled for it goes with the work.
const MAKE: &str = r#"
exec cargo run --release --locked --manifest-path "$PACKAGE/Cargo.toml" --target-dir "$OUT/target" -- "$OUT/tree"
"#;

/// What somebody compiles with for this host's processor is not for a guest's.
const OF_THIS_HOST: [&str; 4] = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET", "CFLAGS"];

/// The trees of a recipe, made where the cache does not have them.
pub(super) async fn trees(
    recipe: &Recipe,
    cache: &Cache,
    log: &Log,
    progress: &(dyn Fn(ImageProgress) + Sync),
) -> Result<Vec<Entry>, ImageError> {
    let mut trees = Vec::new();
    for made in &recipe.made {
        let package = recipe.directory.join(&made.package);
        let digest = digest::package(&package)?;
        let make = async |work: &Path| make(&package, work, log).await.map_err(|error| log.failed(&error));
        trees.push(cache.get_or_make(KIND, digest, &|event| tell(event, progress), make).await?);
    }
    Ok(trees)
}

fn tell(event: CacheEvent, progress: &(dyn Fn(ImageProgress) + Sync)) {
    progress(match event {
        CacheEvent::Waiting => ImageProgress::Waiting,
        CacheEvent::Corrupted { file, reason } => ImageProgress::Corrupted { file, reason },
        CacheEvent::Making => ImageProgress::Stage { stage: Stage::Make, done: 0, total: None },
    });
}

async fn make(package: &Path, work: &Path, log: &Log) -> io::Result<()> {
    fs::create_dir(work.join("tree"))?;
    let mut make = contained(MAKE);
    for name in OF_THIS_HOST {
        make.env_remove(name);
    }
    let status = make
        .env("PACKAGE", package)
        .env("OUT", work)
        .stdin(Stdio::null())
        .stdout(log.open()?)
        .stderr(log.open()?)
        .kill_on_drop(true)
        .status()
        .await?;
    if !status.success() {
        return Err(io::Error::other(format!("the program of {} ended with {status}", package.display())));
    }
    fs::remove_dir_all(work.join("target"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::Mutex;

    use super::trees;
    use crate::cache::{Cache, Entry};
    use crate::log::Log;
    use crate::{ImageError, ImageProgress, Recipe, Stage};

    const WRITES: &str = "fn main() { \
        let out = std::path::PathBuf::from(std::env::args().nth(1).unwrap()); \
        std::fs::write(out.join(\"greeting\"), \"hello\").unwrap(); }";

    /// A recipe with one tree, made by a package with this program.
    fn recipe(directory: &Path, program: &str) -> Recipe {
        let package = directory.join("package");
        fs::create_dir_all(package.join("src")).unwrap();
        let manifest = "[package]\nname = \"made\"\nedition = \"2024\"\n[workspace]\n";
        fs::write(package.join("Cargo.toml"), manifest).unwrap();
        let lock = "version = 4\n\n[[package]]\nname = \"made\"\nversion = \"0.0.0\"\n";
        fs::write(package.join("Cargo.lock"), lock).unwrap();
        fs::write(package.join("src/main.rs"), program).unwrap();
        let text = "architecture = 'amd64'\nsuite = 's'\nhostname = 'h'\nuser = 'u'\nsize_mib = 1\n\
                    packages = []\n[[made]]\npackage = 'package'\narchitecture = 'amd64'\ndirectory = '/opt/made'\n";
        Recipe { directory: directory.to_owned(), ..toml::from_str(text).unwrap() }
    }

    /// The trees, and the stages on the way.
    async fn made(recipe: &Recipe, directory: &Path) -> (Result<Vec<Entry>, ImageError>, Vec<Stage>) {
        let cache = Cache::at(directory.join("cache")).unwrap();
        let log = Log::new(directory, &cache, blake3::hash(b"image"));
        let stages = Mutex::new(Vec::new());
        let progress = |progress| {
            if let ImageProgress::Stage { stage, .. } = progress {
                stages.lock().unwrap().push(stage);
            }
        };
        let made = trees(recipe, &cache, &log, &progress).await;
        (made, stages.into_inner().unwrap())
    }

    #[tokio::test]
    async fn a_package_makes_its_tree_once() {
        let directory = tempfile::tempdir().unwrap();
        let recipe = recipe(directory.path(), WRITES);
        let (first, stages) = made(&recipe, directory.path()).await;
        let tree = first.unwrap()[0].path("tree");
        assert_eq!(fs::read_to_string(tree.join("greeting")).unwrap(), "hello");
        assert_eq!(stages, [Stage::Make]);
        let (second, stages) = made(&recipe, directory.path()).await;
        assert_eq!(second.unwrap()[0].path("tree"), tree);
        assert_eq!(stages, []);
        assert!(!directory.path().join("package/target").exists());
    }

    #[tokio::test]
    async fn a_program_that_fails_is_told_with_what_it_printed() {
        let directory = tempfile::tempdir().unwrap();
        let recipe = recipe(directory.path(), "fn main() { panic!(\"no compiler\") }");
        let (made, _) = made(&recipe, directory.path()).await;
        let ImageError::Failed { reason, last, .. } = made.unwrap_err() else { panic!("it was made") };
        assert!(reason.contains("package") && reason.contains("101"), "{reason}");
        assert!(last.contains("no compiler"), "{last}");
    }
}

//! Why reports cannot be joined.

use std::path::PathBuf;

use record::Shard;

use crate::Purpose;

#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    #[error("there is nothing to merge: name the reports of all shards")]
    Nothing,
    #[error("{} is not of a shard: `assay run --shard K/N --json FILE` writes one that is", file.display())]
    NoShard { file: PathBuf },
    #[error("{} is of the target {target:?}, and {} of {before:?}: merge the shards of each target by themselves, \
             and show them together with `assay report`", file.display(), other.display())]
    Targets { file: PathBuf, target: String, other: PathBuf, before: String },
    #[error("{} was run on other machines than {}: run all shards with the same --machine", file.display(),
            other.display())]
    Machines { file: PathBuf, other: PathBuf },
    #[error("{} is {}, and {} is {}: merge them by themselves", file.display(), called(*purpose), other.display(),
            called(*before))]
    Purposes { file: PathBuf, purpose: Purpose, other: PathBuf, before: Purpose },
    #[error("{} is of assay {version:?}, and {} of {before:?}: run all shards with one version", file.display(),
            other.display())]
    Versions { file: PathBuf, version: String, other: PathBuf, before: String },
    #[error("{} was run with other files over the target than {}: run all shards with the same --overlay",
            file.display(), other.display())]
    Overlays { file: PathBuf, other: PathBuf },
    #[error("{} is shard {shard}, and {} is shard {before}: cut all into the same number", file.display(),
            other.display())]
    Numbers { file: PathBuf, shard: Shard, other: PathBuf, before: Shard },
    #[error("{} was cut from other checks than {}: run all shards with the same --suite and --only",
            file.display(), other.display())]
    Selections { file: PathBuf, other: PathBuf },
    #[error("{} and {} are both shard {shard}: name each once", one.display(), other.display())]
    Twice { one: PathBuf, other: PathBuf, shard: Shard },
    #[error("{name} is in {} and in {}: cut all shards with the same --durations", one.display(), other.display())]
    Overlap { name: String, one: PathBuf, other: PathBuf },
    #[error("{} tells of {name:?}, but was cut from other checks: it is not as assay wrote it", file.display())]
    Stray { file: PathBuf, name: String },
    #[error("{} missing: name the reports of all shards", missing(shards))]
    Missing { shards: Vec<Shard> },
    #[error("{} in no file, though all shards are there: cut all with the same --durations", listed(names))]
    Gap { names: Vec<String> },
    #[error("{} and {} say different things of {name:?}: they are not of one run", other.display(), file.display())]
    Differ { name: String, file: PathBuf, other: PathBuf },
    #[error("{} says of {name:?} that it took {took} s: it is not as assay wrote it", file.display())]
    NoTime { file: PathBuf, name: String, took: f64 },
}

fn called(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Run => "a run",
        Purpose::Prove => "a proof",
    }
}

fn missing(shards: &[Shard]) -> String {
    let names: Vec<String> = shards.iter().map(Shard::to_string).collect();
    match &names[..] {
        [name] => format!("shard {name} is"),
        names => format!("shards {} are", names.join(", ")),
    }
}

fn listed(names: &[String]) -> String {
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

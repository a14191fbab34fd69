//! Whether reports are the shards of one run, all of them, each once.

use std::collections::{BTreeMap, BTreeSet};

use record::Shard;

use super::{MergeError, Part};

pub fn check(parts: &[Part]) -> Result<(), MergeError> {
    let (first, others) = parts.split_first().ok_or(MergeError::Nothing)?;
    others.iter().try_for_each(|part| alike(part, first))?;
    let mut shards: BTreeMap<Shard, &Part> = BTreeMap::new();
    for part in parts {
        if let Some(known) = shards.insert(part.cut.shard, part) {
            let (one, other) = (known.file.into(), part.file.into());
            return Err(MergeError::Twice { one, other, shard: part.cut.shard });
        }
    }
    let names = names(parts)?;
    let missing: Vec<Shard> =
        Shard::all(first.cut.shard.of()).filter(|shard| !shards.contains_key(shard)).collect();
    if !missing.is_empty() {
        return Err(MergeError::Missing { shards: missing });
    }
    let gap: Vec<String> =
        first.cut.from.iter().filter(|name| !names.contains_key(&***name)).cloned().collect();
    if gap.is_empty() { Ok(()) } else { Err(MergeError::Gap { names: gap }) }
}

/// Whether a part is of the same run as another, as far as can be told.
fn alike(part: &Part, first: &Part) -> Result<(), MergeError> {
    let (file, other) = (part.file.to_owned(), first.file.to_owned());
    let (one, before) = (part.document, first.document);
    if one.target != before.target {
        let (target, before) = (one.target.clone(), before.target.clone());
        return Err(MergeError::Targets { file, target, other, before });
    }
    if one.machine != before.machine {
        return Err(MergeError::Machines { file, other });
    }
    if one.purpose != before.purpose {
        return Err(MergeError::Purposes { file, purpose: one.purpose, other, before: before.purpose });
    }
    if one.assay != before.assay {
        let (version, before) = (one.assay.clone(), before.assay.clone());
        return Err(MergeError::Versions { file, version, other, before });
    }
    if one.overlays != before.overlays {
        return Err(MergeError::Overlays { file, other });
    }
    if part.cut.shard.of() != first.cut.shard.of() {
        return Err(MergeError::Numbers { file, shard: part.cut.shard, other, before: first.cut.shard });
    }
    if part.cut.from != first.cut.from {
        return Err(MergeError::Selections { file, other });
    }
    Ok(())
}

/// Every check, with the part that it is in.
fn names<'p>(parts: &'p [Part]) -> Result<BTreeMap<&'p str, &'p Part<'p>>, MergeError> {
    let mut names: BTreeMap<&str, &Part> = BTreeMap::new();
    for part in parts {
        let from: BTreeSet<&str> = part.cut.from.iter().map(String::as_str).collect();
        for name in part.names() {
            if !from.contains(name) {
                return Err(MergeError::Stray { file: part.file.into(), name: name.into() });
            }
            if let Some(known) = names.insert(name, part) {
                let (one, other) = (known.file.into(), part.file.into());
                return Err(MergeError::Overlap { name: name.into(), one, other });
            }
        }
    }
    Ok(names)
}

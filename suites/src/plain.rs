//! Names and paths that a shell takes as they are: settings become words of commands.

use std::path::Path;

/// Refuses what is no such name.
pub fn names<'n, 's>(
    table: &str,
    settings: impl IntoIterator<Item = (&'n str, &'s String)>,
) -> Result<(), String> {
    match settings.into_iter().find(|(_, text)| text.is_empty() || !is_plain(text)) {
        None => Ok(()),
        Some((name, text)) => {
            Err(format!("{table}.{name} = {text:?}: use a name, without blanks and quotes"))
        }
    }
}

/// Refuses what is no such path.
pub fn paths<'n, 's, P: AsRef<Path> + 's>(
    table: &str,
    settings: impl IntoIterator<Item = (&'n str, &'s P)>,
) -> Result<(), String> {
    let plain = |path: &Path| path.is_absolute() && is_plain(&path.to_string_lossy());
    match settings.into_iter().map(|(name, path)| (name, path.as_ref())).find(|(_, path)| !plain(path)) {
        None => Ok(()),
        Some((name, path)) => Err(format!(
            "{table}.{name} = {path:?}: use a path of the machine, from /, without blanks and quotes"
        )),
    }
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "/@._:-+".contains(c))
}

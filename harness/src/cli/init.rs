//! `assay init`: a target of one's own to begin with.

use std::fs;
use std::io;
use std::path::Path;

use lab::Home;
use lab::target::TARGET_FILE;

use super::arguments::Init;
use super::failure::Failure;
use super::print::{print, word};

/// The files, by where they go. `NAME` and `ARCHITECTURE` stand for those of the target.
const FILES: [(&str, &str); 3] = [
    (TARGET_FILE, include_str!("init/target.toml")),
    ("checks.toml", include_str!("init/checks.toml")),
    ("overlay/etc/sysctl.d/50-swappiness.conf", include_str!("init/overlay/etc/sysctl.d/50-swappiness.conf")),
];

/// Writes a target that runs, into a directory that is empty or not there yet.
pub fn init(options: &Init) -> Result<u8, Failure> {
    let directory = &options.directory;
    let shown = directory.display();
    let children = match fs::read_dir(directory) {
        Ok(children) => children.count(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(Failure::usage(format!("cannot read {shown}: {error}"))),
    };
    if children > 0 {
        return Err(Failure::usage(format!("{shown} is not empty: name a directory that is not there yet")));
    }
    let name = name(directory)?;
    for (path, content) in FILES {
        let file = directory.join(path);
        let content = content.replace("NAME", &name).replace("ARCHITECTURE", std::env::consts::ARCH);
        let written =
            fs::create_dir_all(file.parent().unwrap_or(directory)).and_then(|()| fs::write(&file, content));
        written.map_err(|error| Failure::broken(&format!("write {}", file.display()), error))?;
    }
    let argument = argument(directory)?;
    print(&format!(
        "{shown} is a target: begin with its {TARGET_FILE} and checks.toml\n\
         assay run {argument}    decides its two checks\n\
         assay prove {argument}  shows that they can fail\n"
    ))?;
    Ok(0)
}

/// The directory as an argument that means it: a bare name may be that of a built-in target.
fn argument(directory: &Path) -> Result<String, Failure> {
    let shown = directory.display().to_string();
    let built_in = Home::find().map_err(Failure::usage)?.targets().contains(&shown);
    Ok(word(&if built_in { format!("./{shown}") } else { shown }))
}

/// The directory's own name, as far as a target's name can have it.
fn name(directory: &Path) -> Result<String, Failure> {
    let unreadable = |error| Failure::usage(format!("cannot tell where {} is: {error}", directory.display()));
    let directory = std::path::absolute(directory).map_err(unreadable)?;
    let name = directory.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let kept = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String = name.chars().map(kept).collect();
    Ok(if name.is_empty() { "mine".to_owned() } else { name })
}

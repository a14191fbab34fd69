//! What laying an overlay did to a target.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::secret::HideSecrets;

/// Of one overlay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Laid {
    /// The stage that it was laid over, in a target of several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// As the user named it.
    pub directory: String,
    /// Every file and link in it.
    pub files: Vec<LaidFile>,
    /// What somebody who wonders about a verdict should know of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaidFile {
    pub path: String,
    pub effect: Effect,
}

/// What one file of an overlay does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The target had something there.
    Replaced,
    New,
    Removed,
    /// It was to be removed, and was not there.
    Absent,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Effect::Replaced => "replaced",
            Effect::New => "new",
            Effect::Removed => "removed",
            Effect::Absent => "not there to be removed",
        })
    }
}

impl HideSecrets for Laid {
    fn hide_secrets(&mut self) {
        let Laid { stage, directory, files, remarks } = self;
        stage.iter_mut().for_each(HideSecrets::hide_secrets);
        directory.hide_secrets();
        files.iter_mut().for_each(|LaidFile { path, effect: _ }| path.hide_secrets());
        remarks.iter_mut().for_each(HideSecrets::hide_secrets);
    }
}

/// How many files do what.
impl fmt::Display for Laid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = Vec::new();
        for effect in [Effect::Replaced, Effect::New, Effect::Removed, Effect::Absent] {
            match self.files.iter().filter(|file| file.effect == effect).count() {
                0 => {}
                count => counts.push(format!("{count} {effect}")),
            }
        }
        let counts = if counts.is_empty() { "no files".to_owned() } else { counts.join(", ") };
        match &self.stage {
            Some(stage) => write!(f, "{} over {stage}: {counts}", self.directory),
            None => write!(f, "{}: {counts}", self.directory),
        }
    }
}

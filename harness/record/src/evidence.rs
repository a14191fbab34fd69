//! What was seen while a check ran.

use crate::secret::HideSecrets;
use crate::{Exchange, Lifetime, Transcript};

/// Everything kept of one check. The texts come from an untrusted guest: reports escape them.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Evidence {
    /// The machines it used, in the order they were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<Lifetime>,
    pub transcript: Vec<Exchange>,
    /// The guest's journal since the check began.
    pub journal: String,
    /// The console of every machine the check used.
    pub console: String,
}

impl Evidence {
    /// All that a transcript has noted.
    pub fn of(transcript: &Transcript) -> Evidence {
        Evidence {
            machines: transcript.machines(),
            transcript: transcript.take(),
            journal: transcript.journal(),
            console: transcript.console(),
        }
    }
}

// Every field is named, so that a new one is not forgotten.

impl HideSecrets for Evidence {
    fn hide_secrets(&mut self) {
        // The harness itself names machines and the parts of their starts.
        let Evidence { transcript, journal, console, machines: _ } = self;
        transcript.iter_mut().for_each(HideSecrets::hide_secrets);
        journal.hide_secrets();
        console.hide_secrets();
    }
}

//! What a machine has at certain paths.

use std::collections::BTreeMap;

use machine::{Machine, quoted};
use record::MachineError;

use super::Owner;
use super::carry::batches;

/// What was found at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub owner: Owner,
    /// Whether it is a link that leads nowhere.
    pub dangles: bool,
}

/// By the path that was asked for; what is not there is not in it.
#[derive(Debug, Default)]
pub struct Sight(BTreeMap<String, Seen>);

impl Sight {
    /// Looks at absolute paths. Links are told of themselves: `DIRECTORY/.` asks for what is behind one.
    pub async fn of<P: AsRef<str>>(
        machine: &dyn Machine,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<Sight, MachineError> {
        let mut sight = Sight::default();
        for paths in batches(paths.into_iter().map(|path| quoted(path.as_ref()))) {
            // The root is always there: an answer without it is none.
            let look = format!("find / {paths} -maxdepth 0 -printf '%Y %U %G %p\\0' 2>/dev/null ; true");
            let told = machine.succeed(&look).await?;
            if !sight.learn(&told) {
                return Err(MachineError::Refused {
                    machine: machine.name().to_owned(),
                    action: "look at files".to_owned(),
                    reason: "its `find` does not tell even of the root".to_owned(),
                });
            }
        }
        Ok(sight)
    }

    pub fn get(&self, path: &str) -> Option<&Seen> {
        self.0.get(path)
    }

    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Whether the answer tells of the root.
    fn learn(&mut self, told: &str) -> bool {
        let mut root = false;
        for record in told.split_terminator('\0') {
            let mut fields = record.splitn(4, ' ');
            let (behind, user, group, path) = (fields.next(), fields.next(), fields.next(), fields.next());
            let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
            let (Some(behind), Some(user), Some(group), Some(path)) =
                (behind, number(user), number(group), path)
            else {
                continue;
            };
            root |= path == "/";
            let dangles = matches!(behind, "N" | "L");
            self.0.insert(path.to_owned(), Seen { owner: Owner { user, group }, dangles });
        }
        root
    }
}

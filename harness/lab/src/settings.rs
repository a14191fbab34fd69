//! The tables of a target file that belong to suites. Nobody but the suite knows what is in one.

use std::path::{Path, PathBuf};

use manifest::{Document, ManifestError};
use record::Text;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::de::{DeTable, DeValue};

/// A suite's own table. What a file does not say is as its default has it.
pub trait Table: DeserializeOwned + Default {
    /// What it is called in a target file.
    const NAME: &'static str;

    /// What is wrong with its values, beyond their types.
    fn validate(&self) -> Result<(), String>;

    /// Declares the secrets that it names, so that no output has them from then on.
    fn declare_secrets(&self) -> Result<(), String> {
        Ok(())
    }

    /// Takes the paths of this host from where the target file is, or from the fixtures.
    fn find(&mut self, _target: &Path, _fixtures: &Path) {}
}

/// All such tables of one target file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    document: Document,
    fixtures: PathBuf,
    changed: Vec<Setting>,
}

/// One value, other than the file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub table: Text,
    pub key: Text,
    pub value: Text,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    #[error("{}: {reason}", .file.display())]
    Invalid { file: PathBuf, reason: String },
}

impl Settings {
    /// Those in this target file.
    pub fn of(document: Document, fixtures: PathBuf) -> Settings {
        Settings { document, fixtures, changed: Vec::new() }
    }

    pub fn document(&self) -> &Document {
        &self.document
    }

    /// A suite's table, as the file and its defaults have it.
    ///
    /// # Errors
    /// With the line, when the table has what the suite does not know; or when a value makes no sense.
    pub fn read<T: Table>(&self) -> Result<T, SettingsError> {
        let malformed = |error: toml::de::Error| self.document.malformed(&error);
        let tables = DeTable::parse(self.document.text()).map_err(malformed)?;
        let value = tables.get_ref().get(T::NAME).cloned();
        let changed: Vec<&Setting> = self.changed.iter().filter(|setting| setting.table == T::NAME).collect();
        let mut table = match value {
            None if changed.is_empty() => T::default(),
            Some(value) if changed.is_empty() => {
                T::deserialize(value.into_deserializer()).map_err(malformed)?
            }
            value => {
                let table = value.map(|value| toml::Table::deserialize(value.into_deserializer()));
                let mut table = table.transpose().map_err(malformed)?.unwrap_or_default();
                table.extend(changed.iter().map(|setting| {
                    (setting.key.to_string(), toml::Value::String(setting.value.to_string()))
                }));
                T::deserialize(table).map_err(malformed)?
            }
        };
        table.find(self.document.directory(), &self.fixtures);
        let invalid = |reason| SettingsError::Invalid { file: self.document.file().into(), reason };
        table.validate().and_then(|()| table.declare_secrets()).map_err(invalid)?;
        Ok(table)
    }

    /// The same with one value other than the file has it.
    pub fn with(mut self, setting: Setting) -> Settings {
        self.changed.push(setting);
        self
    }

    /// The first table that is none of these.
    pub fn stranger(&self, known: &[&str]) -> Option<Stranger> {
        let tables = DeTable::parse(self.document.text()).ok()?;
        let mut tables = tables.get_ref().iter().filter(|(_, value)| is_table(value.get_ref()));
        let (name, _) = tables.find(|(name, _)| !known.contains(&&**name.get_ref()))?;
        Some(Stranger { at: name.span().start, name: name.get_ref().to_string() })
    }
}

/// A table that belongs to nobody.
pub struct Stranger {
    /// The byte of the file that it begins at.
    pub at: usize,
    pub name: String,
}

pub(crate) fn is_table(value: &DeValue) -> bool {
    matches!(value, DeValue::Table(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Demo {
        user: String,
        limit: u32,
        tool: PathBuf,
    }

    impl Default for Demo {
        fn default() -> Demo {
            Demo { user: "somebody".into(), limit: 5, tool: "tool".into() }
        }
    }

    impl Table for Demo {
        const NAME: &'static str = "demo";

        fn validate(&self) -> Result<(), String> {
            if self.limit > 0 { Ok(()) } else { Err("demo.limit = 0: nothing would be tried".into()) }
        }

        fn find(&mut self, target: &Path, _fixtures: &Path) {
            self.tool = target.join(&self.tool);
        }
    }

    fn settings(text: &str) -> Settings {
        Settings::of(Document::new(Path::new("/mine/t.toml"), text), PathBuf::new())
    }

    fn read(text: &str) -> Result<Demo, String> {
        settings(text).read().map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_the_suite_has_it() {
        let silent = Demo { tool: "/mine/tool".into(), ..Demo::default() };
        assert_eq!(read("name = 't'\n").unwrap(), silent);
        assert_eq!(read("[demo]\nuser = 'me'\n").unwrap(), Demo { user: "me".into(), ..silent });
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let errors = ["[demo]\n\nlimt = 7", "[demo]\nlimit = 'x'", "[demo]\nlimit = 0"]
            .map(|text| read(text).unwrap_err());
        insta::assert_snapshot!(errors.join("\n"), @r#"
        /mine/t.toml, line 3: unknown field `limt`, expected one of `user`, `limit`, `tool` (did you mean "limit"?)
        /mine/t.toml, line 2: invalid type: string "x", expected u32
        /mine/t.toml: demo.limit = 0: nothing would be tried
        "#);
    }

    #[test]
    fn a_value_can_be_other_than_in_the_file() {
        let user = Setting { table: "demo".into(), key: "user".into(), value: "other".into() };
        for text in ["", "[demo]\nuser = 'me'\n"] {
            let changed = settings(text).with(user.clone()).read::<Demo>().unwrap();
            assert_eq!((changed.user.as_str(), changed.limit), ("other", 5));
        }
    }

    #[test]
    fn a_table_of_nobody_is_found_where_it_is() {
        let settings = settings("name = 't'\n[demo]\nlimit = 7\n[dmo]\n");
        assert!(settings.stranger(&["demo", "dmo"]).is_none());
        let stranger = settings.stranger(&["demo"]).unwrap();
        assert_eq!((stranger.name.as_str(), settings.document.line_at(stranger.at)), ("dmo", 4));
    }
}

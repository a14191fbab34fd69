//! Why a report cannot be read.

use std::io;
use std::path::PathBuf;

use quick_xml::escape::EscapeError;

use super::draft::NAME_LIMIT;
use super::reader::{ATTRIBUTE_LIMIT, DEPTH_LIMIT};
use super::report::CASE_LIMIT;
use crate::report::text;

#[derive(Debug, thiserror::Error)]
pub enum JunitError {
    #[error("cannot read {}: {source}", .file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("{}, {fault}", .file.display())]
    Malformed { file: PathBuf, fault: Fault },
}

/// What is wrong, and in which line. It is told in one line, whatever names and values the report has: the log of a
/// CI system may take the beginning of another for a command.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {}", text::line(.reason.to_string()))]
pub struct Fault {
    pub line: usize,
    pub reason: Reason,
}

#[derive(Debug, thiserror::Error)]
pub enum Reason {
    #[error("it is not well-formed XML: {0}")]
    Xml(quick_xml::Error),
    #[error("it cannot be read further: {0}")]
    Io(String),
    #[error("it is empty")]
    Empty,
    #[error("it is encoded as {0}, and only UTF-8 is read: convert it, for example with iconv")]
    Encoding(String),
    #[error("it declares a document type, which could define entities: remove <!DOCTYPE ...>")]
    DocumentType,
    #[error("it uses the entity {0:?}: only amp, lt, gt, quot, apos and numbers of characters are read")]
    Entity(String),
    #[error("it begins with text, and a JUnit report with <testsuites> or <testsuite>")]
    NoElement,
    #[error("it begins with <{0}>, and a JUnit report with <testsuites> or <testsuite>")]
    Root(String),
    #[error("there is more after the end of the report")]
    Trailing,
    #[error("it ends inside <{0}>: it is cut off")]
    CutOff(String),
    #[error("its elements are nested more than {DEPTH_LIMIT} deep")]
    TooDeep,
    #[error("an element has more than {ATTRIBUTE_LIMIT} attributes")]
    TooManyAttributes,
    #[error("it has more than {CASE_LIMIT} cases")]
    TooManyCases,
    #[error("a <testcase> has no name")]
    Nameless,
    #[error("a name is longer than {NAME_LIMIT} bytes")]
    NameTooLong,
    #[error("a <testcase> is inside another")]
    CaseInCase,
}

impl From<quick_xml::Error> for Reason {
    fn from(error: quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Io(error) => Reason::Io(error.to_string()),
            quick_xml::Error::Escape(EscapeError::UnrecognizedEntity(_, name)) => Reason::Entity(name),
            quick_xml::Error::Encoding(_) => Reason::Encoding("something else".into()),
            error => Reason::Xml(error),
        }
    }
}

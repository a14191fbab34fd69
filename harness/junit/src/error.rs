//! Why a report cannot be read.

use std::io;
use std::path::PathBuf;

use record::text;

use super::draft::NAME_LIMIT;
use super::place::PLACE_LIMIT;
use super::reader::{ATTRIBUTE_LIMIT, DEPTH_LIMIT};
use super::report::CASE_LIMIT;

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
    #[error(
        "it is encoded as {0}, and only UTF-8, UTF-16 and Windows-1252 are read: convert it, for example with iconv"
    )]
    Encoding(String),
    #[error("it is compressed: unpack it, for example with gunzip")]
    Compressed,
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
    #[error("a name is longer than {NAME_LIMIT} bytes")]
    NameTooLong,
    #[error("the names of the suites around a case are together longer than {PLACE_LIMIT} bytes")]
    PlaceTooLong,
}

impl From<quick_xml::Error> for Reason {
    fn from(error: quick_xml::Error) -> Self {
        match error {
            quick_xml::Error::Io(error) => Reason::Io(error.to_string()),
            error => Reason::Xml(error),
        }
    }
}

//! From XML to cases, one piece at a time.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};

use super::bounded::{Bounded, LIMITS};
use super::draft::{Answer, Draft, NAME_LIMIT};
use super::report::Cases;
use super::{Fault, JunitError, Reason, Report};

/// How deep elements may be nested.
pub const DEPTH_LIMIT: usize = 64;
/// The most attributes of one element: each is compared with all before it.
pub const ATTRIBUTE_LIMIT: usize = 128;

/// Reads a report from a file.
pub fn read_file(file: &Path) -> Result<Report, JunitError> {
    let unreadable = |source| JunitError::Unreadable { file: file.into(), source };
    let mut source = BufReader::new(File::open(file).map_err(unreadable)?);
    // A directory can be opened and not read.
    source.fill_buf().map_err(unreadable)?;
    read(source).map_err(|fault| JunitError::Malformed { file: file.into(), fault })
}

/// Reads a report.
pub fn read(source: impl BufRead) -> Result<Report, Fault> {
    let mut source = Bounded::new(source, LIMITS);
    refuse_utf_16(&mut source).map_err(|reason| Fault { line: 1, reason })?;
    let mut reader = Reader::from_reader(source);
    reader.config_mut().expand_empty_elements = true;
    let mut reading = Reading::default();
    let mut piece = Vec::new();
    loop {
        let line = reader.get_ref().line();
        let fault = |reason| Fault { line, reason };
        reader.get_mut().next_piece();
        piece.clear();
        let event = reader.read_event_into(&mut piece).map_err(|error| fault(error.into()))?;
        if matches!(event, Event::Eof) {
            return reading.done().map_err(fault);
        }
        reading.hear(&event).map_err(fault)?;
    }
}

/// An element that is open.
#[derive(Debug)]
enum Open {
    Suites,
    Suite(String),
    Case,
    Answer,
    Output,
    /// Nothing in it matters.
    Other,
}

#[derive(Default)]
struct Reading {
    open: Vec<(String, Open)>,
    /// The case that is open.
    draft: Draft,
    cases: Cases,
    /// Whether the root was closed.
    ended: bool,
}

impl Reading {
    fn hear(&mut self, event: &Event) -> Result<(), Reason> {
        match event {
            Event::Decl(declaration) => encoding(declaration),
            Event::DocType(_) => Err(Reason::DocumentType),
            Event::Start(element) => self.begin(element),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content().map_err(quick_xml::Error::from)?),
            Event::CData(text) => self.text(&text.xml10_content().map_err(quick_xml::Error::from)?),
            Event::GeneralRef(reference) => self.text(&character(reference)?),
            // Empty elements are expanded.
            Event::Comment(_) | Event::PI(_) | Event::Empty(_) | Event::Eof => Ok(()),
        }
    }

    fn begin(&mut self, element: &BytesStart) -> Result<(), Reason> {
        let name = String::from_utf8_lossy(element.local_name().as_ref()).into_owned();
        if self.ended {
            return Err(Reason::Trailing);
        }
        if self.open.len() == DEPTH_LIMIT {
            return Err(Reason::TooDeep);
        }
        let attributes = attributes(element)?;
        let open = match (self.open.last().map(|(_, open)| open), name.as_str()) {
            (None, "testsuites") => Open::Suites,
            (None | Some(Open::Suites | Open::Suite(_)), "testsuite") => Open::Suite(suite(attributes)?),
            (None, _) => return Err(Reason::Root(name)),
            (Some(Open::Case), "testcase") => return Err(Reason::CaseInCase),
            (Some(Open::Suites | Open::Suite(_)), "testcase") => {
                self.draft = Draft::new(self.suite());
                for (name, value) in attributes {
                    self.draft.attribute(&name, &value)?;
                }
                Open::Case
            }
            (Some(Open::Case), "system-out") => Open::Output,
            (Some(Open::Case), _) => self.answer(&name, &attributes),
            // A suite that failed as a whole, which then is a case of its own.
            (Some(Open::Suite(_)), "failure" | "error") => {
                let suite = self.suite().to_owned();
                self.draft = Draft::new(&suite);
                self.draft.attribute("name", if suite.is_empty() { "testsuite" } else { &suite })?;
                self.answer(&name, &attributes)
            }
            _ => Open::Other,
        };
        self.open.push((name, open));
        Ok(())
    }

    fn answer(&mut self, element: &str, attributes: &[(String, String)]) -> Open {
        let Some(answer) = Answer::of(element) else { return Open::Other };
        self.draft.answer(answer);
        let message = attributes.iter().find(|(name, _)| name == "message");
        self.draft.message(message.map_or("", |(_, value)| value));
        Open::Answer
    }

    /// The name of the innermost suite.
    fn suite(&self) -> &str {
        let suite = self.open.iter().rev().find_map(|(_, open)| match open {
            Open::Suite(name) => Some(name.as_str()),
            _ => None,
        });
        suite.unwrap_or_default()
    }

    fn end(&mut self) -> Result<(), Reason> {
        let closed = self.open.pop().map(|(_, open)| open);
        let in_suite = matches!(self.open.last(), Some((_, Open::Suite(_))));
        self.ended = self.open.is_empty();
        match closed {
            Some(Open::Case) => self.cases.push(std::mem::take(&mut self.draft).finish()?),
            Some(Open::Answer) if in_suite => self.cases.push(std::mem::take(&mut self.draft).finish()?),
            _ => Ok(()),
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Reason> {
        match self.open.last() {
            Some((_, Open::Answer)) => self.draft.text(text),
            Some((_, Open::Output)) => self.draft.output(text),
            Some(_) => {}
            None if text.trim().is_empty() => {}
            None if self.ended => return Err(Reason::Trailing),
            None => return Err(Reason::NoElement),
        }
        Ok(())
    }

    fn done(self) -> Result<Report, Reason> {
        match self.open.last() {
            Some((name, _)) => Err(Reason::CutOff(name.clone())),
            None if !self.ended => Err(Reason::Empty),
            None => Ok(self.cases.done()),
        }
    }
}

/// All attributes, their references resolved.
fn attributes(element: &BytesStart) -> Result<Vec<(String, String)>, Reason> {
    let mut attributes = Vec::new();
    for attribute in element.attributes() {
        if attributes.len() == ATTRIBUTE_LIMIT {
            return Err(Reason::TooManyAttributes);
        }
        let attribute = attribute.map_err(quick_xml::Error::from)?;
        let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
        attributes.push((name, value.into_owned()));
    }
    Ok(attributes)
}

fn suite(attributes: Vec<(String, String)>) -> Result<String, Reason> {
    let name = attributes.into_iter().find(|(name, _)| name == "name").map(|(_, value)| value);
    match name {
        Some(name) if name.len() > NAME_LIMIT => Err(Reason::NameTooLong),
        name => Ok(name.unwrap_or_default()),
    }
}

/// What `&...;` stands for.
fn character(reference: &BytesRef) -> Result<String, Reason> {
    if let Some(character) = reference.resolve_char_ref()? {
        return Ok(character.into());
    }
    let name = reference.decode().map_err(quick_xml::Error::from)?;
    let known = escape::resolve_xml_entity(&name);
    known.map(str::to_owned).ok_or_else(|| Reason::Entity(name.into_owned()))
}

/// Refuses what the declaration says is not UTF-8. ASCII is UTF-8 too.
fn encoding(declaration: &BytesDecl) -> Result<(), Reason> {
    let Some(name) = declaration.encoding() else { return Ok(()) };
    let name = name.map_err(quick_xml::Error::from)?;
    let name = String::from_utf8_lossy(&name).into_owned();
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Ok(()),
        _ => Err(Reason::Encoding(name)),
    }
}

/// Refuses a text that begins as UTF-16 does, which else would only be said not to be XML.
fn refuse_utf_16(source: &mut impl BufRead) -> Result<(), Reason> {
    let begin = source.fill_buf().map_err(|error| Reason::Io(error.to_string()))?;
    match begin {
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] | [b'<', 0, ..] | [0, b'<', ..] => {
            Err(Reason::Encoding("UTF-16".into()))
        }
        _ => Ok(()),
    }
}

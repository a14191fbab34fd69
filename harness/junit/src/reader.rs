//! From XML to cases, one piece at a time.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use quick_xml::events::{BytesDecl, BytesStart, Event};
use quick_xml::{Reader, escape};

use super::answer::Answer;
use super::bounded::{Bounded, LIMITS};
use super::decoded::Decoded;
use super::draft::{Draft, NAME_LIMIT};
use super::report::Cases;
use super::suite::Suite;
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
    let begin = |reason| Fault { line: 1, reason };
    let source = Decoded::new(source).map_err(|error| begin(Reason::Io(error.to_string())))?;
    let mut source = Bounded::new(source, LIMITS);
    refuse_compressed(&mut source).map_err(begin)?;
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
    Suite(Suite),
    Case(Draft),
    /// It says what became of the case or suite around it.
    Answer,
    Output,
    /// Nothing in it matters.
    Quiet,
    /// It may have suites and cases in it, and had begun when there were so many.
    Unknown(usize),
}

#[derive(Default)]
struct Reading {
    /// With the names of the elements.
    open: Vec<(String, Open)>,
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
            Event::GeneralRef(reference) => {
                self.text(&character(&reference.decode().map_err(quick_xml::Error::from)?)?)
            }
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
        let attributes = Attributes::read(element)?;
        let open = match (self.open.last().map(|(_, open)| open), name.as_str()) {
            (Some(Open::Answer | Open::Output | Open::Quiet), _) => Open::Quiet,
            (_, "testsuite" | "testsuites") => {
                Open::Suite(Suite::new(&name, self.suite().map(|suite| &*suite.place), &attributes)?)
            }
            (None, _) => return Err(Reason::Root(name)),
            (Some(_), "testcase") => {
                let suite = self.suite().expect("the root is one");
                Open::Case(Draft::read(&suite.place, &suite.name, &attributes)?)
            }
            (Some(Open::Case(_)), "system-out") => Open::Output,
            (Some(around), _) => match (Answer::of(&name), around) {
                (None, _) => Open::Quiet,
                (Some(_), Open::Suite(_) | Open::Unknown(_)) if Answer::known(&name).is_none() => {
                    Open::Unknown(self.cases.count())
                }
                (Some(answer), _) => {
                    let draft = self.draft().expect("the root has one");
                    draft.answer(answer);
                    draft.message(attributes.get("message").unwrap_or_default());
                    Open::Answer
                }
            },
        };
        self.open.push((name, open));
        Ok(())
    }

    /// The innermost suite.
    fn suite(&mut self) -> Option<&mut Suite> {
        self.open.iter_mut().rev().find_map(|(_, open)| match open {
            Open::Suite(suite) => Some(suite),
            _ => None,
        })
    }

    /// What the innermost case or suite says.
    fn draft(&mut self) -> Option<&mut Draft> {
        self.open.iter_mut().rev().find_map(|(_, open)| match open {
            Open::Suite(suite) => Some(suite.draft()),
            Open::Case(draft) => Some(draft),
            _ => None,
        })
    }

    fn end(&mut self) -> Result<(), Reason> {
        let Some((name, open)) = self.open.pop() else { return Ok(()) };
        self.ended = self.open.is_empty();
        match open {
            Open::Suite(mut suite) => {
                if let Some(case) = suite.finish() {
                    self.cases.push(case)?;
                }
                if let Some(outer) = self.suite() {
                    outer.enclose(&suite);
                }
            }
            Open::Case(draft) => {
                let bad = draft.bad();
                let case = draft.finish();
                self.suite().expect("the root is one").list(&case, bad);
                self.cases.push(case)?;
            }
            Open::Unknown(count) if count == self.cases.count() => {
                let draft = self.draft().expect("the root has one");
                draft.answer(Answer::broken());
                draft.unknown(&name);
            }
            Open::Answer if Answer::known(&name).is_none() => {
                self.draft().expect("the root has one").unknown(&name);
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Reason> {
        match self.open.last() {
            Some((_, Open::Answer)) => self.draft().expect("the root has one").text(text),
            Some((_, Open::Output)) => self.draft().expect("the root has one").output(text),
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

/// The attributes of an element, their references resolved.
#[derive(Debug)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    fn read(element: &BytesStart) -> Result<Attributes, Reason> {
        let mut all = Vec::new();
        for attribute in element.attributes().with_checks(false) {
            if all.len() == ATTRIBUTE_LIMIT {
                return Err(Reason::TooManyAttributes);
            }
            let attribute = attribute.map_err(quick_xml::Error::from)?;
            let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            all.push((name, value(&String::from_utf8_lossy(&attribute.value))?));
        }
        Ok(Attributes(all))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The first of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The name of a suite or case, empty where it has none.
    pub fn name(&self) -> Result<&str, Reason> {
        let name = self.get("name").unwrap_or_default();
        if name.len() > NAME_LIMIT { Err(Reason::NameTooLong) } else { Ok(name) }
    }
}

/// The value of an attribute, in which a line break is a space.
fn value(written: &str) -> Result<String, Reason> {
    let written = written.replace("\r\n", " ").replace(['\r', '\n', '\t'], " ");
    let mut parts = written.split('&');
    let mut value = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (reference, rest) = part.split_once(';').ok_or_else(|| Reason::Entity(part.into()))?;
        value.push_str(&character(reference)?);
        value.push_str(rest);
    }
    Ok(value)
}

/// What `&...;` stands for. What no XML may have is shown as such: `&#0;`, which tests print.
fn character(reference: &str) -> Result<String, Reason> {
    let Some(number) = reference.strip_prefix('#') else {
        let known = escape::resolve_xml_entity(reference);
        return known.map(str::to_owned).ok_or_else(|| Reason::Entity(reference.into()));
    };
    let number = match number.strip_prefix('x') {
        Some(number) => u32::from_str_radix(number, 16),
        None => number.parse(),
    };
    let letter = number.ok().filter(|number| *number > 0).and_then(char::from_u32);
    Ok(letter.unwrap_or(char::REPLACEMENT_CHARACTER).into())
}

/// Refuses what the declaration says is neither UTF-8 nor a part of it, nor what is taken for it. Of UTF-16 it is known
/// already; programs for .NET say it of UTF-8.
fn encoding(declaration: &BytesDecl) -> Result<(), Reason> {
    let Some(name) = declaration.encoding() else { return Ok(()) };
    let name = name.map_err(quick_xml::Error::from)?;
    let name = String::from_utf8_lossy(&name).into_owned();
    match name.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" | "utf16" | "utf-16le" | "utf-16be" => Ok(()),
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "latin1" | "latin-1" | "windows-1252" | "cp1252" => {
            Ok(())
        }
        _ => Err(Reason::Encoding(name)),
    }
}

/// Refuses what begins as gzip does, which else would only be said not to be XML.
fn refuse_compressed(source: &mut impl BufRead) -> Result<(), Reason> {
    let begin = source.fill_buf().map_err(|error| Reason::Io(error.to_string()))?;
    if begin.starts_with(&[0x1f]) { Err(Reason::Compressed) } else { Ok(()) }
}

//! The HTML report: one file that needs nothing else, to look at runs and proofs.
//!
//! Everything that was seen is data in one JSON element, and the page's own script builds what is looked at from
//! it. Guests, and whoever wrote a JSON file, are untrusted: their text is made visible (see
//! [`super::text::visible`]), cannot end its element, and reaches the page only as text. The page's policy
//! allows its own script and style and nothing else, whatever they might be made to do.

mod case;
mod document;
mod evidence;
mod history;
mod inert;
mod limit;
mod mutant;
mod page;
mod session;

use std::io::{self, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

pub use history::History;
pub use page::Page;

use super::{FileError, write_atomically};

/// The page, with a word in brackets where each of the other parts goes.
const FRAME: &str = include_str!("page.html");

const STYLE: &str = concat!(
    include_str!("style/colours.css"),
    include_str!("style/text.css"),
    include_str!("style/frame.css"),
    include_str!("style/filter.css"),
    include_str!("style/grid.css"),
    include_str!("style/case.css"),
    include_str!("style/timeline.css"),
    include_str!("style/narrow.css"),
);

/// One module. Functions may be used before they are written down; what runs at once runs in this order.
const SCRIPT: &str = concat!(
    include_str!("script/element.js"),
    include_str!("script/format.js"),
    include_str!("script/data.js"),
    include_str!("script/list.js"),
    include_str!("script/timeline.js"),
    include_str!("script/evidence.js"),
    include_str!("script/case.js"),
    include_str!("script/mutant.js"),
    include_str!("script/grid.js"),
    include_str!("script/chart.js"),
    include_str!("script/history.js"),
    include_str!("script/matrix.js"),
    include_str!("script/documents.js"),
    include_str!("script/gantt.js"),
    include_str!("script/filter.js"),
    include_str!("script/place.js"),
    include_str!("script/keyboard.js"),
    include_str!("script/main.js"),
);

pub fn write_file(path: &Path, page: &Page) -> Result<(), FileError> {
    write_atomically(path, |out| write(out, page))
}

pub fn write(out: &mut dyn Write, page: &Page) -> io::Result<()> {
    let mut rest = FRAME;
    while let Some((before, after)) = rest.split_once("{{") {
        let (part, after) = after.split_once("}}").unwrap_or((after, ""));
        out.write_all(before.as_bytes())?;
        match part {
            "policy" => out.write_all(policy().as_bytes())?,
            "style" => out.write_all(STYLE.as_bytes())?,
            "script" => out.write_all(SCRIPT.as_bytes())?,
            "data" => inert::write(&mut *out, page)?,
            other => unreachable!("the page has no part {other}"),
        }
        rest = after;
    }
    out.write_all(rest.as_bytes())
}

/// What the page may do: run its own script and be styled by its own style, both known by their hashes. No
/// network, no other script, no markup from text.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; \
         require-trusted-types-for 'script'; trusted-types 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

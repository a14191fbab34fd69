//! JSON inside of an HTML element that nothing in it can end.

use std::io::{self, Write};

use serde::Serialize;

/// Writes a value as JSON without the character `<`. In a `script` element nothing but `</script` and `<!--` means
/// anything (HTML, section 4.12.1.3, "Restrictions for contents of script elements"), and JSON has `<` only inside
/// of strings, where an escape is the same.
pub fn write(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(Inert(out), value).map_err(io::Error::from)
}

struct Inert<'a>(&'a mut dyn Write);

impl Write for Inert<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut parts = bytes.split(|byte| *byte == b'<');
        // Splitting nothing gives one part, too.
        self.0.write_all(parts.next().unwrap_or_default())?;
        for part in parts {
            self.0.write_all(br"\u003c")?;
            self.0.write_all(part)?;
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

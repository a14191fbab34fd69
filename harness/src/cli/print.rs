//! Writes what a command was asked for to standard output.

use std::io::{self, Write};

use record::secret;

use super::failure::Failure;

/// Prints all of it, without secrets. A reader that has seen enough and went away, such as `head`, is no failure.
pub fn print(text: &str) -> Result<(), Failure> {
    match write(&mut io::stdout(), text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::broken("write to standard output", error))
        }
        _ => Ok(()),
    }
}

fn write(to: &mut impl Write, text: &str) -> io::Result<()> {
    to.write_all(secret::hide(text).as_bytes())?;
    to.flush()
}

/// A word of a command that is printed, quoted where a shell needs it.
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_printed() {
        secret::declare("print", b"what-was-asked-for").unwrap();
        let mut printed = Vec::new();
        write(&mut printed, "this is what-was-asked-for\n").unwrap();
        assert_eq!(String::from_utf8(printed).unwrap(), format!("this is {}\n", secret::HIDDEN));
    }
}

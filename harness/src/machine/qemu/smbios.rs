//! The OEM strings of a machine: SMBIOS type 11, as QEMU's option `-smbios` takes them.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::sync::Arc;

use super::arguments::Inherited;
use super::process::Inheritance;
use super::ramfile;

/// The `-smbios` options of a machine, in order. The default is a machine without OEM strings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Smbios(Arc<[OemStrings]>);

/// One `-smbios type=11,…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OemStrings {
    /// The option's value as it was given, so that what QEMU makes of it is what QEMU makes of it.
    Option(Vec<u8>),
    /// `type=11,path=FILE`: what the file holds, which is one string.
    File(Vec<u8>),
}

/// Why an option was refused. It may come from a guest, and QEMU could be told to read any file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SmbiosError {
    #[error("-smbios {0:?} is not of type 11: it has to begin with \"type=11,\"")]
    Type(String),
    #[error("-smbios type=11 has {0:?}, and only value= and path= are known")]
    Key(String),
    #[error("-smbios type=11 names the file {0:?}, which was not handed over with it")]
    File(String),
    #[error("-smbios type=11 names a file and has other keys beside it")]
    Mixed,
    #[error("-smbios type=11 names the file {0:?}, in which there is a NUL: QEMU refuses it")]
    Nul(String),
}

impl Smbios {
    pub fn new(strings: Vec<OemStrings>) -> Smbios {
        Smbios(strings.into())
    }

    /// All strings that QEMU makes of them, in order.
    pub fn strings(&self) -> Vec<Vec<u8>> {
        self.0.iter().flat_map(OemStrings::strings).collect()
    }
}

impl OemStrings {
    /// Reads the value of one `-smbios` option; `file` gives what a file that it names holds.
    pub fn parse(
        option: &[u8],
        file: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<OemStrings, SmbiosError> {
        let rest = option.strip_prefix(b"type=11,").ok_or_else(|| SmbiosError::Type(shown(option)))?;
        let fields = fields(rest);
        for field in &fields {
            if !field.starts_with(b"value=") && !field.starts_with(b"path=") {
                return Err(SmbiosError::Key(shown(field)));
            }
        }
        let Some(path) = fields.iter().find_map(|field| field.strip_prefix(b"path=")) else {
            return Ok(OemStrings::Option(option.to_owned()));
        };
        if fields.len() > 1 {
            return Err(SmbiosError::Mixed);
        }
        let content = file(path).ok_or_else(|| SmbiosError::File(shown(path)))?;
        if content.contains(&0) {
            return Err(SmbiosError::Nul(shown(path)));
        }
        Ok(OemStrings::File(content))
    }
}

impl OemStrings {
    /// The strings that QEMU makes of it. One without a byte is not among them.
    pub fn strings(&self) -> Vec<Vec<u8>> {
        let strings: Vec<Vec<u8>> = match self {
            OemStrings::File(content) => vec![content.clone()],
            OemStrings::Option(option) => {
                let values = fields(option).into_iter();
                values.filter_map(|field| field.strip_prefix(b"value=").map(<[u8]>::to_vec)).collect()
            }
        };
        strings.into_iter().filter(|string| !string.is_empty()).collect()
    }
}

/// QEMU's own grammar: a comma ends a field, two are one comma.
fn fields(option: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = vec![Vec::new()];
    let mut bytes = option.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b',' && bytes.next_if_eq(&b',').is_none() {
            fields.push(Vec::new());
        } else if let Some(field) = fields.last_mut() {
            field.push(byte);
        }
    }
    fields
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What QEMU is started with.
#[derive(Debug, Clone)]
pub enum Smbiosed {
    Option(Vec<u8>),
    File(Inherited),
}

impl Smbios {
    pub(super) fn handed_to(&self, inheritance: &mut Inheritance) -> io::Result<Vec<Smbiosed>> {
        let hand = |strings: &OemStrings| match strings {
            OemStrings::Option(option) => Ok(Smbiosed::Option(option.clone())),
            OemStrings::File(content) => Ok(Smbiosed::File(inheritance.add(ramfile::holding(content)?))),
        };
        self.0.iter().map(hand).collect()
    }
}

impl Smbiosed {
    pub(super) fn value(&self) -> OsString {
        match self {
            Smbiosed::Option(option) => OsString::from_vec(option.clone()),
            Smbiosed::File(file) => format!("type=11,path=/dev/fd/{file}").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(option: &str) -> Result<OemStrings, SmbiosError> {
        OemStrings::parse(option.as_bytes(), |path| (path == b"/run/a,b").then(|| b"content".to_vec()))
    }

    #[test]
    fn a_value_stays_as_it_is() {
        let option = "type=11,value=io.systemd.credential:A=x,,y,value=second";
        assert_eq!(parse(option), Ok(OemStrings::Option(option.into())));
    }

    #[test]
    fn a_file_is_replaced_by_what_it_holds() {
        assert_eq!(parse("type=11,path=/run/a,,b"), Ok(OemStrings::File(b"content".to_vec())));
    }

    #[test]
    fn a_file_with_a_nul_is_refused_as_qemu_refuses_it() {
        let parsed = OemStrings::parse(b"type=11,path=/run/a", |_| Some(b"content\0".to_vec()));
        assert_eq!(parsed, Err(SmbiosError::Nul("/run/a".into())));
    }

    #[test]
    fn a_string_without_a_byte_does_not_arrive() {
        let strings = parse("type=11,value=,value=x").unwrap().strings();
        assert_eq!(strings, [b"x".to_vec()]);
    }

    #[test]
    fn no_file_of_the_host_can_be_named() {
        assert_eq!(parse("type=11,path=/etc/shadow"), Err(SmbiosError::File("/etc/shadow".into())));
        assert_eq!(parse("type=11,value=a,path=/etc/shadow"), Err(SmbiosError::Mixed));
        assert_eq!(parse("file=/etc/shadow"), Err(SmbiosError::Type("file=/etc/shadow".into())));
        assert_eq!(parse("type=11,file=/etc/shadow"), Err(SmbiosError::Key("file=/etc/shadow".into())));
        assert_eq!(parse("type=11,value=a,type=2"), Err(SmbiosError::Key("type=2".into())));
    }
}

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
    #[error("-smbios {0:?} has no type=, which is a number")]
    Type(String),
    #[error("-smbios has file=, a table of its own, which is not looked into")]
    Table,
    #[error("-smbios type=11 has {0:?}, and only value= and path= are known")]
    Key(String),
    #[error("-smbios type=11 names the file {0:?}, which was not handed over with it")]
    File(String),
    #[error("-smbios type=11 names the file {0:?}, in which there is a NUL: QEMU refuses it")]
    Nul(String),
}

impl Smbios {
    pub fn new(strings: Vec<OemStrings>) -> Smbios {
        Smbios(strings.into())
    }

    /// These, with one before them.
    pub(super) fn after(&self, first: OemStrings) -> Smbios {
        Smbios(std::iter::once(first).chain(self.0.iter().cloned()).collect())
    }

    /// All strings that QEMU makes of them, in order.
    pub fn strings(&self) -> Vec<Vec<u8>> {
        self.0.iter().flat_map(OemStrings::strings).collect()
    }
}

impl OemStrings {
    /// An option that gives one string.
    pub fn one(string: &[u8]) -> OemStrings {
        let mut option = b"type=11,value=".to_vec();
        for byte in string {
            option.extend(if *byte == b',' { &b",,"[..] } else { std::slice::from_ref(byte) });
        }
        OemStrings::Option(option)
    }

    /// Reads the value of one `-smbios` option; `file` gives what a file that it names holds. One of another type
    /// gives no strings.
    pub fn parse(
        option: &[u8],
        file: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<Vec<OemStrings>, SmbiosError> {
        let fields = fields(option);
        if fields.iter().any(|field| field.starts_with(b"file=")) {
            return Err(SmbiosError::Table);
        }
        // As of every key that may be there once, the last counts.
        let kind = fields.iter().rev().find_map(|field| field.strip_prefix(b"type=")).and_then(number);
        match kind {
            Some(11) => {}
            Some(_) => return Ok(Vec::new()),
            None => return Err(SmbiosError::Type(shown(option))),
        }
        let given = fields.iter().filter(|field| !field.starts_with(b"type="));
        let strings =
            given.map(|field| match (field.strip_prefix(b"value="), field.strip_prefix(b"path=")) {
                (Some(value), _) => Ok(OemStrings::one(value)),
                (_, Some(path)) => OemStrings::held(path, file(path)),
                _ => Err(SmbiosError::Key(shown(field))),
            });
        let strings: Vec<OemStrings> = strings.collect::<Result<_, _>>()?;
        // As it was given, where it can be.
        let names_a_file = strings.iter().any(|string| matches!(string, OemStrings::File(_)));
        Ok(if names_a_file { strings } else { vec![OemStrings::Option(option.to_owned())] })
    }

    fn held(path: &[u8], content: Option<Vec<u8>>) -> Result<OemStrings, SmbiosError> {
        let content = content.ok_or_else(|| SmbiosError::File(shown(path)))?;
        if content.contains(&0) {
            return Err(SmbiosError::Nul(shown(path)));
        }
        Ok(OemStrings::File(content))
    }

    /// The files that the value of one `-smbios` option names, in order.
    pub fn files(option: &[u8]) -> Vec<Vec<u8>> {
        let fields = fields(option).into_iter();
        fields.filter_map(|field| field.strip_prefix(b"path=").map(<[u8]>::to_vec)).collect()
    }

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

/// A number as C's `strtoul` reads it: decimal, hexadecimal after `0x`, octal after `0`.
fn number(text: &[u8]) -> Option<u32> {
    let text = str::from_utf8(text).ok()?;
    let (digits, radix) = match (text.strip_prefix("0x").or(text.strip_prefix("0X")), text.strip_prefix('0'))
    {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    u32::from_str_radix(digits, radix).ok()
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

    fn parse(option: &str) -> Result<Vec<OemStrings>, SmbiosError> {
        OemStrings::parse(option.as_bytes(), |path| (path == b"/run/a,b").then(|| b"content".to_vec()))
    }

    #[rstest::rstest]
    #[case("type=11,value=io.systemd.credential:A=x,,y,value=second")]
    #[case("value=A=1,type=11")]
    #[case("type=0xb,value=A=1")]
    fn a_value_stays_as_it_is(#[case] option: &str) {
        assert_eq!(parse(option), Ok(vec![OemStrings::Option(option.into())]));
    }

    #[test]
    fn a_file_is_replaced_by_what_it_holds() {
        let held = OemStrings::File(b"content".to_vec());
        assert_eq!(parse("type=11,path=/run/a,,b"), Ok(vec![held.clone()]));
        let values = [OemStrings::one(b"x,y"), held, OemStrings::one(b"z")];
        assert_eq!(parse("value=x,,y,path=/run/a,,b,type=11,value=z"), Ok(values.to_vec()));
        assert_eq!(OemStrings::files(b"type=11,path=/run/a,,b,value=x,path=c"), [&b"/run/a,b"[..], b"c"]);
    }

    #[test]
    fn a_file_with_a_nul_is_refused_as_qemu_refuses_it() {
        let parsed = OemStrings::parse(b"type=11,path=/run/a", |_| Some(b"content\0".to_vec()));
        assert_eq!(parsed, Err(SmbiosError::Nul("/run/a".into())));
    }

    #[test]
    fn a_string_without_a_byte_does_not_arrive() {
        let strings = Smbios::new(parse("type=11,value=,value=x").unwrap()).strings();
        assert_eq!(strings, [b"x".to_vec()]);
    }

    #[test]
    fn another_type_has_no_oem_strings() {
        assert_eq!(parse("type=1,manufacturer=x,,y,serial=z"), Ok(Vec::new()));
        assert_eq!(parse("type=017,value=x"), Ok(Vec::new()));
    }

    #[test]
    fn no_file_of_the_host_can_be_named() {
        assert_eq!(parse("type=11,path=/etc/shadow"), Err(SmbiosError::File("/etc/shadow".into())));
        assert_eq!(parse("type=11,value=a,path=/etc/shadow"), Err(SmbiosError::File("/etc/shadow".into())));
        assert_eq!(parse("file=/etc/shadow"), Err(SmbiosError::Table));
        assert_eq!(parse("type=11,file=/etc/shadow"), Err(SmbiosError::Table));
        assert_eq!(parse("type=11,fiel=/etc/shadow"), Err(SmbiosError::Key("fiel=/etc/shadow".into())));
        assert_eq!(parse("value=x"), Err(SmbiosError::Type("value=x".into())));
    }

    proptest::proptest! {
        #[test]
        fn any_string_comes_out_as_it_went_in(string in proptest::collection::vec(1_u8.., 1..40)) {
            let OemStrings::Option(option) = OemStrings::one(&string) else { unreachable!() };
            let parsed = OemStrings::parse(&option, |_| None).unwrap();
            proptest::prop_assert_eq!(Smbios::new(parsed).strings(), [string]);
        }

        #[test]
        fn no_option_makes_it_read_a_file(option in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60)) {
            if let Ok(strings) = OemStrings::parse(&option, |_| None) {
                proptest::prop_assert!(strings.iter().all(|string| matches!(string, OemStrings::Option(_))));
            }
        }
    }
}

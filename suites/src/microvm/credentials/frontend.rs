//! What a hypervisor makes of its command line: the OEM strings that its guest would find.

use std::collections::BTreeMap;

use harness::machine::qemu::{OemStrings, Smbios};

/// A command line that was recorded, with the files that it names.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    pub words: Vec<Vec<u8>>,
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What the host started, or would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frontend {
    /// QEMU, each string an argument.
    QemuValue,
    /// QEMU, each string a file.
    QemuFile,
    /// `--platform oem_strings=[…]`.
    CloudHypervisor,
}

impl Frontend {
    pub const ALL: [Frontend; 3] = [Frontend::QemuValue, Frontend::QemuFile, Frontend::CloudHypervisor];

    /// The strings in order, as the hypervisor would read them.
    pub fn strings(self, recorded: &Recorded) -> Result<Vec<Vec<u8>>, String> {
        match self {
            Frontend::QemuValue | Frontend::QemuFile => Ok(recorded.smbios()?.strings()),
            Frontend::CloudHypervisor => {
                let mut platforms = recorded.after(b"--platform");
                let (Some(platform), None) = (platforms.next(), platforms.next()) else {
                    return Err("there is not exactly one --platform".into());
                };
                cloud_hypervisor(platform)
            }
        }
    }
}

impl Recorded {
    /// What QEMU was given, to be given to another.
    pub fn smbios(&self) -> Result<Smbios, String> {
        let options = self.after(b"-smbios").map(|option| {
            let strings = OemStrings::parse(option, |path| self.files.get(path).cloned());
            strings.map_err(|error| error.to_string())
        });
        options.collect::<Result<_, _>>().map(Smbios::new)
    }

    /// The words after each of this option.
    fn after<'r>(&'r self, option: &'r [u8]) -> impl Iterator<Item = &'r [u8]> + 'r {
        self.words.windows(2).filter(move |pair| pair[0] == option).map(|pair| &*pair[1])
    }
}

/// Its option parser: a comma outside brackets and quotes ends an option, quotes vanish; a list loses the
/// brackets at its ends and is cut at every comma, of which none can be escaped.
fn cloud_hypervisor(platform: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let platform = str::from_utf8(platform).map_err(|_| "--platform is not UTF-8".to_owned())?;
    let mut strings = None;
    for option in options(platform)? {
        match option.split_once('=') {
            Some(("oem_strings", list)) => strings = Some(list.trim().to_owned()),
            _ => return Err(format!("--platform has {option:?}, and only oem_strings= was to be there")),
        }
    }
    let list = strings.ok_or("--platform has no oem_strings=")?;
    let list = list.trim().trim_matches(|c| c == '[' || c == ']');
    Ok(list.split(',').map(|string| string.as_bytes().to_owned()).collect())
}

fn options(text: &str) -> Result<Vec<String>, String> {
    let (mut options, mut depth, mut quoted) = (vec![String::new()], 0_i32, false);
    for c in text.trim().chars() {
        depth += i32::from(c == '[') - i32::from(c == ']');
        quoted ^= c == '"';
        match (c, options.last_mut()) {
            _ if depth < 0 => break,
            ('"', _) => {}
            (',', _) if depth == 0 && !quoted => options.push(String::new()),
            (c, Some(option)) => option.push(c),
            (_, None) => {}
        }
    }
    if depth != 0 || quoted {
        return Err(format!("cloud-hypervisor refuses --platform {text:?}: brackets or quotes do not match"));
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(word: &str) -> Result<Vec<String>, String> {
        let words = vec![b"--platform".to_vec(), word.into()];
        let strings = Frontend::CloudHypervisor.strings(&Recorded { words, files: BTreeMap::new() })?;
        Ok(strings.into_iter().map(|string| String::from_utf8(string).unwrap()).collect())
    }

    #[test]
    fn a_list_is_cut_at_every_comma() {
        assert_eq!(platform("oem_strings=[A=1,B=2]").unwrap(), ["A=1", "B=2"]);
        assert_eq!(platform("oem_strings=[A=1,,B=2]").unwrap(), ["A=1", "", "B=2"]);
        assert_eq!(platform("oem_strings=[A=\"1,2\"]").unwrap(), ["A=1", "2"]);
    }

    #[test]
    fn brackets_and_quotes_in_a_value_break_the_option() {
        assert!(platform("oem_strings=[A=x]y]").is_err());
        assert!(platform("oem_strings=[A=\"x]").is_err());
        assert!(platform("oem_strings=[A=1],uuid=x").is_err());
    }

    #[test]
    fn qemu_takes_two_commas_for_one_and_one_for_the_next_field() {
        let words = ["-smbios", "type=11,value=A=x,,y,value=B=z", "-smbios", "type=11,path=/run/c"];
        let words = words.map(|word| word.as_bytes().to_vec()).to_vec();
        let files = BTreeMap::from([(b"/run/c".to_vec(), b"C=1,2".to_vec())]);
        let strings = Frontend::QemuValue.strings(&Recorded { words, files }).unwrap();
        assert_eq!(strings, [b"A=x,y".to_vec(), b"B=z".to_vec(), b"C=1,2".to_vec()]);
    }
}

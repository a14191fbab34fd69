//! What a hypervisor makes of its command line: the OEM strings that its guest would find.

use std::collections::BTreeMap;

use harness::machine::qemu::{OemStrings, Smbios};

/// A command line that was recorded, with the files that it names.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// By whatever path it was started.
    pub program: Vec<u8>,
    pub words: Vec<Vec<u8>>,
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// Keys of cloud-hypervisor's `--platform`, of any version and build.
const PLATFORM: [&str; 21] = [
    "num_pci_segments",
    "iommu_segments",
    "iommu_address_width",
    "iommufd",
    "iommufd_fd",
    "vfio_p2p_dma",
    "serial_number",
    "uuid",
    "system_manufacturer",
    "system_product_name",
    "system_version",
    "system_serial_number",
    "system_uuid",
    "system_sku_number",
    "system_family",
    "chassis_asset_tag",
    "oem_strings",
    "tdx",
    "sev_snp",
    "igvm",
    "kvm_hyperv",
];

impl Recorded {
    /// What it tells of, to be given to a guest of QEMU's, or why the hypervisor would refuse it.
    pub fn smbios(&self) -> Result<Smbios, String> {
        if !self.is_cloud_hypervisor() {
            let options = self.after_smbios().map(|option| {
                let strings = OemStrings::parse(option, |path| self.files.get(path).cloned());
                strings.map_err(|error| error.to_string())
            });
            let strings: Vec<Vec<OemStrings>> = options.collect::<Result<_, _>>()?;
            return Ok(Smbios::new(strings.concat()));
        }
        let platforms = self.platforms();
        let strings = match platforms[..] {
            [] => Vec::new(),
            [platform] => cloud_hypervisor(platform)?,
            _ => {
                return Err(format!(
                    "cloud-hypervisor takes one --platform, and there are {}",
                    platforms.len()
                ));
            }
        };
        Ok(Smbios::new(strings.iter().map(|string| OemStrings::one(string)).collect()))
    }

    /// The files that QEMU would read strings from, in order.
    pub fn named_files(&self) -> Vec<Vec<u8>> {
        if self.is_cloud_hypervisor() {
            return Vec::new();
        }
        self.after_smbios().flat_map(OemStrings::files).collect()
    }

    fn is_cloud_hypervisor(&self) -> bool {
        let name = self.program.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        name.windows(b"cloud-hypervisor".len()).any(|part| part == b"cloud-hypervisor")
    }

    /// The value of each `-smbios`. QEMU takes two dashes for one, and no `=`.
    fn after_smbios(&self) -> impl Iterator<Item = &[u8]> {
        let option = |word: &[u8]| word == b"-smbios" || word == b"--smbios";
        self.words.windows(2).filter(move |pair| option(&pair[0])).map(|pair| &*pair[1])
    }

    /// The value of each `--platform`, a word of its own or after `=`.
    fn platforms(&self) -> Vec<&[u8]> {
        let mut platforms = Vec::new();
        let mut words = self.words.iter();
        while let Some(word) = words.next() {
            if word == b"--platform" {
                platforms.push(words.next().map_or(&b""[..], |value| value));
            } else if let Some(value) = word.strip_prefix(b"--platform=") {
                platforms.push(value);
            }
        }
        platforms
    }
}

/// Its option parser: a comma outside brackets and quotes ends an option, quotes vanish; of an option that is there
/// twice the last counts. A list loses the brackets at its ends and is cut at every comma, of which none can be
/// escaped.
fn cloud_hypervisor(platform: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let platform = str::from_utf8(platform).map_err(|_| "--platform is not UTF-8".to_owned())?;
    let mut strings = Vec::new();
    if platform.trim().is_empty() {
        return Ok(strings);
    }
    for option in options(platform)? {
        // What is in it may be secret.
        let Some((key, value)) = option.split_once('=').filter(|(key, _)| PLATFORM.contains(key)) else {
            let key: String = option.split('=').next().unwrap_or_default().chars().take(20).collect();
            return Err(format!(
                "cloud-hypervisor refuses --platform: it knows no key that begins with {key:?}"
            ));
        };
        if key == "oem_strings" {
            let list = value.trim().trim_matches(|c| c == '[' || c == ']');
            strings = list.split(',').map(|string| string.as_bytes().to_owned()).collect();
        }
    }
    Ok(strings)
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
        return Err("cloud-hypervisor refuses --platform: its brackets or quotes do not match".into());
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn recorded(program: &str, words: &[&str]) -> Recorded {
        let words = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let files = BTreeMap::from([(b"/run/c".to_vec(), b"C=1,2".to_vec())]);
        Recorded { program: program.into(), words, files }
    }

    fn strings(program: &str, words: &[&str]) -> Result<Vec<String>, String> {
        let strings = recorded(program, words).smbios()?.strings();
        Ok(strings.into_iter().map(|string| String::from_utf8(string).unwrap()).collect())
    }

    fn platform(word: &str) -> Result<Vec<String>, String> {
        strings("/nix/store/x/bin/.cloud-hypervisor-wrapped", &["--platform", word])
    }

    #[rstest]
    #[case::only("oem_strings=[A=1,B=2]")]
    #[case::key_after("oem_strings=[A=1,B=2],num_pci_segments=2")]
    #[case::key_before("uuid=x,iommu_segments=[1,2],oem_strings=[A=1,B=2]")]
    #[case::last_counts("oem_strings=[C=3],oem_strings=[A=1,B=2]")]
    #[case::quoted("oem_strings=\"A=1,B=2\"")]
    #[case::blanks(" oem_strings= [A=1,B=2] ,serial_number=s")]
    fn the_list_is_found_whatever_is_beside_it(#[case] word: &str) {
        assert_eq!(platform(word).unwrap(), ["A=1", "B=2"]);
    }

    #[test]
    fn the_option_may_have_its_value_after_an_equals_sign() {
        let words = ["--cpus", "boot=2", "--platform=oem_strings=[A=1]", "--vsock", "cid=3"];
        assert_eq!(strings("cloud-hypervisor", &words).unwrap(), ["A=1"]);
        assert_eq!(strings("cloud-hypervisor", &["--cpus", "boot=2"]).unwrap(), [""; 0]);
        let twice = ["--platform=oem_strings=[A=1]", "--platform", "oem_strings=[B=1]"];
        assert!(strings("cloud-hypervisor", &twice).unwrap_err().contains("there are 2"));
    }

    #[test]
    fn a_list_is_cut_at_every_comma() {
        assert_eq!(platform("oem_strings=[A=\"1,2\"]").unwrap(), ["A=1", "2"]);
        assert_eq!(platform("oem_strings=[A=1,,B=2]").unwrap(), ["A=1", "B=2"]);
    }

    #[test]
    fn brackets_and_quotes_in_a_value_break_the_option() {
        assert!(platform("oem_strings=[A=x]y]").is_err());
        assert!(platform("oem_strings=[A=\"x]").is_err());
        assert!(platform("oem_strings=[A=x],EVIL=1,uuid=[y]").unwrap_err().contains("\"EVIL\""));
    }

    #[test]
    fn qemu_takes_two_commas_for_one_and_one_for_the_next_field() {
        let words = ["-smbios", "type=11,value=A=x,,y,value=B=z", "--smbios", "type=11,path=/run/c"];
        assert_eq!(strings("qemu-kvm", &words).unwrap(), ["A=x,y", "B=z", "C=1,2"]);
        assert_eq!(recorded("qemu-kvm", &words).named_files(), [b"/run/c".to_vec()]);
    }

    #[test]
    fn other_tables_of_qemu_are_not_in_the_way() {
        let words = ["-smbios", "type=1,serial=x", "-smbios", "value=A=1,path=/run/c,type=11", "-m", "512"];
        assert_eq!(strings("/usr/bin/qemu-system-x86_64", &words).unwrap(), ["A=1", "C=1,2"]);
    }

    proptest! {
        #[test]
        fn any_word_is_taken_or_refused(word in r#"[a-z_=\[\]",]{0,60}"#) {
            let _ = platform(&word);
        }

        #[test]
        fn plain_strings_come_through_any_list(
            list in proptest::collection::vec("[A-Za-z0-9+/=._:@%-]{1,20}", 1..6),
            before in any::<bool>(),
        ) {
            let list_only = format!("oem_strings=[{}]", list.join(","));
            let beside = "num_pci_segments=2";
            let word = if before { format!("{beside},{list_only}") } else { format!("{list_only},{beside}") };
            prop_assert_eq!(platform(&word).unwrap(), list);
        }
    }
}

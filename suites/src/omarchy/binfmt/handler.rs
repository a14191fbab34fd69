//! What the kernel has registered.

use std::fmt;

use harness::{Machine, MachineError};

/// One entry of binfmt_misc, as the kernel tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handler {
    pub name: String,
    pub enabled: bool,
    pub interpreter: String,
    offset: usize,
    magic: Vec<u8>,
    mask: Vec<u8>,
}

/// Every handler that is registered. One may go while it is read.
pub async fn handlers(machine: &dyn Machine) -> Result<Vec<Handler>, MachineError> {
    let list = "cd /proc/sys/fs/binfmt_misc && for f in *; do case $f in register|status) ;; \
                *) echo \"handler $f\" && cat -- \"$f\" ;; esac; done; true";
    Ok(parse(&machine.succeed(list).await?))
}

/// The handlers that would take a file which begins like this.
pub async fn taking(machine: &dyn Machine, file: &[u8]) -> Result<Vec<Handler>, MachineError> {
    let handlers = handlers(machine).await?;
    Ok(handlers.into_iter().filter(|handler| handler.enabled && handler.takes(file)).collect())
}

impl Handler {
    fn takes(&self, file: &[u8]) -> bool {
        let Some(bytes) = file.get(self.offset..self.offset + self.magic.len()) else { return false };
        let masks = self.mask.iter().copied().chain(std::iter::repeat(0xff));
        bytes.iter().zip(&self.magic).zip(masks).all(|((byte, magic), mask)| byte & mask == magic & mask)
    }
}

impl fmt::Display for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.enabled { "enabled" } else { "disabled" };
        write!(f, "handler {:?}, {state}, with interpreter {:?}", self.name, self.interpreter)
    }
}

/// Handlers as one text, for a verdict.
pub fn described(handlers: &[Handler]) -> String {
    if handlers.is_empty() {
        return "no handler".to_owned();
    }
    handlers.iter().map(Handler::to_string).collect::<Vec<_>>().join("; ")
}

fn parse(text: &str) -> Vec<Handler> {
    let mut handlers: Vec<Handler> = Vec::new();
    for line in text.lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        if key == "handler" {
            handlers.push(Handler {
                name: value.to_owned(),
                enabled: false,
                interpreter: String::new(),
                offset: 0,
                magic: Vec::new(),
                mask: Vec::new(),
            });
            continue;
        }
        let Some(handler) = handlers.last_mut() else { continue };
        match key {
            "enabled" => handler.enabled = true,
            "interpreter" => handler.interpreter = value.to_owned(),
            "offset" => handler.offset = value.parse().unwrap_or(0),
            "magic" => handler.magic = bytes(value),
            "mask" => handler.mask = bytes(value),
            _ => {}
        }
    }
    handlers
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits.filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::program::{AARCH64, ET_DYN, ET_EXEC, X86_64, elf, exit};
    use super::*;

    const KERNEL: &str = "handler rosetta\nenabled\ninterpreter /mnt/psf/RosettaLinux/rosetta\nflags: POCF\n\
        offset 0\nmagic 7f454c4602010100000000000000000002003e00\n\
        mask fffffffffffefe00fffffffffffffffffeffffff";

    #[test]
    fn a_handler_is_read_as_the_kernel_tells_it() {
        let handlers = parse(KERNEL);
        assert_eq!(
            described(&handlers),
            "handler \"rosetta\", enabled, with interpreter \"/mnt/psf/RosettaLinux/rosetta\""
        );
    }

    #[test]
    fn a_handler_takes_what_its_mask_leaves_free() {
        let handler = &parse(KERNEL)[0];
        assert!(handler.takes(&elf(X86_64, ET_EXEC, &exit(0))));
        assert!(handler.takes(&elf(X86_64, ET_DYN, &exit(0))));
        assert!(!handler.takes(&elf(AARCH64, ET_EXEC, &exit(0))));
        assert!(!handler.takes(b"\x7fELF"));
    }
}

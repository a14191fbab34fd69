//! Programs for the checks to run: the smallest ELF executables that show one thing, written byte by byte,
//! because a compiler for a foreign architecture is not at hand on every host.

use harness::{Machine, MachineError};
use std::path::Path;

/// ELF machine numbers (elf.h).
pub const X86_64: u16 = 62;
pub const I386: u16 = 3;
pub const AARCH64: u16 = 183;

/// ELF object types (elf.h).
pub const ET_EXEC: u16 = 2;
pub const ET_DYN: u16 = 3;

/// Waits for a byte from its standard input, so that it can be looked at, and exits with this status:
/// `xor eax, eax (read); xor edi, edi; lea rsi, [rsp-8]; mov edx, 1; syscall; mov edi, STATUS; mov eax, 60; syscall`.
pub fn exit(status: u8) -> Vec<u8> {
    vec![
        0x31, 0xc0, 0x31, 0xff, 0x48, 0x8d, 0x74, 0x24, 0xf8, 0xba, 1, 0, 0, 0, 0x0f, 0x05, 0xbf, status, 0,
        0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05,
    ]
}

/// Exits with the effective user id: `mov eax, 107 (geteuid); syscall; mov edi, eax; mov eax, 60; syscall`.
pub fn exit_with_euid() -> Vec<u8> {
    vec![0xb8, 107, 0, 0, 0, 0x0f, 0x05, 0x89, 0xc7, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]
}

/// A static executable of one segment that holds this code.
pub fn elf(machine: u16, kind: u16, code: &[u8]) -> Vec<u8> {
    const HEADERS: u64 = 64 + 56;
    // A position-independent program is linked at 0 and loaded anywhere.
    let base: u64 = if kind == ET_EXEC { 0x40_0000 } else { 0 };
    let size = HEADERS + code.len() as u64;
    let mut file = Vec::new();
    file.extend([0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend(kind.to_le_bytes());
    file.extend(machine.to_le_bytes());
    file.extend(1_u32.to_le_bytes()); // version
    file.extend((base + HEADERS).to_le_bytes()); // entry point
    file.extend(64_u64.to_le_bytes()); // program headers
    file.extend(0_u64.to_le_bytes()); // no sections
    file.extend(0_u32.to_le_bytes()); // flags
    for half in [64_u16, 56, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes()); // header sizes and counts
    }
    file.extend(1_u32.to_le_bytes()); // PT_LOAD
    file.extend(5_u32.to_le_bytes()); // readable, executable
    for word in [0, base, base, size, size, 0x1000] {
        file.extend(u64::to_le_bytes(word));
    }
    file.extend(code);
    file
}

/// Puts a program on a machine and tells its path.
pub async fn put(machine: &dyn Machine, name: &str, elf: &[u8]) -> Result<String, MachineError> {
    let path = format!("/var/lib/assay/{name}");
    machine.write(Path::new(&path), elf, 0o755).await?;
    Ok(path)
}

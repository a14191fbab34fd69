//! What a machine is powered on with.

use std::fs::File;

/// A kernel, and what it is started with.
pub struct Kernel {
    pub file: File,
    pub initramfs: File,
    /// What the image wants on the command line.
    pub arguments: Vec<String>,
}

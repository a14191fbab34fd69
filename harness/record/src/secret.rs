//! Values that must never be told: declared once, hidden in everything that this process says.
//!
//! The set of secrets is one for the whole process, on purpose: a value must not appear whatever printed it, and a
//! set that is handed around would be missing where nobody thought of it, in a panic for one. What comes in is
//! hidden before anything is cut off it, because half a secret is not recognised everywhere.
//!
//! A secret is hidden as it is; in base64 of both alphabets, also within something longer; in hexadecimal; in UTF-16;
//! as a list of numbers; and as Rust, shells, JSON and XML quote it. How base64, hexadecimal and numbers are spaced
//! does not matter. Of each of these, every piece of at least [`PIECE`] bytes is hidden too, so that a secret which
//! somebody else has split is not told; with very much to hide (some 10 KiB and more) pieces have to be longer.

mod anchors;
mod filter;
mod form;
mod lane;
mod marks;
mod stream;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

pub use stream::Stream;

use filter::{Filter, Set};
use form::Form;

/// What stands where a secret was.
pub const HIDDEN: &str = "[secret]";

/// The shortest piece of an encoded secret that is recognised without the rest, in bytes.
pub const PIECE: usize = 2 * anchors::LENGTH - 1;

/// The shortest secret, in bytes: the fewest that no word of ordinary output has by chance.
const SHORTEST: usize = 8;

/// The longest secret, in bytes: twice what systemd takes as a credential (`CREDENTIAL_SIZE_MAX`, 1 MiB), so that a
/// value beyond that limit can be tried. All that is kept of one is some forty times as long.
const LONGEST: usize = 2 << 20;

static KNOWN: RwLock<Known> = RwLock::new(Known { values: Vec::new(), forms: Vec::new(), set: None });

struct Known {
    values: Vec<Arc<[u8]>>,
    forms: Vec<Arc<Form>>,
    /// Made of the forms when it is first needed.
    set: Option<Arc<Set>>,
}

/// A value that is hidden in everything this process says. Its `Debug` shows the name alone.
#[derive(Clone)]
pub struct Secret {
    name: Arc<str>,
    value: Arc<[u8]>,
}

/// Why a value can't be kept secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error(
        "the secret {name:?} has less than {SHORTEST} bytes without the white space around it: it would be found in \
         ordinary words; use a longer one"
    )]
    TooShort { name: String },
    #[error("the secret {name:?} has more than {LONGEST} bytes: use a shorter one")]
    TooLong { name: String },
}

/// Hides a value from now on, for as long as this process lives. Declare it before anything can print it.
///
/// White space around a value does not count: whoever prints it may leave it out.
pub fn declare(name: &str, value: &[u8]) -> Result<Secret, SecretError> {
    let plain = value.trim_ascii();
    if plain.len() < SHORTEST {
        return Err(SecretError::TooShort { name: name.into() });
    }
    if value.len() > LONGEST {
        return Err(SecretError::TooLong { name: name.into() });
    }
    let known = || KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if !known().values.iter().any(|known| **known == *plain) {
        let forms = form::forms(plain).into_iter().map(Arc::new);
        let forms: Vec<_> = forms.collect();
        let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
        known.values.push(plain.into());
        known.forms.extend(forms);
        known.set = None;
    }
    Ok(Secret { name: name.into(), value: value.into() })
}

/// Whether there is anything to hide.
pub fn any_declared() -> bool {
    !KNOWN.read().unwrap_or_else(PoisonError::into_inner).values.is_empty()
}

/// A whole text without secrets.
pub fn hide(text: &str) -> Cow<'_, str> {
    match hide_in_bytes(text.as_bytes()) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        // A secret that is no text may have begun or ended within a character.
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

/// The same for what need not be text.
pub fn hide_in_bytes(bytes: &[u8]) -> Cow<'_, [u8]> {
    match set() {
        Some(set) => Filter::new(set).whole(bytes),
        None => Cow::Borrowed(bytes),
    }
}

/// Something that is told to others and so must not hold secrets.
pub trait HideSecrets {
    fn hide_secrets(&mut self);
}

impl HideSecrets for String {
    fn hide_secrets(&mut self) {
        if let Cow::Owned(hidden) = hide(self) {
            *self = hidden;
        }
    }
}

impl HideSecrets for Vec<u8> {
    fn hide_secrets(&mut self) {
        if let Cow::Owned(hidden) = hide_in_bytes(self) {
            *self = hidden;
        }
    }
}

/// All that is to be hidden; nothing when no secret was declared.
fn set() -> Option<Arc<Set>> {
    let forms = {
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if known.set.is_some() || known.forms.is_empty() {
            return known.set.clone();
        }
        known.forms.clone()
    };
    // Made without the lock: a panic in here would ask for the set in turn.
    let set = Arc::new(Set::new(&forms));
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if known.forms.len() == forms.len() {
        return Some(known.set.get_or_insert(set).clone());
    }
    Some(set)
}

impl Secret {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, with the white space around it.
    pub fn value(&self) -> &[u8] {
        &self.value
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({:?})", self.name)
    }
}

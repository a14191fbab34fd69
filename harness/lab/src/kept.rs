//! What a suite makes of its settings once, for all checks of a run.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One value of each type.
#[derive(Default)]
pub struct Kept(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl Kept {
    /// The value of this type, which is made when the first asks for it. One that could not be made is tried again.
    pub fn get<T, E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E>
    where
        T: Any + Send + Sync,
    {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all.get(&TypeId::of::<T>()).and_then(|known| known.clone().downcast::<T>().ok());
        if let Some(known) = known {
            return Ok(known);
        }
        let made = Arc::new(make()?);
        all.insert(TypeId::of::<T>(), made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_each_type_is_made_and_kept() {
        let kept = Kept::default();
        assert_eq!(kept.get(|| Err::<u32, _>("not yet")), Err("not yet"));
        assert_eq!(*kept.get(|| Ok::<u32, ()>(1)).unwrap(), 1);
        assert_eq!(*kept.get(|| Ok::<u32, ()>(2)).unwrap(), 1);
        assert_eq!(*kept.get(|| Ok::<u64, ()>(3)).unwrap(), 3);
    }
}

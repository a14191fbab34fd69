//! What several checks need to know of the same machines, found out once.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use record::{Stop, Transcript, Violation};
use tokio::sync::OnceCell;

/// Findings of any type, each under a key of any type.
#[derive(Default)]
pub struct Memo(Mutex<HashMap<TypeId, Box<dyn Any + Send>>>);

/// What was found of one stage, or how it violates the invariants of all that asked.
struct Finding<T> {
    found: Result<T, Violation>,
    /// What was done to find it, for the evidence of each.
    seen: Transcript,
}

type Cells<K, T> = HashMap<K, Arc<OnceCell<Finding<T>>>>;

impl Memo {
    /// What is found under a key. The first who asks finds it; meanwhile others wait. What could not be decided is
    /// tried again by the next.
    pub async fn shared<K, T>(
        &self,
        key: K,
        transcript: &Transcript,
        compute: impl AsyncFnOnce(Transcript) -> Result<T, Stop>,
    ) -> Result<T, Stop>
    where
        K: Hash + Eq + Send + 'static,
        T: Clone + Send + Sync + 'static,
    {
        let cell = self.cell::<K, T>(key);
        let asked = cell.get_or_try_init(async || {
            let seen = Transcript::default();
            let found = match compute(seen.clone()).await {
                Ok(found) => Ok(found),
                Err(Stop::Violated(violation)) => Err(violation),
                Err(undecided) => {
                    transcript.include(&seen);
                    return Err(undecided);
                }
            };
            Ok(Finding { found, seen })
        });
        let finding = asked.await?;
        transcript.include(&finding.seen);
        finding.found.clone().map_err(Stop::Violated)
    }

    fn cell<K, T>(&self, key: K) -> Arc<OnceCell<Finding<T>>>
    where
        K: Hash + Eq + Send + 'static,
        T: Send + Sync + 'static,
    {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cells = all.entry(TypeId::of::<Cells<K, T>>()).or_insert_with(|| Box::new(Cells::<K, T>::new()));
        // The key is the type, so it is always this one.
        let Some(cells) = cells.downcast_mut::<Cells<K, T>>() else { return Arc::default() };
        cells.entry(key).or_default().clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Instant;

    use record::{Answer, Exchange, violated};

    use super::*;

    #[tokio::test]
    async fn what_is_shared_is_found_once_and_everybody_sees_how() {
        let (memo, asked) = (Memo::default(), AtomicU32::new(0));
        let ask = async |question: &'static str| {
            let transcript = Transcript::default();
            let answer = memo.shared(question, &transcript, async |seen: Transcript| {
                seen.record(Exchange::since(Instant::now(), "machine", question, Answer::Done));
                Ok(asked.fetch_add(1, Ordering::Relaxed))
            });
            (answer.await.unwrap(), transcript.take().len())
        };
        let (first, again) = tokio::join!(ask("who"), ask("who"));
        assert_eq!((first, again, ask("what").await), ((0, 1), (0, 1), (1, 1)));
    }

    #[tokio::test]
    async fn a_violation_is_everybodys_and_what_was_not_decided_is_nobodys() {
        let memo = Memo::default();
        let transcript = Transcript::default();
        let broken = memo.shared("one", &transcript, async |_| Err::<u32, _>(Stop::Broken("lost".into())));
        assert!(matches!(broken.await, Err(Stop::Broken(_))));
        let found = memo.shared("one", &transcript, async |_| Ok(1_u32));
        assert!(matches!(found.await, Ok(1)));
        for _ in 0..2 {
            let red = memo.shared("two", &transcript, async |_| violated::<u32>("this", "that"));
            assert!(matches!(red.await, Err(Stop::Violated(_))));
        }
    }
}

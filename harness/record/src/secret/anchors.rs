//! Short pieces by which the forms of secrets are recognised in a stream, however long the forms are.

use std::collections::BTreeMap;
use std::sync::Arc;

use aho_corasick::Anchored;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;

use super::form::Form;

/// How long an anchor is, in bytes: long enough not to be found by chance, short enough to fit into a line.
pub const LENGTH: usize = 24;

/// How many anchors all secrets have together, about: what is searched with takes some 30 bytes for each of theirs.
const BUDGET: usize = 16 << 10;

/// An anchor with fewer different bytes is a run of zeros or the like, and is no sign of a secret.
const VARIETY: usize = 4;

/// The anchors of some forms, and the automaton that finds them.
pub struct Anchors {
    forms: Vec<Arc<Form>>,
    /// In order, each once. An anchor shorter than [`LENGTH`] is a whole form.
    texts: Vec<Vec<u8>>,
    /// Where each of the texts stands.
    places: Vec<Vec<Place>>,
    /// With the state in which it begins. Should it be missing, everything counts as secret.
    automaton: Option<(NFA, StateID)>,
    /// How far before the end of an anchor its form may have begun without another anchor there, in bytes.
    pub reach: usize,
}

/// A place in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub form: usize,
    pub at: usize,
}

impl Anchors {
    pub fn new(forms: Vec<Arc<Form>>, stride: usize) -> Anchors {
        let mut anchors: BTreeMap<&[u8], Vec<Place>> = BTreeMap::new();
        for (number, form) in forms.iter().enumerate() {
            for at in offsets(&form.text, stride) {
                let text = &form.text[at..form.text.len().min(at + LENGTH)];
                let places = anchors.entry(text).or_default();
                // A form that repeats itself is found by its first occurrence.
                if places.last().is_none_or(|last| last.form != number) {
                    places.push(Place { form: number, at });
                }
            }
        }
        let (texts, places): (Vec<Vec<u8>>, _) =
            anchors.into_iter().map(|(text, places)| (text.to_vec(), places)).unzip();
        let automaton = NFA::builder().prefilter(false).build(&texts).ok();
        let automaton = automaton.and_then(|nfa| Some((nfa.start_state(Anchored::No).ok()?, nfa)));
        let automaton = automaton.map(|(start, nfa)| (nfa, start));
        Anchors { forms, texts, places, automaton, reach: stride + LENGTH }
    }

    pub fn form(&self, number: usize) -> &Form {
        &self.forms[number]
    }

    pub fn start(&self) -> StateID {
        self.automaton.as_ref().map(|(_, start)| *start).unwrap_or_default()
    }

    /// Goes on by one byte. Anchors that end with it are told of: how long each is, and where it stands.
    ///
    /// Nothing when secrets cannot be told from anything else.
    pub fn follow(
        &self,
        state: StateID,
        byte: u8,
        mut found: impl FnMut(usize, &[Place]),
    ) -> Option<StateID> {
        let (nfa, _) = self.automaton.as_ref()?;
        let state = nfa.next_state(Anchored::No, state, byte);
        if nfa.is_match(state) {
            for index in 0..nfa.match_len(state) {
                let anchor = nfa.match_pattern(state, index).as_usize();
                found(self.texts[anchor].len(), &self.places[anchor]);
            }
        }
        Some(state)
    }

    /// Whether an anchor begins so, and goes on.
    pub fn begin_with(&self, beginning: &[u8]) -> bool {
        let after = self.texts.partition_point(|text| text.as_slice() <= beginning);
        self.texts.get(after).is_some_and(|text| text.starts_with(beginning))
    }
}

/// How far apart anchors are, for forms that are so long together, in bytes.
pub fn stride(total: usize) -> usize {
    total.div_ceil(BUDGET).max(LENGTH)
}

/// Where the anchors of a form are: its beginning, its end, and between them all that tell something.
fn offsets(text: &[u8], stride: usize) -> impl Iterator<Item = usize> {
    let last = text.len().saturating_sub(LENGTH);
    let varied = |at: &usize| {
        let mut bytes = text[*at..].iter().take(LENGTH);
        let mut seen = Vec::new();
        bytes.any(|byte| {
            if !seen.contains(byte) {
                seen.push(*byte);
            }
            seen.len() >= VARIETY
        })
    };
    (0..last).step_by(stride).chain([last]).filter(move |at| *at == 0 || varied(at))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;
    use crate::secret::form::forms;

    fn anchors(secrets: &[Vec<u8>]) -> Anchors {
        let forms: Vec<_> = secrets.iter().flat_map(|secret| forms(secret)).map(Arc::new).collect();
        let stride = stride(forms.iter().map(|form| form.text.len()).sum());
        Anchors::new(forms, stride)
    }

    /// Bytes without a pattern, the same every time.
    fn noise(seed: u8, length: usize) -> Vec<u8> {
        let mut noise = vec![0; length];
        blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut noise);
        noise
    }

    #[rstest]
    #[case::one_of_the_longest((0..1).map(|seed| noise(seed, 256 << 10)).collect())]
    #[case::many((0..64).map(|seed| noise(seed, 1 << 10)).collect())]
    fn the_automaton_stays_small_whatever_it_looks_for(#[case] secrets: Vec<Vec<u8>>) {
        let anchors = anchors(&secrets);
        // Each form has one at its beginning and one at its end in any case.
        assert!(anchors.texts.len() <= BUDGET + 2 * anchors.forms.len(), "{}", anchors.texts.len());
        assert!(anchors.automaton.is_some());
    }

    #[test]
    fn what_repeats_itself_is_found_by_one_anchor() {
        let anchors = anchors(&[vec![b'x'; 64 << 10]]);
        assert!(anchors.places.iter().all(|places| places.len() <= anchors.forms.len()));
        assert!(anchors.texts.len() <= 8 * anchors.forms.len(), "{}", anchors.texts.len());
    }

    #[test]
    fn without_an_automaton_everything_is_secret() {
        let mut anchors = anchors(&[noise(1, 20)]);
        anchors.automaton = None;
        assert!(anchors.follow(anchors.start(), b'x', |_, _| ()).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn a_run_of_zeros_is_no_sign_of_a_secret(at in 0usize..400) {
            let mut secret = noise(1, 400);
            secret.splice(at..at, [0; 200]);
            let anchors = anchors(&[secret]);
            for (text, places) in anchors.texts.iter().zip(&anchors.places) {
                let bytes: BTreeSet<_> = text.iter().collect();
                prop_assert!(bytes.len() >= VARIETY || places.iter().all(|place| place.at == 0), "{text:?}");
            }
        }
    }
}

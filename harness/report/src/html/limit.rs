//! How much of long texts goes into a page.

use record::text::{clip, visible};
use record::{Answer, Evidence};

use crate::json::Document;

/// The most that is kept of one text, in bytes: a little more than the harness keeps of an output.
const TEXT: usize = 320 << 10;

/// The most that all texts of a page may take together, as long as each keeps something.
const ALL: usize = 64 << 20;

/// The least that is kept of each.
const LEAST: usize = 1 << 10;

/// The most that is kept of each text, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Limit(usize);

impl Limit {
    /// The largest with which a page of these documents stays one that a browser opens at once.
    pub fn of(documents: &[Document]) -> Limit {
        let lengths: Vec<usize> = documents.iter().flat_map(evidence).flat_map(lengths).collect();
        Limit::for_texts_of(&lengths)
    }

    fn for_texts_of(lengths: &[usize]) -> Limit {
        let mut limit = TEXT;
        while limit > LEAST && lengths.iter().map(|length| length.min(&limit)).sum::<usize>() > ALL {
            limit = (limit / 2).max(LEAST);
        }
        Limit(limit)
    }

    /// A text as a page shows it.
    pub fn shown(self, raw: impl AsRef<[u8]>) -> String {
        clip(&visible(raw), self.0).into_owned()
    }
}

fn evidence(document: &Document) -> impl Iterator<Item = &Evidence> {
    let checks = document.checks.iter().map(|check| &check.evidence);
    checks.chain(document.mutants.iter().map(|mutant| &mutant.evidence))
}

fn lengths(evidence: &Evidence) -> Vec<usize> {
    let mut lengths = vec![evidence.journal.len(), evidence.console.len()];
    for exchange in &evidence.transcript {
        lengths.push(exchange.action.len());
        match &exchange.answer {
            Answer::Ran(output) => lengths.extend([output.stdout.len(), output.stderr.len()]),
            Answer::None(reason) => lengths.push(reason.len()),
            Answer::Done => {}
        }
    }
    lengths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_harness_keeps_of_an_output_is_shown_whole() {
        let output = "x".repeat(256 << 10);
        assert_eq!(Limit::for_texts_of(&[output.len(); 100]).shown(&output), output);
    }

    #[test]
    fn the_more_there_is_the_less_is_kept_of_each() {
        let whole = |lengths: &[usize]| {
            let Limit(limit) = Limit::for_texts_of(lengths);
            (limit, lengths.iter().map(|length| length.min(&limit)).sum::<usize>())
        };
        let (limit, sum) = whole(&[1 << 20; 2_000]);
        assert!(limit < TEXT && sum <= ALL && sum > ALL / 4, "{sum} bytes with {limit} of each");
        // Short texts are whole as long as there is anything to take from long ones.
        let mut lengths = vec![100; 10_000];
        lengths.extend([10 << 20; 400]);
        assert!(whole(&lengths).0 > 100);
        assert_eq!(whole(&[1 << 20; 1_000_000]).0, LEAST);
    }

    #[test]
    fn a_text_that_is_cut_says_so() {
        let shown = Limit(1 << 10).shown("<".repeat(1 << 20));
        assert!(shown.len() < 2 << 10 && shown.contains(" bytes left out ...]"));
    }
}

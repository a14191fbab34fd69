//! The order that steps' needs leave open.

use std::collections::BTreeSet;

use super::Step;

/// Groups the steps into waves: each needs only steps of earlier waves, so a wave can run at once.
/// Where there is no such order, names the steps of one circle, the first again at the end.
pub(super) fn waves(steps: &[Step]) -> Result<Vec<Vec<usize>>, Vec<String>> {
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    let mut left: Vec<usize> = (0..steps.len()).collect();
    let mut waves = Vec::new();
    while !left.is_empty() {
        let ready = |at: &&usize| steps[**at].can_follow(&placed);
        let (wave, rest): (Vec<usize>, Vec<usize>) = left.iter().partition(ready);
        if wave.is_empty() {
            return Err(circle(steps, &left));
        }
        placed.extend(wave.iter().map(|at| steps[*at].id.as_str()));
        waves.push(wave);
        left = rest;
    }
    Ok(waves)
}

/// The steps one after the other: of those whose needs are met always the one that comes first in `preferred`.
pub fn sequence<'s>(preferred: impl IntoIterator<Item = &'s Step>) -> Vec<&'s Step> {
    let mut waiting: Vec<&Step> = preferred.into_iter().collect();
    let (mut there, mut sequence) = (BTreeSet::new(), Vec::new());
    while let Some(next) = waiting.iter().position(|step| step.can_follow(&there)) {
        let step = waiting.remove(next);
        there.insert(step.id.as_str());
        sequence.push(step);
    }
    sequence
}

/// Each of the steps `left` needs another of them, so following needs must come around.
fn circle(steps: &[Step], left: &[usize]) -> Vec<String> {
    let stuck = |id: &str| left.iter().map(|at| &steps[*at]).find(|step| step.id == id);
    let mut trail: Vec<&str> = vec![&steps[left[0]].id];
    loop {
        let here = trail[trail.len() - 1];
        let next = stuck(here).and_then(|step| step.needs.iter().find(|need| stuck(need).is_some()));
        let Some(next) = next else { break };
        if let Some(start) = trail.iter().position(|id| id == next) {
            trail.drain(..start);
            trail.push(next);
            break;
        }
        trail.push(next);
    }
    trail.into_iter().map(str::to_owned).collect()
}

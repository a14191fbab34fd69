//! Decides checks, each on machines of its own.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt, stream};
use lab::{Changes, Mutant, Sources};
use machine::patience::patient;
use record::event::{Case, Event, Fate, Kill, Listener};
use record::{Evidence, Invariant, MachineError, Need, Stop, Transcript, Verdict};

use crate::panic::message;
use crate::property::{SIMPLIFICATIONS, Seed};
use crate::replay::Replay;
use crate::{Check, Trial};

/// How long a check may take, or each random case of one. A check has shorter limits of its own for what it waits
/// for: this one only keeps a run from hanging.
pub const CHECK_LIMIT: Duration = Duration::from_secs(600);

/// Runs the checks of one target.
pub struct Runner {
    pub sources: Sources,
    pub listener: Arc<dyn Listener>,
    /// How many checks run at a time.
    pub jobs: usize,
    pub seed: Seed,
    /// Tried by the checks that make random choices, instead of making any.
    pub replay: Option<Replay>,
    pub fail_fast: FailFast,
    /// The command that runs one check again, with this seed if the check made random choices.
    pub reproduce: Reproduce,
}

/// Whether checks are still begun after one that did not pass, and which that was.
#[derive(Default)]
pub struct FailFast {
    wanted: bool,
    first: OnceLock<String>,
}

impl FailFast {
    pub fn new(wanted: bool) -> FailFast {
        FailFast { wanted, first: OnceLock::new() }
    }

    fn ended(&self, name: String, verdict: &Verdict) {
        if self.wanted && matches!(verdict, Verdict::Failed(_) | Verdict::Broken { .. }) {
            let _ = self.first.set(name);
        }
    }

    /// Why no other check begins.
    fn reason(&self) -> Option<String> {
        let first = self.first.get()?;
        Some(format!("`--fail-fast`: {first} did not pass before it"))
    }
}

pub type Reproduce = Box<dyn Fn(&Invariant, Option<Seed>) -> String + Send + Sync>;

impl Runner {
    /// Decides every check as many times as asked, in this order.
    pub async fn run(&self, checks: &[Check], repeat: u32) {
        self.decide_all(checks, repeat).await;
    }

    /// Decides every check on the target as it is, and then tries every mutant: its check must fail.
    pub async fn prove(&self, checks: &[Check]) {
        let decided = self.decide_all(checks, 1).await;
        // What cannot be decided here proves nothing here, and its own verdict says why.
        let tried = decided.into_iter().filter(|(_, verdict)| !matches!(verdict, Verdict::Skipped { .. }));
        let mutants = tried.flat_map(|(check, _)| check.mutants.iter().map(move |mutant| (check, mutant)));
        stream::iter(mutants)
            .for_each_concurrent(self.jobs, |(check, mutant)| self.try_mutant(check, mutant))
            .await;
    }

    async fn decide_all<'c>(&self, checks: &'c [Check], repeat: u32) -> Vec<(&'c Check, Verdict)> {
        let tries = (1..=repeat).flat_map(|repetition| checks.iter().map(move |check| (check, repetition)));
        stream::iter(tries)
            .map(async |(check, repetition)| (check, self.try_check(check, repetition).await))
            .buffer_unordered(self.jobs)
            .collect()
            .await
    }

    async fn try_check(&self, check: &Check, repetition: u32) -> Verdict {
        let lab = self.sources.of(&check.needs);
        let turn = match self.unmet(check).or_else(|| self.fail_fast.reason()) {
            Some(reason) => Err(Verdict::Skipped { reason }),
            None => lab.turn(&check.needs, false).await.map_err(|error| Verdict::from(Err(error.into()))),
        };
        self.listener.hear(&Event::CheckBegan { name: check.invariant.name(), repetition });
        let began = Instant::now();
        let decision = match turn {
            Err(verdict) => Decision::without_trial(verdict),
            Ok(turn) => {
                let seed = self.seed.for_repetition(repetition);
                let trial = Trial::new(lab.clone(), check, seed, SIMPLIFICATIONS);
                let decision = decide(check, trial.replaying(self.replay.clone())).await;
                turn.end().await;
                decision
            }
        };
        let verdict = decision.verdict.clone();
        self.fail_fast.ended(check.invariant.name(), &verdict);
        self.listener.hear(&Event::CheckEnded(Box::new(Case {
            target: self.sources.target().to_owned(),
            invariant: check.invariant.clone(),
            repetition,
            verdict: decision.verdict,
            evidence: decision.evidence,
            began: began.into(),
            // What is made once for all checks is no part of any: whoever comes first would wait longest.
            took: began.elapsed().saturating_sub(decision.waited),
            reproduce: (self.reproduce)(&check.invariant, decision.seed),
        })));
        verdict
    }

    /// Why a check cannot be tried on these machines: what it needs and they have not, and what has. What is had least
    /// often comes first, because with the rest alone it still could not be tried.
    fn unmet(&self, check: &Check) -> Option<String> {
        let lab = self.sources.of(&check.needs);
        let mut needs = Need::ALL.into_iter().rev().filter(|need| check.needs.contains(need));
        needs.find_map(|need| lab.has(need, check.invariant.variant.as_deref()).err())
    }

    async fn try_mutant(&self, check: &Check, mutant: &Mutant) {
        let began = Instant::now();
        let making = Transcript::default();
        let (fate, evidence) = match self.on_mutant(check, mutant, &making).await {
            Ok(decision) => (fate(decision.verdict), decision.evidence),
            Err(error) => {
                let reason = format!("the mutant could not be made: {error}");
                (Fate::Undecided { reason }, Evidence::of(&making))
            }
        };
        self.listener.hear(&Event::MutantEnded(Box::new(Kill {
            target: self.sources.target().to_owned(),
            invariant: check.invariant.clone(),
            mutant: mutant.name.to_string(),
            fate,
            evidence,
            began: began.into(),
            took: began.elapsed(),
        })));
    }

    /// What a check decides about a mutant, which is noted as it is made.
    async fn on_mutant(
        &self,
        check: &Check,
        mutant: &Mutant,
        making: &Transcript,
    ) -> Result<Decision, MachineError> {
        let lab = self.sources.of(&check.needs);
        let turn = lab.turn(&check.needs, true).await?;
        let stage = mutant.stage.as_deref().or(check.invariant.variant.as_deref());
        let deciding = async {
            let changed = Arc::new(lab.changed(stage, &Changes::Mutant(mutant), making).await?);
            // That it fails is what counts here, not on which value.
            Ok(decide(check, Trial::new(changed, check, self.seed, 0)).await)
        };
        let decided = deciding.await;
        turn.end().await;
        decided
    }
}

/// What became of one try.
struct Decision {
    verdict: Verdict,
    evidence: Evidence,
    /// Where the check's random choices began, if it made any.
    seed: Option<Seed>,
    /// For what is made once for all checks.
    waited: Duration,
}

impl Decision {
    fn without_trial(verdict: Verdict) -> Decision {
        Decision { verdict, evidence: Evidence::default(), seed: None, waited: Duration::ZERO }
    }
}

async fn decide(check: &Check, trial: Trial) -> Decision {
    let began = Instant::now();
    // In a block, because a check may panic before it has even returned a future.
    let trying = AssertUnwindSafe(async { check.decide(&trial).await }).catch_unwind();
    let outcome = match while_it_progresses(&trial, trying).await {
        Some(Ok(outcome)) => outcome,
        Some(Err(panic)) => Err(Stop::Broken(format!("the check itself panicked: {}", message(&*panic)))),
        None => {
            let limit = patient(CHECK_LIMIT).as_secs();
            Err(Stop::Broken(format!("the check did not end within {limit} s")))
        }
    };
    let verdict = Verdict::from(outcome);
    let evidence = trial.evidence(verdict != Verdict::Passed).await;
    Decision { verdict, evidence, seed: trial.used_seed(), waited: trial.time_waited(began) }
}

/// Waits for the end of a check, for as long as it begins another case in time.
async fn while_it_progresses<T>(trial: &Trial, trying: impl Future<Output = T>) -> Option<T> {
    let mut trying = pin!(trying);
    loop {
        let limit = trial.last_progress() + patient(CHECK_LIMIT);
        match tokio::time::timeout_at(limit, &mut trying).await {
            Ok(end) => return Some(end),
            Err(_) if trial.last_progress() + patient(CHECK_LIMIT) > limit => {}
            Err(_) => return None,
        }
    }
}

fn fate(verdict: Verdict) -> Fate {
    match verdict {
        Verdict::Failed(violation) => Fate::Killed { observed: violation.observed },
        Verdict::Passed => Fate::Survived,
        Verdict::Broken { reason } | Verdict::Skipped { reason } => Fate::Undecided { reason },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use image::cache::Cache;
    use lab::Lab;
    use record::{Outcome, Source};

    use super::*;

    /// No test here has anything to try it on.
    async fn never(_: &Trial) -> Outcome {
        unreachable!("it is not to begin")
    }

    fn check() -> Check {
        Check::must("demo.one", Source::new("demo.md", "1"), "", never)
    }

    fn lab(heard: Arc<Heard>) -> Lab {
        let place = tempfile::tempdir().unwrap();
        let cache = Cache::at(place.path()).unwrap();
        Lab::without_machines("demo", "this is a test", cache, heard)
    }

    fn trial() -> Trial {
        let check = check();
        Trial::new(Arc::new(lab(Arc::default())), &check, Seed::parse("1").unwrap(), 0)
    }

    #[derive(Default)]
    struct Heard(Mutex<Vec<Event>>);

    impl Listener for Heard {
        fn hear(&self, event: &Event) {
            self.0.lock().unwrap().push(event.clone());
        }
    }

    #[tokio::test]
    async fn a_check_whose_need_is_not_met_is_skipped_before_it_begins() {
        let heard = Arc::new(Heard::default());
        let runner = Runner {
            sources: Sources::one(lab(heard.clone())),
            listener: heard.clone(),
            jobs: 1,
            seed: Seed::parse("1").unwrap(),
            replay: None,
            fail_fast: FailFast::default(),
            reproduce: Box::new(|_, _| String::new()),
        };
        runner.run(&[check().needs([Need::Undo, Need::Boot])], 1).await;
        let heard = heard.0.lock().unwrap();
        let [Event::CheckBegan { .. }, Event::CheckEnded(case)] = &heard[..] else { panic!("{heard:?}") };
        let reason = "demo cannot run in containers: this is a test".to_owned();
        assert_eq!(case.verdict, Verdict::Skipped { reason });
        assert!(case.evidence.machines.is_empty() && case.evidence.transcript.is_empty());
    }

    #[test]
    fn the_first_that_did_not_pass_ends_a_run_that_fails_fast() {
        let failed = Verdict::Broken { reason: "lost".into() };
        let fast = FailFast::new(true);
        fast.ended("one".into(), &Verdict::Passed);
        assert_eq!(fast.reason(), None);
        fast.ended("two".into(), &failed);
        fast.ended("three".into(), &failed);
        assert_eq!(fast.reason().unwrap(), "`--fail-fast`: two did not pass before it");

        let patient = FailFast::new(false);
        patient.ended("two".into(), &failed);
        assert_eq!(patient.reason(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_may_take_as_long_as_its_cases_do() {
        let trial = trial();
        let slow = async |_| {
            tokio::time::sleep(CHECK_LIMIT - Duration::from_secs(1)).await;
            Ok(())
        };
        let outcome = while_it_progresses(&trial, trial.for_all(5, 0..9, slow)).await;
        assert!(matches!(outcome, Some(Ok(()))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_does_not_progress_is_given_up() {
        let trial = trial();
        let began = tokio::time::Instant::now();
        assert!(while_it_progresses(&trial, std::future::pending::<()>()).await.is_none());
        assert_eq!(began.elapsed(), CHECK_LIMIT);
    }
}

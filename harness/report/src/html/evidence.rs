//! Evidence as a page shows it.

use record::text::line;
use record::{Accelerator, Answer, Evidence, Exchange, Lifetime, Moment, Phase, Start};
use serde::Serialize;

use super::limit::Limit;

#[derive(Serialize)]
pub struct Seen {
    machines: Vec<Machine>,
    transcript: Vec<Act>,
    journal: String,
    console: String,
}

#[derive(Serialize)]
struct Machine {
    name: String,
    start: Start,
    #[serde(skip_serializing_if = "Option::is_none")]
    accelerator: Option<Accelerator>,
    began: Moment,
    ended: Option<Moment>,
    phases: Vec<Phase>,
}

/// One thing done to a machine.
#[derive(Serialize)]
struct Act {
    machine: String,
    action: String,
    began: Option<Moment>,
    took: f64,
    #[serde(flatten)]
    answer: Said,
}

#[derive(Serialize)]
#[serde(tag = "answer", rename_all = "lowercase")]
enum Said {
    Ran { status: String, good: bool, stdout: String, stderr: String },
    Done,
    None { reason: String },
}

impl Seen {
    pub fn of(evidence: &Evidence, limit: Limit) -> Seen {
        Seen {
            machines: evidence.machines.iter().map(machine).collect(),
            transcript: evidence.transcript.iter().map(|exchange| act(exchange, limit)).collect(),
            journal: limit.shown(&evidence.journal),
            console: limit.shown(&evidence.console),
        }
    }
}

fn machine(lifetime: &Lifetime) -> Machine {
    let phase = |phase: &Phase| Phase { what: line(&phase.what), ..phase.clone() };
    Machine {
        name: line(&lifetime.machine),
        start: lifetime.start,
        accelerator: lifetime.accelerator,
        began: lifetime.began,
        ended: lifetime.ended,
        phases: lifetime.phases.iter().map(phase).collect(),
    }
}

fn act(exchange: &Exchange, limit: Limit) -> Act {
    let answer = match &exchange.answer {
        Answer::Ran(output) => Said::Ran {
            status: output.status.to_string(),
            good: output.success(),
            stdout: limit.shown(&output.stdout),
            stderr: limit.shown(&output.stderr),
        },
        Answer::Done => Said::Done,
        Answer::None(reason) => Said::None { reason: limit.shown(reason) },
    };
    Act {
        machine: line(&exchange.machine),
        action: limit.shown(&exchange.action),
        began: exchange.began,
        took: exchange.took.as_secs_f64(),
        answer,
    }
}

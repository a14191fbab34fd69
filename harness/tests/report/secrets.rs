//! Whatever of a run holds a secret, no report does.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use harness::event::{Change, Event, Fate, Listener};
use harness::report::{Purpose, Record, Tee, Terminal, json, junit};
use harness::{Answer, Evidence, Exchange, MachineKind, Output, Status, Verdict, Violation, secret};

use crate::sample::{CARD, LATE, LOST, REGISTERED, case, kill};
use crate::terminal::Paper;

/// Quoted differently by everybody, and no multiple of anything long.
const SECRET: &str = "k3/J+x0\"'\\<&>\u{1b}[0m-and-so-on";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// With neighbours, so that it begins at each place of a group of base64.
fn longer() -> [String; 3] {
    ["KEY=", "_KEY=", "API_KEY="].map(|name| format!("io.systemd.credential:{name}{SECRET}, and more"))
}

/// As somebody may print it on purpose or by mistake.
fn printed() -> String {
    let bytes = SECRET.as_bytes();
    let wide: Vec<u8> = SECRET.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let mut lines = vec![
        SECRET.to_owned(),
        format!("{SECRET:?}"),
        format!("{bytes:?}"),
        bytes.escape_ascii().to_string(),
        format!("'{}'", SECRET.replace('\'', r"'\''")),
        serde_json::to_string(SECRET).unwrap(),
        STANDARD.encode(bytes),
        URL_SAFE.encode(bytes),
        hex(bytes),
        hex(bytes).to_uppercase(),
        String::from_utf8(wide).unwrap(),
    ];
    lines.extend(longer().map(|text| STANDARD.encode(text)));
    lines.join("\n")
}

/// Parts of each of them, which stay together however a report quotes them.
fn traces() -> Vec<String> {
    let bytes = SECRET.as_bytes();
    let within = |text: String, at: usize| text[at..at + 10].to_owned();
    let mut traces = vec!["k3/J".into(), "m-and-so".into(), "45, 97, 110, 100".into()];
    traces.extend([STANDARD.encode(bytes), URL_SAFE.encode(bytes)].map(|text| within(text, 20)));
    traces.extend([hex(bytes), hex(bytes).to_uppercase()].map(|text| within(text, 20)));
    traces.extend(longer().map(|text| within(STANDARD.encode(text), 50)));
    // UTF-16 as a terminal, JSON and Rust show it.
    traces.extend([r"a\x00n\x00d", r"a\u0000n\u0000d", r"a\0n\0d"].map(str::to_owned));
    traces
}

/// Events with the secret wherever a text can be.
fn events(purpose: Purpose) -> Vec<Event> {
    let text = printed();
    let exchange = |answer| Exchange {
        machine: text.clone(),
        action: text.clone(),
        answer,
        began: None,
        took: Duration::ZERO,
    };
    let ran = Output { status: Status::Exit(1), stdout: text.clone().into(), stderr: text.clone().into() };
    let evidence = Evidence {
        transcript: vec![
            exchange(Answer::Ran(ran)),
            exchange(Answer::Done),
            exchange(Answer::None(text.clone())),
        ],
        journal: text.clone(),
        console: text.clone(),
        machines: Vec::new(),
    };
    let verdicts = [
        Verdict::Failed(Violation { expected: text.clone(), observed: text.clone() }),
        Verdict::Broken { reason: text.clone() },
        Verdict::Skipped { reason: text.clone() },
    ];
    let mut events = vec![
        Event::Preparing { what: text.clone() },
        Event::Prepared { what: text.clone(), took: Duration::ZERO },
        Event::Provisioned { step: text.clone(), change: Change::Applied },
        Event::Noted { text: text.clone() },
        Event::Planned {
            target: text.clone(),
            machine: MachineKind::Vm,
            checks: vec![REGISTERED, LATE, CARD, LOST],
        },
    ];
    for (invariant, verdict) in [REGISTERED, LATE, CARD].into_iter().zip(verdicts) {
        let mut case = case(invariant, verdict);
        (case.target, case.evidence, case.reproduce) = (text.clone(), evidence.clone(), text.clone());
        events.push(Event::CheckEnded(Box::new(case)));
    }
    if purpose == Purpose::Prove {
        let (observed, reason) = (text.clone(), text.clone());
        for fate in [Fate::Killed { observed }, Fate::Survived, Fate::Undecided { reason }] {
            let mut kill = kill(LATE, &text, fate);
            (kill.target, kill.evidence) = (text.clone(), evidence.clone());
            events.push(Event::MutantEnded(Box::new(kill)));
        }
    }
    events.push(Event::Ended { took: Duration::ZERO, interrupted: false });
    events
}

/// Everything that is told of these events.
fn told(purpose: Purpose, events: &[Event]) -> Vec<(&'static str, String)> {
    let (paper, record) = (Paper::default(), Arc::new(Record::new(purpose)));
    let terminal = Arc::new(Terminal::plain(Box::new(paper.clone()), purpose));
    let tee = Tee::new(vec![record.clone(), terminal]);
    for event in events {
        tee.hear(event);
    }
    let run = record.run();
    let (mut xml, mut document) = (Vec::new(), Vec::new());
    junit::write(&mut xml, &run).unwrap();
    json::write(&mut document, &run).unwrap();
    // What is quoted in a file comes out of it again.
    let read = format!("{:#?}", serde_json::from_slice::<json::Document>(&document).unwrap());
    let text = |bytes| String::from_utf8(bytes).unwrap();
    vec![("terminal", paper.text()), ("JUnit", text(xml)), ("JSON", text(document)), ("JSON, read", read)]
}

fn found(told: &[(&'static str, String)]) -> Vec<String> {
    let traces = traces();
    let traces = traces.iter().filter(|trace| told.iter().any(|(_, text)| text.contains(*trace)));
    traces.cloned().collect()
}

#[test]
fn no_report_holds_a_secret_in_any_encoding() {
    let of = |purpose| told(purpose, &events(purpose));
    let both = || [of(Purpose::Run), of(Purpose::Prove)].concat();
    // While it is none, it is everywhere: the search finds what it looks for.
    assert_eq!(found(&both()), traces());

    secret::declare("api-key", SECRET.as_bytes()).unwrap();
    let told = both();
    assert_eq!(found(&told), Vec::<String>::new());
    for (report, text) in told {
        assert!(text.matches("[secret]").count() > 10, "{report}: {text}");
    }
}

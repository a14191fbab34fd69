use std::time::Instant;

use harness::Verdict;
use harness::report::html::{History, Page};
use harness::report::json::{Check, Document};

use crate::browser::Browser;
use crate::needs_browser;
use crate::pages::{failed, recorded};

/// As many checks as no target has, with the evidence of recorded ones.
fn crowd() -> Document {
    let [mut run, _] = recorded();
    let real = std::mem::take(&mut run.checks);
    run.checks = (0..2_000)
        .map(|number| {
            let check = &real[number % real.len()];
            let family = format!("family-{:02}", number % 40);
            let verdict = if number % 100 == 99 { failed("exit status 1") } else { Verdict::Passed };
            Check { id: format!("{family}.check-{number:04}"), family, verdict, ..check.clone() }
        })
        .collect();
    run
}

#[test]
fn two_thousand_cases_are_no_burden() {
    needs_browser!();
    let run = crowd();
    let mut history = History::default();
    for day in 0..30 {
        history.add(&Document { started: run.started - 86_400 * day, ..run.clone() });
    }
    let browser = Browser::open(&Page::of(&[run], Some(history.finish())), "");
    assert_eq!(browser.text("h1"), "20 of 2000 invariants violated");
    assert_eq!(browser.count("#view-grid .verdict"), 2_000);

    // Counted in the page, where nothing of what drives it is in the way.
    let milliseconds = |what: &str| {
        let drawn = "document.body.offsetHeight; return performance.now() - began";
        browser.get(&format!("const began = performance.now(); {what}; {drawn}")).as_f64().unwrap()
    };
    let load = browser.get("return performance.getEntriesByType('navigation')[0].loadEventEnd");
    let type_in = "const search = document.getElementById('search'); search.value = 'check-0007'; \
                   search.dispatchEvent(new Event('input'))";
    let (first, again) = (milliseconds(type_in), milliseconds(type_in));
    println!("loaded in {load:.0} ms, searched in {first:.0} ms, then in {again:.0} ms");
    assert_eq!(browser.count("#view-grid .verdict"), 1);
    browser.click("#view-grid tr:not([hidden]) .verdict");
    browser.until("document.querySelector('#panel h2')?.innerText === 'family-07.check-0007'");
    for (view, parts) in [("timeline", ".check"), ("history", ".spark")] {
        let began = Instant::now();
        browser.go(&format!("#view={view}"));
        browser.until(&format!("document.querySelectorAll('#view-{view} {parts}').length === 2000"));
        println!("{view} after {} ms", began.elapsed().as_millis());
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

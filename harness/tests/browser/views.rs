use harness::report::html::Page;

use crate::browser::Browser;
use crate::needs_browser;
use crate::pages::{everything, recorded, troubled};

#[test]
fn a_recorded_run_is_told_at_a_glance() {
    needs_browser!();
    let browser = Browser::open(&Page::of(&recorded(), None), "");
    assert_eq!(browser.text("h1"), "All 14 invariants hold");
    assert!(browser.text("#subline").starts_with("omarchy · 3 of 3 mutants killed · "));
    assert_eq!(browser.count("#view-grid .verdict"), 14);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn every_view_shows_what_it_is_for() {
    needs_browser!();
    let browser = Browser::open(&everything(), "");
    assert_eq!(browser.text("h1"), "4 of 28 checks failed, 2 not decided");
    assert_eq!(browser.text("#views"), "Invariants\nTimeline\nMutants\nHistory\nDocuments");
    assert_eq!(browser.count("#view-grid .verdict"), 28);
    assert_eq!(browser.count("#view-grid .flake"), 2);

    browser.click("#views a:nth-child(2)");
    browser.until("!document.getElementById('view-timeline').hidden");
    // Each try of both runs, and the proof's, each mutant once.
    assert_eq!(browser.count("#view-timeline .check"), 23 + 23 + 1 + 3);
    assert!(browser.count("#view-timeline .life") > browser.count("#view-timeline .check"));
    assert!(browser.count("#view-timeline .mark") > 10, "faults are marked");
    assert!(browser.count("#view-timeline .phase") > 20, "and how machines started");
    let titles = browser.text("#view-timeline");
    for title in ["Run of omarchy 2", "Run of elsewhere in containers", "Proof of omarchy 2"] {
        assert!(titles.contains(title), "{title}: {titles}");
    }

    browser.click("#views a:nth-child(3)");
    browser.until("!document.getElementById('view-mutants').hidden");
    assert_eq!(browser.text("#view-mutants td:nth-child(2)"), "passed");
    assert_eq!(browser.count("#view-mutants [data-entry]"), 3);

    browser.click("#views a:nth-child(4)");
    browser.until("!document.getElementById('view-history').hidden");
    assert_eq!(browser.count("#view-history .spark"), 14);
    let flaky = browser
        .get("return document.querySelector('#view-history [data-tone=flaky]').closest('tr').innerText");
    assert!(flaky.as_str().unwrap().contains("80.0 % 160/200"), "{flaky}");

    browser.click("#views a:nth-child(5)");
    browser.until("!document.getElementById('view-documents').hidden");
    assert!(browser.count("#view-documents .verdict") >= 28);
    let text = browser.text("#view-documents");
    for says in ["Phase 1: VM Creation", "no check yet: identity.disk-layout", "binfmt.registered"] {
        assert!(text.contains(says), "{says}: {text}");
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_filter_leaves_what_fits() {
    needs_browser!();
    let browser = Browser::open(&everything(), "");
    let shown = || browser.count("#view-grid .verdict:not(.dim)");

    browser.click("#chips [data-tone=failed]");
    assert_eq!(shown(), 4);
    browser.click("#chips [data-tone=broken]");
    assert_eq!(shown(), 6);
    browser.get("const target = document.getElementById('target'); target.value = 'omarchy'; target.dispatchEvent(new Event('change'))");
    assert_eq!(shown(), 3);
    assert_eq!(browser.count("#view-grid thead [data-target]"), 1);

    browser.click("#search");
    browser.keys("126 STATUS");
    assert_eq!(browser.text("#view-grid tr:not(.family):not([hidden]) .id"), "binfmt.flags");
    assert_eq!(shown(), 1);
    browser.keys(" nonsense");
    assert_eq!(shown(), 0);
    browser.click("#clear");
    assert_eq!(shown(), 28);
}

#[test]
fn a_link_opens_what_it_names() {
    needs_browser!();
    let browser = Browser::open(&everything(), "#case=omarchy/binfmt.flags");
    for (place, heading, says) in [
        ("#case=omarchy/binfmt.flags", "binfmt.flags", "Observed\nexit status 126"),
        ("#case=omarchy/binfmt.executes/4", "binfmt.executes", "try 4 of the run"),
        ("#case=elsewhere/binfmt.nix-order", "binfmt.nix-order", "Reason\nthe machine is gone"),
        ("#case=elsewhere/binfmt.executes/4", "binfmt.executes", " UTC in containers"),
        ("#mutant=omarchy/binfmt.dynamic-linker/missing", "binfmt.dynamic-linker, mutant missing", "killed"),
    ] {
        browser.go(place);
        browser.until(&format!("document.querySelector('#panel h2')?.innerText === '{heading}'"));
        let text = browser.text("#panel");
        assert!(text.contains(says), "{place}: {text}");
    }
    browser.go("#case=omarchy/binfmt.renamed");
    assert_eq!(
        browser.text("#panel h2"),
        "binfmt.dynamic-linker, mutant missing",
        "an unknown name changes nothing"
    );
    browser.go("#view=grid");
    browser.until("document.getElementById('panel').hidden");
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn a_case_tells_everything_that_was_seen() {
    needs_browser!();
    let browser = Browser::open(&Page::of(&[troubled()], None), "#case=omarchy/binfmt.share-lost-and-back");
    let text = browser.text("#panel");
    for part in [
        "passed",
        "Share unmounted and mounted again",
        "omarchy-architecture.md, ",
        "assay run omarchy --only binfmt.share-lost-and-back",
        "unplug the drive psf",
        "drop_caches",
        "exit status 0",
        "Console",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    assert!(browser.count("#panel .lifelines .life") >= 1);
}

#[test]
fn nothing_is_wider_than_the_screen() {
    needs_browser!();
    let browser = Browser::open(&everything(), "");
    for (width, height, dark) in [(390, 844, false), (390, 844, true), (820, 1180, false), (1400, 900, true)]
    {
        browser.look(width, height, dark);
        for place in [
            "#view=grid",
            "#view=timeline",
            "#view=mutants",
            "#view=history",
            "#view=documents",
            "#case=omarchy/binfmt.flags",
        ] {
            browser.go(place);
            let opens = place.starts_with("#case");
            browser.until(&format!("document.getElementById('panel').hidden !== {opens}"));
            let wide = browser.get("return document.documentElement.scrollWidth").as_u64().unwrap();
            assert!(wide <= width.into(), "{place} is {wide} wide on {width}");
        }
        let ground = browser.get("return getComputedStyle(document.body).backgroundColor");
        assert_eq!(ground == "rgb(19, 21, 23)", dark, "{ground}");
    }
}

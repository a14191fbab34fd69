use harness::report::html::Page;
use harness::{Answer, Verdict, Violation};
use serde_json::json;

use crate::browser::Browser;
use crate::needs_browser;
use crate::pages::{find, recorded};

const MARKUP: &str = "</script><script>window.owned = 1</script><img src=x onerror=\"window.owned = 2\">\
                      <style>* { display: none }</style><!-- <svg onload='window.owned = 3'> javascript:alert(1)";

/// Whatever is in a text, it is shown, and does nothing.
#[test]
fn what_guests_print_is_shown_as_text() {
    needs_browser!();
    let [mut run, _] = recorded();
    let acts = "\x1b[2J\x1b]0;owned\x07\u{202e}dessap\u{9b}31m\0";
    let flood = format!("{MARKUP}{acts}{}the end{MARKUP}", "<b>flood</b>\r\n".repeat(800_000));
    assert!(flood.len() > 10_000_000);
    let check = find(&mut run, "binfmt.flags");
    let Answer::Ran(output) = &mut check.evidence.transcript[0].answer else { panic!("no output") };
    output.stdout = flood.clone().into_bytes();
    check.evidence.journal = flood.clone();
    check.evidence.console = flood;
    check.evidence.transcript[0].action = MARKUP.into();
    check.evidence.transcript[0].machine = MARKUP.into();
    check.evidence.machines[0].machine = MARKUP.into();
    check.reproduce = MARKUP.into();
    check.statement = format!("`{MARKUP}` {MARKUP}");
    check.verdict =
        Verdict::Failed(Violation { expected: MARKUP.into(), observed: format!("{MARKUP}{acts}") });
    run.target = MARKUP.into();

    let browser = Browser::open(&Page::of(&[run], None), "");
    browser.click("#view-grid [data-tone=failed].verdict");
    browser.until("!document.getElementById('panel').hidden");
    browser.get("document.querySelectorAll('#panel details').forEach((part) => { part.open = true })");
    browser.until("document.querySelectorAll('#panel .stream').length >= 3");

    let shown = browser.get("return document.getElementById('panel').textContent");
    let shown = shown.as_str().unwrap();
    // Twice in the statement; as what was expected, observed, and typed; in the transcript; and at both ends of each
    // of three streams.
    assert!(shown.matches(MARKUP).count() >= 14, "{}", shown.matches(MARKUP).count());
    assert!(shown.contains(r"\x1b[2J\x1b]0;owned\x07\u{202e}dessap\u{9b}31m\x00"));
    assert!(shown.contains("the end") && shown.contains(" bytes left out ...]"));
    assert!(!shown.contains(['\x1b', '\u{202e}', '\0']));

    browser.go("#view=timeline");
    browser.until("document.querySelectorAll('#view-timeline .check').length > 0");
    assert_eq!(browser.get("return window.owned"), json!(null));
    assert_eq!(browser.get("return document.scripts.length"), 2);
    assert_eq!(
        browser.get("return document.querySelectorAll('img, style:not(head *), [onload], [onerror]').length"),
        0
    );
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Should a text ever become markup all the same, the page's policy still forbids it to do anything.
#[test]
fn the_policy_forbids_everything_else() {
    needs_browser!();
    let browser = Browser::open(&Page::of(&recorded(), None), "");
    let refused =
        |script: &str| browser.get(&format!("try {{ {script}; return false }} catch {{ return true }}"));
    assert_eq!(refused("document.body.innerHTML = '<b>markup</b>'"), json!(true));
    assert_eq!(
        refused(
            "document.body.append(Object.assign(document.createElement('script'), { text: 'window.owned = 1' }))"
        ),
        json!(true)
    );
    browser.get(
        "document.body.append(Object.assign(document.createElement('img'), { src: 'http://127.0.0.1:9/x' }))",
    );
    browser.get("const style = document.createElement('style'); style.append('body { display: none }'); document.head.append(style)");
    assert_eq!(browser.get("return window.owned"), json!(null));
    assert_ne!(browser.get("return getComputedStyle(document.body).display"), "none");
    let complaints = browser.complaints();
    assert!(
        complaints.iter().all(|complaint| complaint.contains("Content Security Policy")
            || complaint.contains("TrustedScript")
            || complaint.contains("TrustedHTML")),
        "{complaints:?}"
    );
    assert!(complaints.len() >= 3, "{complaints:?}");
}

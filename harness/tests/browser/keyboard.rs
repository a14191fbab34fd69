use crate::browser::Browser;
use crate::needs_browser;
use crate::pages::everything;

const ENTER: &str = "\u{e007}";
const ESCAPE: &str = "\u{e00c}";

fn focused(browser: &Browser) -> String {
    let script =
        "const one = document.activeElement; return one.querySelector('.hidden')?.textContent ?? one.id";
    browser.get(script).as_str().unwrap_or_default().to_owned()
}

#[test]
fn everything_is_reached_without_a_mouse() {
    needs_browser!();
    let browser = Browser::open(&everything(), "");
    browser.keys("/");
    assert_eq!(focused(&browser), "search");
    browser.keys("binfmt.mount");
    browser.keys(ENTER);
    assert_eq!(focused(&browser), "binfmt.mount-before on elsewhere: passed");
    browser.keys("jl");
    assert_eq!(focused(&browser), "binfmt.mount-late on omarchy: passed");
    browser.keys("k");
    assert_eq!(focused(&browser), "binfmt.mount-before on omarchy: passed");

    browser.keys(ENTER);
    browser.until("document.querySelector('#panel h2')?.innerText === 'binfmt.mount-before'");
    // Once something is open, walking opens the next.
    browser.keys("j");
    browser.until("document.querySelector('#panel h2')?.innerText === 'binfmt.mount-late'");
    browser.keys(ESCAPE);
    browser.until("document.getElementById('panel').hidden");
    assert_eq!(focused(&browser), "binfmt.mount-late on omarchy: passed", "the focus is back where it was");

    browser.keys("2");
    browser.until("!document.getElementById('view-timeline').hidden");
    browser.keys("j");
    assert!(focused(&browser).starts_with(": passed, +"), "{}", focused(&browser));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn keys_that_are_typed_into_a_field_are_text() {
    needs_browser!();
    let browser = Browser::open(&everything(), "");
    browser.keys("/jk2/");
    assert_eq!(browser.get("return document.getElementById('search').value"), "jk2/");
    browser.keys(ESCAPE);
    assert_eq!(browser.get("return document.getElementById('search').value"), "");
    assert_eq!(browser.count("#view-grid .verdict:not(.dim)"), 28);
}

//! A headless Chromium, driven over WebDriver (W3C, "WebDriver", and chromedriver's own `goog` and `se` commands).

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::report::html::{Page, write_file};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long anything may take that is not instantaneous, such as the start of a browser on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// How long a page may take until what is waited for is true, in milliseconds.
const SOON: u64 = 50_000;

/// A window on one report. It is gone when dropped, with everything that it started.
pub struct Browser {
    driver: Child,
    session: String,
    agent: ureq::Agent,
    /// The report, and what the browser writes.
    directory: TempDir,
}

impl Browser {
    /// Opens a report at a place in it, such as `#view=timeline`.
    pub fn open(page: &Page, place: &str) -> Browser {
        let browser = Browser::start();
        write_file(&browser.report(), page).unwrap();
        browser.go(place);
        browser
    }

    fn start() -> Browser {
        let directory = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            // Where a browser would keep things beside its profile.
            .env("HOME", directory.path())
            .env_remove("XDG_CONFIG_HOME")
            // What it starts is in its group, and ends with it.
            .process_group(0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver: {error}: {INSTALL}"));
        let port = port(&mut driver);
        let agent = ureq::Agent::new_with_config(
            ureq::Agent::config_builder().timeout_global(Some(LIMIT)).http_status_as_error(false).build(),
        );
        let mut browser =
            Browser { driver, session: format!("http://127.0.0.1:{port}/session"), agent, directory };
        let session = browser.post("", &browser.capabilities());
        browser.session = format!("{}/{}", browser.session, session["sessionId"].as_str().unwrap());
        browser
    }

    fn capabilities(&self) -> Value {
        let profile = format!("--user-data-dir={}", self.directory.path().join("profile").display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1400,900",
            &profile,
        ];
        json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": arguments, "binary": binary() },
            "goog:loggingPrefs": { "browser": "ALL" },
        } } })
    }

    fn report(&self) -> PathBuf {
        self.directory.path().join("report.html")
    }

    /// Goes to a place in the report.
    pub fn go(&self, place: &str) {
        self.post("/url", &json!({ "url": format!("file://{}{place}", self.report().display()) }));
    }

    /// What a function body returns in the page.
    pub fn get(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The text of the first element that fits, as it is seen.
    pub fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({})?.innerText", json!(selector));
        self.get(&script).as_str().unwrap_or_else(|| panic!("there is no {selector}")).to_owned()
    }

    /// How many elements are shown that fit.
    pub fn count(&self, selector: &str) -> u64 {
        let script = format!(
            "return [...document.querySelectorAll({})].filter((one) => one.getClientRects().length > 0).length",
            json!(selector)
        );
        self.get(&script).as_u64().unwrap()
    }

    /// Waits until an expression is true in the page, looking at every frame that it draws.
    #[track_caller]
    pub fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0], end = performance.now() + {SOON};
             (function look() {{
                 if ({expression}) done(true);
                 else if (performance.now() > end) done(false);
                 else requestAnimationFrame(look);
             }})();"
        );
        self.post("/timeouts", &json!({ "script": 2 * SOON }));
        let came = self.post("/execute/async", &json!({ "script": script, "args": [] }));
        assert_eq!(came, json!(true), "it never came: {expression}");
    }

    pub fn click(&self, selector: &str) {
        let script = format!("return document.querySelector({})", json!(selector));
        let element = self.get(&script);
        let element = element.as_object().and_then(|element| element.values().next()).and_then(Value::as_str);
        let element = element.unwrap_or_else(|| panic!("there is no {selector}"));
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// Presses keys, one after the other. Enter and Escape are what WebDriver has for them.
    pub fn keys(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key })))
            .collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.post("/actions", &json!({ "actions": [keyboard] }));
    }

    /// Has the page drawn as on a screen of this size, in dark colours or light ones.
    pub fn look(&self, width: u32, height: u32, dark: bool) {
        let scheme = if dark { "dark" } else { "light" };
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", &size);
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", &media);
    }

    /// Everything that the page has complained of since this was last asked.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        let entries = log.as_array().unwrap().iter();
        entries.map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.session);
        let mut response = self.agent.post(url).send(body.to_string()).unwrap();
        let text = response.body_mut().with_config().limit(64 << 20).read_to_string().unwrap();
        let mut answer: Value = serde_json::from_str(&text).unwrap();
        let value = answer["value"].take();
        assert!(response.status().is_success(), "{path}: {}", value["message"].as_str().unwrap_or(&text));
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked first, the browser leaves nothing behind; what does not hear is killed.
        let _ = self.agent.delete(&self.session).call();
        if let Some(group) = rustix::process::Pid::from_raw(self.driver.id().cast_signed()) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.driver.wait();
    }
}

const INSTALL: &str = "these tests need Chromium and its driver, which are the packages chromium and chromium-driver \
                       of Debian, and chromium of Arch; `ci/bootstrap just test-report` installs them";

/// Chromium, or a browser made of it.
fn binary() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = ["chromium", "google-chrome"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |directory| directory.join(name)))
        .find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("chromium is not in PATH: {INSTALL}"))
}

/// Which port the driver has chosen: it says so, and then says no more that matters.
fn port(driver: &mut Child) -> u16 {
    let mut said = BufReader::new(driver.stdout.take().unwrap()).lines();
    let line = said.find_map(|line| line.ok().filter(|line| line.contains("started successfully on port")));
    std::thread::spawn(move || said.for_each(drop));
    let line = line.unwrap_or_else(|| panic!("chromedriver did not start"));
    let number = line.rsplit(' ').next().unwrap_or_default().trim_end_matches('.');
    number.parse().unwrap_or_else(|_| panic!("chromedriver said {line:?}"))
}

//! Whatever bytes come, reading them ends in a report or a message.

use harness::gate::{Day, Policy, judge};
use harness::junit::{MESSAGE_LIMIT, NAME_LIMIT, Report, read};
use proptest::prelude::*;

const REPORTS: [&str; 9] = [
    include_str!("../fixtures/junit/nextest.xml"),
    include_str!("../fixtures/junit/pytest.xml"),
    include_str!("../fixtures/junit/surefire.xml"),
    include_str!("../fixtures/junit/xunit.xml"),
    include_str!("../fixtures/junit/googletest.xml"),
    include_str!("../fixtures/junit/gotestsum.xml"),
    include_str!("../fixtures/junit/ctest.xml"),
    include_str!("../fixtures/wanted/10-playwright-projects.xml"),
    include_str!("../fixtures/wanted/18-gradle-unmerged.xml"),
];

/// A report of which some bytes were replaced, lost, or doubled.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), 0usize..40, prop::sample::select(PIECES.to_vec()));
    (prop::sample::select(REPORTS.to_vec()), prop::collection::vec(change, 1..5)).prop_map(
        |(report, changes)| {
            let mut bytes = report.as_bytes().to_vec();
            for (place, length, piece) in changes {
                let start = place.index(bytes.len());
                let end = (start + length).min(bytes.len());
                bytes.splice(start..end, piece.bytes());
            }
            bytes
        },
    )
}

const PIECES: [&str; 20] = [
    "",
    "<",
    ">",
    "\"",
    "&",
    "&lt;",
    "&#x10ffff;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "\0",
    "<testcase name='x'>",
    "<failure/>",
    "</testcase>",
    "<testsuite name='y'/>",
    "<testsuites><testsuite name='y' hostname='z' errors='3'>",
    "</testsuite></testsuites>",
    "<testcase name=''><odd/></testcase>",
    "status='odd' ",
];

/// What holds for everything that was read.
fn sound(report: &Report) -> bool {
    let judgement = judge(report, report, &Policy::default(), Day::today()).unwrap();
    judgement.status() == 0 && judgement.findings.len() == report.cases.len() && bounded(report)
}

fn bounded(report: &Report) -> bool {
    report.cases.iter().all(|case| {
        !case.name.is_empty()
            && case.name.len() <= NAME_LIMIT
            && case.class.len() <= NAME_LIMIT
            && case.message.len() <= MESSAGE_LIMIT
            && case.flaky.is_none_or(|flaky| (0.0..=1.0).contains(&flaky.rate()))
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(report) = read(&bytes[..]) {
            prop_assert!(sound(&report));
        }
    }

    #[test]
    fn a_damaged_report_is_read_or_refused(bytes in mutated()) {
        if let Ok(report) = read(&bytes[..]) {
            prop_assert!(sound(&report));
        }
    }

    /// The parser sees the same, however the bytes arrive.
    #[test]
    fn it_does_not_matter_how_bytes_arrive(bytes in mutated(), capacity in 1usize..64) {
        let whole = read(&bytes[..]).map_err(|fault| fault.to_string());
        let slowly = read(std::io::BufReader::with_capacity(capacity, &bytes[..]));
        prop_assert_eq!(whole, slowly.map_err(|fault| fault.to_string()));
    }
}

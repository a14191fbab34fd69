//! Whatever bytes a guest sends, the report is well-formed and says them.

use std::time::Instant;

use harness::report::Purpose;
use harness::report::junit::STREAM_LIMIT;
use harness::text;
use harness::{Answer, Evidence, Exchange, Output, Status, Verdict, Violation};
use proptest::collection::vec;
use proptest::prelude::*;
use roxmltree::{Document, Node};

use crate::junit::{objections, written};
use crate::sample::{REGISTERED, case, run};

/// Any characters, with those that XML, terminals and CDATA treat specially more often than chance would.
pub fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        4 => any::<char>().prop_map(String::from),
        2 => (0u8..0x20).prop_map(|control| char::from(control).to_string()),
        2 => prop::sample::select(vec![
            "]]>", "]]", ">", "<![CDATA[", "&amp;", "&#0;", "\r\n", "\r", "\n\n", "\x1b[2J", "\u{9b}", "\"'<>&",
            "</script>", "<script>", "<!--", "</style>", "\u{202e}", "\u{feff}", "\u{ffff}", "\u{85}", "\u{2028}", "--", "<?xml?>", " ", "\t",
        ])
        .prop_map(String::from),
    ];
    vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

pub fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..200), hostile().prop_map(String::into_bytes)]
}

fn element<'a>(document: &'a Document, name: &str) -> Node<'a, 'a> {
    document.descendants().find(|node| node.has_tag_name(name)).unwrap()
}

/// As the report quotes a stream.
fn quoted(raw: &[u8], mark: &str) -> String {
    let shown = text::visible(raw);
    let shown = shown.trim_end_matches('\n');
    if shown.is_empty() {
        String::new()
    } else {
        format!("{mark}{}\n", shown.replace('\n', &format!("\n{mark}")))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_well_formed_and_readable(
        [target, expected, observed, action, machine, journal, console] in std::array::from_fn(|_| hostile()),
        stdout in bytes(),
        stderr in bytes(),
    ) {
        let output = Output { status: Status::Exit(0), stdout: stdout.clone(), stderr: stderr.clone() };
        let exchange = Exchange::since(Instant::now(), &machine, &action, Answer::Ran(output));
        let violation = Violation { expected: expected.clone(), observed: observed.clone() };
        let mut case = case(REGISTERED, Verdict::Failed(violation));
        case.target.clone_from(&target);
        let (journal, console) = (journal.as_str(), console.as_str());
        case.evidence = Evidence {
            transcript: vec![exchange],
            journal: journal.into(),
            console: console.into(),
            ..Evidence::default()
        };

        let xml = written(&run(Purpose::Run, &[], vec![case], vec![]));
        let document = Document::parse(&xml).unwrap();
        prop_assert_eq!(objections(&xml), Vec::<String>::new());

        let class = element(&document, "testcase").attribute("classname").unwrap();
        prop_assert_eq!(class, text::line(format!("{target}.binfmt")));
        let failure = element(&document, "failure").text().unwrap();
        let says = format!("expected: {}\nobserved: {}", text::visible(&expected), text::visible(&observed));
        prop_assert_eq!(failure, says);
        let out = element(&document, "system-out").text().unwrap();
        for stream in [
            quoted(&stdout, "  | "), quoted(&stderr, "  ! "), quoted(journal.as_bytes(), "| "), quoted(console.as_bytes(), "| "),
        ] {
            prop_assert!(out.contains(&stream), "{stream:?} is not in {out:?}");
        }
    }

    #[test]
    fn any_reason_is_well_formed_and_readable(reason in hostile(), skip in any::<bool>()) {
        let (verdict, name) = match skip {
            true => (Verdict::Skipped { reason: reason.clone() }, "skipped"),
            false => (Verdict::Broken { reason: reason.clone() }, "error"),
        };
        let xml = written(&run(Purpose::Run, &[], vec![case(REGISTERED, verdict)], vec![]));
        let document = Document::parse(&xml).unwrap();
        let node = element(&document, name);
        prop_assert_eq!(node.text().unwrap_or_default(), text::visible(&reason));
        prop_assert_eq!(node.attribute("message").unwrap(), text::line(&reason));
    }

    #[test]
    fn nothing_shown_can_act(raw in bytes()) {
        let shown = text::visible(&raw);
        prop_assert!(shown.chars().all(|character| !character.is_control() || "\n\t".contains(character)));
        prop_assert_eq!(text::visible(&shown), shown.as_str(), "what is safe stays as it is");
        prop_assert!(!text::line(&raw).contains(['\n', '\t', '\r', '\x1b']));
    }

    #[test]
    fn clipped_text_is_bounded_and_accounts_for_every_byte(text in hostile(), limit in 0usize..64) {
        let clipped = text::clip(&text, limit);
        if text.len() <= limit {
            prop_assert_eq!(&*clipped, text.as_str());
        } else {
            let kept = text.len() - left_out(&clipped);
            prop_assert!(kept <= limit && limit <= STREAM_LIMIT);
            prop_assert!(clipped.len() <= kept + 64);
        }
    }
}

fn left_out(clipped: &str) -> usize {
    let (_, count) = clipped.rsplit_once("\n[... ").unwrap();
    count.split_once(' ').unwrap().0.parse().unwrap()
}

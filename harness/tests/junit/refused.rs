//! What is no report, or would do harm.

use std::fs;
use std::path::Path;

use harness::junit::{ATTRIBUTE_LIMIT, CASE_LIMIT, DEPTH_LIMIT, NAME_LIMIT, read, read_file};
use insta::assert_snapshot;

/// What is said of a report.
fn said(report: impl AsRef<[u8]>) -> String {
    read(report.as_ref()).unwrap_err().to_string()
}

#[test]
fn what_is_no_report() {
    assert_snapshot!(said(""), @"line 1: it is empty");
    assert_snapshot!(said(" \n"), @"line 2: it is empty");
    assert_snapshot!(said("{\"tests\": []}"), @"line 1: it begins with text, and a JUnit report with <testsuites> or <testsuite>");
    assert_snapshot!(said("<!-- nothing -->"), @"line 1: it is empty");
    assert_snapshot!(said("<html><body/></html>"), @"line 1: it begins with <html>, and a JUnit report with <testsuites> or <testsuite>");
    assert_snapshot!(said("\0\0\0\0"), @"line 1: it begins with text, and a JUnit report with <testsuites> or <testsuite>");
}

#[test]
fn what_is_damaged() {
    assert_snapshot!(said("<testsuite>\n<testcase name='a'/>\n"), @"line 3: it ends inside <testsuite>: it is cut off");
    assert_snapshot!(said("<testsuite>\n<testcase name='a'><system-out><![CDATA[cut"), @"line 2: it is not well-formed XML: syntax error: CDATA not closed: `]]>` not found before end of input");
    assert_snapshot!(said("<testsuite>\n<testcase name='a'></testsuite>"), @"line 2: it is not well-formed XML: ill-formed document: expected `</testcase>`, but `</testsuite>` was found");
    assert_snapshot!(said("<testsuite/>\n<testsuite/>"), @"line 2: there is more after the end of the report");
    assert_snapshot!(said("<testsuite/>\nwarning: leaked"), @"line 1: there is more after the end of the report");
    assert_snapshot!(said("<testsuite><testcase name=a/></testsuite>"), @r#"line 1: it is not well-formed XML: error while parsing attribute: position 14: attribute value must be enclosed in `"` or `'`"#);
}

#[test]
fn what_would_write_a_line_of_its_own() {
    assert_snapshot!(said("<testsuite></a\n::error::forged>"), @r#"line 1: it is not well-formed XML: ill-formed document: expected `</testsuite>`, but `</a\n::error::forged>` was found"#);
    assert_snapshot!(said("<?xml version='1.0' encoding='a\n::error::forged\x1b[2J'?><testsuite/>"), @r#"line 1: it is encoded as a\n::error::forged\x1b[2J, and only UTF-8, UTF-16 and Windows-1252 are read: convert it, for example with iconv"#);
    assert_snapshot!(said("<testsuite>&a\n::error::forged;</testsuite>"), @r#"line 1: it uses the entity "a\n::error::forged": only amp, lt, gt, quot, apos and numbers of characters are read"#);
}

#[test]
fn what_would_expand() {
    let bomb =
        "<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY b 'bb'><!ENTITY c '&b;&b;'>]>\n<testsuite name='&c;'/>";
    assert_snapshot!(said(bomb), @"line 2: it declares a document type, which could define entities: remove <!DOCTYPE ...>");
    assert_snapshot!(said("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><testsuite/>"), @"line 1: it declares a document type, which could define entities: remove <!DOCTYPE ...>");
    assert_snapshot!(said("<testsuite>\n<testcase name='&c;'/></testsuite>"), @r#"line 2: it uses the entity "c": only amp, lt, gt, quot, apos and numbers of characters are read"#);
    assert_snapshot!(said("<testsuite>\n<system-out>&c;</system-out></testsuite>"), @r#"line 2: it uses the entity "c": only amp, lt, gt, quot, apos and numbers of characters are read"#);
    assert_snapshot!(said("<testsuite>\n<system-out>a & b</system-out></testsuite>"), @"line 2: it is not well-formed XML: ill-formed document: entity or character reference not closed: `;` not found before end of input");
}

#[test]
fn what_is_written_in_another_encoding() {
    assert_snapshot!(said("<?xml version='1.0' encoding='Shift_JIS'?><testsuite/>"), @"line 1: it is encoded as Shift_JIS, and only UTF-8, UTF-16 and Windows-1252 are read: convert it, for example with iconv");
    assert_snapshot!(said(b"\x1f\x8b\x08"), @"line 1: it is compressed: unpack it, for example with gunzip");
    assert!(read(&b"\xef\xbb\xbf<?xml version='1.0' encoding='US-ASCII'?><testsuite/>"[..]).is_ok());
}

#[test]
fn what_is_too_much() {
    let deep = format!("<testsuite>{}", "<a>".repeat(DEPTH_LIMIT));
    assert_snapshot!(said(deep), @"line 1: its elements are nested more than 64 deep");
    let wide: String = (0..=ATTRIBUTE_LIMIT).map(|number| format!(" a{number}=''")).collect();
    assert_snapshot!(said(format!("<testsuite{wide}/>")), @"line 1: an element has more than 128 attributes");
    let long = "a".repeat(NAME_LIMIT + 1);
    assert_snapshot!(said(format!("<testsuite><testcase name='{long}'/></testsuite>")), @"line 1: a name is longer than 4096 bytes");
    assert_snapshot!(said(format!("<testsuite name='{long}'/>")), @"line 1: a name is longer than 4096 bytes");
    let far = format!("<testsuite name='{}'>", "a".repeat(NAME_LIMIT)).repeat(6);
    assert_snapshot!(said(far), @"line 1: the names of the suites around a case are together longer than 16384 bytes");
    let many = "<testcase name='a'/>".repeat(CASE_LIMIT + 1);
    assert_snapshot!(said(format!("<testsuite>{many}</testsuite>")), @"line 1: it has more than 200000 cases");
}

#[test]
fn what_cannot_be_read() {
    let said = |file: &Path| read_file(file).unwrap_err().to_string();
    assert_snapshot!(said(Path::new("nowhere.xml")), @"cannot read nowhere.xml: No such file or directory (os error 2)");
    assert_snapshot!(said(Path::new("/")), @"cannot read /: Is a directory (os error 21)");
    assert_snapshot!(said(Path::new("/dev/zero")), @"/dev/zero, line 1: it cannot be read further: one text of it is over 64 MiB");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.xml");
    fs::write(&file, "<testsuite>\n\n</testsuites>").unwrap();
    assert_snapshot!(said(&file).replace(directory.path().to_str().unwrap(), "HERE"), @"HERE/report.xml, line 3: it is not well-formed XML: ill-formed document: expected `</testsuite>`, but `</testsuites>` was found");
}

//! Reads JUnit files, of this project and of any other producer.
//!
//! There is no one JUnit format, so this reads what all of them share: `testsuites` or `testsuite` at the root,
//! suites in suites, and cases with a `name`, mostly a `classname`, and at times a `time` in seconds. A case that
//! says nothing has passed. What it may say:
//!
//! | in a case | verdict | written by |
//! |---|---|---|
//! | `failure` | failed | all |
//! | `error` | broken | all |
//! | `skipped` | skipped | all |
//! | `flakyFailure`, `flakyError` | failed, broken; and flaky | Surefire, nextest: it passed when tried again |
//! | `rerunFailure`, `rerunError` | failed, broken | Surefire, nextest: it failed again |
//! | `status` or `result`, where no element says more | by their words | googletest, CTest |
//! | `flaky: N of M` as the first line of `system-out` | flaky; the elements say the verdict | this project |
//!
//! With several answers the worst one counts, and so it does for several cases of one class and name. A
//! `failure` or `error` of a suite itself is a case of the suite's name.
//!
//! A report is untrusted: its size, its depth, the number of its cases and the length of each name and text
//! are limited, entities are not expanded, and no path is taken from it.

mod bounded;
mod case;
mod draft;
mod error;
mod head;
mod reader;
mod report;
mod text;

pub use bounded::{FILE_LIMIT, PIECE_LIMIT};
pub use case::{Case, Flaky, Verdict};
pub use draft::{MESSAGE_LIMIT, NAME_LIMIT};
pub use error::{Fault, JunitError, Reason};
pub use reader::{ATTRIBUTE_LIMIT, DEPTH_LIMIT, read, read_file};
pub use report::{CASE_LIMIT, Report};

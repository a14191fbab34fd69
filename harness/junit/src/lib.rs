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
//! | `status`, `result`, ... where no element says more | by their words | googletest, CTest, Ginkgo, godog |
//! | an element or word that is not known | broken | PHPUnit: `warning` |
//! | `flaky: N of M` as the first line of `system-out` | flaky; the elements say the verdict | this project |
//!
//! With several answers the worst one counts. **What is not known is never passed, and never absent.** What an element
//! in a suite says is told as a case of that suite, and so it is when the suite counts more failures or tests than are
//! there. A case without a name is told as one, too.
//!
//! A case is known by all that its producer says of it: its class and name and its [`Place`]. Entries that do not differ in
//! any of it are one case, of which the worst counts, and which is flaky when some of them passed: that is how gotestsum,
//! Gradle and gdUnit write a test that was tried again. A test with several parameters may look the same, and then it
//! counts that fewer of them passed than before.
//!
//! A report is untrusted: its size, its depth, the number of its cases and the length of each name and text
//! are limited, entities are not expanded, and no path is taken from it.

mod answer;
mod bounded;
mod case;
mod decoded;
mod draft;
mod error;
mod head;
mod place;
mod reader;
mod report;
mod status;
mod suite;
mod text;
mod time;
mod words;

pub use bounded::{FILE_LIMIT, PIECE_LIMIT};
pub use case::{Case, Flaky, Scope, Verdict};
pub use draft::{MESSAGE_LIMIT, NAME_LIMIT};
pub use error::{Fault, JunitError, Reason};
pub use place::{Name, Place};
pub use reader::{ATTRIBUTE_LIMIT, DEPTH_LIMIT, read, read_file};
pub use report::{CASE_LIMIT, Report};

//! Errors as people read them.

use std::error::Error;

/// An error and what caused it, in one sentence. A cause that the error tells itself is not told again.
pub fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !told.contains(&text) {
            told.push_str(": ");
            told.push_str(&text);
        }
        source = cause.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stop;

    #[derive(Debug, thiserror::Error)]
    enum Demo {
        #[error("cannot read x")]
        Silent { source: std::io::Error },
        #[error("cannot read x: {source}")]
        Telling { source: std::io::Error },
    }

    #[test]
    fn a_cause_is_told_once() {
        let source = || std::io::Error::other("the disk is full");
        for error in [Demo::Silent { source: source() }, Demo::Telling { source: source() }] {
            assert_eq!(with_causes(&error), "cannot read x: the disk is full");
            let Stop::Broken(reason) = Stop::from(error) else { panic!("it is not broken") };
            assert_eq!(reason, "cannot read x: the disk is full");
        }
    }
}

//! The right word for a wrong one.

/// The known word that somebody probably meant who wrote this one.
fn nearest<K: AsRef<str>>(word: &str, known: impl IntoIterator<Item = K>) -> Option<K> {
    let distance = |known: K| (strsim::osa_distance(word, known.as_ref()), known);
    let (distance, found) = known.into_iter().map(distance).min_by_key(|(distance, _)| *distance)?;
    // One letter in three may be wrong: more, and it is another word.
    (distance <= word.chars().count().max(3) / 3).then_some(found)
}

/// That word as an aside to what is said of the wrong one; nothing where no known word is near.
pub fn did_you_mean(word: &str, known: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    nearest(word, known).map(|meant| format!(" (did you mean {:?}?)", meant.as_ref())).unwrap_or_default()
}

/// Adds that word to what serde says of a word that it does not know. It names first this one and then all that it knows,
/// each between backticks.
pub(crate) fn suggest(said: String) -> String {
    if !said.starts_with("unknown field") && !said.starts_with("unknown variant") {
        return said;
    }
    let mut words = said.split('`').skip(1).step_by(2);
    let meant = words.next().map(|unknown| did_you_mean(unknown, words)).unwrap_or_default();
    said + &meant
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_letter_too_few("ned", Some("need"))]
    #[case::two_letters_the_wrong_way_round("bindmt", Some("binfmt"))]
    #[case::neighbours("opnessl", Some("openssl"))]
    #[case::another_word("vpn", None)]
    fn a_slip_is_told_from_another_word(#[case] word: &str, #[case] meant: Option<&str>) {
        assert_eq!(nearest(word, ["need", "binfmt", "openssl"]), meant);
    }

    #[test]
    fn what_serde_says_gets_the_word() {
        let said = |text: &str| suggest(text.to_owned());
        let unknown = "unknown field `memori`, expected one of `memory`, `cpus`";
        assert_eq!(said(unknown), format!("{unknown} (did you mean \"memory\"?)"));
        let other = "unknown variant `ram`, expected `memory` or `cpus`";
        assert_eq!(said(other), other);
        let missing = "missing field `stage`";
        assert_eq!(said(missing), missing);
    }
}

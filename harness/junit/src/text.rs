//! Text that is kept only as far as it matters.

/// Adds `more` to `text` as far as it stays within `limit` bytes.
pub fn push(text: &mut String, more: &str, limit: usize) {
    let room = limit.saturating_sub(text.len());
    text.push_str(&more[..more.floor_char_boundary(room)]);
}

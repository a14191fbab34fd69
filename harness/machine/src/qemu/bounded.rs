//! A reader that refuses lines without end, because what a guest sends is not to be trusted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// The longest line a guest agent may send, in bytes: its answer with the
/// two output streams of a command, 16 MiB each at most, in base64.
pub const LINE_LIMIT: usize = 48 << 20;

/// Fails once a line grows past [`LINE_LIMIT`].
pub struct Bounded<R> {
    inner: R,
    line: usize,
}

impl<R> Bounded<R> {
    pub fn new(inner: R) -> Self {
        Bounded { inner, line: 0 }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Bounded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        let new = &buffer.filled()[before..];
        self.line = match new.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => new.len() - end - 1,
            None => self.line + new.len(),
        };
        if self.line > LINE_LIMIT {
            let message = format!("a line of more than {LINE_LIMIT} bytes came from the guest");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        Poll::Ready(Ok(()))
    }
}

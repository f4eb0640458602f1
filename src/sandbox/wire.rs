//! Connections that can be reset, closed without an answer, or cut in the middle of one.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

const OPEN: u8 = 0;
const RESET: u8 = 1;
const CLOSED: u8 = 2;
const CUT: u8 = 3;
const CUT_BODY: u8 = 4;

/// What is done to a connection; the one who answers holds it too.
#[derive(Clone, Debug, Default)]
pub(super) struct Switch(Arc<AtomicU8>);

impl Switch {
    /// The next write resets the connection.
    pub(super) fn reset(&self) {
        self.0.store(RESET, Ordering::Release);
    }

    /// The next write closes the connection.
    pub(super) fn close(&self) {
        self.0.store(CLOSED, Ordering::Release);
    }

    /// The next write ends in its middle.
    #[cfg(feature = "sftp")]
    pub(super) fn half(&self) {
        self.0.store(CUT_BODY, Ordering::Release);
    }

    /// The next answer ends in the middle of its body, or of its head where it has no body.
    pub(super) fn cut(&self) {
        self.0.store(CUT, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Doors>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Doors>) -> Self {
        stream.io().switch.clone()
    }
}

/// The listener.
pub(super) struct Doors(pub(super) TcpListener);

impl Listener for Doors {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (Wire { stream, switch: Switch::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A connection.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    pub(super) switch: Switch,
}

impl Wire {
    /// Ends the connection the way its state says.
    fn end(&self) -> io::Error {
        if self.switch.0.load(Ordering::Acquire) == RESET {
            // Without lingering the system sends a reset instead of a proper end.
            self.stream.set_zero_linger().unwrap_or_default();
        }
        io::Error::from(io::ErrorKind::ConnectionReset)
    }

    fn write_half(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let half = &bytes[..(bytes.len() / 2).max(1)];
        let written = Pin::new(&mut self.stream).poll_write(context, half);
        if written.is_ready() {
            self.switch.close();
        }
        written
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.switch.0.load(Ordering::Acquire) {
            OPEN => Pin::new(&mut self.stream).poll_write(context, bytes),
            CUT => {
                let head = memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |end| end + 4);
                match bytes.get(head..) {
                    // Head and body in one piece, or a body of nothing.
                    Some(body) if !body.is_empty() => {
                        let most = head + (body.len() / 2).max(1);
                        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..most]);
                        if written.is_ready() {
                            self.switch.close();
                        }
                        written
                    }
                    _ if memchr::memmem::find(bytes, b"content-length: 0").is_some() => self.write_half(context, bytes),
                    _ => {
                        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
                        if written.is_ready() {
                            self.switch.0.store(CUT_BODY, Ordering::Release);
                        }
                        written
                    }
                }
            }
            CUT_BODY => self.write_half(context, bytes),
            _ => Poll::Ready(Err(self.end())),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

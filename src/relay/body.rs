//! Bodies on their way through: never held as a whole, unless they are small enough to be sent twice.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};

use super::log::Entry;

/// Whatever went wrong on the way.
pub type Broken = Box<dyn Error + Send + Sync>;

/// The body of an answer.
pub type Answer = UnsyncBoxBody<Bytes, Broken>;

/// A whole answer of our own.
pub fn whole(bytes: Vec<u8>, entry: Entry) -> Answer {
    counted(Full::new(Bytes::from(bytes)).map_err(|never| match never {}), entry)
}

/// The server's answer, as it comes.
pub fn counted<B>(body: B, entry: Entry) -> Answer
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Broken>,
{
    UnsyncBoxBody::new(Counted { body, entry })
}

/// Reads what a client sends although it is refused, within reason: a connection that is closed over unread bytes
/// may take the answer with it.
pub async fn drain(mut body: Incoming) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > DRAINED {
            return;
        }
    }
}

const DRAINED: usize = 1 << 20;

/// Tells the log how much went through; dropped when the answer has ended, or its client has gone.
struct Counted<B> {
    body: B,
    entry: Entry,
}

impl<B> Body for Counted<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Broken>,
{
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.entry.count(bytes);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A request's body on its way to the server. reqwest wants it to be `Sync`, which a lock makes it; nobody ever
/// waits for that lock.
pub struct Upload(Mutex<Incoming>, SizeHint);

impl Upload {
    /// Passes on what comes.
    pub fn of(body: Incoming) -> Upload {
        let hint = body.size_hint();
        Upload(Mutex::new(body), hint)
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let body = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        Pin::new(body).poll_frame(cx)
    }

    fn size_hint(&self) -> SizeHint {
        self.1
    }
}

//! A store for those who wait: readers are iterators.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::thread;

use llm_audit_core::Error;

use super::objects::Objects;
use super::{Store, Tries};

type Work = Box<dyn FnOnce(Arc<Objects>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A thread with the runtime that the store's connections need; whoever asks may be in a runtime of
/// their own, in which nobody may wait. It ends with the value.
#[derive(Clone, Debug)]
pub(super) struct Blocking {
    work: mpsc::Sender<Work>,
    objects: Arc<Objects>,
}

impl Blocking {
    /// # Errors
    ///
    /// When the store cannot be used as it is configured, or the system has no thread left.
    pub(super) fn start(store: &Store, tries: Tries) -> Result<Self, Error> {
        let objects = Arc::new(store.objects(tries)?);
        let failed = |error| Error::io("failed to start a thread to read a store", error);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        #[cfg(feature = "cloud")]
        runtime.enable_io();
        let runtime = runtime.enable_time().build().map_err(failed)?;
        let (work, todo) = mpsc::channel::<Work>();
        let thread = thread::Builder::new().name("llm-audit-store".to_owned());
        let of_thread = Arc::clone(&objects);
        let run = move || {
            for work in todo {
                runtime.block_on(work(Arc::clone(&of_thread)));
            }
        };
        thread.spawn(run).map_err(failed)?;
        Ok(Self { work, objects })
    }

    /// Whether a request has failed since the last call for another reason than what its object is.
    pub(super) fn take_failed(&self) -> bool {
        self.objects.take_failed()
    }

    /// Does it there, and waits for the result.
    pub(super) fn run<T, W, F>(&self, work: W) -> io::Result<T>
    where
        T: Send + 'static,
        W: FnOnce(Arc<Objects>) -> F + Send + 'static,
        F: Future<Output = io::Result<T>> + 'static,
    {
        let (done, result) = mpsc::sync_channel(1);
        let work: Work = Box::new(move |objects| {
            let work = work(objects);
            Box::pin(async move {
                // Nobody may wait for it any more.
                done.send(work.await).ok();
            })
        });
        let gone = || io::Error::other("the thread that reads the store has ended");
        self.work.send(work).map_err(|_| gone())?;
        result.recv().map_err(|_| gone())?
    }
}

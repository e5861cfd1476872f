//! Stores that fail.

#[cfg(all(feature = "s3", feature = "gcs", feature = "azure"))]
mod answers;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};

use super::{Answers, Place, Store, Tries};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store never sees it.
    Before,
    /// The store does it, and its answer is lost.
    After,
    /// It is not answered, nor is any other.
    Silence,
    /// It fails, and so does every other: to the store, whoever asked was killed.
    Cut,
}

/// A store in memory, one of whose requests fails.
#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    inner: Arc<InMemory>,
    asked: Arc<AtomicUsize>,
    fault: Arc<Mutex<Option<(usize, Fault)>>>,
    event: Arc<Mutex<Option<Event>>>,
    protected: Arc<Mutex<Vec<String>>>,
}

/// What somebody else does before a request.
struct Event(usize, Box<dyn FnOnce() + Send>);

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Event").field(&self.0).finish()
    }
}

impl Faulty {
    pub(crate) fn new() -> Self {
        Self {
            inner: Arc::default(),
            asked: Arc::default(),
            fault: Arc::default(),
            event: Arc::default(),
            protected: Arc::default(),
        }
    }

    /// Refuses to delete these objects.
    pub(crate) fn protect(&self, names: Vec<String>) {
        *self.protected.lock().unwrap() = names;
    }

    /// Returns one that does not fail, on what another holds.
    pub(crate) fn of(inner: Arc<InMemory>) -> Self {
        Self {
            inner,
            ..Self::new()
        }
    }

    /// Lets request number `number` fail, counted from now.
    pub(crate) fn fail(&self, number: usize, fault: Fault) {
        self.asked.store(0, Ordering::SeqCst);
        *self.fault.lock().unwrap() = Some((number, fault));
    }

    /// Has somebody else do something right before request number `number`, counted from now.
    pub(crate) fn before(&self, number: usize, event: impl FnOnce() + Send + 'static) {
        self.asked.store(0, Ordering::SeqCst);
        *self.event.lock().unwrap() = Some(Event(number, Box::new(event)));
    }

    /// Whether that is still to come.
    pub(crate) fn is_to_come(&self) -> bool {
        self.event.lock().unwrap().is_some()
    }

    /// Returns how many requests there were since the last call that counts from then.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn heal(&self) {
        *self.fault.lock().unwrap() = None;
    }

    /// Whether the request that is to fail has come.
    pub(crate) fn has_failed(&self) -> bool {
        let asked = self.asked.load(Ordering::SeqCst);
        self.fault.lock().unwrap().is_some_and(|(at, _)| asked > at)
    }

    pub(crate) fn store(&self) -> Store {
        Store::at("faulty://".to_owned(), Arc::new(self.clone()), true)
    }

    pub(crate) fn inner(&self) -> Arc<InMemory> {
        Arc::clone(&self.inner)
    }

    async fn ask<T>(&self, request: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let fault = *self.fault.lock().unwrap();
        let event = self
            .event
            .lock()
            .unwrap()
            .take_if(|event| event.0 == number);
        if let Some(Event(_, event)) = event {
            event();
        }
        match fault {
            Some((at, Fault::Cut)) if number >= at => Err(lost()),
            Some((at, Fault::Silence)) if number >= at => std::future::pending().await,
            Some((at, Fault::Before)) if number == at => Err(lost()),
            Some((at, Fault::After)) if number == at => request.await.and_then(|_| Err(lost())),
            _ => request.await,
        }
    }
}

fn lost() -> Error {
    Error::Generic {
        store: "faulty",
        source: "AKIA7 s3cr3t".into(),
    }
}

impl Place for Faulty {
    fn open(&self, _: Tries, _: &Answers) -> Result<Arc<dyn ObjectStore>> {
        Ok(Arc::new(self.clone()))
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        at: &Path,
        body: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.ask(self.inner.put_opts(at, body, options)).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.ask(self.inner.put_multipart_opts(at, options)).await?;
        Ok(Box::new(FaultyParts {
            inner,
            store: self.clone(),
        }))
    }

    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        self.ask(self.inner.get_opts(at, options)).await
    }

    fn delete_stream(
        &self,
        all: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let delete = move |path: Result<Path>| {
            let store = store.clone();
            async move {
                let path = path?;
                let is_named = |name: &String| path.as_ref() == name.as_str();
                if store.protected.lock().unwrap().iter().any(is_named) {
                    return Err(Error::PermissionDenied {
                        path: path.to_string(),
                        source: "AKIA7 s3cr3t".into(),
                    });
                }
                store.ask(store.inner.delete(&path)).await.map(|()| path)
            }
        };
        all.then(delete).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, prefix) = (self.clone(), prefix.cloned());
        let listed = async move {
            let page = store
                .ask(async { Ok(store.inner.list(prefix.as_ref())) })
                .await;
            page.unwrap_or_else(|error| stream::iter([Err(error)]).boxed())
        };
        stream::once(listed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.ask(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct FaultyParts {
    inner: Box<dyn MultipartUpload>,
    store: Faulty,
}

#[async_trait]
impl MultipartUpload for FaultyParts {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (part, store) = (self.inner.put_part(data), self.store.clone());
        Box::pin(async move { store.ask(part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let Self { inner, store } = self;
        store.ask(inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

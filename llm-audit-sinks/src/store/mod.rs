//! Object stores: buckets that the finished files of a [`ParquetSink`](crate::ParquetSink) go to,
//! and that a [`ParquetReader`](crate::parquet::ParquetReader) reads from.
//!
//! ```
//! use llm_audit_core::{Operation, Policy, Preset};
//! use llm_audit_sinks::parquet::{ParquetConfig, ParquetReader};
//! use llm_audit_sinks::{ParquetSink, store::Store};
//!
//! # let temp = tempfile::tempdir()?;
//! # let (journal, staging) = (temp.path().join("journal"), temp.path().join("staging"));
//! let store = Store::memory();
//! let audit = llm_audit_core::builder()
//!     .policy(Policy::preset(Preset::Operations)?)
//!     .journal(journal)
//!     .sink(ParquetSink::with(ParquetConfig::new(staging).store(store.clone()))?)
//!     .spawn()?;
//! audit.begin(Operation::Chat).finish();
//! assert!(audit.shutdown(std::time::Duration::from_secs(10)).is_complete());
//!
//! let mut events = ParquetReader::open_store(&store, Default::default())?;
//! assert!(events.any(|event| event.is_ok_and(|event| event.kind().is_capture())));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Format
//!
//! The key of an object is the name of its file: `<prefix>/v1/date=YYYY-MM-DD/<writer>-<number of the
//! first event>.parquet`. Its user metadata has `sha256`, of the whole file, in hexadecimal.
//!
//! # When it rolls
//!
//! The directory of the sink is where files are until they are finished; then they are uploaded, one
//! after the other, and removed, unless [`ParquetConfig::keep_local`](crate::parquet::ParquetConfig::keep_local)
//! was asked for.
//!
//! # Durability
//!
//! An event counts as delivered when the store has said that its object is there: after one `PUT`, or
//! after the last word of an upload in parts. Until then it is pending, and a start after a crash uploads
//! the file that is still there, or gets the event again from the journal. An object is created, and
//! replaced only by a file with more of its writer's events: one of the same size and checksum is the file
//! itself, from a try whose answer was lost, and events whose numbers objects of the same writer and date
//! hold already, under whatever name, are not uploaded again. What another
//! start put there is looked for before the first event of each writer and date is written, so that a
//! lost disk doubles nothing.
//!
//! # On failure
//!
//! There is one try for each call; the log tries again, with growing pauses, and takes no further event
//! for the sink meanwhile: they wait in the journal. What only somebody can mend, such as credentials
//! or a missing bucket, is told as such. Errors name the store, the key and the status; never what the
//! server wrote, which can quote credentials.
//!
//! # Troubleshooting
//!
//! - *`the store answered 501`*: it cannot create an object only if there is none. Say
//!   [`S3Config::unconditional`] for such a server.
//! - *Parts of uploads that nobody finished*: a program was killed in the middle of one. No reader sees
//!   them; have the bucket's lifecycle rule for incomplete uploads remove them.
//! - *`holds something else`*: somebody put another object under the name of a file. Move it away.

mod blocking;
#[cfg(feature = "cloud")]
mod connector;
mod failure;
mod files;
mod keeper;
mod objects;
#[cfg(test)]
pub(crate) mod tests;

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "gcs")]
mod gcs;
#[cfg(feature = "s3")]
mod s3;

use std::fmt;
use std::sync::Arc;

use llm_audit_core::Error;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use object_store::path::Path;

pub(crate) use failure::{Answers, Failure};
pub(crate) use files::StoreFiles;
pub(crate) use keeper::{Keeper, Listed, ObjectFile};
pub(crate) use objects::{Objects, Upload};

#[cfg(feature = "azure")]
pub use azure::AzureConfig;
#[cfg(feature = "gcs")]
pub use gcs::GcsConfig;
#[cfg(feature = "s3")]
pub use s3::S3Config;

/// A file of so many bytes goes in one request; a longer one in parts of as many, one in memory at a
/// time. Stores take no part of less than 5 MiB but the last.
const PART_BYTES: usize = 8 << 20;

/// A place in an object store: a bucket, and perhaps a prefix in it.
///
/// The log's retention takes expired data out of what a sink put there, as its legal holds allow; what
/// else the bucket needs, such as a rule for older versions, `docs/retention.md` says.
///
/// It connects when there is something to do. Clones are the same place. Credentials appear in no
/// `Debug` output and no error.
///
/// # Examples
///
/// ```
/// use llm_audit_sinks::store::Store;
///
/// let store = Store::memory().below("audit/prod")?;
/// assert_eq!(store.to_string(), "memory:///audit/prod");
/// # Ok::<(), llm_audit_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Store {
    bucket: String,
    prefix: Path,
    place: Arc<dyn Place>,
    conditional: bool,
    part_bytes: usize,
}

/// What opens a store anew, for the runtime that will use it: connections belong to one.
pub(crate) trait Place: Send + Sync {
    fn open(&self, tries: Tries, answers: &Answers) -> object_store::Result<Arc<dyn ObjectStore>>;
}

/// How often a request is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tries {
    /// Once: the log tries again.
    One,
    /// Some times, by the library: a reader has nobody behind it who would.
    Some,
}

impl Store {
    /// Returns an empty store in memory, for tests: its clones share what is in it, and it ends with them.
    pub fn memory() -> Self {
        struct Memory(Arc<InMemory>);

        impl Place for Memory {
            fn open(&self, _: Tries, _: &Answers) -> object_store::Result<Arc<dyn ObjectStore>> {
                Ok(Arc::clone(&self.0) as _)
            }
        }
        Self::at(
            "memory://".to_owned(),
            Arc::new(Memory(Arc::default())),
            true,
        )
    }

    /// Returns a bucket of S3, or of another server that speaks its protocol.
    ///
    /// # Errors
    ///
    /// When credentials are missing, or the address or a certificate cannot be used.
    #[cfg(feature = "s3")]
    #[cfg_attr(docsrs, doc(cfg(feature = "s3")))]
    pub fn s3(config: S3Config) -> Result<Self, Error> {
        let (name, conditional) = (config.name(), !config.unconditional);
        Self::checked(name, Arc::new(config.place()?), conditional)
    }

    /// Returns a bucket of Google Cloud Storage.
    ///
    /// # Errors
    ///
    /// When credentials are missing, or the address or a certificate cannot be used.
    #[cfg(feature = "gcs")]
    #[cfg_attr(docsrs, doc(cfg(feature = "gcs")))]
    pub fn gcs(config: GcsConfig) -> Result<Self, Error> {
        Self::checked(config.name(), Arc::new(config.place()?), true)
    }

    /// Returns a container of Azure Blob Storage.
    ///
    /// # Errors
    ///
    /// When credentials are missing, or the address or a certificate cannot be used.
    #[cfg(feature = "azure")]
    #[cfg_attr(docsrs, doc(cfg(feature = "azure")))]
    pub fn azure(config: AzureConfig) -> Result<Self, Error> {
        Self::checked(config.name(), Arc::new(config.place()?), true)
    }

    /// Returns the place below `prefix` in this one, such as `audit/prod`.
    ///
    /// # Errors
    ///
    /// When the prefix has empty parts, `.` or `..`, or characters that stores do not take.
    pub fn below(mut self, prefix: &str) -> Result<Self, Error> {
        let prefix = Path::parse(prefix)
            .map_err(|_| Error::configuration("the prefix is none that an object store takes"))?;
        self.prefix = prefix.parts().fold(self.prefix, Path::join);
        Ok(self)
    }

    pub(crate) fn at(bucket: String, place: Arc<dyn Place>, conditional: bool) -> Self {
        Self {
            bucket,
            prefix: Path::default(),
            place,
            conditional,
            part_bytes: PART_BYTES,
        }
    }

    #[cfg(test)]
    pub(crate) const fn part_bytes(mut self, bytes: usize) -> Self {
        self.part_bytes = bytes;
        self
    }

    #[cfg(test)]
    pub(crate) const fn unconditional(mut self) -> Self {
        self.conditional = false;
        self
    }

    #[cfg(feature = "cloud")]
    fn checked(name: String, place: Arc<dyn Place>, conditional: bool) -> Result<Self, Error> {
        let store = Self::at(name, place, conditional);
        store.objects(Tries::One)?;
        Ok(store)
    }

    /// Opens it for the runtime that will use it.
    ///
    /// # Errors
    ///
    /// When it cannot be used as it is configured.
    pub(crate) fn objects(&self, tries: Tries) -> Result<Objects, Error> {
        let answers = Answers::default();
        let store = self.place.open(tries, &answers).map_err(|_| {
            // What the library says can quote what it was given.
            Error::configuration(format!(
                "`{self}` cannot be used: check the credentials, the region and the address"
            ))
        })?;
        Ok(Objects::new(self.clone(), store, answers))
    }

    pub(crate) const fn prefix(&self) -> &Path {
        &self.prefix
    }

    pub(crate) const fn is_conditional(&self) -> bool {
        self.conditional
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bucket)?;
        if self.prefix.is_root() {
            return Ok(());
        }
        write!(f, "/{}", self.prefix)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.to_string()).finish()
    }
}

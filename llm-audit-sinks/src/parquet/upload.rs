//! Finished files on their way to an object store.

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use llm_audit_core::vfs::{Access, Vfs};
use llm_audit_core::{Batch, Durable, Error, SinkError, WriterId};

use super::file_name::{LAYOUT, ParquetFileName};
use super::staging::final_files;
use super::summary::{seqs_in, seqs_of};
use super::writer::RootWriter;
use crate::store::{Objects, Tries, Upload};

/// What of a root's files is in the store, and what the log may be told therefore.
#[derive(Debug)]
pub(super) struct Uploads {
    objects: Objects,
    root: PathBuf,
    vfs: Arc<dyn Vfs>,
    keep_local: bool,
    /// Whether what earlier starts left in the root is known.
    started: bool,
    waiting: VecDeque<ParquetFileName>,
    /// What is in final files, and is durable once none of them waits.
    held: VecDeque<Durable>,
    /// The writer and the dates whose objects are known.
    looked: Option<(WriterId, BTreeSet<String>)>,
}

impl Uploads {
    /// Returns what uploads the files of `root`, if they are to go to a store.
    ///
    /// # Errors
    ///
    /// When the store cannot be used as it is configured.
    pub(super) fn of(root: &RootWriter) -> Result<Option<Self>, Error> {
        let config = root.config();
        let Some(store) = &config.store else {
            return Ok(None);
        };
        Ok(Some(Self {
            objects: store.objects(Tries::One)?,
            root: config.root.clone(),
            vfs: root.vfs(),
            keep_local: config.keep_local,
            started: false,
            waiting: VecDeque::new(),
            held: VecDeque::new(),
            looked: None,
        }))
    }

    pub(super) async fn write(
        &mut self,
        root: &mut RootWriter,
        batch: &Batch,
    ) -> Result<Durable, SinkError> {
        self.settle(root).await?;
        let old = root.turn_to(batch.writer_id())?;
        self.hold(old.unwrap_or(Durable::UNCHANGED));
        self.settle(root).await?;
        self.look(root, batch).await?;
        let taken = root.write(batch)?;
        self.hold(taken);
        // What fails here is tried again, and told, by the next call.
        self.settle(root).await.ok();
        Ok(self.release())
    }

    pub(super) async fn confirm(&mut self, root: &mut RootWriter) -> Result<Durable, SinkError> {
        let taken = root.confirm()?;
        self.hold(taken);
        self.settle(root).await?;
        Ok(self.release())
    }

    fn hold(&mut self, durable: Durable) {
        match self.held.back_mut() {
            _ if durable == Durable::UNCHANGED => {}
            Some(last) if last.writer_id == durable.writer_id => {
                last.up_to = last.up_to.max(durable.up_to);
            }
            _ => self.held.push_back(durable),
        }
    }

    /// Returns what may be told; of two writers, the rest with the next call.
    fn release(&mut self) -> Durable {
        if self.waiting.is_empty() {
            self.held.pop_front().unwrap_or(Durable::UNCHANGED)
        } else {
            Durable::UNCHANGED
        }
    }

    /// Uploads what is final, oldest first, and what earlier starts left.
    async fn settle(&mut self, root: &mut RootWriter) -> Result<(), SinkError> {
        if !self.started {
            self.waiting = self.left_over().await?;
            self.started = true;
        }
        self.waiting.extend(root.take_finished());
        while let Some(name) = self.waiting.front() {
            self.upload(name).await?;
            self.waiting.pop_front();
        }
        Ok(())
    }

    async fn left_over(&self) -> Result<VecDeque<ParquetFileName>, SinkError> {
        let mut names = final_files(&self.root, self.vfs.as_ref())
            .map_err(|error| SinkError::retry(format!("failed to look for files: {error}")))?;
        if self.keep_local {
            let dates: BTreeSet<_> = names.iter().map(|name| name.date().to_owned()).collect();
            let mut known = HashSet::new();
            for date in dates {
                let mut listed = self.objects.list_after(&folder(&date), &folder(&date));
                while let Some(object) = self.objects.next_of(&date, &mut listed).await? {
                    known.extend(self.objects.name_of(&object.location));
                }
            }
            names.retain(|name| !known.contains(&name.to_string()));
        }
        Ok(names.into())
    }

    async fn upload(&self, name: &ParquetFileName) -> Result<(), SinkError> {
        let path = name.path(&self.root);
        let failed = |what: &str, error: &io::Error| {
            SinkError::retry(format!("failed to {what} `{name}`: {error}"))
        };
        let file = match self.vfs.open(&path, Access::Read) {
            // Another program on this root may have brought it there and removed it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match self.objects.head(&name.to_string()).await? {
                    Some(_) => Ok(()),
                    None => Err(SinkError::retry(format!(
                        "`{name}` was removed before it was uploaded; its events come again after a restart"
                    ))),
                };
            }
            file => file.map_err(|error| failed("open", &error))?,
        };
        let seqs =
            seqs_of(Arc::clone(&file)).map_err(|error| failed("read the range of", &error))?;
        let upload = Upload::new(name.to_string(), &*file);
        let upload = upload.map_err(|error| failed("read", &error))?;
        if !self.objects.put(&upload, false).await? && !self.has(&upload, name, seqs).await? {
            // What is there holds fewer of these events, and none that this file has not.
            self.objects.put(&upload, true).await?;
        }
        if !self.keep_local {
            // What stays is found and looked for by the next start.
            self.vfs.unlink(&path).ok();
        }
        Ok(())
    }

    /// Whether the object under the file's name has all its events.
    async fn has(
        &self,
        upload: &Upload<'_>,
        name: &ParquetFileName,
        (_, last): (u64, u64),
    ) -> Result<bool, SinkError> {
        let Some(found) = self.objects.head(&name.to_string()).await? else {
            return Err(SinkError::retry(format!(
                "`{name}` was in the store and is gone"
            )));
        };
        if upload.is(&found) {
            return Ok(true);
        }
        let seqs = self.seqs(name, found.size).await?;
        Ok(seqs.1 >= last)
    }

    /// Returns the first and the last number of the events in an object.
    async fn seqs(&self, name: &ParquetFileName, size: u64) -> Result<(u64, u64), SinkError> {
        let footer = self.objects.footer(&name.to_string(), size).await?;
        let seqs = footer.and_then(|footer| seqs_in(&footer).ok());
        seqs.filter(|(first, last)| *first == name.first_seq() && first <= last)
            .ok_or_else(|| {
                SinkError::misconfigured(format!(
                    "`{name}` in `{}` holds something else than the file: move it away",
                    self.objects.store
                ))
            })
    }

    /// Tells the root what is in the store of the batch's writer and dates.
    async fn look(&mut self, root: &mut RootWriter, batch: &Batch) -> Result<(), SinkError> {
        let writer = batch.writer_id();
        if self.looked.as_ref().is_none_or(|(of, _)| *of != writer) {
            self.looked = Some((writer, BTreeSet::new()));
        }
        let dates = batch
            .events()
            .iter()
            .map(|event| event.recorded_at().date());
        for date in dates.collect::<BTreeSet<_>>() {
            let is_known = |(_, known): &(_, BTreeSet<_>)| known.contains(&date);
            if self.looked.as_ref().is_some_and(is_known) {
                continue;
            }
            root.learn(&self.ranges(writer, &date, batch.first_seq()).await?);
            if let Some((_, known)) = &mut self.looked {
                known.insert(date);
            }
        }
        Ok(())
    }

    /// Returns which events of a writer and a date are in the store, as far as they can be numbered
    /// `from` or higher.
    async fn ranges(
        &self,
        writer: WriterId,
        date: &str,
        from: u64,
    ) -> Result<Vec<(u64, u64)>, SinkError> {
        let mut listed = self.objects.list_after(
            &folder(date),
            // What names of this writer begin with sorts before all of them.
            &format!("{}/{writer}", folder(date)),
        );
        let mut files: Vec<(ParquetFileName, u64)> = Vec::new();
        while let Some(object) = self.objects.next_of(date, &mut listed).await? {
            let name = self.objects.name_of(&object.location);
            let Some(name) = name.and_then(|name| name.parse::<ParquetFileName>().ok()) else {
                continue;
            };
            if name.writer_id() > writer {
                break;
            }
            if name.writer_id() == writer {
                // The names are in the order of the numbers: one behind another ends before it.
                if name.first_seq() <= from {
                    files.clear();
                }
                files.push((name, object.size));
            }
        }
        let mut ranges = Vec::with_capacity(files.len());
        for (name, size) in files {
            ranges.push(self.seqs(&name, size).await?);
        }
        Ok(ranges)
    }
}

fn folder(date: &str) -> String {
    format!("{LAYOUT}/{}{date}", ParquetFileName::DATE)
}

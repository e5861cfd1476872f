//! Finished files on their way to an object store.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use llm_audit_core::vfs::{Access, Vfs};
use llm_audit_core::{Batch, Durable, Error, SinkError, WriterId};
use object_store::ObjectMeta;

use super::file_name::{LAYOUT, ParquetFileName};
use super::staging::final_files;
use super::stored::{Due, Final, Stored, covers, is_lasting};
use super::summary::{seqs_in, seqs_of};
use super::writer::RootWriter;
use crate::store::{Failure, Objects, Tries, Upload};

/// What of a root's files is in the store, and what the log may be told therefore.
#[derive(Debug)]
pub(super) struct Uploads {
    objects: Objects,
    root: PathBuf,
    vfs: Arc<dyn Vfs>,
    keep_local: bool,
    /// Whether what earlier starts left in the root is known.
    started: bool,
    waiting: VecDeque<Final>,
    /// The files that stay and are in the store too.
    stored: Stored,
    /// What is in final files, and is durable once none of them waits.
    held: VecDeque<Durable>,
    /// Writers of whom nothing from a number on is told before the next start: it is in a file that nobody
    /// can read, or that is gone.
    withheld: BTreeMap<WriterId, u64>,
    /// What nobody was told yet of such a file, and how many others there are.
    untold: Option<(String, usize)>,
    /// The writer and the dates whose objects are known.
    looked: Option<(WriterId, BTreeSet<String>)>,
    /// What the objects of the writer and the date that were last asked for hold.
    seen: Seen,
}

/// The numbers in objects, each as it was when it was read.
type Seen = BTreeMap<ParquetFileName, (ObjectMeta, (u64, u64))>;

/// Why a file is not uploaded.
enum Trouble {
    /// The call fails, and is to be tried again.
    Call(SinkError),
    /// Something is the matter with the file alone.
    File(String),
}

impl From<SinkError> for Trouble {
    fn from(error: SinkError) -> Self {
        Self::Call(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Call(failure.into())
    }
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
            stored: root.stored(),
            held: VecDeque::new(),
            withheld: BTreeMap::new(),
            untold: None,
            looked: None,
            seen: Seen::new(),
        }))
    }

    pub(super) async fn write(
        &mut self,
        root: &mut RootWriter,
        batch: &Batch,
    ) -> Result<Durable, SinkError> {
        self.settle(root).await?;
        self.tell()?;
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
        self.tell()?;
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
        while !self.waiting.iter().any(|file| !file.is_aside)
            && let Some(free) = self.held.iter().position(|durable| self.is_free(*durable))
            && let Some(durable) = self.held.remove(free)
        {
            let writer = durable.writer_id;
            match writer.and_then(|writer| Some((writer, *self.withheld.get(&writer)?))) {
                Some((writer, first)) if durable.up_to >= Some(first) => {
                    if let Some(before) = first.checked_sub(1) {
                        return Durable::up_to(before).of(writer);
                    }
                }
                _ => return durable,
            }
        }
        Durable::UNCHANGED
    }

    /// Whether no file of the writer is set aside for retention.
    fn is_free(&self, durable: Durable) -> bool {
        let of = |file: &Final| Some(file.name.writer_id()) == durable.writer_id;
        !self.waiting.iter().any(of)
    }

    fn files(&self) -> Vec<ParquetFileName> {
        final_files(&self.root, self.vfs.as_ref()).unwrap_or_default()
    }

    /// # Errors
    ///
    /// Once for what is the matter with files: the call that comes after it goes on without them.
    fn tell(&mut self) -> Result<(), SinkError> {
        Err(SinkError::misconfigured(match self.untold.take() {
            None => return Ok(()),
            Some((message, 0)) => message,
            Some((message, others)) => format!("{message}; so with {others} other files"),
        }))
    }

    /// Uploads what is final, oldest first, and what earlier starts left.
    async fn settle(&mut self, root: &mut RootWriter) -> Result<(), SinkError> {
        if !self.started {
            self.waiting = self.left_over().await?;
            self.started = true;
        }
        for file in root.take_finished() {
            self.add(file);
        }
        let mut at = 0;
        let mut ages = None;
        while let Some(file) = self.waiting.get_mut(at) {
            let due = match self.stored.may_be_due(&file.name) {
                false => Due::No,
                true => {
                    let ages = match &mut ages {
                        Some(ages) => ages,
                        none => {
                            let files = final_files_of(&self.root, &*self.vfs)?;
                            none.insert(self.stored.ages(files))
                        }
                    };
                    self.stored.is_due(&file.name, ages)
                }
            };
            file.is_aside = due == Due::Yes;
            if file.is_aside && !is_gone(&*self.vfs, &file.name.path(&self.root)) {
                // What has expired does not leave the machine: retention takes it out first.
                at += 1;
                continue;
            }
            let file = file.clone();
            let brought = match due {
                Due::ForEver => Err(Trouble::File(format!(
                    "`{}` holds what has expired and cannot be written anew; it stays here, and \
                     nothing of its writer is told from there on",
                    file.name
                ))),
                _ => self.bring(&file).await,
            };
            match brought {
                Ok(instead) => {
                    self.waiting.remove(at);
                    if let Some(instead) = instead {
                        ages = None;
                        self.add(instead);
                    }
                }
                Err(Trouble::Call(error)) => return Err(error),
                Err(Trouble::File(message)) => {
                    let (writer, first) = (file.name.writer_id(), file.name.first_seq());
                    let from = self.withheld.entry(writer).or_insert(first);
                    *from = first.min(*from);
                    match &mut self.untold {
                        Some((_, others)) => *others += 1,
                        none => *none = Some((message, 0)),
                    }
                    self.waiting.remove(at);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, file: Final) {
        let is_stored = |last| self.stored.has_to(&file.name, last);
        if file.last.is_some_and(is_stored) {
            return;
        }
        match self.waiting.iter_mut().find(|of| of.name == file.name) {
            Some(of) => of.last = of.last.max(file.last),
            None => self.waiting.push_back(file),
        }
    }

    /// Returns what may not be in the store: nothing is told of it before it was compared number by number.
    async fn left_over(&self) -> Result<VecDeque<Final>, SinkError> {
        let mut names = final_files_of(&self.root, &*self.vfs)?;
        if self.keep_local {
            let dates: BTreeSet<_> = names.iter().map(|name| name.date().to_owned()).collect();
            let mut known = BTreeMap::new();
            for date in dates {
                let mut listed = self.objects.list_after(&folder(&date), &folder(&date));
                while let Some(object) = self.objects.next_of(&date, &mut listed).await? {
                    let name = self.objects.name_of(&object.location);
                    known.extend(name.map(|name| (name, object.size)));
                }
            }
            names.retain(|name| {
                let file = self.vfs.open(&name.path(&self.root), Access::Read);
                let size = file.and_then(|file| file.size()).ok();
                let is_there = size.is_some() && known.get(&name.to_string()).copied() == size;
                if is_there {
                    self.stored.add(name.clone(), None);
                }
                !is_there
            });
        }
        Ok(names.into_iter().map(Final::left_over).collect())
    }

    /// Sees to it that the events of a file are in the store; returns the file that is to be there in its
    /// place, if it was merged away.
    async fn bring(&mut self, file: &Final) -> Result<Option<Final>, Trouble> {
        let name = &file.name;
        let path = name.path(&self.root);
        let failed = |what: &str, error: &io::Error| {
            let message = format!("failed to {what} `{name}`: {error}");
            match is_lasting(error) {
                true => Trouble::File(format!(
                    "{message}; nothing of its writer is told from there on: move it away and start anew"
                )),
                false => SinkError::retry(message).into(),
            }
        };
        let open = match self.vfs.open(&path, Access::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return self.gone(file).await,
            open => open.map_err(|error| failed("open", &error))?,
        };
        let seqs =
            seqs_of(Arc::clone(&open)).map_err(|error| failed("read the range of", &error))?;
        let upload = Upload::new(name.to_string(), open);
        let upload = upload.map_err(|error| failed("read", &error))?;
        let is_there = !file.is_new && self.has(&upload, name, seqs).await?;
        if !is_there
            && !self.objects.put(&upload, false).await?
            && !self.has(&upload, name, seqs).await?
        {
            // What is there holds fewer of these events, and none that this file has not.
            self.objects.put(&upload, true).await?;
        }
        if file.last.is_some_and(|last| seqs.1 < last) {
            return Err(Trouble::File(format!(
                "`{name}` holds less than it did; its other events come again after a restart"
            )));
        }
        if self.keep_local {
            self.stored.add(name.clone(), Some(seqs.1));
        } else {
            // What stays is found and looked for by the next start.
            self.vfs.unlink(&path).ok();
        }
        Ok(None)
    }

    /// What is to be done for a file that is not there any more.
    async fn gone(&mut self, file: &Final) -> Result<Option<Final>, Trouble> {
        let (name, Some(last)) = (&file.name, file.last) else {
            // Nothing counts on it: the journal has what is not durable.
            return Ok(None);
        };
        let seqs = (name.first_seq(), last);
        // Whose day is over goes without having been there. What nobody could read may have held anything: nobody
        // wrote what came behind it.
        if last < u64::MAX && self.stored.is_gone(name, || self.files()) {
            return Ok(None);
        }
        // Another program on this root may have brought it there and removed it.
        if covers(&self.ranges(name, seqs).await?, seqs) {
            return Ok(None);
        }
        let names = final_files_of(&self.root, &*self.vfs)?;
        let of_writer = |other: &ParquetFileName| other.writer_id() == name.writer_id();
        for other in names.into_iter().filter(of_writer) {
            let open = self.vfs.open(&other.path(&self.root), Access::Read);
            if let Ok(range) = open.and_then(seqs_of)
                && covers(&[range], seqs)
            {
                return Ok(Some(Final::found(other, range.1)));
            }
        }
        Err(Trouble::File(format!(
            "`{name}` was removed before it was uploaded; its events come again after a restart"
        )))
    }

    /// Whether all events of a file are in the store.
    async fn has(
        &mut self,
        upload: &Upload,
        name: &ParquetFileName,
        seqs: (u64, u64),
    ) -> Result<bool, SinkError> {
        match self.objects.head(&name.to_string()).await? {
            Some(found) if upload.is(&found) => Ok(true),
            _ => Ok(covers(&self.ranges(name, seqs).await?, seqs)),
        }
    }

    async fn ranges(
        &mut self,
        name: &ParquetFileName,
        (_, to): (u64, u64),
    ) -> Result<Vec<(u64, u64)>, SinkError> {
        self.ranges_of(name.writer_id(), name.date(), to).await
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
            root.learn(&self.ranges_of(writer, &date, u64::MAX).await?);
            if let Some((_, known)) = &mut self.looked {
                known.insert(date);
            }
        }
        Ok(())
    }

    /// Returns which events of a writer and a date are in the store, as far as they can be numbered up to
    /// `to`. Objects may overlap: each is asked.
    async fn ranges_of(
        &mut self,
        writer: WriterId,
        date: &str,
        to: u64,
    ) -> Result<Vec<(u64, u64)>, SinkError> {
        let mut listed = self.objects.list_after(
            &folder(date),
            // What names of this writer begin with sorts before all of them.
            &format!("{}/{writer}", folder(date)),
        );
        let mut files: Vec<(ParquetFileName, ObjectMeta)> = Vec::new();
        while let Some(object) = self.objects.next_of(date, &mut listed).await? {
            let name = self.objects.name_of(&object.location);
            let Some(name) = name.and_then(|name| name.parse::<ParquetFileName>().ok()) else {
                continue;
            };
            if name.writer_id() > writer || name.writer_id() == writer && name.first_seq() > to {
                break;
            }
            if name.writer_id() == writer {
                files.push((name, object));
            }
        }
        let mut seen = std::mem::take(&mut self.seen);
        let mut ranges = Vec::with_capacity(files.len());
        for (name, object) in files {
            let seqs = match seen.remove(&name) {
                Some((as_it_was, seqs)) if as_it_was == object => seqs,
                _ => self.seqs(&name, object.size).await?,
            };
            ranges.push(seqs);
            self.seen.insert(name, (object, seqs));
        }
        Ok(ranges)
    }
}

fn final_files_of(root: &Path, vfs: &dyn Vfs) -> Result<Vec<ParquetFileName>, SinkError> {
    final_files(root, vfs)
        .map_err(|error| SinkError::retry(format!("failed to look for files: {error}")))
}

fn is_gone(vfs: &dyn Vfs, path: &Path) -> bool {
    let open = vfs.open(path, Access::Read);
    open.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn folder(date: &str) -> String {
    format!("{LAYOUT}/{}{date}", ParquetFileName::DATE)
}

//! Up to which event receivers are done, in a file.

use std::collections::BTreeMap;
use std::error::Error;
use std::{fs, io};

use llm_audit::Batch;

const OLD: &str = "the state does not say of which receiver it is, as those of before did not: take \
    another --state, then everything is sent again";

/// By receiver and writer, up to which number the receiver has what it takes.
pub(crate) struct Done {
    file: String,
    to: String,
    numbers: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Done {
    /// Returns what `file` says, if there is one; `to` is who is sent to now.
    pub(crate) fn read(file: String, to: String) -> Result<Self, Box<dyn Error>> {
        let numbers = match fs::read(&file) {
            Ok(json) => serde_json::from_slice(&json).map_err(|_| OLD)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { file, to, numbers })
    }

    /// Returns up to which number the receiver is done with a batch, if it is with some of it.
    pub(crate) fn to(&self, batch: &Batch) -> Option<u64> {
        let writer = batch.writer_id().to_string();
        let number = *self.numbers.get(&self.to)?.get(&writer)?;
        (number >= batch.first_seq()).then_some(number)
    }

    /// Stores that it is: a file that is replaced is always whole.
    pub(crate) fn add(&mut self, batch: &Batch) -> io::Result<()> {
        let of_receiver = self.numbers.entry(self.to.clone()).or_default();
        of_receiver.insert(batch.writer_id().to_string(), batch.last_seq());
        let temporary = format!("{}.new", self.file);
        fs::write(&temporary, serde_json::to_vec(&self.numbers)?)?;
        fs::rename(temporary, &self.file)
    }
}

//! The log that is filled, in a time of its own.

use std::error::Error;
use std::time::Duration;

use llm_audit::sinks::ParquetSink;
use llm_audit::sinks::parquet::ParquetConfig;
use llm_audit::{AuditGuard, Overflow};

use crate::arguments::Arguments;
use crate::ids::Numbers;
use crate::picky::Picky;
use crate::policy::policy;
use crate::time::Time;

const MONDAY_MICROS: i64 = 1_767_592_800_000_000; // 2026-01-05T06:00:00Z
const DAY_MICROS: i64 = 86_400_000_000;
const A_MONTH: Duration = Duration::from_secs(30 * 86_400);
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) struct Log {
    pub(crate) audit: AuditGuard,
    pub(crate) time: Time,
    pub(crate) sessions: u64,
    pub(crate) is_new_day: bool,
}

impl Log {
    pub(crate) fn open(arguments: &Arguments, day: u64) -> Result<Self, Box<dyn Error>> {
        let time = Time::at(MONDAY_MICROS + day as i64 * DAY_MICROS, arguments.pace());
        // Days pass here in seconds; a file is not old because of that.
        let files = ParquetConfig::new(arguments.dir.join("parquet")).file_max_age(A_MONTH);
        let audit = llm_audit::builder()
            .policy(policy(day > 0)?)
            .journal(arguments.dir.join("journal"))
            .sink(ParquetSink::with(files)?)
            .sink(Picky::default())
            .overflow(Overflow::block(PATIENCE))
            .on_diagnostic(|_| {})
            .clock(time.clone())
            .ids(Numbers::new())
            .spawn()?;
        Ok(Self {
            audit,
            time,
            sessions: day << 24,
            is_new_day: true,
        })
    }

    pub(crate) fn begin_day(&mut self, day: u64) {
        // What is said late gets its time when it is written: on its own day, not on the next.
        while !self.audit.flush(PATIENCE).settled {}
        self.time.pass_to(MONDAY_MICROS + day as i64 * DAY_MICROS);
        self.is_new_day = true;
    }
}

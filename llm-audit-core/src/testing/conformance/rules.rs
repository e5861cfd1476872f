//! The rules, one function each.

use super::bench::{Bench, Subject, named};
use super::events::{CONTENT, batches};
use crate::batch::Batch;
use crate::catalog::Field;
use crate::event::Event;
use crate::sink::{Durable, SinkError};

/// A rule and what tries it.
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) run: fn(&mut Bench<'_>) -> Result<(), String>,
}

impl Rule {
    const fn new(name: &'static str, run: fn(&mut Bench<'_>) -> Result<(), String>) -> Self {
        Self { name, run }
    }
}

pub(super) const RULES: &[Rule] = &[
    Rule::new("name", name),
    Rule::new("whole", whole),
    Rule::new("in_order", in_order),
    Rule::new("again", again),
    Rule::new("durable_taken", durable_taken),
    Rule::new("durable_there", durable_there),
    Rule::new("flush", flush),
    Rule::new("empty", empty),
    Rule::new("shutdown", shutdown),
    Rule::new("dropped", dropped),
    Rule::new("silent", silent),
];

pub(super) const ERRORS: &[Rule] = &[Rule::new("errors", errors)];

/// Polls after which a call is dropped.
const POLLS: [usize; 4] = [0, 1, 2, 8];

fn name(bench: &mut Bench<'_>) -> Result<(), String> {
    let mut subject = bench.subject();
    let before = subject.sink.name().to_owned();
    if before.trim().is_empty() || before.chars().any(char::is_control) {
        return Err("the name is empty or holds control characters".to_owned());
    }
    write_all(bench, &mut subject, &batches())?;
    if subject.sink.name() != before {
        return Err("the name changed while the sink was written to".to_owned());
    }
    if bench.subject().sink.name() != before {
        return Err("two sinks that are made alike have two names".to_owned());
    }
    Ok(())
}

fn whole(bench: &mut Bench<'_>) -> Result<(), String> {
    let batches = batches();
    let mut subject = bench.subject();
    write_all(bench, &mut subject, &batches)?;
    end(bench, &mut subject)?;
    let mut arrived = subject.arrived();
    arrived.sort_by_key(Event::seq);
    same(&sent(&batches), &arrived)
}

fn in_order(bench: &mut Bench<'_>) -> Result<(), String> {
    let mut subject = bench.subject();
    write_all(bench, &mut subject, &batches())?;
    end(bench, &mut subject)?;
    rising(&subject.arrived())
}

fn again(bench: &mut Bench<'_>) -> Result<(), String> {
    let batches = batches();
    let mut subject = bench.subject();
    for batch in &batches {
        bench.write(&mut subject, batch)?;
        // The whole batch, then what a sink that took its beginning is given.
        bench.write(&mut subject, batch)?;
        if let Some(rest) = batch.starting_at(batch.last_seq()) {
            bench.write(&mut subject, &rest)?;
        }
    }
    end(bench, &mut subject)?;
    let arrived = subject.arrived();
    rising(&arrived)?;
    same(&sent(&batches), &arrived)
}

fn durable_taken(bench: &mut Bench<'_>) -> Result<(), String> {
    let mut subject = bench.subject();
    let mut taken = 0;
    for batch in batches() {
        let answers = [
            bench.write(&mut subject, &batch)?,
            bench.flush(&mut subject)?,
        ];
        taken = batch.last_seq();
        for answer in answers {
            not_above(answer, taken)?;
        }
    }
    not_above(bench.shutdown(&mut subject)?, taken)
}

fn durable_there(bench: &mut Bench<'_>) -> Result<(), String> {
    let mut subject = bench.subject();
    let mut written = Vec::new();
    for batch in batches() {
        written.extend(batch.events().iter().cloned());
        let answer = bench.write(&mut subject, &batch)?;
        there(&mut subject, answer, &written, "a write")?;
        let answer = bench.flush(&mut subject)?;
        there(&mut subject, answer, &written, "a flush")?;
    }
    let answer = bench.shutdown(&mut subject)?;
    there(&mut subject, answer, &written, "the shutdown")
}

fn flush(bench: &mut Bench<'_>) -> Result<(), String> {
    let batches = batches();
    let mut subject = bench.subject();
    for batch in &batches {
        bench.write(&mut subject, batch)?;
        bench.flush(&mut subject)?;
        bench.flush(&mut subject)?;
    }
    bench.shutdown(&mut subject)?;
    let mut arrived = subject.arrived();
    arrived.sort_by_key(Event::seq);
    same(&sent(&batches), &arrived)
}

fn empty(bench: &mut Bench<'_>) -> Result<(), String> {
    let mut subject = bench.subject();
    let answers = [bench.flush(&mut subject)?, bench.shutdown(&mut subject)?];
    if answers != [Durable::UNCHANGED; 2] {
        return Err("a sink that was given nothing calls something durable".to_owned());
    }
    match subject.arrived().len() {
        0 => Ok(()),
        count => Err(format!("{count} events arrived and none was sent")),
    }
}

fn shutdown(bench: &mut Bench<'_>) -> Result<(), String> {
    // With a flush before it, and without.
    for flushed in [true, false] {
        let mut subject = bench.subject();
        let mut said = None;
        let mut taken = 0;
        for batch in batches() {
            said = said.max(bench.write(&mut subject, &batch)?.up_to);
            taken = batch.last_seq();
        }
        if flushed {
            said = said.max(bench.flush(&mut subject)?.up_to);
        }
        said = said.max(bench.shutdown(&mut subject)?.up_to);
        if said.unwrap_or(0) < taken {
            return Err(format!(
                "the shutdown succeeded, and of the events up to {taken} those after {} were \
                 never called durable",
                said.unwrap_or(0)
            ));
        }
    }
    Ok(())
}

fn dropped(bench: &mut Bench<'_>) -> Result<(), String> {
    let batches = batches();
    for polls in POLLS {
        let mut subject = bench.subject();
        for batch in &batches {
            bench.drop_after(polls, subject.sink.write(batch))?;
            bench.write(&mut subject, batch)?;
            bench.drop_after(polls, subject.sink.flush())?;
        }
        end(bench, &mut subject)?;
        let arrived = subject.arrived();
        rising(&arrived)
            .and_then(|()| same(&sent(&batches), &arrived))
            .map_err(|what| format!("{what}, after calls were dropped at poll {polls}"))?;
    }
    Ok(())
}

fn silent(bench: &mut Bench<'_>) -> Result<(), String> {
    let mut subject = bench.subject();
    let look = |subject: &Subject| {
        let shown = [
            ("name", subject.sink.name().to_owned()),
            ("`Debug`", format!("{:?} {:#?}", subject.sink, subject.sink)),
        ];
        match shown.iter().find(|(_, text)| text.contains(CONTENT)) {
            Some((place, _)) => Err(format!("the {place} of the sink holds content")),
            None => Ok(()),
        }
    };
    for batch in batches() {
        bench.write(&mut subject, &batch)?;
        look(&subject)?;
    }
    end(bench, &mut subject)?;
    look(&subject)
}

fn errors(bench: &mut Bench<'_>) -> Result<(), String> {
    let mut subject = bench.subject();
    let mut failures = 0;
    for batch in batches() {
        if let Err(error) = bench.try_write(&mut subject, &batch)? {
            failures += 1;
            look_at(&error, &named(&batch))?;
            let numbers_of = |seq: &u64| batch.seqs().contains(seq);
            if !error.rejected().iter().all(numbers_of) {
                return Err(format!("{} was rejected with other numbers", named(&batch)));
            }
            if let Some(from) = error.from()
                && !(batch.first_seq()..=batch.last_seq()).contains(&from)
            {
                return Err(format!("of {} the rest begins outside it", named(&batch)));
            }
        }
        if let Err(error) = bench.try_flush(&mut subject)? {
            failures += 1;
            look_at(&error, "a flush")?;
        }
    }
    match failures {
        0 => Err("the sink took every batch; give the suite one that cannot write".to_owned()),
        _ => Ok(()),
    }
}

fn look_at(error: &SinkError, what: &str) -> Result<(), String> {
    if format!("{error} {error:?}").contains(CONTENT) {
        return Err(format!("the error of {what} holds content"));
    }
    Ok(())
}

fn write_all(bench: &Bench<'_>, subject: &mut Subject, batches: &[Batch]) -> Result<(), String> {
    for batch in batches {
        bench.write(subject, batch)?;
    }
    Ok(())
}

fn end(bench: &Bench<'_>, subject: &mut Subject) -> Result<(), String> {
    bench.flush(subject)?;
    bench.shutdown(subject).map(drop)
}

fn sent(batches: &[Batch]) -> Vec<Event> {
    batches.iter().flat_map(Batch::events).cloned().collect()
}

fn number(event: &Event) -> u64 {
    event.seq().unwrap_or(0)
}

fn rising(arrived: &[Event]) -> Result<(), String> {
    let mut pairs = arrived.iter().zip(arrived.iter().skip(1));
    match pairs.find(|(before, after)| number(before) > number(after)) {
        Some((before, after)) => Err(format!(
            "event {} arrived before event {}",
            number(before),
            number(after)
        )),
        None => Ok(()),
    }
}

fn same(sent: &[Event], arrived: &[Event]) -> Result<(), String> {
    for event in sent {
        let Some(found) = arrived.iter().find(|found| found.seq() == event.seq()) else {
            return Err(format!("event {} did not arrive", number(event)));
        };
        if found != event {
            let place = difference(event, found);
            return Err(format!(
                "event {} arrived with another {place}",
                number(event)
            ));
        }
    }
    match arrived.len() - sent.len() {
        0 => Ok(()),
        more => Err(format!("{more} events arrived that were not sent")),
    }
}

/// Names what differs, and shows nothing of it.
fn difference(sent: &Event, arrived: &Event) -> String {
    if sent.unknown() != arrived.unknown() {
        return "set of unknown members".to_owned();
    }
    let fields = sent.present().chain(arrived.present());
    let differs = |field: &Field| sent.get(*field) != arrived.get(*field);
    match { fields }.find(differs) {
        Some(field) => format!("`{field}`"),
        None => "envelope".to_owned(),
    }
}

fn not_above(answer: Durable, taken: u64) -> Result<(), String> {
    match answer.up_to {
        Some(up_to) if up_to > taken => Err(format!(
            "events up to {up_to} are called durable, and only those up to {taken} were taken"
        )),
        _ => Ok(()),
    }
}

fn there(
    subject: &mut Subject,
    answer: Durable,
    written: &[Event],
    call: &str,
) -> Result<(), String> {
    let Some(up_to) = answer.up_to else {
        return Ok(());
    };
    let arrived = subject.arrived();
    let mut durable = written.iter().filter(|event| number(event) <= up_to);
    let missing = durable.find(|event| !arrived.iter().any(|found| found.seq() == event.seq()));
    match missing {
        Some(event) => Err(format!(
            "{call} called event {} durable, and it is not there",
            number(event)
        )),
        None => Ok(()),
    }
}

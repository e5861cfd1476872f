//! A person's session: turns, with what happens between them.

use llm_audit::{Context, Operation};

use crate::log::Log;
use crate::random::Random;
use crate::{call, fields, guard, late, opening, people, tools};

/// Runs a session of at most `most` events; returns how many it has.
pub(crate) fn run(log: &mut Log, random: &mut Random, most: u64) -> u64 {
    log.sessions += 1;
    let person = people::somebody(random, log.sessions);
    log.time.pause(random.within(1, 40));
    // Once a day the service tests itself with everything that it can say.
    if std::mem::take(&mut log.is_new_day) {
        let mut every = log.audit.begin(Operation::Chat);
        fields::set(&mut every);
        every.finish();
        return 1;
    }
    let context = Context::current().with(person.fields);
    context.enter(|| turns(log, random, &person.project, most))
}

fn turns(log: &Log, random: &mut Random, project: &str, most: u64) -> u64 {
    let mut events = opening::record(log, random, project);
    let mut talk = Vec::new();
    for turn in 0..random.within(1, 7) {
        if events < most && random.once_in(4) {
            events += 1;
            if !guard::passes(log, random) {
                break;
            }
        }
        if events < most && random.once_in(3) {
            tools::run(log, random);
            events += 1;
        }
        if events < most {
            let (answer, made) = call::chat(log, random, &mut talk, turn, most - events);
            events += made;
            if let Some(id) = answer {
                events += late::facts(log, random, id, most - events);
            }
        }
        log.time.pause(random.within(5, 90));
    }
    events
}

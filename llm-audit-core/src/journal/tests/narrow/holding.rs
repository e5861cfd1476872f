//! Holds that are set and lifted while others look after the same directory.

use super::*;
use crate::journal::name::Name;
use crate::sync::thread;
use crate::vfs::{Access, Vfs};

fn user(n: u8) -> Hold {
    Hold::subject("m", format!("user-{n}"))
}

#[test]
fn no_hold_that_one_of_two_processes_sets_is_lost() {
    const EACH: usize = 100;
    let world = World::new();
    let set = |writer: u8| {
        let (journal, _) = world.open_with(config(), writer);
        thread::spawn(move || {
            for n in 0..EACH {
                let hold = Hold::subject(format!("{writer} {n}"), "u");
                journal.set_hold(hold).unwrap();
            }
            journal
        })
    };
    let (one, two) = (set(1), set(2));
    let journal = one.join().unwrap();
    two.join().unwrap();
    assert_eq!(journal.holds().unwrap().len(), 2 * EACH);
}

#[test]
fn a_hold_set_after_a_run_looked_at_the_holds_keeps_the_files() {
    let world = World::new();
    let (mut journal, _) = world.open_with(whole(), 1);
    write(&world, &mut journal, 1, 1..=3);
    journal.roll();
    let (other, _) = world.open_with(whole(), 2);
    pass(&world, &mut journal, 31);
    let mut run = crate::journal::RetentionRun::default();
    let holds = journal.holds_in_force(&mut run);
    other.set_hold(user(1)).unwrap();
    let now = world.clock.now();
    journal.delete(now, &holds, &mut run).unwrap();
    assert!(run.files.is_empty() && run.halted && run.more, "{run:?}");
    assert!(holds_mark(&world.vfs));
    // The next one goes by it.
    assert!(journal.expire().files.is_empty());
    assert!(holds_mark(&world.vfs));
}

#[test]
fn nothing_is_taken_away_while_somebody_changes_the_holds() {
    let (world, mut journal) = aged(31);
    let path = Path::new(DIR).join(Name::HoldsLock.to_string());
    world.vfs.put(&path, Vec::new());
    let lock = world.vfs.open(&path, Access::Append).unwrap();
    assert!(lock.try_lock().unwrap());
    let before = world.files();
    let run = journal.expire();
    assert!(run.rewritten.is_empty() && run.files.is_empty(), "{run:?}");
    assert!(run.findings.is_empty(), "{run:?}");
    let mut after = world.files();
    after.retain(|path, _| before.contains_key(path));
    assert!(after == before);
    assert!(journal.set_hold(user(1)).is_err());
    drop(lock);
    assert_eq!(journal.expire().rewritten.len(), 3);
}

#[test]
fn a_hold_of_the_program_that_comes_later_holds() {
    let (world, mut journal) = aged(31);
    journal.set_own_holds(vec![user(1)]).unwrap();
    journal.expire();
    let left = events(&world);
    let held = left.iter().filter(|event| holds_text(event)).count();
    assert_eq!(held, 5);
    journal.set_own_holds(Vec::new()).unwrap();
    journal.expire();
    assert!(!holds_mark(&world.vfs));
}

#[test]
fn a_lift_leaves_a_hold_that_was_put_in_the_place_of_what_it_is_for() {
    let (_, journal) = aged(0);
    journal.set_hold(user(1)).unwrap();
    journal.set_hold(user(2)).unwrap();
    assert!(!journal.lift_hold(&user(1)).unwrap());
    assert_eq!(journal.holds().unwrap(), [user(2)]);
}

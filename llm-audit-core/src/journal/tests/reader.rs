use std::path::Path;
use std::time::Duration;

use super::fixture::{DAY, DIR, World, tell};
use crate::clock::Clock;
use crate::event::Kind;
use crate::filter::Filter;
use crate::journal::{Entry, Reader};
use crate::sync::Arc;

#[test]
fn plain_json_lines_are_read_without_checksums() {
    let world = World::new();
    let lines = [
        world.event(1, 1, "a"),
        b"\n\n".to_vec(),
        world.event(1, 2, "b"),
    ]
    .concat();
    world.vfs.put(&Path::new(DIR).join("copy.jsonl"), lines);
    assert_eq!(world.story(), ["1", "2"]);
}

#[test]
fn a_damaged_line_names_file_and_line_and_reading_goes_on() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=3);
    journal.close(Duration::ZERO);
    let path = world.segments()[0].clone();
    let mut content = world.files()[&path].clone();
    let at = content.windows(8).position(|w| w == b"\"seq\":2,").unwrap();
    content[at + 6] = b'9';
    world.vfs.put(&path, content);
    let entries = world.entries();
    let error = entries[3].as_ref().unwrap_err();
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(error.is_damaged());
    assert!(
        error.to_string().starts_with(&format!("`{name}`, line 4 ")),
        "{error}"
    );
    assert_eq!(world.story()[2..], ["1", "3", "writer_closed"]);
    assert_eq!(entries[4].as_ref().unwrap().line(), 5);
    assert_eq!(entries[4].as_ref().unwrap().file(), name);
}

#[test]
fn a_line_behind_a_lost_newline_is_read() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=3);
    journal.close(Duration::ZERO);
    let path = world.segments()[0].clone();
    let mut content = world.files()[&path].clone();
    let newlines: Vec<_> = (0..content.len())
        .filter(|at| content[*at] == b'\n')
        .collect();
    content[newlines[2]] = 0;
    world.vfs.put(&path, content);
    assert_eq!(world.story()[2..], ["2", "3", "writer_closed"]);
    assert_eq!(world.damaged_lines(), 1);
}

#[test]
fn the_line_a_live_writer_is_writing_is_not_there_yet() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=2);
    let path = world.segments()[0].clone();
    let content = world.files()[&path].clone();
    world.vfs.put(&path, content[..content.len() - 9].to_vec());
    assert_eq!(world.damaged_lines(), 0);
    assert_eq!(world.story()[2..], ["1"]);
}

#[test]
fn one_file_is_read_alone() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 1..=1);
    journal.roll();
    world.write(&mut journal, 1, 2..=2);
    let reader = Reader::open_in(Arc::new(world.vfs.clone()), &world.segments()[1]).unwrap();
    let seqs: Vec<_> = reader.events().map(|event| event.unwrap().seq()).collect();
    assert_eq!(seqs, [None, Some(2)]);
}

#[test]
fn an_endless_line_is_an_error_and_is_passed_over() {
    let world = World::new();
    let mut lines = vec![b'x'; super::super::line::MAX_LINE + 1];
    lines.push(b'\n');
    lines.extend_from_slice(&world.event(1, 1, "a"));
    world.vfs.put(&Path::new(DIR).join("copy.jsonl"), lines);
    let entries = world.entries();
    let error = entries[0].as_ref().unwrap_err();
    assert!(error.to_string().contains("more than 16777216"), "{error}");
    assert_eq!(world.story(), ["1"]);
}

#[test]
fn a_good_line_with_a_number_that_no_log_gives_is_read() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    world.write(&mut journal, 1, 0..=2);
    assert_eq!(world.story()[2..], ["0", "1", "2"]);
}

#[test]
fn writers_follow_each_other_by_date_and_keep_their_own_order() {
    let world = World::new();
    let (mut second, _) = world.open(2);
    let (mut first, _) = world.open(1);
    world.write(&mut first, 1, [1]);
    first.roll();
    world.write(&mut second, 2, [1]);
    world.clock.jump(-86_400_000_000);
    world.write(&mut first, 1, [2]);
    let order: Vec<_> = world
        .entries()
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.event().writer_id().as_bytes()[0],
                entry.event().seq()?,
            ))
        })
        .collect();
    assert_eq!(order, [(1, 1), (1, 2), (2, 1)]);
}

#[test]
fn any_number_of_blank_lines_is_passed_over() {
    let world = World::new();
    let lines = [vec![b'\n'; 1_000_000], world.event(1, 1, "a")].concat();
    world.vfs.put(&Path::new(DIR).join("copy.jsonl"), lines);
    assert_eq!(world.story(), ["1"]);
}

/// A directory as format 1 was first written: a crash, its recovery, and a clean end. Only a new
/// format makes it anew, in a folder of its own, with `LLM_AUDIT_BLESS_JOURNAL=1`.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test may be told to renew its data"
)]
fn the_golden_directory_of_format_1_stays_readable() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/journal-1");
    if std::env::var_os("LLM_AUDIT_BLESS_JOURNAL").is_some() {
        make_golden(&dir);
    }
    let told = |entry: Result<Entry, _>| tell(entry.unwrap());
    let story: Vec<_> = Reader::open(&dir).unwrap().map(told).collect();
    let expected = [
        "segment_opened",
        "writer_opened",
        "1",
        "2",
        "loss 3..=4096 torn_tail",
        "writer_closed",
        "segment_opened",
        "writer_opened",
        "1",
        "writer_closed",
    ];
    assert_eq!(story, expected);
}

fn make_golden(dir: &Path) {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, 1..=3);
    drop(journal);
    let path = world.segments()[0].clone();
    let content = world.files()[&path].clone();
    world.vfs.put(&path, content[..content.len() - 40].to_vec());
    let (mut journal, _) = world.open(2);
    world.write(&mut journal, 2, 1..=1);
    journal.close(Duration::ZERO);
    std::fs::create_dir_all(dir).unwrap();
    for (path, content) in world.files() {
        std::fs::write(dir.join(path.file_name().unwrap()), content).unwrap();
    }
}

#[test]
fn a_filter_by_time_gives_what_reading_everything_gives_and_opens_no_other_day() {
    let world = World::new();
    let mut segments = Vec::new();
    let (mut journal, _) = world.open(1);
    for seq in 1..=6 {
        world.write(&mut journal, 1, seq..=seq);
        segments = world.segments();
        world.clock.advance(DAY);
        journal.roll_if_due();
    }
    journal.close(Duration::ZERO);
    assert_eq!(segments.len(), 6);
    let all: Vec<_> = world.entries().into_iter().map(Result::unwrap).collect();
    let at = |seq| {
        let mut entries = all.iter().map(Entry::event);
        entries
            .find(|event| event.seq() == Some(seq))
            .unwrap()
            .recorded_at()
    };
    let read = |filter: Filter| {
        let vfs = Arc::new(world.vfs.clone());
        let reader = Reader::open_in(vfs, Path::new(DIR))
            .unwrap()
            .filter_by(filter);
        reader.collect::<Vec<_>>()
    };
    for filter in [
        Filter::new().since(at(3)),
        Filter::new().before(at(3)),
        Filter::new().since(at(2)).before(at(5)),
        Filter::new().kind(Kind::SegmentOpened),
    ] {
        let expected = all.iter().filter(|entry| filter.matches(entry.event()));
        let expected: Vec<_> = expected.cloned().map(tell).collect();
        let found = read(filter).into_iter().map(|entry| tell(entry.unwrap()));
        assert_eq!(found.collect::<Vec<_>>(), expected);
    }
    // Damage in a day that is neither asked for nor next to one that is goes unseen.
    world.vfs.put(&segments[0], b"damaged\n".to_vec());
    assert!(read(Filter::new().since(at(4))).iter().all(Result::is_ok));
    assert!(read(Filter::new().since(at(1))).iter().any(Result::is_err));
}

#[test]
fn what_a_later_start_tells_of_a_dead_writer_is_found_by_when_it_was_told() {
    let world = World::new();
    let (mut journal, _) = world.open(1);
    journal.reserve(1).unwrap();
    world.write(&mut journal, 1, 1..=2);
    drop(journal);
    let path = world.segments()[0].clone();
    let content = world.files()[&path].clone();
    world.vfs.put(&path, content[..content.len() - 9].to_vec());
    world.clock.advance(10 * DAY);
    let monday = world.clock.now();
    drop(world.open(2));
    let vfs = Arc::new(world.vfs.clone());
    let reader = Reader::open_in(vfs, Path::new(DIR)).unwrap();
    let losses = Filter::new().since(monday).kind(Kind::Loss);
    let found: Vec<_> = reader
        .filter_by(losses)
        .map(|entry| tell(entry.unwrap()))
        .collect();
    assert!(!found.is_empty(), "{:?}", world.story());
}

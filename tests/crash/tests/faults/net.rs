//! Between the log and a receiver: routes that lose packets, names that nobody knows, and a receiver
//! that says nothing, or half of it.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, unshare};

use crate::has_time;
use crate::mount::{own_mounts, run};
use crate::program::{Program, Promise, Running};
use crate::receiver::{Do, Receiver};
use crate::row::{Row, needs};

/// Commits before a fault comes, and after it has passed.
const SOME: usize = 100;
/// Commits after which everything is held for the receiver that ever is, some 16 MiB.
const FULL: usize = 400;
/// Commits between two looks at the memory: 10 MB.
const MANY: usize = 300;
/// So much more may be in use then: what a batch takes, and what an allocator keeps.
const MOST_GROWTH_KIB: usize = 2 << 10;

/// Lets a receiver be out of reach, in more than one way, while a program commits and is killed and
/// another commits; brings it back, and looks whether it gets everything.
fn outages<F: Copy>(
    name: &'static str,
    receiver: &Receiver,
    host: &str,
    faults: &[(&str, F)],
    come: impl Fn(F),
    go: impl Fn(),
) {
    let mut row = Row::new(name);
    for (number, &(place, fault)) in faults.iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let start = || {
            let program = Program::crash("post", dir.path());
            program.arg(&receiver.url(host)).start()
        };
        let program = start();
        let had = receiver.count();
        program.wait("delivery", |_| receiver.count() > had + SOME);
        come(fault);
        // What is on its way still arrives.
        program.wait_for_acks(SOME);
        let had = receiver.count();
        // Whatever the way in which it is out of reach, the same is held for it.
        if number == 0 || has_time() {
            program.wait_for_acks(FULL);
            let memory = resident(&program);
            program.wait_for_acks(MANY);
            let grown = resident(&program).saturating_sub(memory);
            if grown > MOST_GROWTH_KIB {
                row.problem(place, &format!("{grown} KiB more in memory"));
            }
        }
        program.wait_for_acks(SOME);
        let came = receiver.count() - had;
        if came >= SOME {
            row.problem(place, &format!("no outage: {came} events came"));
        }
        let mut promised = program.kill_alive().acks;

        let program = start();
        program.wait_for_acks(SOME);
        go();
        program.wait_for_acks(SOME);
        finish(
            &mut row,
            receiver,
            dir.path(),
            program,
            &mut promised,
            place,
        );
    }
    row.end();
}

/// Lets the program end, which it does when the receiver has everything, and looks whether it has.
fn finish(
    row: &mut Row,
    receiver: &Receiver,
    dir: &Path,
    program: Running,
    promised: &mut Vec<Promise>,
    place: &str,
) {
    let said = program.end_well();
    if said.numbers[2..] != [0, 0] {
        row.problem(place, &format!("lost and pending: {:?}", said.numbers));
    }
    promised.extend(said.acks);
    row.look(dir, promised, place);
    let missing = receiver.misses(promised);
    if missing > 0 {
        row.problem(place, &format!("the receiver misses {missing}"));
    }
}

/// Returns how much of the program is in memory, in KiB.
fn resident(program: &Running) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB"));
    number.unwrap().parse().unwrap()
}

/// Gives this thread a network of its own, which ends with it: in it is this machine and nothing
/// else.
fn own_network() -> Result<(), String> {
    unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("a network needs root: {error}"))?;
    run(&["ip", "link", "set", "lo"], Path::new("up"))
}

/// Replaces what this network does with packets: `rules` in nftables' words.
fn rules(rules: &str) -> Result<(), String> {
    let all = format!(
        "add table inet faults\nflush table inet faults\n\
         table inet faults {{\nchain input {{\ntype filter hook input priority 0\n{rules}\n}}\n}}\n"
    );
    let nft = Command::new("nft")
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut nft = nft.map_err(|_| "nftables is not installed")?;
    nft.stdin.take().unwrap().write_all(all.as_bytes()).unwrap();
    let out = nft.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    out.status
        .success()
        .then_some(())
        .ok_or(format!("nft: {said}"))
}

/// Needs a network whose packets rules can be made for.
fn network(name: &str) -> Option<Receiver> {
    needs(name, own_network().and_then(|()| rules("")))?;
    Some(Receiver::new())
}

/// Runs a fault of the network: rules for packets to and from the receiver, `PORT` being its port.
fn routes(name: &'static str, faults: &[(&str, &str)]) {
    let Some(receiver) = network(name) else {
        return;
    };
    let port = receiver.port().to_string();
    let come = |fault: &str| rules(&fault.replace("PORT", &port)).unwrap();
    outages(name, &receiver, "127.0.0.1", faults, come, || {
        rules("").unwrap()
    });
}

/// Packets go nowhere: neither the question's, nor the answer's alone.
#[test]
fn black_hole() {
    let faults = [
        ("both ways", "tcp dport PORT drop; tcp sport PORT drop;"),
        ("the way back", "tcp sport PORT drop;"),
    ];
    routes("black_hole", &faults);
}

#[test]
fn refused() {
    let faults = [
        ("by the machine", "tcp dport PORT reject with tcp reset;"),
        (
            "on the way",
            "tcp dport PORT reject with icmp host-unreachable;",
        ),
    ];
    routes("refused", &faults);
}

/// Events arrive although three packets of ten do not, and all of them do when the route is well.
#[test]
fn packet_loss_30_percent() {
    let name = "packet_loss_30_percent";
    let Some(receiver) = network(name) else {
        return;
    };
    let mut row = Row::new(name);
    let dir = tempfile::tempdir().unwrap();
    let program = Program::crash("post", dir.path()).arg(&receiver.url("127.0.0.1"));
    let program = program.start();
    program.wait("delivery", |_| receiver.count() > SOME);
    rules("numgen random mod 10 < 3 drop;").unwrap();
    program.wait_for_acks(SOME);
    for _ in 0..10 {
        let had = receiver.count();
        program.wait("delivery through the loss", |_| receiver.count() > had);
    }
    rules("").unwrap();
    finish(
        &mut row,
        &receiver,
        dir.path(),
        program,
        &mut Vec::new(),
        "30 %",
    );
    row.end();
}

/// The receiver's name is taken from the file of names that the program sees, and comes back.
#[test]
fn dns_failure() {
    let name = "dns_failure";
    let Some(receiver) = network(name) else {
        return;
    };
    let names = tempfile::NamedTempFile::new().unwrap();
    let bound = own_mounts().and_then(|()| {
        let from = names.path().to_str().unwrap();
        run(&["mount", "--bind", from], Path::new("/etc/hosts"))
    });
    if needs(name, bound).is_none() {
        return;
    }
    let known = || {
        fs::write(names.path(), "127.0.0.1 receiver.test\n").unwrap();
        receiver.order(Do::Answer);
    };
    known();
    let come = |()| {
        fs::write(names.path(), "").unwrap();
        // A connection that is there needs no name.
        receiver.order(Do::Forget);
    };
    outages(
        name,
        &receiver,
        "receiver.test",
        &[("unknown", ())],
        come,
        known,
    );
}

/// Runs what a receiver does instead of answering.
fn manners(name: &'static str, faults: &[(&str, Do)]) {
    let receiver = Receiver::new();
    let come = |fault| receiver.order(fault);
    let go = || receiver.order(Do::Answer);
    outages(name, &receiver, "127.0.0.1", faults, come, go);
}

#[test]
fn never_answers() {
    let faults = [("nothing", Do::Nothing), ("a byte now and then", Do::Drip)];
    manners("never_answers", &faults);
}

#[test]
fn connection_reset() {
    let faults = [
        ("in the middle of the body", Do::Reset),
        ("after the body", Do::Forget),
    ];
    manners("connection_reset", &faults);
}

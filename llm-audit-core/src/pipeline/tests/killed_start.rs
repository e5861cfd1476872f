//! A program that is killed before it has started.

use super::world::World;

#[test]
fn a_kill_at_any_operation_of_a_start_leaves_no_event_that_a_sink_does_not_get() {
    let mut world = World::new(&["far"]);
    let mut program = world.start();
    program.admit(3);
    world.crash(program);
    let before = world.vfs.snapshot();
    for operations in 0.. {
        world.vfs = before.snapshot();
        world.vfs.halt_after(operations);
        let killed = world.try_start(&[]);
        let has_started = killed.is_ok();
        if let Ok(program) = killed {
            world.crash(program);
        }
        world.vfs.heal();
        let mut program = world.start();
        program.settle();
        assert_eq!(world.receiver(0).durable(), world.ids(), "{operations}");
        world.crash(program);
        *world.receiver(0) = Default::default();
        if has_started {
            assert!(operations > 10);
            break;
        }
    }
}

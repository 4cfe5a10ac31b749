//! A hub, agents, their programs and a network that loses, doubles and delays, in simulated
//! time. Every schedule follows from its seed, which a failure prints.
//!
//! What always holds: a job never has two programs alive at once, programs of one machine
//! never share a GPU, nothing starts before what it comes after, and what the hub calls
//! succeeded has succeeded. And in the end, when everything can be reached again, every job
//! has ended.

mod world;

use world::{Faults, Seen, World};

/// Random schedules of each kind.
const SCHEDULES: u64 = 700;

fn all(faults: Faults) -> Seen {
    let mut seen = Seen::default();
    for seed in 0..SCHEDULES {
        seen.add(World::new(seed, faults).run());
    }
    assert!(seen.started > 5 * SCHEDULES, "{seen:?}");
    assert!(
        seen.tried_again > 0 && seen.preempted > 0 && seen.skipped > 0,
        "{seen:?}"
    );
    seen
}

#[test]
fn nothing_goes_wrong_where_nothing_breaks() {
    let seen = all(Faults::default());
    assert_eq!(seen.leases_over + seen.late, 0, "{seen:?}");
}

#[test]
fn a_bad_network_loses_no_job_and_runs_none_twice() {
    let seen = all(Faults {
        network: true,
        ..Faults::default()
    });
    assert!(seen.leases_over > 0 && seen.late > 0, "{seen:?}");
}

#[test]
fn hub_agents_and_machines_may_die_at_any_time() {
    let seen = all(Faults {
        deaths: true,
        ..Faults::default()
    });
    assert!(seen.leases_over > 0, "{seen:?}");
}

#[test]
fn all_faults_at_once_and_people_who_meddle() {
    let seen = all(Faults {
        network: true,
        deaths: true,
        people: true,
    });
    assert!(
        seen.leases_over > 0 && seen.late > 0 && seen.given_up > 0,
        "{seen:?}"
    );
}

//! How long the queue takes to find places: 10,000 jobs that wait, 1,000 agents that are full,
//! and jobs that end one by one. Prints percentiles in microseconds.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use mlhub_queue::{
    AgentId, AgentLoss, End, EndedReport, Gpu, Hold, Incarnation, JobId, JobKind, JobSpec, Offer,
    Policy, Queue, Report, Resources, RetryPolicy,
};

const JOBS: u64 = 12_000;
const AGENTS: u64 = 1_000;
const ENDS: u64 = 1_000;
const OWNERS: u64 = 50;
const SHAPES: u64 = 20;

fn spec(index: u64) -> JobSpec {
    JobSpec {
        kind: JobKind::Train,
        project: format!("p{}", index % 7),
        owner: format!("u{}", index % OWNERS),
        priority: i32::try_from(index % 3).unwrap_or_default(),
        labels: BTreeSet::new(),
        needs: Resources {
            cpus: 1,
            gpus: 1,
            gpu_memory_bytes: index % SHAPES,
            ..Resources::default()
        },
        after: Vec::new(),
        retry: RetryPolicy::default(),
        timeout_ms: None,
        on_agent_loss: AgentLoss::Requeue,
        preemptible: false,
    }
}

fn report(agent: u64, sequence: u64, holds: Vec<Hold>, ended: Vec<EndedReport>) -> Report {
    let gpu = |index| Gpu {
        index,
        memory_bytes: 1 << 34,
    };
    Report {
        agent: AgentId(format!("a{agent}")),
        incarnation: Incarnation {
            generation: 1,
            nonce: agent,
        },
        sequence,
        labels: BTreeSet::new(),
        offer: Offer {
            cpus: 8,
            memory_bytes: 1 << 36,
            disk_bytes: 1 << 40,
            gpus: (0..2).map(gpu).collect(),
        },
        draining: false,
        holds,
        ended,
    }
}

fn percentiles(name: &str, mut took: Vec<u128>) {
    took.sort_unstable();
    let at = |part: usize| took[(took.len() - 1) * part / 100];
    println!(
        "{name}: p50 {} us, p99 {} us, most {} us",
        at(50),
        at(99),
        at(100)
    );
}

fn main() -> mlhub_core::Result<()> {
    let mut queue = Queue::new(Policy::default());
    let none = BTreeMap::new();
    queue.submit((0..JOBS).map(spec).collect(), &none, false, 0)?;
    for agent in 0..AGENTS {
        queue.report(&report(agent, 1, Vec::new(), Vec::new()), 0)?;
    }
    let begun = Instant::now();
    let placed = queue.dispatch(0).0.len();
    println!(
        "{placed} places found at once: {} us",
        begun.elapsed().as_micros()
    );
    let (mut ends, mut reports) = (Vec::new(), Vec::new());
    let mut sequences = vec![1u64; usize::try_from(AGENTS).unwrap_or_default()];
    for round in 0..ENDS {
        let agent = (round * 7919) % AGENTS;
        let id = AgentId(format!("a{agent}"));
        let holds: Vec<Hold> = queue
            .jobs()
            .filter(|job| job.lease().is_some_and(|lease| lease.agent == id))
            .map(|job| Hold {
                job: job.id,
                token: job.token,
            })
            .collect();
        let Some((&Hold { job, token }, others)) = holds.split_first() else {
            continue;
        };
        let end = EndedReport {
            job,
            token,
            end: End::Succeeded,
        };
        let sequence = &mut sequences[usize::try_from(agent).unwrap_or_default()];
        *sequence += 1;
        let ended = report(agent, *sequence, others.to_vec(), vec![end]);
        let begun = Instant::now();
        queue.report(&ended, round)?;
        let (changes, ordered) = queue.dispatch(round);
        ends.push(begun.elapsed().as_micros());
        assert!(!changes.is_empty() && ordered.contains(&id));
        // One that only says that it is there.
        *sequence += 1;
        let idle = report(agent, *sequence, others.to_vec(), Vec::new());
        let begun = Instant::now();
        queue.report(&idle, round)?;
        queue.dispatch(round);
        reports.push(begun.elapsed().as_micros());
    }
    percentiles("a job ends, its place is given away", ends);
    percentiles("an agent reports nothing new", reports);
    assert!(queue.job(JobId(JOBS)).is_some());
    Ok(())
}

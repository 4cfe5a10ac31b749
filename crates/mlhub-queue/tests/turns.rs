//! Whose turn it is, and what is said to those who wait.

use std::collections::{BTreeMap, BTreeSet};

use mlhub_queue::{
    AgentId, AgentLoss, Change, Dependency, End, EndedReport, FailureClass, Gpu, Hold, Incarnation,
    JobId, JobKind, JobSpec, Offer, Outcome, Policy, Queue, Quota, Report, Resources, RetryPolicy,
    When,
};

const GIB: u64 = 1 << 30;

fn job(owner: &str) -> JobSpec {
    JobSpec {
        kind: JobKind::Train,
        project: "vision".to_owned(),
        owner: owner.to_owned(),
        priority: 0,
        labels: BTreeSet::new(),
        needs: Resources {
            cpus: 1,
            ..Resources::default()
        },
        after: Vec::new(),
        retry: RetryPolicy::default(),
        timeout_ms: None,
        on_agent_loss: AgentLoss::Requeue,
        preemptible: false,
    }
}

fn gpus(count: u32, gib: u64) -> JobSpec {
    let mut spec = job("ada");
    spec.needs.gpus = count;
    spec.needs.gpu_memory_bytes = gib * GIB;
    spec
}

/// A hub with agents that answer at once.
struct Hub {
    queue: Queue,
    now: u64,
    sequences: BTreeMap<String, u64>,
}

impl Hub {
    fn new(policy: Policy) -> Self {
        Self {
            queue: Queue::new(policy),
            now: 0,
            sequences: BTreeMap::new(),
        }
    }

    fn submit(&mut self, specs: Vec<JobSpec>) -> Vec<JobId> {
        let none = BTreeMap::new();
        let submitted = self.queue.submit(specs, &none, false, self.now);
        submitted.expect("sound jobs").0
    }

    /// An agent reports, with all that it was given; returns what it holds.
    fn agent(&mut self, name: &str, cpus: u32, gpus: &[u64], labels: &[&str]) -> Vec<u64> {
        self.tell(name, cpus, gpus, labels, Vec::new());
        self.queue.dispatch(self.now);
        self.tell(name, cpus, gpus, labels, Vec::new())
    }

    fn tell(
        &mut self,
        name: &str,
        cpus: u32,
        gpus: &[u64],
        labels: &[&str],
        ended: Vec<EndedReport>,
    ) -> Vec<u64> {
        let agent = AgentId(name.to_owned());
        let sequence = self.sequences.entry(name.to_owned()).or_default();
        *sequence += 1;
        let holds: Vec<Hold> = self
            .queue
            .jobs()
            .filter(|job| job.lease().is_some_and(|lease| lease.agent == agent))
            .map(|job| Hold {
                job: job.id,
                token: job.token,
            })
            .filter(|hold| !ended.iter().any(|end| end.job == hold.job))
            .collect();
        let gpu = |(index, gib): (u32, &u64)| Gpu {
            index,
            memory_bytes: gib * GIB,
        };
        let report = Report {
            agent,
            incarnation: Incarnation {
                generation: 1,
                nonce: 7,
            },
            sequence: *sequence,
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            offer: Offer {
                cpus,
                memory_bytes: 64 * GIB,
                disk_bytes: 1000 * GIB,
                gpus: (0..).zip(gpus).map(gpu).collect(),
            },
            draining: false,
            holds: holds.clone(),
            ended,
        };
        self.queue.report(&report, self.now).expect("one process");
        holds.iter().map(|hold| hold.job.0).collect()
    }

    fn why(&self, id: JobId) -> String {
        let why = self.queue.why(id, self.now);
        why.map_or_else(|| "runs".to_owned(), |why| why.to_string())
    }

    fn running(&self) -> Vec<u64> {
        let leased = self.queue.jobs().filter(|job| job.lease().is_some());
        leased.map(|job| job.id.0).collect()
    }
}

#[test]
fn priority_goes_first_and_then_who_used_least() {
    let mut hub = Hub::new(Policy::default());
    let mut urgent = job("bob");
    urgent.priority = 9;
    let ids = hub.submit(vec![job("ada"), job("ada"), job("ada"), job("bob"), urgent]);
    let numbers: Vec<u64> = ids.iter().map(|id| id.0).collect();
    // The urgent one; then ada, who has nothing, before bob, who has one, and then in turns.
    assert_eq!(
        hub.agent("a", 3, &[], &[]),
        [numbers[0], numbers[1], numbers[4]]
    );
    hub.agent("b", 1, &[], &[]);
    assert!(hub.running().contains(&numbers[3]));
    assert_eq!(
        hub.why(ids[2]),
        "no agent has room: on a 1 cores are needed, 0 free"
    );
}

#[test]
fn what_was_used_fades() {
    let policy = Policy {
        half_life_ms: 1000,
        ..Policy::default()
    };
    let run_once = |wait: u64| {
        let mut hub = Hub::new(policy.clone());
        let first = hub.submit(vec![job("ada")])[0];
        hub.agent("a", 1, &[], &[]);
        hub.now += 5_000;
        let token = hub.queue.job(first).expect("runs").token;
        let end = EndedReport {
            job: first,
            token,
            end: End::Succeeded,
        };
        hub.now += wait;
        let ids = hub.submit(vec![job("ada"), job("zoe")]);
        hub.tell("a", 1, &[], &[], vec![end]);
        if wait > 0 {
            hub.now += wait;
        }
        hub.agent("a", 1, &[], &[]);
        hub.running()[0] - ids[0].0
    };
    assert_eq!(run_once(0), 1, "ada has just used it: zoe is first");
    assert_eq!(run_once(40_000_000), 0, "long ago: by name");
}

#[test]
fn an_owner_moves_his_jobs() {
    let mut hub = Hub::new(Policy::default());
    let ids = hub.submit(vec![job("ada"), job("ada"), job("ada"), job("bob")]);
    hub.queue.move_before(ids[2], ids[0]).expect("moved");
    // So often that numbers run out between two.
    for _ in 0..60 {
        hub.queue.move_before(ids[1], ids[0]).expect("moved");
        hub.queue.move_before(ids[2], ids[0]).expect("moved");
    }
    hub.queue.move_before(ids[2], ids[1]).expect("moved");
    let refused = hub.queue.move_before(ids[3], ids[0]).expect_err("not his");
    assert!(refused.to_string().contains("same owner"), "{refused}");
    hub.queue.cancel(ids[3], 0).expect("cancelled");
    assert_eq!(hub.agent("a", 1, &[], &[]), [ids[2].0]);
    assert_eq!(hub.agent("b", 1, &[], &[]), [ids[1].0]);
    assert_eq!(hub.agent("c", 1, &[], &[]), [ids[0].0]);
}

#[test]
fn why_a_job_waits_is_said() {
    let policy = Policy {
        owners: BTreeMap::from([(
            "cap".to_owned(),
            Quota {
                jobs: Some(1),
                gpus: None,
            },
        )]),
        ..Policy::default()
    };
    let mut hub = Hub::new(policy);
    let mut labelled = job("ada");
    labelled.labels.insert("a100".to_owned());
    let mut after = job("ada");
    after.after.push(Dependency {
        job: JobId(1),
        when: When::Succeeded,
    });
    let ids = hub.submit(vec![
        gpus(2, 40),
        gpus(3, 40),
        labelled,
        after,
        job("cap"),
        job("cap"),
    ]);
    assert_eq!(hub.why(ids[0]), "no agent takes jobs");
    hub.agent("m", 8, &[40, 24, 40], &[]);
    assert_eq!(hub.why(ids[0]), "runs");
    assert_eq!(
        hub.why(ids[1]),
        "no agent is large enough: m is nearest, 3 GPUs with 40 GiB are needed, 2 free when it is empty"
    );
    assert_eq!(
        hub.why(ids[2]),
        "no agent that takes jobs has the labels a100"
    );
    assert_eq!(hub.why(ids[3]), "comes after job 1, which has not ended");
    assert_eq!(hub.why(ids[4]), "runs");
    assert_eq!(hub.why(ids[5]), "cap has as much as the quota allows");
    let more = hub.submit(vec![gpus(1, 40)]);
    assert_eq!(
        hub.why(more[0]),
        "no agent has room: on m 1 GPUs with 40 GiB are needed, 0 free"
    );
    hub.queue.hold(more[0]).expect("held");
    assert!(hub.why(more[0]).starts_with("held back"));
    hub.queue.pause(true);
    hub.queue.release(more[0], 0).expect("released");
    assert_eq!(hub.why(more[0]), "the queue is paused");
    hub.now += 1_000_000;
    assert_eq!(
        hub.why(ids[0]),
        "m was last heard of 1000 s ago; the program may be running"
    );
}

#[test]
fn a_large_job_gets_its_machine_in_the_end() {
    let mut hub = Hub::new(Policy::default());
    hub.submit(vec![job("ada")]);
    hub.agent("m", 4, &[], &[]);
    let mut large = job("ada");
    large.needs.cpus = 4;
    let large = hub.submit(vec![large])[0];
    hub.submit(vec![job("ada")]);
    hub.agent("m", 4, &[], &[]);
    assert_eq!(hub.running().len(), 2, "a small one goes by at first");
    hub.now += 20 * 60_000;
    hub.submit(vec![job("ada")]);
    hub.agent("m", 4, &[], &[]);
    assert_eq!(hub.running().len(), 2, "then the machine is kept for it");
    for id in [1, 3] {
        let end = EndedReport {
            job: JobId(id),
            token: 1,
            end: End::Succeeded,
        };
        hub.tell("m", 4, &[], &[], vec![end]);
    }
    hub.agent("m", 4, &[], &[]);
    assert_eq!(hub.running(), [large.0]);
}

#[test]
fn a_job_of_higher_priority_takes_the_place_of_the_fewest() {
    let mut hub = Hub::new(Policy::default());
    let small = || {
        let mut spec = gpus(1, 0);
        spec.preemptible = true;
        spec
    };
    let mut fixed = gpus(1, 0);
    fixed.priority = 1;
    let ids = hub.submit(vec![fixed, small(), small(), small()]);
    hub.agent("m", 8, &[24, 24, 24, 24], &[]);
    let mut urgent = gpus(2, 0);
    urgent.priority = 5;
    let urgent = hub.submit(vec![urgent])[0];
    hub.agent("m", 8, &[24, 24, 24, 24], &[]);
    let stopping = |hub: &Hub| {
        ids.iter()
            .filter(|id| hub.why(**id).contains("higher priority"))
            .count()
    };
    assert_eq!(stopping(&hub), 2);
    hub.agent("m", 8, &[24, 24, 24, 24], &[]);
    assert_eq!(stopping(&hub), 2, "no more while they stop");
    assert_eq!(hub.why(ids[0]), "runs");
    for id in &ids[2..] {
        let end = EndedReport {
            job: *id,
            token: 1,
            end: End::Stopped(mlhub_queue::StopReason::Preempted),
        };
        hub.tell("m", 8, &[24, 24, 24, 24], &[], vec![end]);
    }
    hub.agent("m", 8, &[24, 24, 24, 24], &[]);
    assert!(hub.running().contains(&urgent.0), "{:?}", hub.running());
    assert!(
        hub.why(ids[2]).contains("no agent has room"),
        "{}",
        hub.why(ids[2])
    );
}

#[test]
fn what_follows_a_failure_is_skipped_or_goes_on() {
    let mut hub = Hub::new(Policy::default());
    let after = |job: u64, when: When| {
        let mut spec = self::job("ada");
        spec.after.push(Dependency {
            job: JobId(job),
            when,
        });
        spec
    };
    hub.submit(vec![
        job("ada"),
        after(1, When::Succeeded),
        after(2, When::Succeeded),
        after(1, When::Ended),
    ]);
    hub.agent("m", 4, &[], &[]);
    let (_, changes) = {
        let report = Report {
            agent: AgentId("m".to_owned()),
            incarnation: Incarnation {
                generation: 1,
                nonce: 7,
            },
            sequence: 99,
            labels: BTreeSet::new(),
            offer: Offer::default(),
            draining: false,
            holds: Vec::new(),
            ended: vec![EndedReport {
                job: JobId(1),
                token: 1,
                end: End::Failed(FailureClass::Program),
            }],
        };
        hub.queue.report(&report, 0).expect("one process")
    };
    let ended: Vec<(u64, Outcome)> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Ended(job, outcome) => Some((job.id.0, *outcome)),
            _ => None,
        })
        .collect();
    let failed = Outcome::Failed(FailureClass::Program);
    assert_eq!(
        ended,
        [(1, failed), (2, Outcome::Skipped), (3, Outcome::Skipped)]
    );
    assert_eq!(
        hub.queue.jobs().map(|job| job.id.0).collect::<Vec<_>>(),
        [4]
    );
    assert!(hub.queue.job(JobId(4)).expect("there").pending.is_empty());
}

#[test]
fn what_no_queue_can_do_is_refused() {
    let mut hub = Hub::new(Policy {
        jobs_max: 3,
        ..Policy::default()
    });
    let none = BTreeMap::new();
    let mut circle = job("ada");
    circle.after.push(Dependency {
        job: JobId(1),
        when: When::Ended,
    });
    let refused = hub
        .queue
        .submit(vec![circle], &none, false, 0)
        .expect_err("itself");
    assert_eq!(
        refused.to_string(),
        "job 1 comes after job 1, which is not there before it"
    );
    let full = hub.queue.submit(vec![job("ada"); 4], &none, false, 0);
    assert_eq!(
        full.expect_err("full").to_string(),
        "the queue has 0 jobs and takes 3 at most"
    );
    assert_eq!(hub.queue.jobs().count(), 0);
    let unknown = hub.queue.cancel(JobId(5), 0).expect_err("not there");
    assert_eq!(unknown.to_string(), "no job in the queue `5`");
    hub.submit(vec![job("ada")]);
    hub.agent("m", 1, &[], &[]);
    let refused = hub.queue.hold(JobId(1)).expect_err("runs");
    assert!(refused.to_string().contains("is with m"), "{refused}");
    let refused = hub.queue.give_up(JobId(1), 0).expect_err("in reach");
    assert!(refused.to_string().contains("can be reached"), "{refused}");
}

#[test]
fn two_processes_for_one_agent_are_refused() {
    let mut queue = Queue::new(Policy::default());
    let report = |nonce| Report {
        agent: AgentId("m".to_owned()),
        incarnation: Incarnation {
            generation: 3,
            nonce,
        },
        sequence: 1,
        labels: BTreeSet::new(),
        offer: Offer::default(),
        draining: false,
        holds: Vec::new(),
        ended: Vec::new(),
    };
    queue.report(&report(1), 0).expect("the first");
    let refused = queue.report(&report(2), 0).expect_err("the second");
    assert!(refused.to_string().contains("another process"), "{refused}");
}

//! The simulated world.

mod machine;
mod random;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use machine::Machine;
use mlhub_queue::{
    AgentId, AgentLoss, Answer, Change, Dependency, FailureClass, Hold, Job, JobId, JobKind,
    JobSpec, LeaseTimes, Outcome, Policy, Queue, Report, Resources, RetryPolicy, StopReason, When,
};
use random::Random;

/// Machines of a world.
const MACHINES: u64 = 4;
/// Until when things break, of true time.
const TROUBLE_MS: u64 = 400_000;
/// Until when everything must have ended.
const END_MS: u64 = 4_000_000;
/// Between two reports of an agent.
const REPORT_MS: u64 = 2_000;
/// Between two looks of the hub at its leases.
const LOOK_MS: u64 = 1_000;
/// Between two looks of a machine at its leases; part of the time that stopping may take.
const MACHINE_LOOK_MS: u64 = 500;
/// A request that is not answered for so long is given up.
const DELAY_MAX_MS: u64 = 25_000;
const TIMES: LeaseTimes = LeaseTimes {
    lease_ms: 20_000,
    stop_grace_ms: 5_000,
    drift_per_mille: 10,
};

/// What may go wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) network: bool,
    pub(crate) deaths: bool,
    /// Jobs are cancelled, held, moved and given up.
    pub(crate) people: bool,
}

/// How often what matters came about, over all schedules: faults that do not happen prove
/// nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Seen {
    pub(crate) started: u64,
    pub(crate) leases_over: u64,
    pub(crate) tried_again: u64,
    pub(crate) preempted: u64,
    pub(crate) skipped: u64,
    pub(crate) late: u64,
    pub(crate) given_up: u64,
}

impl Seen {
    pub(crate) fn add(&mut self, more: Self) {
        self.started += more.started;
        self.leases_over += more.leases_over;
        self.tried_again += more.tried_again;
        self.preempted += more.preempted;
        self.skipped += more.skipped;
        self.late += more.late;
        self.given_up += more.given_up;
    }
}

/// A clock that runs a little wrong from a start of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    offset: u64,
    per_mille: i64,
    from: u64,
}

impl Clock {
    fn new(random: &mut Random, from: u64) -> Self {
        Self {
            offset: random.below(1_000_000),
            per_mille: i64::try_from(random.below(21)).expect("small") - 10,
            from,
        }
    }

    /// What it shows at a true time.
    pub(crate) fn at(&self, true_ms: u64) -> u64 {
        let passed = i128::from(true_ms - self.from);
        let shown = passed + passed * i128::from(self.per_mille) / 1000;
        self.offset + u64::try_from(shown).expect("forward")
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Submit,
    Meddle,
    HubLooks,
    HubDies,
    HubStarts,
    AgentReports(u64),
    AgentDies(u64),
    MachineDies(u64),
    MachineStarts(u64),
    MachineLooks(u64),
    ProgramEnds(u64, JobId, u64),
    ReportArrives(usize),
    AnswerArrives(usize),
}

struct Sent {
    report: Report,
    sent_ms: u64,
}

struct Answered {
    machine: u64,
    generation: u64,
    answer: Answer,
    sent_ms: u64,
}

/// What the hub has on its disk.
#[derive(Default)]
struct Disk {
    jobs: BTreeMap<JobId, Job>,
    ended: BTreeMap<JobId, Outcome>,
    next: u64,
}

pub(crate) struct World {
    seed: u64,
    faults: Faults,
    random: Random,
    now: u64,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    count: u64,
    hub: Option<(Queue, Clock)>,
    disk: Disk,
    machines: Vec<Machine>,
    reports: Vec<Sent>,
    answers: Vec<Answered>,
    /// Machines that are cut off, until when.
    cut: BTreeMap<u64, u64>,
    specs: BTreeMap<JobId, JobSpec>,
    succeeded: BTreeSet<JobId>,
    seen: Seen,
}

impl World {
    pub(crate) fn new(seed: u64, faults: Faults) -> Self {
        let mut random = Random::new(seed);
        let clock = Clock::new(&mut random, 0);
        let machines = (0..MACHINES)
            .map(|index| Machine::new(index, Clock::new(&mut random, 0), &mut random))
            .collect();
        let mut world = Self {
            seed,
            faults,
            random,
            now: 0,
            events: BinaryHeap::new(),
            count: 0,
            hub: Some((Queue::new(policy()), clock)),
            disk: Disk::default(),
            machines,
            reports: Vec::new(),
            answers: Vec::new(),
            cut: BTreeMap::new(),
            specs: BTreeMap::new(),
            succeeded: BTreeSet::new(),
            seen: Seen::default(),
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for _ in 0..8 {
            let at = self.random.below(TROUBLE_MS / 2);
            self.at(at, Event::Submit);
        }
        for machine in 0..MACHINES {
            let at = self.random.below(REPORT_MS);
            self.at(at, Event::AgentReports(machine));
            self.at(at, Event::MachineLooks(machine));
        }
        self.at(LOOK_MS, Event::HubLooks);
        if self.faults.people {
            for _ in 0..15 {
                let at = self.random.below(TROUBLE_MS);
                self.at(at, Event::Meddle);
            }
        }
        if self.faults.deaths {
            for machine in 0..MACHINES {
                for _ in 0..2 {
                    let at = self.random.below(TROUBLE_MS);
                    self.at(at, Event::AgentDies(machine));
                    let at = self.random.below(TROUBLE_MS);
                    self.at(at, Event::MachineDies(machine));
                }
            }
            for _ in 0..4 {
                let at = self.random.below(TROUBLE_MS);
                self.at(at, Event::HubDies);
            }
        }
    }

    fn at(&mut self, time: u64, event: Event) {
        self.count += 1;
        self.events.push(Reverse((time, self.count, event)));
    }

    /// Lets the world run to its end, and looks at what became of it.
    pub(crate) fn run(mut self) -> Seen {
        while let Some(Reverse((time, _, event))) = self.events.pop() {
            if time > END_MS {
                break;
            }
            self.now = time;
            self.happens(event);
        }
        let left: Vec<String> = self
            .disk
            .jobs
            .values()
            .map(|job| format!("{job:?}: {:?}", self.why(job.id)))
            .collect();
        assert!(left.is_empty(), "seed {}: not ended: {left:#?}", self.seed);
        for machine in &self.machines {
            assert!(
                machine.programs.is_empty(),
                "seed {}: still running",
                self.seed
            );
        }
        for (job, outcome) in &self.disk.ended {
            let did = self.succeeded.contains(job);
            // A success that arrives after the end changes nothing here.
            assert!(
                did || *outcome != Outcome::Succeeded,
                "seed {}: {job} is called {outcome:?}",
                self.seed
            );
        }
        assert_eq!(
            self.disk.ended.len(),
            self.specs.len(),
            "seed {}",
            self.seed
        );
        self.seen
    }

    fn why(&self, job: JobId) -> Option<mlhub_queue::Waiting> {
        let (queue, clock) = self.hub.as_ref()?;
        queue.why(job, clock.at(self.now))
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Submit => self.submit(),
            Event::Meddle => self.meddle(),
            Event::HubLooks => {
                self.with_hub(|queue, now| (queue.expire(now), ()));
                self.at(self.now + LOOK_MS, Event::HubLooks);
            }
            Event::HubDies => {
                self.hub = None;
                let away = self.random.below(60_000);
                self.at(self.now + away, Event::HubStarts);
            }
            Event::HubStarts => self.start_hub(),
            Event::AgentReports(machine) => self.report(machine),
            Event::AgentDies(machine) => {
                let until = self.now + self.random.below(50_000);
                self.machine(machine).agent_dies(until);
            }
            Event::MachineDies(machine) => {
                let away = self.random.below(80_000);
                self.machine(machine).dies();
                self.at(self.now + away, Event::MachineStarts(machine));
            }
            Event::MachineStarts(machine) => {
                let clock = Clock::new(&mut self.random, self.now);
                self.machine(machine).starts(clock);
            }
            Event::MachineLooks(machine) => {
                let now = self.now;
                let actions = self.machine(machine).looks(now);
                self.act(machine, actions);
                self.at(self.now + MACHINE_LOOK_MS, Event::MachineLooks(machine));
            }
            Event::ProgramEnds(machine, job, token) => {
                if self.machine(machine).ends(Hold { job, token }) {
                    self.succeeded.insert(job);
                }
            }
            Event::ReportArrives(at) => self.arrives(at),
            Event::AnswerArrives(at) => self.answered(at),
        }
    }

    fn machine(&mut self, index: u64) -> &mut Machine {
        &mut self.machines[usize::try_from(index).expect("few")]
    }

    fn start_hub(&mut self) {
        if self.hub.is_some() {
            return;
        }
        let clock = Clock::new(&mut self.random, self.now);
        let jobs = self.disk.jobs.values().cloned().collect();
        let next = JobId(self.disk.next.max(1));
        let queue = Queue::restore(policy(), jobs, next, clock.at(self.now));
        self.hub = Some((queue, clock));
    }

    /// Asks something of the hub, and stores what changed.
    fn with_hub<T>(&mut self, ask: impl FnOnce(&mut Queue, u64) -> (Vec<Change>, T)) -> Option<T> {
        let (mut queue, clock) = self.hub.take()?;
        let (mut changes, value) = ask(&mut queue, clock.at(self.now));
        changes.extend(queue.dispatch(clock.at(self.now)).0);
        for change in changes {
            match change {
                Change::Saved(id) => {
                    if let Some(job) = queue.job(id) {
                        self.disk.jobs.insert(id, job.clone());
                    }
                }
                Change::Ended(job, outcome) => {
                    self.seen.skipped += u64::from(outcome == Outcome::Skipped);
                    self.disk.jobs.remove(&job.id);
                    let before = self.disk.ended.insert(job.id, outcome);
                    assert_eq!(before, None, "seed {}: {} ended twice", self.seed, job.id);
                }
                Change::Late { .. } => self.seen.late += 1,
            }
        }
        self.disk.next = queue.next().0;
        self.check_leases(&queue);
        self.hub = Some((queue, clock));
        Some(value)
    }

    /// No machine is given more than it has.
    fn check_leases(&self, queue: &Queue) {
        let mut gpus: BTreeSet<(&AgentId, u32)> = BTreeSet::new();
        let mut cpus: BTreeMap<&AgentId, u32> = BTreeMap::new();
        for job in queue.jobs() {
            let Some(lease) = job.lease() else { continue };
            *cpus.entry(&lease.agent).or_default() += job.spec.needs.cpus;
            for gpu in &lease.gpus {
                assert!(
                    gpus.insert((&lease.agent, *gpu)),
                    "seed {}: a GPU twice",
                    self.seed
                );
            }
        }
        for machine in &self.machines {
            let used = cpus.get(&machine.id).copied().unwrap_or_default();
            assert!(
                used <= machine.offer.cpus,
                "seed {}: too many cores",
                self.seed
            );
        }
    }

    fn submit(&mut self) {
        let count = 1 + self.random.below(4);
        let outcomes = self.disk.ended.clone();
        let Some((queue, _)) = &self.hub else {
            // The person tries again.
            self.at(self.now + 5_000, Event::Submit);
            return;
        };
        let first = queue.next().0;
        let specs: Vec<JobSpec> = (first..first + count).map(|id| self.spec(id)).collect();
        let ids = self.with_hub(|queue, now| {
            let (ids, changes) = queue
                .submit(specs.clone(), &outcomes, false, now)
                .expect("sound jobs");
            (changes, ids)
        });
        self.specs
            .extend(ids.expect("the hub is there").into_iter().zip(specs));
    }

    fn spec(&mut self, id: u64) -> JobSpec {
        let mut after = Vec::new();
        if id > 1 && self.random.chance(30) {
            let job = JobId(1 + self.random.below(id - 1));
            let when = if self.random.chance(50) {
                When::Succeeded
            } else {
                When::Ended
            };
            after.push(Dependency { job, when });
        }
        let classes = [
            FailureClass::Machine,
            FailureClass::Killed,
            FailureClass::AgentLost,
        ];
        JobSpec {
            kind: JobKind::Train,
            project: "p".to_owned(),
            owner: ["ada", "bob"][usize::from(self.random.chance(50))].to_owned(),
            priority: i32::try_from(self.random.below(3)).expect("small"),
            labels: BTreeSet::new(),
            needs: Resources {
                cpus: u32::try_from(1 + self.random.below(3)).expect("small"),
                gpus: u32::try_from(self.random.below(3)).expect("small"),
                ..Resources::default()
            },
            after,
            retry: RetryPolicy {
                retries: classes.into_iter().map(|class| (class, 2)).collect(),
                delay_ms: 3_000,
                delay_max_ms: 30_000,
            },
            timeout_ms: None,
            on_agent_loss: if self.random.chance(60) {
                AgentLoss::Requeue
            } else {
                AgentLoss::Wait
            },
            preemptible: self.random.chance(50),
        }
    }

    fn meddle(&mut self) {
        let ids: Vec<JobId> = self.disk.jobs.keys().copied().collect();
        if ids.is_empty() {
            return;
        }
        let pick = |random: &mut Random| {
            ids[usize::try_from(random.below(ids.len() as u64)).expect("few")]
        };
        let (one, other) = (pick(&mut self.random), pick(&mut self.random));
        let what = self.random.below(4);
        let is_alive = self.machines.iter().any(|machine| machine.runs(one));
        let gave_up = self.with_hub(|queue, now| {
            let done = match what {
                0 => queue.cancel(one, now),
                1 => queue.prioritise(one, 5),
                2 => queue.move_before(one, other),
                // The person has looked.
                _ if !is_alive => queue.give_up(one, now),
                _ => Ok(Vec::new()),
            };
            let changes = done.unwrap_or_default();
            let gave_up = what == 3 && !changes.is_empty();
            (changes, gave_up)
        });
        self.seen.given_up += u64::from(gave_up == Some(true));
    }

    /// How long something is under way; nothing when it is lost.
    fn under_way(&mut self, machine: u64) -> Option<u64> {
        let in_trouble = self.faults.network && self.now < TROUBLE_MS;
        if !in_trouble {
            return Some(1 + self.random.below(50));
        }
        if self
            .cut
            .get(&machine)
            .is_some_and(|until| self.now < *until)
            || self.random.chance(10)
        {
            return None;
        }
        if self.random.chance(3) {
            let until = self.now + self.random.below(90_000);
            self.cut.insert(machine, until);
            return None;
        }
        Some(if self.random.chance(15) {
            self.random.below(DELAY_MAX_MS)
        } else {
            self.random.below(200)
        })
    }

    fn report(&mut self, machine: u64) {
        let now = self.now;
        self.at(now + REPORT_MS, Event::AgentReports(machine));
        let Some(report) = self.machine(machine).report(now) else {
            return;
        };
        let at = self.reports.len();
        let sent_ms = self.machine(machine).clock.at(now);
        self.reports.push(Sent { report, sent_ms });
        let twice = self.faults.network && self.random.chance(5);
        for _ in 0..=usize::from(twice) {
            if let Some(delay) = self.under_way(machine) {
                self.at(now + delay, Event::ReportArrives(at));
            }
        }
    }

    fn arrives(&mut self, at: usize) {
        let (report, sent_ms) = (self.reports[at].report.clone(), self.reports[at].sent_ms);
        let agent = report.agent.clone();
        let machine = self
            .machines
            .iter()
            .position(|one| one.id == agent)
            .expect("known") as u64;
        let answer = self.with_hub(|queue, now| {
            let mut changes = queue.expire(now);
            let (answer, more) = queue
                .report(&report, now)
                .expect("one process for an agent");
            changes.extend(more);
            (changes, answer)
        });
        let (Some(mut answer), Some((queue, _))) = (answer, &self.hub) else {
            return;
        };
        queue.answer(&agent, &mut answer);
        let generation = report.incarnation.generation;
        let at = self.answers.len();
        self.answers.push(Answered {
            machine,
            generation,
            answer,
            sent_ms,
        });
        if let Some(delay) = self.under_way(machine) {
            self.at(self.now + delay, Event::AnswerArrives(at));
        }
    }

    fn answered(&mut self, at: usize) {
        let Answered {
            machine,
            generation,
            answer,
            sent_ms,
        } = &self.answers[at];
        let (machine, generation, answer, sent_ms) =
            (*machine, *generation, answer.clone(), *sent_ms);
        let now = self.now;
        let actions = self
            .machine(machine)
            .answered(generation, &answer, sent_ms, now);
        self.act(machine, actions);
    }

    fn act(&mut self, machine: u64, actions: Vec<mlhub_queue::Action>) {
        for action in actions {
            match action {
                mlhub_queue::Action::Start(order) => {
                    let job = order.job;
                    self.seen.started += 1;
                    self.seen.tried_again += u64::from(order.token > 1);
                    for other in &self.machines {
                        assert!(!other.runs(job), "seed {}: {job} runs twice", self.seed);
                    }
                    for dependency in &self.specs[&job].after {
                        let ended = self.disk.ended.get(&dependency.job);
                        let sound = match dependency.when {
                            When::Succeeded => ended == Some(&Outcome::Succeeded),
                            When::Ended => ended.is_some(),
                        };
                        assert!(sound, "seed {}: {job} starts after {ended:?}", self.seed);
                    }
                    let hold = Hold {
                        job,
                        token: order.token,
                    };
                    let takes = 1_000 + self.random.below(60_000);
                    let end = self.random.below(100);
                    self.machine(machine).start(order, end);
                    self.at(
                        self.now + takes,
                        Event::ProgramEnds(machine, job, hold.token),
                    );
                }
                mlhub_queue::Action::Stop(hold, reason) => {
                    self.seen.leases_over += u64::from(reason == StopReason::LeaseOver);
                    self.seen.preempted += u64::from(reason == StopReason::Preempted);
                    if self.machine(machine).stopping.insert(hold) {
                        // By the machine's clock, which may be slow.
                        let most = (TIMES.stop_grace_ms - MACHINE_LOOK_MS) * 980 / 1000;
                        let dies = self.random.below(most);
                        self.at(
                            self.now + dies,
                            Event::ProgramEnds(machine, hold.job, hold.token),
                        );
                    }
                }
                mlhub_queue::Action::Forget(_) => {}
            }
        }
    }
}

fn policy() -> Policy {
    Policy {
        times: TIMES,
        silent_ms: 10_000,
        reserve_after_ms: 60_000,
        ..Policy::default()
    }
}

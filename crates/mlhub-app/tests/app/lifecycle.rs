//! A run's life: against the state machine, stopped, resumed, changed at once.

use mlhub_app::SeriesRequest;
use mlhub_core::deletion::DeletionAction;
use mlhub_core::metric::{Reduction, SeriesWindow};
use mlhub_core::{ErrorKind, RunEvent, RunId, RunState};
use proptest::prelude::*;

use crate::hub::TestHub;

/// What a supervisor or a person may do, in any order.
#[derive(Debug, Clone, Copy)]
enum Call {
    Start(u32),
    Heartbeat(u32),
    End(u32, RunState),
    Stop,
    Requeue,
    Delete,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let number = || 1u32..4;
    let ends = prop::sample::select(vec![
        RunState::Finished,
        RunState::Failed,
        RunState::Stopped,
        RunState::Lost,
    ]);
    let call = prop_oneof![
        3 => number().prop_map(Call::Start),
        1 => number().prop_map(Call::Heartbeat),
        4 => (number(), ends).prop_map(|(number, state)| Call::End(number, state)),
        1 => Just(Call::Stop),
        2 => Just(Call::Requeue),
        1 => Just(Call::Delete),
    ];
    prop::collection::vec(call, 1..20)
}

/// What the states of the attempts must be; the run's is that of the last.
#[derive(Debug)]
struct Model {
    attempts: Vec<RunState>,
    stop_requested: bool,
    deleted: bool,
}

impl Model {
    fn last(&self) -> RunState {
        self.attempts[self.attempts.len() - 1]
    }

    /// The kind of refusal, or none.
    fn apply(&mut self, call: Call) -> Option<ErrorKind> {
        if self.deleted {
            return Some(ErrorKind::NotFound);
        }
        match call {
            Call::Start(number) | Call::Heartbeat(number) | Call::End(number, _)
                if number as usize > self.attempts.len() =>
            {
                Some(ErrorKind::NotFound)
            }
            Call::Start(number) => {
                let state = &mut self.attempts[number as usize - 1];
                if let Ok(started) = state.after(RunEvent::Start) {
                    *state = started;
                }
                None
            }
            Call::Heartbeat(_) => None,
            Call::End(number, to) => {
                let event = match to {
                    RunState::Finished => RunEvent::Succeed,
                    RunState::Failed => RunEvent::Fail,
                    RunState::Stopped => RunEvent::Stop,
                    _ => RunEvent::Lose,
                };
                let state = &mut self.attempts[number as usize - 1];
                match state.after(event) {
                    Ok(after) => *state = after,
                    Err(error) => return Some(error.kind()),
                }
                None
            }
            Call::Stop if self.last().is_terminal() => Some(ErrorKind::Conflict),
            Call::Stop => {
                self.stop_requested = true;
                if let Some(state @ RunState::Queued) = self.attempts.last_mut() {
                    *state = RunState::Stopped;
                }
                None
            }
            Call::Requeue if !self.last().is_terminal() => Some(ErrorKind::Conflict),
            Call::Requeue => {
                self.attempts.push(RunState::Queued);
                self.stop_requested = false;
                None
            }
            Call::Delete if !self.last().is_terminal() => Some(ErrorKind::Conflict),
            Call::Delete => {
                self.deleted = true;
                None
            }
        }
    }
}

async fn make(hub: &TestHub, run: &RunId, call: Call) -> Option<ErrorKind> {
    let (caller, text) = (&hub.caller, run.as_str());
    let made = match call {
        Call::Start(number) => hub.start(run, number).await.map(drop),
        Call::Heartbeat(number) => hub
            .hub
            .attempt_heartbeat(caller, run, number)
            .await
            .map(drop),
        Call::End(number, state) => hub.end(run, number, state).await.map(drop),
        Call::Stop => hub.hub.run_stop(caller, text).await.map(drop),
        Call::Requeue => hub
            .hub
            .attempt_create(caller, text, None, None)
            .await
            .map(drop),
        Call::Delete => {
            let request = crate::deletion::request(DeletionAction::Purge, &[text]);
            match hub.hub.deletion_run(caller, &request).await {
                Ok(report) if report.refused > 0 => return Some(ErrorKind::Conflict),
                done => done.map(drop),
            }
        }
    };
    made.err().map(|error| error.kind())
}

#[test]
fn any_order_of_calls_keeps_to_the_state_machine() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let hub = runtime.block_on(async { TestHub::new() });
    let count = std::cell::Cell::new(0);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&calls(), |calls| {
            count.set(count.get() + 1);
            let run = runtime.block_on(hub.run(&format!("life-{:06}", count.get())));
            let mut model = Model {
                attempts: vec![RunState::Queued],
                stop_requested: false,
                deleted: false,
            };
            for (index, call) in calls.iter().enumerate() {
                // Each call is delivered twice now and then.
                let expected = model.apply(*call);
                let got = runtime.block_on(make(&hub, &run, *call));
                prop_assert_eq!(got, expected, "{:?} at {} of {:?}", call, index, &calls);
                let found = runtime.block_on(hub.hub.run_overview(&hub.caller, run.as_str()));
                let Ok(overview) = found else {
                    prop_assert!(model.deleted);
                    continue;
                };
                let states: Vec<RunState> = overview.attempts.iter().map(|a| a.state).collect();
                prop_assert_eq!(&states, &model.attempts, "after {:?} of {:?}", call, &calls);
                prop_assert_eq!(overview.row.run.state, model.last());
                prop_assert_eq!(overview.row.run.stop_requested, model.stop_requested);
                prop_assert_eq!(overview.row.run.attempt as usize, states.len());
            }
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_queued_run_stops_at_once_and_its_supervisor_is_told() {
    let hub = TestHub::new();
    let run = hub.run("stop-queued").await;
    let stopped = hub.hub.run_stop(&hub.caller, "stop-queued").await.unwrap();
    assert_eq!(stopped.state, RunState::Stopped);
    assert!(stopped.ended_at.is_some());
    let told = hub.start(&run, 1).await.unwrap();
    assert_eq!((told.state, told.stop_requested), (RunState::Stopped, true));
}

#[tokio::test]
async fn a_running_run_stops_when_its_supervisor_has_ended_it() {
    let hub = TestHub::new();
    let run = hub.running("stop-running", Default::default()).await;
    let asked = hub.hub.run_stop(&hub.caller, "stop-running").await.unwrap();
    assert_eq!(
        (asked.state, asked.stop_requested),
        (RunState::Running, true)
    );
    let heard = hub
        .hub
        .attempt_heartbeat(&hub.caller, &run, 1)
        .await
        .unwrap();
    assert!(heard.stop_requested);
    hub.end(&run, 1, RunState::Stopped).await.unwrap();
    assert_eq!(hub.state(&run).await, RunState::Stopped);
    let again = hub
        .hub
        .run_stop(&hub.caller, "stop-running")
        .await
        .unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Conflict);
}

async fn values(hub: &TestHub, run: &RunId) -> Vec<(i64, f64)> {
    let request = SeriesRequest {
        runs: vec![run.to_string()],
        metrics: vec!["loss".to_owned()],
        patterns: Vec::new(),
        window: SeriesWindow::default(),
        reduction: Reduction::Envelope { max_points: 100 },
    };
    let series = hub.hub.series_read(&hub.caller, &request).await.unwrap();
    let points = series.first().map(|series| series.view.points.clone());
    let points = points.unwrap_or_default();
    points.iter().map(|p| (p.step, p.value)).collect()
}

async fn resumed(id: &str, from: Option<i64>) -> (TestHub, RunId) {
    let hub = TestHub::new();
    let run = hub.running(id, Default::default()).await;
    hub.log(&run, 1, 0, &[0.0, 1.0, 2.0, 3.0]).await;
    hub.end(&run, 1, RunState::Failed).await.unwrap();
    let (_, attempt) = hub
        .hub
        .attempt_create(&hub.caller, id, None, from)
        .await
        .unwrap();
    assert_eq!(attempt.number, 2);
    (hub, run)
}

#[tokio::test]
async fn a_resumed_run_shows_the_new_points_beyond_the_step_it_resumed_from() {
    let (hub, run) = resumed("resume", Some(1)).await;
    assert_eq!(values(&hub, &run).await, [(0, 0.0), (1, 1.0)]);
    hub.start(&run, 2).await.unwrap();
    hub.log(&run, 2, 2, &[20.0, 30.0, 40.0]).await;
    let whole = [(0, 0.0), (1, 1.0), (2, 20.0), (3, 30.0), (4, 40.0)];
    assert_eq!(values(&hub, &run).await, whole);
    let listed = hub.hub.metric_list(&hub.caller, "resume").await.unwrap();
    assert_eq!((listed[0].0.count, listed[0].0.last.value), (5, 40.0));
    // The first attempt's supervisor is told that its time is over.
    let told = hub
        .hub
        .attempt_heartbeat(&hub.caller, &run, 1)
        .await
        .unwrap();
    assert!(told.stop_requested);
}

#[tokio::test]
async fn an_attempt_afresh_shows_none_of_the_old_points() {
    let (hub, run) = resumed("afresh", None).await;
    assert_eq!(values(&hub, &run).await, []);
    hub.log(&run, 2, 0, &[9.0]).await;
    assert_eq!(values(&hub, &run).await, [(0, 9.0)]);
    assert_eq!(hub.state(&run).await, RunState::Queued);
}

#[tokio::test]
async fn ends_reported_at_once_leave_one_of_them() {
    let hub = TestHub::new();
    let run = hub.running("race", Default::default()).await;
    let states = [
        RunState::Finished,
        RunState::Failed,
        RunState::Finished,
        RunState::Stopped,
    ];
    let ends = states.map(|state| hub.end(&run, 1, state));
    let ended = futures::future::join_all(ends).await;
    let last = hub.state(&run).await;
    for (state, result) in states.iter().zip(ended) {
        match result {
            Ok(standing) => assert_eq!(standing.state, *state),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict),
        }
    }
    assert!(states.contains(&last));
}

//! One contract, every backend: each case runs on SQLite and on PostgreSQL.
//!
//! The cases know only the traits. SQLite cases are tests of their own;
//! PostgreSQL cases run one after the other against one private server, each in
//! a database of its own, because a server per process would cost more than the
//! tests. Faults of disks and processes are in `faults.rs`.

mod attempts;
mod deletions;
mod documents;
mod engine;
mod engine_owners;
mod evaluations;
mod experiments;
mod ingest;
mod logged_models;
mod logs;
mod make;
mod portable;
mod postgres;
mod records;
mod registry;
mod registry_lists;
mod runs;
mod traces;
mod upgrade;
mod upgrade_data;
mod versions;

use std::sync::Arc;

use futures::future::BoxFuture;
use mlhub_core::store::Store;
use mlhub_store::{PostgresStore, SqliteStore};

type TestStore = Arc<dyn Store>;
type Case = fn(TestStore) -> BoxFuture<'static, ()>;

macro_rules! contract {
    ($($module:ident :: $case:ident),* $(,)?) => {
        const CASES: &[(&str, Case)] = &[
            $((concat!(stringify!($module), "::", stringify!($case)), |store| Box::pin($module::$case(store)))),*
        ];

        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let folder = tempfile::tempdir().expect("temp folder");
                let store = super::SqliteStore::open(folder.path()).expect("open");
                super::$module::$case(std::sync::Arc::new(store)).await;
            })*
        }
    };
}

contract![
    records::projects_are_made_once_and_listed_by_activity,
    experiments::an_experiment_is_made_found_and_changed,
    experiments::runs_follow_a_new_name_and_names_stay_unique,
    experiments::a_run_brings_a_deleted_experiment_back,
    logged_models::a_logged_model_is_made_found_and_changed,
    logged_models::logged_models_are_listed_newest_first,
    logged_models::of_metrics_of_models_the_latest_stays,
    logged_models::models_go_with_the_run_of_their_files_and_move_with_it,
    traces::head_and_spans_become_one_trace_in_any_order,
    traces::traces_are_listed_newest_first_and_deleted,
    traces::assessments_and_tags_of_a_trace_change,
    traces::a_trace_has_its_limits,
    traces::traces_go_with_their_run_and_move_in_archives,
    records::datasets_keep_one_version_per_fingerprint,
    records::splits_are_stored_once_and_need_their_version,
    records::accepted_rows_stay_with_their_split,
    records::artifacts_are_replaced_at_their_path,
    records::a_late_attempt_takes_no_artifacts_place,
    records::inputs_are_noted_by_name_and_found_by_content,
    records::artifacts_are_found_by_content_project_run_and_path,
    records::adapters_keep_what_was_seen_first,
    runs::a_run_comes_back_as_it_was_made,
    runs::runs_are_made_all_or_none,
    runs::runs_are_found_by_prefix,
    runs::runs_are_scanned_and_read_in_the_order_of_creation,
    runs::renaming_and_stop_requests,
    runs::tags_are_set_and_removed,
    runs::removing_a_run_takes_all_of_it_and_names_its_blobs,
    runs::what_cannot_be_stored_is_refused,
    runs::names_are_compared_byte_by_byte,
    runs::what_does_not_exist_is_not_found,
    attempts::of_many_changes_exactly_one_wins,
    attempts::of_many_new_attempts_exactly_one_is_made,
    attempts::an_older_attempt_does_not_change_the_run,
    attempts::a_late_truth_replaces_how_a_lost_run_ended,
    attempts::a_new_attempt_starts_the_run_afresh,
    attempts::unsettled_runs_are_listed_by_host,
    ingest::a_batch_is_stored_exactly_once,
    ingest::parallel_senders_of_one_stream_store_it_once,
    ingest::every_bit_and_every_step_comes_back,
    ingest::params_keep_their_first_value_and_tags_their_last,
    ingest::a_refused_batch_leaves_nothing,
    ingest::records_come_back_newest_limited_oldest_first,
    ingest::records_of_one_kind_are_read_of_many_runs,
    ingest::a_resume_supersedes_what_came_after_it,
    ingest::summaries_are_those_of_the_visible_points,
    ingest::many_names_are_stored_up_to_the_limit,
    engine::sealing_changes_no_answer,
    engine::a_group_of_many_senders_fails_one_by_one,
    engine::histories_agree_with_a_naive_store,
    engine::names_keep_their_bytes,
    engine::writers_of_one_series_stand_as_they_arrived,
    logs::bytes_come_back_as_they_were_sent,
    logs::pieces_and_reads_agree_with_one_long_text,
    logs::of_a_flood_the_first_and_the_last_part_are_kept,
    deletions::a_hidden_run_is_in_no_list_and_comes_back,
    deletions::a_purge_is_measured_begun_once_and_ended,
    deletions::dropping_a_part_leaves_the_rest,
    deletions::blobs_are_known_by_their_users,
    deletions::single_artifacts_go_and_the_ledger_tells,
    deletions::rules_are_replaced_by_name,
    documents::documents_come_back_and_are_listed_last_stored_first,
    documents::of_many_changes_of_one_revision_one_is_stored,
    documents::documents_that_cannot_be_stored_are_refused,
    documents::a_projects_documents_go_with_it,
    documents::a_project_is_described,
    documents::a_preview_belongs_to_its_version,
    evaluations::an_evaluation_lives_once,
    evaluations::runs_are_found_by_the_definition_of_their_numbers,
    evaluations::a_new_evaluation_replaces_the_old_one,
    evaluations::numbers_keep_their_bits,
    evaluations::a_definition_never_changes,
    versions::numbers_are_handed_out_once_in_the_order_of_arrival,
    versions::of_many_writers_each_content_is_one_version,
    versions::an_alias_moves_and_keeps_its_content,
    versions::versions_move_into_any_database,
    versions::a_dataset_version_goes_when_nothing_reads_it,
    registry::a_model_lives_and_its_trail_outlives_it,
    registry::numbers_of_versions_are_never_given_twice,
    registry::of_many_registrations_each_gets_a_number,
    registry::what_is_protected_needs_its_gate,
    registry::a_run_stays_while_a_version_names_it,
    registry::models_and_versions_are_listed_page_by_page,
    registry_lists::lists_are_ordered_and_filtered,
    registry::the_registry_moves_into_any_database,
    portable::everything_moves_out_of_and_into_any_database,
    portable::what_exists_is_refused_and_nothing_is_stored,
    portable::a_source_that_breaks_off_stores_nothing,
    portable::a_copy_of_the_database_is_a_prefix_of_its_history,
];

/// Each case on one private server, in a database of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_keeps_the_contract() {
    let server = postgres::Server::start();
    for (name, case) in CASES {
        let started = std::time::Instant::now();
        println!("case {name}");
        let url = server.database().await;
        let store = PostgresStore::connect(&url).await.expect("connect");
        case(Arc::new(store)).await;
        println!("     took {:?}", started.elapsed());
    }
    println!("case engine");
    engine_owners::a_killed_connection_loses_and_doubles_nothing(&server.database().await).await;
    engine_owners::a_former_owner_cannot_commit(&server.database().await).await;
    engine_owners::an_owner_whose_server_forgot_it_takes_nothing_back(&server).await;
    engine_owners::points_of_the_first_schema_are_converted(&server.database().await).await;
    println!("case upgrade");
    upgrade::a_postgres_database_of_version_1_reads_back_equal(&server.database().await).await;
    upgrade::a_newer_postgres_schema_is_refused(&server.database().await).await;
    upgrade::one_hub_owns_a_database(&server.database().await).await;
    upgrade::an_absent_server_is_unavailable(&server).await;
    versions::artifacts_of_an_older_postgres_schema_become_versions(&server.database().await).await;
}

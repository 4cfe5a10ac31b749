//! One contract, both blob stores: each case runs on a folder and on an S3
//! server, which is started here on a free port of 127.0.0.1.
//!
//! The cases know only the traits; what is special to S3 is in `s3_only.rs`.

mod bed;
mod contract;
mod properties;
mod s3_only;
mod s3_server;

macro_rules! contract {
    ($($case:ident),* $(,)?) => {
        mod folder {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::contract::$case(super::bed::Bed::folder()).await;
            })*
        }

        mod s3 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::contract::$case(super::bed::Bed::s3().await).await;
            })*
        }
    };
}

contract![
    what_is_written_is_read_by_its_hash,
    many_parts_are_one_blob,
    an_unfinished_or_wrong_blob_leaves_nothing,
    only_a_hash_names_a_blob,
    blobs_are_listed_in_order_page_by_page,
    an_upload_goes_on_where_it_was,
    a_part_that_is_not_what_it_says_changes_nothing,
    an_upload_has_one_writer_at_a_time,
    an_upload_survives_a_restart,
    a_lying_upload_is_refused_and_gone,
    what_cannot_fit_is_refused_at_once,
];

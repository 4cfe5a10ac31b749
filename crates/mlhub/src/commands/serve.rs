//! `mlhub serve`.

use std::net::SocketAddr;

use mlhub_api::Authenticator;
use tokio::sync::oneshot;

use crate::cli::{Global, ServeArgs};
use crate::exit::{HUB, INTERNAL, OK, USAGE, fail};
use crate::hub::{self, HubOptions};
use crate::makeshift::{Wanted, ask_for_way};
use crate::{output, paths};

/// Bytes in a token file.
const TOKEN_FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Serves until Ctrl-C or SIGTERM.
pub(crate) fn serve(global: &Global, arguments: ServeArgs) -> anyhow::Result<u8> {
    super::start_log("info");
    let mut options = HubOptions::local(&paths::data_dir(global)?, arguments.port);
    options.listen = SocketAddr::new(arguments.host, arguments.port);
    options.allow_host = arguments.allow_host;
    options.postgres = arguments.postgres;
    options.blobs = crate::blob_place::BlobPlace {
        url: arguments.blobs,
        config: arguments.blobs_config,
    };
    options.slots = arguments.slots.max(1);
    options.launches = arguments.launches;
    options.launch_roots = arguments.launch_root;
    if let Some(file) = &arguments.token_file {
        options.authenticator = read_tokens(file)?;
    }
    if !arguments.host.is_loopback() && !options.authenticator.requires_token() {
        return Err(fail(
            USAGE,
            format!(
                "the hub does not listen on {} without authentication, since anyone who reaches it could read and run everything; add --token-file FILE, or keep to 127.0.0.1",
                arguments.host
            ),
        ));
    }
    // A forwarder may serve this directory for want of a hub like this one.
    let wanted = ask_for_way(&options.data_dir);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(run(options, wanted))
}

fn read_tokens(file: &std::path::Path) -> anyhow::Result<Authenticator> {
    let refuse = |why: String| {
        fail(
            USAGE,
            format!("the token file `{}` cannot be used: {why}", file.display()),
        )
    };
    let size = std::fs::metadata(file)
        .map_err(|error| refuse(error.to_string()))?
        .len();
    if size > TOKEN_FILE_MAX_BYTES {
        return Err(refuse("it is larger than 1 MiB".to_owned()));
    }
    let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    Authenticator::from_token_file(&text).map_err(|error| refuse(error.to_string()))
}

async fn run(options: HubOptions, wanted: Option<Wanted>) -> anyhow::Result<u8> {
    let (ready_sender, ready) = oneshot::channel();
    let announce = async {
        let started = ready.await;
        // The hub holds the directory, or never will.
        drop(wanted);
        match started {
            Ok(Ok(url)) => {
                output::line(format_args!("ML Experiment Hub at {url}"))?;
                Ok(OK)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(fail(INTERNAL, "the hub ended while starting")),
        }
    };
    let (_, announced) = tokio::join!(hub::serve(options, ready_sender, stop_signal()), announce);
    announced
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stop_signal() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(error) => {
                tracing::warn!(%error, "SIGTERM is not handled");
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

/// Whether a failure is only that the port is taken.
pub(crate) fn is_port_taken(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<crate::exit::Failure>()
        .is_some_and(|failure| failure.code == HUB)
}

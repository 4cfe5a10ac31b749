//! A private PostgreSQL server in a temporary folder, for one test process.
//!
//! It listens on a socket in that folder alone and sorts by English rules, so
//! that an order which is not byte by byte shows.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use tempfile::TempDir;

/// A running server, stopped when dropped.
pub(crate) struct Server {
    folder: TempDir,
    programs: PathBuf,
    user: Option<&'static str>,
    databases: AtomicUsize,
}

impl Server {
    /// Makes a cluster and starts it.
    pub(crate) fn start() -> Self {
        let programs = find_programs().expect(
            "PostgreSQL is missing: no initdb in /usr/lib/postgresql/*/bin or on PATH; \
             install it (Debian: apt-get install postgresql)",
        );
        let folder = tempfile::tempdir().expect("temp folder");
        // The server refuses to run as root: another user owns the folder then.
        let user = rustix::process::geteuid().is_root().then_some("nobody");
        if let Some(user) = user {
            let owned = Command::new("chown").arg(user).arg(folder.path()).status();
            assert!(owned.expect("chown").success());
        }
        let server = Self {
            folder,
            programs,
            user,
            databases: AtomicUsize::new(0),
        };
        server.run(
            "initdb",
            &[
                "-U",
                "hub",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-sync",
                "--locale=C.UTF-8",
                "--locale-provider=icu",
                "--icu-locale=en",
                "-D",
                "data",
            ],
        );
        let options = format!(
            "-k {} -c listen_addresses='' -c fsync=off -c max_connections=100 -c full_page_writes=off",
            server.folder.path().display()
        );
        server.run(
            "pg_ctl",
            &["start", "-w", "-D", "data", "-l", "log", "-o", &options],
        );
        server
    }

    /// Makes an empty database; returns how to connect to it.
    pub(crate) async fn database(&self) -> String {
        let name = format!("hub{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let (client, connection) =
            tokio_postgres::connect(&self.url("postgres"), tokio_postgres::NoTls)
                .await
                .expect("connect");
        let driver = tokio::spawn(connection);
        client
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .await
            .expect("create");
        drop(client);
        driver.await.expect("driver").expect("closed");
        self.url(&name)
    }

    /// How to connect to a database.
    pub(crate) fn url(&self, database: &str) -> String {
        format!(
            "host={} user=hub dbname={database}",
            self.folder.path().display()
        )
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        // The server inherits no pipe of ours: it would keep it open.
        let out = std::fs::File::create(self.folder.path().join("out")).expect("output file");
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdout(out.try_clone().expect("clone"))
            .stderr(out);
        let status = command.status().expect("start a PostgreSQL program");
        let said = || std::fs::read_to_string(self.folder.path().join("out")).unwrap_or_default();
        assert!(status.success(), "{command:?}: {}", said());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", "data"]);
    }
}

fn find_programs() -> Option<PathBuf> {
    let has = |folder: &Path| folder.join("initdb").is_file();
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let debian = versions
        .map(|entry| entry.path().join("bin"))
        .filter(|folder| has(folder))
        .max();
    debian.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).find(|folder| has(folder))
    })
}

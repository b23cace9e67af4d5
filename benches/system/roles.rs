//! The minimal programs of the limits. Each runs in its own process, as the server does.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

pub const ROLE: &str = "OPILIO_BENCH_ROLE";
const PATH: &str = "OPILIO_BENCH_PATH";

/// A running minimal program.
pub struct Program {
    child: Child,
    pub address: String,
}

impl Program {
    /// `path`: a folder for `echo`, a file for `memory`.
    pub fn start(role: &str, path: &Path) -> Self {
        let own = std::env::current_exe().expect("a program");
        let mut child = Command::new(own)
            .env(ROLE, role)
            .env(PATH, path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = lines.next().expect("the program starts").expect("text");
        Self { child, address }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn run(role: &str) {
    let path = std::env::var(PATH).expect("it is set");
    actix::System::new().block_on(async move {
        match role {
            "echo" => echo(Path::new(&path)).await,
            "memory" => memory(std::fs::read(path).expect("a file").into()).await,
            other => panic!("unknown role: {other}"),
        }
    });
}

/// Parses a submission, inserts it with a group commit, and responds.
async fn echo(folder: &Path) {
    let writer = Writer::start(folder);
    let submit = move |body: Bytes| {
        let writer = writer.clone();
        async move {
            let _: Value = serde_json::from_slice(&body).expect("JSON");
            writer.insert(body).await;
            HttpResponse::Accepted().json(json!({"task_id": "crawl_0"}))
        }
    };
    let app = move || App::new().route("/crawl/job", web::post().to(submit.clone()));
    let server = HttpServer::new(app).bind(("127.0.0.1", 0)).expect("a free port");
    println!("{}", server.addrs()[0]);
    server.run().await.expect("the program runs");
}

/// Responds to every request with the same bytes.
async fn memory(bytes: Bytes) {
    let app = move || {
        let bytes = bytes.clone();
        let respond = move || {
            let bytes = bytes.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(bytes) }
        };
        App::new().default_service(web::get().to(respond))
    };
    let server = HttpServer::new(app).bind(("127.0.0.1", 0)).expect("a free port");
    println!("{}", server.addrs()[0]);
    server.run().await.expect("the program runs");
}

/// Inserts one row per call with a synced group commit.
#[derive(Clone)]
pub struct Writer {
    queue: mpsc::UnboundedSender<(Bytes, oneshot::Sender<()>)>,
}

impl Writer {
    pub fn start(folder: &Path) -> Self {
        let mut database = rusqlite::Connection::open(folder.join("bare.db")).expect("a file");
        database
            .execute_batch(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS rows (body BLOB)",
            )
            .expect("an empty file");
        let (queue, mut waiting) = mpsc::unbounded_channel::<(Bytes, oneshot::Sender<()>)>();
        std::thread::spawn(move || {
            while let Some(first) = waiting.blocking_recv() {
                let mut group = vec![first];
                while let Ok(next) = waiting.try_recv() {
                    group.push(next);
                }
                let transaction = database.transaction().expect("it is open");
                {
                    let mut insert =
                        transaction.prepare_cached("INSERT INTO rows VALUES (?1)").expect("a valid statement");
                    for (body, _) in &group {
                        insert.execute([&body[..]]).expect("the database is writable");
                    }
                }
                transaction.commit().expect("the database is writable");
                for (_, done) in group {
                    let _ = done.send(());
                }
            }
        });
        Self { queue }
    }

    pub async fn insert(&self, body: Bytes) {
        let (done, committed) = oneshot::channel();
        self.queue.send((body, done)).expect("the writer runs");
        committed.await.expect("the writer runs");
    }
}

//! The limits' programs: the smallest that could do what the server does, each a process of its own, as the server is.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

pub const ROLE: &str = "OPILIO_BENCH_ROLE";
const GIVEN: &str = "OPILIO_BENCH_GIVEN";

/// A running program of this kind.
pub struct Program {
    child: Child,
    pub address: String,
}

impl Program {
    /// `given`: a folder for the echo, a file for the memory.
    pub fn start(role: &str, given: &Path) -> Self {
        let own = std::env::current_exe().expect("a program");
        let mut child =
            Command::new(own).env(ROLE, role).env(GIVEN, given).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let address = lines.next().expect("it starts").expect("text");
        Self { child, address }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn play(role: &str) {
    let given = std::env::var(GIVEN).expect("it is given");
    actix::System::new().block_on(async move {
        match role {
            "echo" => echo(Path::new(&given)).await,
            "memory" => memory(std::fs::read(given).expect("a file").into()).await,
            other => panic!("no such role: {other}"),
        }
    });
}

/// Parses a submission, makes one grouped insert, answers.
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
    server.run().await.expect("it serves");
}

/// The same bytes to whoever asks.
async fn memory(bytes: Bytes) {
    let app = move || {
        let bytes = bytes.clone();
        let answer = move || {
            let bytes = bytes.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(bytes) }
        };
        App::new().default_service(web::get().to(answer))
    };
    let server = HttpServer::new(app).bind(("127.0.0.1", 0)).expect("a free port");
    println!("{}", server.addrs()[0]);
    server.run().await.expect("it serves");
}

/// One row a call; what waits together is committed together, with a sync.
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
                    let mut insert = transaction.prepare_cached("INSERT INTO rows VALUES (?1)").expect("it is there");
                    for (body, _) in &group {
                        insert.execute([&body[..]]).expect("there is room");
                    }
                }
                transaction.commit().expect("there is room");
                for (_, done) in group {
                    let _ = done.send(());
                }
            }
        });
        Self { queue }
    }

    pub async fn insert(&self, body: Bytes) {
        let (done, committed) = oneshot::channel();
        self.queue.send((body, done)).expect("the writer lives");
        committed.await.expect("the writer lives");
    }
}

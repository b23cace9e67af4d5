//! How long one principal's jobs, pages and webhooks take while another principal withholds resources.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opilio_actors::testing::until::{expect, until};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::opilio::Server;
use crate::table::Table;

/// The longest time that a short job, a page or a webhook may take, in seconds.
const LONGEST: f64 = 5.0;

/// The bound for the memory of the server, in MB.
const MEMORY: f64 = 512.0;

/// The first host whose robots.txt has many rules: 127.0.30.1.
const RULES_HOST: usize = 7500;

/// Measurements per attack.
const ROUNDS: u32 = 5;

/// Endless pages, receivers that hang, and a long `Crawl-delay`: one row each for the longest time, and for the memory.
pub async fn attacks(table: &mut Table) {
    let site = Site::start().await;
    let bystander = Bystander::start(site.clone());
    for jobs in 0..80 {
        let urls: Vec<_> = (0..16).map(|page| site.url(jobs * 16 + page, "/drip")).collect();
        bystander.attack(json!({"urls": urls, "crawler_config": {"page_timeout": 86_400_000}})).await;
    }
    site.wait_for("/drip", 64).await;
    bystander.measure(table, ["wait beside 1,280 endless pages", "memory beside 1,280 endless pages"], false).await;

    let bystander = Bystander::start(site.clone());
    for n in 0..3000 {
        let webhook = json!({"webhook_url": site.url(n, &format!("/hang{n}"))});
        bystander.attack(json!({"urls": ["raw:<p>x"], "webhook_config": webhook})).await;
    }
    site.wait_for("/hang", 32).await;
    bystander
        .measure(table, ["wait beside 3,000 hanging receivers", "memory beside 3,000 hanging receivers"], false)
        .await;

    let bystander = Bystander::start(site.clone());
    for n in 0..5 {
        let urls: Vec<_> = (0..16).map(|page| site.url(0, &format!("/page{n}-{page}"))).collect();
        let job = bystander.attack(json!({"urls": urls, "crawler_config": {"check_robots_txt": true}})).await;
        bystander.send("attacker", "DELETE", &format!("/crawl/job/{job}"), Value::Null).await;
    }
    bystander.measure(table, ["wait at a site after 5 cancelled jobs", "memory after 5 cancelled jobs"], true).await;
}

/// Expensive patterns, pages whose outputs are far larger than they are, and a huge robots.txt: one row each for the longest
/// time, and for the peak memory.
pub async fn expensive_work(table: &mut Table) {
    let site = Site::start().await;
    let bystander = Bystander::start(site.clone());
    let mut requests = JoinSet::new();
    for n in 0..20 {
        let fields = |pattern: &dyn Fn(usize) -> String| -> Vec<Value> {
            let kinds = vec!["regex"; 8];
            (0..100).map(|f| json!({"name": format!("f{f}"), "type": kinds, "pattern": pattern(f)})).collect()
        };
        let equal = fields(&|_| r"\w{50}".to_owned());
        let different = fields(&|f| format!(r"\w{{50}}{n}x{f}"));
        for fields in [equal, different] {
            let schema = json!({"baseSelector": "p", "fields": fields});
            let strategy = json!({"type": "JsonCssExtractionStrategy", "params": {"schema": schema}});
            let body = json!({"urls": ["raw:<p>x"], "crawler_config": {"extraction_strategy": strategy}});
            requests.spawn(bystander.request("attacker", "POST", "/crawl/job", &body).send());
        }
    }
    bystander.measure(table, ["wait beside 32,000 patterns", "peak memory with 32,000 patterns"], false).await;
    while let Some(response) = requests.join_next().await {
        let status = response.expect("no panic").expect("the server responds").status().as_u16();
        assert!([202, 422].contains(&status), "{status}");
    }

    let bystander = Bystander::start(site.clone());
    for job in 0..4 {
        let urls: Vec<_> = (0..8).map(|page| site.url(page, &format!("/links{job}-{page}"))).collect();
        bystander.attack(json!({"urls": urls})).await;
    }
    bystander.measure(table, ["wait beside 32 pages of links", "peak memory with 32 pages of links"], false).await;

    let bystander = Bystander::start(site.clone());
    let config = json!({"check_robots_txt": true});
    let long = |n: usize| site.url(RULES_HOST, &format!("/{n}{}", "a".repeat(8_000)));
    let urls: Vec<_> = (0..64).map(long).collect();
    bystander.attack(json!({"urls": urls, "crawler_config": config})).await;
    bystander.measure(table, ["wait beside 27,000 robots.txt rules", "peak memory with 27,000 rules"], false).await;

    let bystander = Bystander::start(site.clone());
    let urls: Vec<_> = (0..1500).map(|n| site.url(RULES_HOST + n, "/page")).collect();
    let job = bystander.attack(json!({"urls": urls, "crawler_config": config})).await;
    let settled = async || {
        let job = bystander.send("attacker", "GET", &format!("/crawl/job/{job}?fields=url"), Value::Null).await;
        expect(job["status"] != "processing", job["progress"].clone())
    };
    until(settled, Duration::from_secs(600)).await;
    bystander.measure(table, ["wait after 1,500 robots.txt", "peak memory with 1,500 robots.txt"], false).await;
}

/// A principal beside `attacker`.
struct Bystander {
    server: Server,
    site: Site,
    client: reqwest::Client,
}

impl Bystander {
    fn start(site: Site) -> Self {
        let mut config = "egress: {allow_internal: true}\nsecurity:\n  tokens:\n".to_owned();
        for name in ["attacker", "bystander"] {
            let hash: String = opilio::http::hash(&token(name)).iter().map(|byte| format!("{byte:02x}")).collect();
            config.push_str(&format!("    {name}: {{sha256: {hash}, scope: submit}}\n"));
        }
        let client = reqwest::Client::builder().no_proxy().build().expect("a plain client");
        Self { server: Server::configured(&config), site, client }
    }

    fn request(&self, name: &str, method: &str, path: &str, body: &Value) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.server.address);
        let request = self.client.request(method.parse().expect("a method"), url).bearer_auth(token(name));
        request.header("content-type", "application/json").body(body.to_string())
    }

    async fn send(&self, name: &str, method: &str, path: &str, body: Value) -> Value {
        let response = self.request(name, method, path, &body).send().await.expect("the server responds");
        assert!(response.status().is_success(), "{}", response.status());
        serde_json::from_slice(&response.bytes().await.expect("the response is complete")).expect("JSON")
    }

    /// Submits a job of the attacker. Returns its id.
    async fn attack(&self, body: Value) -> String {
        let job = self.send("attacker", "POST", "/crawl/job", body).await;
        job["task_id"].as_str().expect("an id").to_owned()
    }

    /// The longest time of a short job, a page or a webhook. `polite`: the job obeys the robots.txt of the attacked host.
    async fn measure(&self, table: &mut Table, [label, memory_label]: [&'static str; 2], polite: bool) {
        let (mut longest, mut memory) = (Duration::ZERO, 0.0_f64);
        for round in 0..ROUNDS {
            let host = if polite { 0 } else { 5000 + round as usize };
            let page = self.site.url(host, &format!("/own{round}"));
            let began = Instant::now();
            let config = json!({"check_robots_txt": polite});
            let job = self.send("bystander", "POST", "/crawl/job", json!({"urls": [page], "crawler_config": config}));
            let path = format!("/crawl/job/{}", job.await["task_id"].as_str().expect("an id"));
            let settled = async || {
                let job = self.send("bystander", "GET", &path, Value::Null).await;
                expect(job["status"] != "processing", job["status"].clone())
            };
            until(settled, Duration::from_secs(600)).await;
            longest = longest.max(began.elapsed());
            let began = Instant::now();
            self.send("bystander", "POST", "/md", json!({"url": self.site.url(host, "/page")})).await;
            longest = longest.max(began.elapsed());
            let (began, hook) = (Instant::now(), format!("/hook{round}"));
            let before = self.site.requests(&hook);
            let webhook = json!({"webhook_url": self.site.url(host, &hook)});
            self.send("bystander", "POST", "/crawl/job", json!({"urls": ["raw:<p>x"], "webhook_config": webhook}))
                .await;
            self.site.wait_for(&hook, before + 1).await;
            longest = longest.max(began.elapsed());
            memory = memory.max(self.server.peak_memory());
            sleep(Duration::from_secs(2)).await;
        }
        table.at_most(label, longest.as_secs_f64(), LONGEST, "s");
        table.at_most(memory_label, memory, MEMORY, "MB");
    }
}

fn token(name: &str) -> String {
    format!("the token of {name}")
}

/// A site on every loopback address: `/drip` never ends, `/hang…` never responds, `/links…` is a page of links,
/// every other path is a page and a receiver.
#[derive(Clone)]
struct Site {
    port: u16,
    requests: Arc<Mutex<HashMap<String, usize>>>,
}

impl Site {
    async fn start() -> Self {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a free port");
        let site = Self { port: listener.local_addr().expect("it is bound").port(), requests: Arc::default() };
        let requests = Arc::clone(&site.requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(respond(stream, Arc::clone(&requests)));
            }
        });
        site
    }

    fn url(&self, host: usize, path: &str) -> String {
        format!("http://127.0.{}.{}:{}{path}", host / 250, 1 + host % 250, self.port)
    }

    fn requests(&self, prefix: &str) -> usize {
        let requests = self.requests.lock().expect("not poisoned");
        requests.iter().filter(|(path, _)| path.starts_with(prefix)).map(|(_, count)| count).sum()
    }

    async fn wait_for(&self, prefix: &str, count: usize) {
        let reached = async || expect(self.requests(prefix) >= count, self.requests(prefix));
        until(reached, Duration::from_secs(600)).await;
    }
}

async fn respond(mut stream: TcpStream, requests: Arc<Mutex<HashMap<String, usize>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let path = String::from_utf8_lossy(&head).split(' ').nth(1).unwrap_or_default().to_owned();
    *requests.lock().expect("not poisoned").entry(path.clone()).or_default() += 1;
    if path.starts_with("/hang") {
        sleep(Duration::from_secs(3600)).await;
    }
    if path.starts_with("/drip") {
        let mut sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<p>").await;
        while sent.is_ok() {
            sleep(Duration::from_secs(5)).await;
            sent = stream.write_all(b"x").await;
        }
        return;
    }
    let has_many_rules = String::from_utf8_lossy(&head).to_ascii_lowercase().contains("host: 127.0.3");
    let body = match path.as_str() {
        "/robots.txt" if has_many_rules => format!("User-agent: *\n{}", "Disallow: /*a*b*c\n".repeat(27_000)),
        "/robots.txt" => "User-agent: *\nCrawl-delay: 4\n".to_owned(),
        path if path.starts_with("/links") => {
            format!("<base href=\"http://a.example/{}/\">{}", "b".repeat(7_950), "<a href=x>y</a>".repeat(300_000))
        }
        _ => "<p>hello".to_owned(),
    };
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: {}", body.len());
    // The client may have closed the connection.
    let _ = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
}

//! A site with an article of 50 KB, a page of 500 KB and one that hangs, and a webhook receiver.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use tokio::sync::Notify;

/// An article with the size and the kinds of elements of the page benchmark.
pub fn article() -> String {
    let paragraph = |n: usize| {
        format!(
            "<h2 id=s{n}>Section {n}</h2><p>Of railway a <b>garden</b> were changes, <a href=/p/{n}>nearly a link</a> by \
             <em>teacher</em> and metal, careful of <code>narrow({n})</code> winters. Steady engines often carry signals \
             across the border, and history repeats the pattern of the morning.</p><ul><li>First of {n}<li>Second</ul>"
        )
    };
    let mut html = "<!DOCTYPE html><html lang=en><head><title>An article</title><meta name=description content=about>\
        </head><body><nav><a href=/>Home</a></nav><article><h1>An article</h1>"
        .to_owned();
    let mut n = 0;
    while html.len() < 50_000 {
        html.push_str(&paragraph(n));
        n += 1;
    }
    html + "<table><tr><th>a<th>b<tr><td>1<td>2</table></article></body></html>"
}

#[derive(Clone)]
pub struct Origin {
    pub base: String,
    webhooks: Arc<AtomicUsize>,
    arrived: Arc<Notify>,
}

impl Origin {
    /// Runs on its own thread, so that a busy benchmark does not delay its responses.
    pub fn start() -> Self {
        let (webhooks, arrived) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (sender, address) = std::sync::mpsc::channel();
        let (count, notify) = (Arc::clone(&webhooks), Arc::clone(&arrived));
        std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let html = Bytes::from(article());
                let server = HttpServer::new(move || {
                    let (html, count, notify) = (html.clone(), Arc::clone(&count), Arc::clone(&notify));
                    let page = move || {
                        let html = html.clone();
                        async move { HttpResponse::Ok().content_type("text/html").body(html) }
                    };
                    let hook = move |_: Bytes| {
                        count.fetch_add(1, Ordering::Relaxed);
                        notify.notify_one();
                        async { HttpResponse::NoContent().finish() }
                    };
                    let never = || async {
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                        HttpResponse::NoContent().finish()
                    };
                    // The result is about four times as long: HTML, cleaned HTML, and Markdown in two forms.
                    let long = || async {
                        let text = "word ".repeat(100_000);
                        HttpResponse::Ok().content_type("text/html").body(format!("<!DOCTYPE html><p>{text}"))
                    };
                    App::new()
                        .route("/long", web::get().to(long))
                        .route("/article", web::get().to(page))
                        .route("/never", web::get().to(never))
                        .route("/hook", web::post().to(hook))
                });
                let server = server.workers(1).max_connections(100_000).bind(("127.0.0.1", 0)).expect("a free port");
                let _ = sender.send(format!("http://{}", server.addrs()[0]));
                server.run().await.expect("the site runs");
            });
        });
        Self { base: address.recv().expect("it is bound"), webhooks, arrived }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Resets the number of received webhooks.
    pub fn reset_webhooks(&self) {
        self.webhooks.store(0, Ordering::Relaxed);
    }

    /// Waits for this number of webhooks since the last reset.
    pub async fn wait_for_webhooks(&self, count: usize) {
        while self.webhooks.load(Ordering::Relaxed) < count {
            self.arrived.notified().await;
        }
    }
}

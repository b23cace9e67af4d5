//! What is origin of the server: a site with a 50 KB article, one of 500 KB, a page that never comes, a receiver of
//! webhooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use tokio::sync::Notify;

/// As many bytes as the page bench's article has, and as many kinds of element.
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
    told: Arc<AtomicUsize>,
    news: Arc<Notify>,
}

impl Origin {
    /// On a thread of its own, so that a busy bench does not keep it from answering.
    pub fn start() -> Self {
        let (told, news) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let (tell, address) = std::sync::mpsc::channel();
        let (its_told, its_news) = (Arc::clone(&told), Arc::clone(&news));
        std::thread::spawn(move || {
            actix::System::new().block_on(async move {
                let html = Bytes::from(article());
                let server = HttpServer::new(move || {
                    let (html, told, news) = (html.clone(), Arc::clone(&its_told), Arc::clone(&its_news));
                    let page = move || {
                        let html = html.clone();
                        async move { HttpResponse::Ok().content_type("text/html").body(html) }
                    };
                    let hook = move |_: Bytes| {
                        told.fetch_add(1, Ordering::Relaxed);
                        news.notify_one();
                        async { HttpResponse::NoContent().finish() }
                    };
                    let never = || async {
                        tokio::time::sleep(Duration::from_secs(3600)).await;
                        HttpResponse::NoContent().finish()
                    };
                    // Its result is about four times as long: as HTML, cleaned, and as Markdown in two forms.
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
                let _ = tell.send(format!("http://{}", server.addrs()[0]));
                server.run().await.expect("it serves");
            });
        });
        Self { base: address.recv().expect("it is bound"), told, news }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Forgets the webhooks that came.
    pub fn forget(&self) {
        self.told.store(0, Ordering::Relaxed);
    }

    /// Until so many webhooks have come since they were last forgotten.
    pub async fn told(&self, count: usize) {
        while self.told.load(Ordering::Relaxed) < count {
            self.news.notified().await;
        }
    }
}

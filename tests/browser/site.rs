//! A site of fixed pages, whose requests are recorded.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

/// A response: status, headers, body.
pub struct Response(pub u16, pub Vec<(&'static str, String)>, pub String);

pub fn html(body: impl Into<String>) -> Response {
    Response(200, vec![("content-type", "text/html; charset=utf-8".to_owned())], body.into())
}

pub fn redirect(to: impl Into<String>) -> Response {
    Response(302, vec![("location", to.into())], String::new())
}

#[derive(Clone, Debug)]
pub struct Received {
    pub path: String,
    pub headers: HashMap<String, String>,
}

pub struct Site {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

type Pages = dyn Fn(&str) -> Option<Response> + Send + Sync;

impl Site {
    /// Serves what `pages` returns for a path, else `404`. The path `/hang` never responds.
    pub fn start(pages: impl Fn(&str) -> Option<Response> + Send + Sync + 'static) -> Self {
        Self::start_at([127, 0, 0, 1].into(), pages)
    }

    pub fn start_at(ip: IpAddr, pages: impl Fn(&str) -> Option<Response> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((ip, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let received = Arc::<Mutex<Vec<Received>>>::default();
        let (record, pages) = (web::Data::from(Arc::clone(&received)), Arc::new(pages) as Arc<Pages>);
        let pages = web::Data::from(pages);
        let server = HttpServer::new(move || {
            App::new().app_data(record.clone()).app_data(pages.clone()).default_service(web::to(respond))
        });
        let server = server.workers(1).disable_signals().listen(listener).expect("it is bound").run();
        actix::spawn(server);
        Self { address, received }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn received(&self) -> Vec<Received> {
        self.received.lock().expect("not poisoned").clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.received().into_iter().map(|request| request.path).collect()
    }
}

async fn respond(
    request: HttpRequest,
    record: web::Data<Mutex<Vec<Received>>>,
    pages: web::Data<Pages>,
) -> HttpResponse {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()));
    let path = request.path().to_owned();
    record.lock().expect("not poisoned").push(Received { path: path.clone(), headers: headers.collect() });
    if path == "/hang" {
        std::future::pending::<()>().await;
    }
    let Some(Response(status, headers, body)) = pages(&path) else { return HttpResponse::NotFound().finish() };
    let mut response = HttpResponse::build(status.try_into().expect("a status"));
    for (name, value) in headers {
        response.insert_header((name, value));
    }
    response.body(body)
}

//! What a page in the browser reaches: a trap for every way to make a connection.

use std::net::{IpAddr, UdpSocket};

use serde_json::json;

use super::site::{Site, html};
use super::support::TestServer;
use super::{first_page, in_browser, markdown};

/// A page that contacts `HOST:PORT` in every way that a page knows, and then says so.
const CHANNELS: &str = r#"<!doctype html><title>x</title><link rel=dns-prefetch href="//HOST"><link rel=preconnect href="http://HOST:PORT">
<link rel=prefetch href="http://HOST:PORT/prefetch"><link rel=icon href="http://HOST:PORT/icon"><link rel=manifest href="http://HOST:PORT/manifest">
<link rel=stylesheet href="http://HOST:PORT/style"><script src="http://HOST:PORT/script"></script>
<script type=speculationrules>{"prefetch":[{"source":"list","urls":["http://HOST:PORT/speculation"]}]}</script>
<img src="http://HOST:PORT/image"><iframe src="http://HOST:PORT/frame"></iframe><embed src="http://HOST:PORT/embed">
<video src="http://HOST:PORT/video"></video><iframe src="/redirect"></iframe>
<iframe src="data:text/html,<script>fetch('http://HOST:PORT/from-data')</script>"></iframe>
<a id=a href="javascript:0" ping="http://HOST:PORT/ping">a</a><p id=o>Waiting</p>
<script>
const attempts = [
  () => fetch('http://HOST:PORT/fetch', {mode: 'no-cors'}), () => fetch('/redirect', {mode: 'no-cors'}),
  () => new Promise((yes, no) => { const s = new WebSocket('ws://HOST:PORT/socket'); s.onopen = yes; s.onerror = no }),
  () => new Promise((yes, no) => { const s = new EventSource('http://HOST:PORT/events'); s.onopen = yes; s.onerror = () => { s.close(); no() } }),
  async () => { navigator.sendBeacon('http://HOST:PORT/beacon', 'x'); throw 0 },
  () => new Promise((yes, no) => { const w = new Worker(URL.createObjectURL(new Blob([
      "fetch('http://HOST:PORT/worker', {mode: 'no-cors'}).then(() => postMessage(1), () => postMessage(0))"])));
      w.onmessage = e => e.data ? yes() : no() }),
  () => new Promise((yes, no) => { const c = new RTCPeerConnection({iceServers: [{urls: 'stun:HOST:UDP'},
      {urls: 'turn:HOST:PORT?transport=tcp', username: 'u', credential: 'c'}]});
      let found = 0; c.onicecandidate = e => { if (e.candidate) found++ }; c.createDataChannel('x');
      c.createOffer().then(o => c.setLocalDescription(o)); setTimeout(() => found ? yes() : no(), 1500) }),
  async () => { const t = new WebTransport('https://HOST:PORT/'); await t.ready },
  () => new Promise((yes, no) => { a.click(); open('http://HOST:PORT/popup'); setTimeout(no, 100) }),
];
Promise.all(attempts.map(attempt => Promise.resolve().then(attempt).then(() => 'reached', () => 'refused')))
  .then(results => { o.textContent = 'Done: ' + results.join(' '); o.className = 'done' });
</script>"#;

/// A trap for TCP and UDP at this address, and a page that tries to reach it.
struct Trap {
    http: Site,
    udp: UdpSocket,
}

impl Trap {
    fn start(ip: IpAddr) -> Self {
        let udp = UdpSocket::bind((ip, 0)).expect("a free port");
        udp.set_nonblocking(true).expect("a socket");
        Self { http: Site::start_at(ip, |_| Some(html("trapped"))), udp }
    }

    fn page(&self, host: &str) -> String {
        let udp = self.udp.local_addr().expect("bound").port();
        CHANNELS.replace("HOST", host).replace("PORT", &self.http.port().to_string()).replace("UDP", &udp.to_string())
    }

    fn assert_empty(&self, what: &str) {
        assert_eq!(self.http.paths(), Vec::<String>::new(), "{what}");
        let received = self.udp.recv_from(&mut [0; 64]);
        assert_eq!(received.map_err(|error| error.kind()).err(), Some(std::io::ErrorKind::WouldBlock), "{what}");
    }
}

/// A server that clients on other machines can reach. It may fetch from `127.0.0.1`.
async fn exposed_server() -> TestServer {
    let config = "app: {host: 0.0.0.0}\nsecurity: {allow_unauthenticated: true}\negress: {allow: [127.0.0.1]}";
    TestServer::with_config(config).await
}

#[actix::test]
async fn page_reaches_no_internal_address_on_exposed_server() {
    let server = exposed_server().await;
    for (ip, host) in
        [("127.0.0.2", "127.0.0.2"), ("127.0.0.1", "localhost"), ("::1", "[::1]"), ("127.0.0.2", "2130706434")]
    {
        let trap = Trap::start(ip.parse().expect("an address"));
        let (page, target) = (trap.page(host), format!("http://{host}:{}/redirected", trap.http.port()));
        let site = Site::start(move |path| match path {
            "/" => Some(html(page.clone())),
            "/redirect" => Some(super::site::redirect(target.clone())),
            _ => None,
        });
        let body = json!({"urls": [site.url("/")], "crawler_config": {"engine": "browser", "wait_for": ".done"}});
        let page = first_page(&server, body).await;
        assert!(markdown(&page).contains("Done: refused") && !markdown(&page).contains("reached"), "{host}: {page}");
        assert!(page["warnings"].to_string().contains("blocked"), "{page}");
        trap.assert_empty(host);
    }
}

/// The same page reaches its neighbours from a server that only this machine reaches: the traps work.
#[actix::test]
async fn page_reaches_internal_addresses_that_its_request_may_reach() {
    let server = TestServer::start().await;
    let trap = Trap::start([127, 0, 0, 2].into());
    let page = trap.page("127.0.0.2");
    let site = Site::start(move |path| (path == "/").then(|| html(page.clone())));
    let body = json!({"urls": [site.url("/")], "crawler_config": {"engine": "browser", "wait_for": ".done"}});
    let page = first_page(&server, body).await;
    assert!(markdown(&page).contains("Done: reached"), "{page}");
    let paths = trap.http.paths();
    for path in ["/script", "/image", "/frame", "/fetch", "/beacon", "/worker", "/socket", "/from-data"] {
        assert!(paths.iter().any(|seen| seen == path), "{path}: {paths:?}");
    }
    // No traffic without a proxy, even where everything is allowed.
    let received = trap.udp.recv_from(&mut [0; 64]);
    assert!(received.is_err(), "{received:?}");
}

#[actix::test]
async fn page_never_reaches_this_server() {
    let server = TestServer::start().await;
    let port = server.port();
    let page = format!(
        "<p id=o></p><script>Promise.all(['127.0.0.1', 'localhost', '127.0.0.9'].map(host =>
            fetch(`http://${{host}}:{port}/health`, {{mode: 'no-cors'}}).then(() => 'reached', () => 'refused')))
            .then(all => {{ o.textContent = all.join(' '); o.className = 'done' }})</script>"
    );
    let site = Site::start(move |path| (path == "/").then(|| html(page.clone())));
    let body = json!({"urls": [site.url("/")], "crawler_config": {"engine": "browser", "wait_for": ".done"}});
    let page = first_page(&server, body).await;
    assert_eq!(markdown(&page).trim(), "refused refused refused", "{page}");
    let page = in_browser(&server, &format!("{}/health", server.base())).await;
    assert_eq!(super::error(&page), "URL blocked", "{page}");
}

#[actix::test]
async fn local_files_and_browser_pages_cannot_be_opened() {
    let server = exposed_server().await;
    let site = Site::start(|path| {
        match path {
        "/" => Some(html(
            "<p>Page</p><iframe src=file:///etc/passwd></iframe><iframe src=chrome://version></iframe>
            <script>location = 'file:///etc/passwd'; fetch('file:///etc/passwd').then(r => r.text()).then(t => document.body.append(t))</script>",
        )),
        "/redirect" => Some(super::site::redirect("file:///etc/passwd")),
        _ => None,
    }
    });
    let page = in_browser(&server, &site.url("/")).await;
    assert_eq!(markdown(&page).trim(), "Page", "{page}");
    let page = in_browser(&server, &site.url("/redirect")).await;
    assert_eq!(super::error(&page), "URL blocked", "{page}");
    for url in ["file:///etc/passwd", "chrome://version", "view-source:http://127.0.0.1/", "data:text/html,x"] {
        let body = json!({"urls": [url], "crawler_config": {"engine": "browser"}});
        assert_eq!(server.post("/crawl/job", body).await.0, 422, "{url}");
    }
}

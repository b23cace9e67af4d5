//! The listening server: its connections are counted and do not wait for ever.

pub mod connection;
mod connection_limit;
mod fd_limit;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::{HttpService, KeepAlive, Protocol, Request, Response};
use actix_server::Server;
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, apply_fn_factory, map_config};
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::AppConfig;
use actix_web::rt::net::TcpStream;
use connection::{Connection, Timeouts};
use connection_limit::ConnectionLimiter;
use tokio::net::TcpSocket;

use super::trusted_proxies::TrustedProxies;

pub use fd_limit::max_open_files;

/// For those for whom there is no place.
const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
    content-type: application/json\r\ncontent-length: 33\r\n\r\n{\"detail\":\"Too many connections\"}";

/// The operator's choices.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    pub connections: usize,
    pub connections_per_address: usize,
    /// Their connections are other people's, and are not counted by address.
    pub proxies: TrustedProxies,
    /// To the end of a request's head.
    pub head_timeout: Duration,
    /// Between two requests of a connection.
    pub keep_alive: Duration,
    /// For how long a client may leave an answer waiting, but for what it earns by reading.
    pub write_timeout: Duration,
}

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// # Errors
/// The address cannot be had.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Answers what comes in on `listener` by what `app` makes, once for each of its threads.
///
/// # Errors
/// The listener cannot be used.
pub fn serve<F, I, S, B>(listener: TcpListener, settings: &ServerSettings, app: F) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error>,
    S::InitError: std::fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let connection_limiter =
        ConnectionLimiter::new(settings.connections, settings.connections_per_address, settings.proxies.clone());
    let (head, between, write) = (settings.head_timeout, settings.keep_alive, settings.write_timeout);
    let timeouts = Timeouts { head, between, write };
    let factory = move || {
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(timeouts.between))
            // The connection has a deadline of its own, for every head; this one is for the first only.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(Duration::from_secs(1))
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.phase());
            })
            .finish(map_config(app, |_| AppConfig::default()));
        let connection_limiter = connection_limiter.clone();
        apply_fn_factory(http, move |stream: TcpStream, http| {
            // An answer in pieces is not held back until its client has acknowledged the first.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
            let served = match connection_limiter.acquire(address) {
                Ok(permit) => Some(http.call((Connection::new(stream, timeouts, permit), Protocol::Http1, peer))),
                Err(_) => {
                    // A courtesy to who can still read it.
                    let _ = stream.try_write(TOO_MANY_CONNECTIONS);
                    None
                }
            };
            async move {
                match served {
                    Some(served) => served.await,
                    None => Ok(()),
                }
            }
        })
    };
    // More than can come in: who is one too many is told so, and not left waiting.
    let most = settings.connections.saturating_add(1);
    let server = Server::build().max_concurrent_connections(most).shutdown_timeout(1).disable_signals();
    Ok(server.listen("http", listener, factory)?.run())
}

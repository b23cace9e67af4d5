//! The listening server, with limits and timeouts for connections.

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

/// The response to a connection above the limit.
const TOO_MANY_CONNECTIONS: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
    content-type: application/json\r\ncontent-length: 33\r\n\r\n{\"detail\":\"Too many connections\"}";

#[derive(Clone, Debug)]
pub struct ServerSettings {
    pub max_connections: usize,
    pub max_connections_per_address: usize,
    /// Their connections are not limited by address.
    pub proxies: TrustedProxies,
    /// From the start of a connection to the end of a request's headers.
    pub header_timeout: Duration,
    /// Between two requests of a connection.
    pub keep_alive: Duration,
    /// Total time for which a client may block a response, extended as it reads.
    pub write_timeout: Duration,
}

/// Connections in the accept queue.
const BACKLOG: u32 = 1024;

/// # Errors
/// The address is in use or not available.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Serves an application on `listener`. `app` is called once per thread.
///
/// # Errors
/// The listener is unusable.
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
    let (max, max_per_address) = (settings.max_connections, settings.max_connections_per_address);
    let limiter = ConnectionLimiter::new(max, max_per_address, settings.proxies.clone());
    let (header, keep_alive, write) = (settings.header_timeout, settings.keep_alive, settings.write_timeout);
    let timeouts = Timeouts { header, keep_alive, write };
    let factory = move || {
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let http = HttpService::build()
            .keep_alive(KeepAlive::Timeout(timeouts.keep_alive))
            // `Connection` has a timeout for the headers of every request; actix' covers only the first.
            .client_request_timeout(Duration::ZERO)
            .client_disconnect_timeout(Duration::from_secs(1))
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.phase());
            })
            .finish(map_config(app, |_| AppConfig::default()));
        let limiter = limiter.clone();
        apply_fn_factory(http, move |stream: TcpStream, http| {
            // Without Nagle's algorithm, which delays streamed responses.
            let _ = stream.set_nodelay(true);
            let peer = stream.peer_addr().ok();
            let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
            let served = match limiter.acquire(address) {
                Ok(permit) => Some(http.call((Connection::new(stream, timeouts, permit), Protocol::Http1, peer))),
                Err(_) => {
                    // Best effort.
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
    // Above the limiter's limit, so that a connection above it gets a response instead of waiting to be accepted.
    let max_accepted = max.saturating_add(1);
    let server = Server::build().max_concurrent_connections(max_accepted).shutdown_timeout(1).disable_signals();
    Ok(server.listen("http", listener, factory)?.run())
}

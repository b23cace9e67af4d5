//! The WebSocket transport.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::messages::{call, list};
use crate::support::{DEADLINE, TestServer, TestSite};
use crate::with_principals;

/// A client that reads and writes frames of RFC 6455.
struct Socket {
    stream: TcpStream,
    /// The response to the handshake.
    head: String,
}

impl Socket {
    /// Sends the handshake with these headers.
    async fn connect(server: &TestServer, headers: &[(&str, &str)]) -> Self {
        let mut stream =
            TcpStream::connect(("127.0.0.1", server.port().parse().expect("a port"))).await.expect("it listens");
        let mut request = format!(
            "GET /mcp/ws HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            server.port()
        );
        headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        stream.write_all(format!("{request}\r\n").as_bytes()).await.expect("the server reads");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(
                timeout(DEADLINE, stream.read_u8()).await.expect("a response in time").expect("the server responds"),
            );
        }
        Self { stream, head: String::from_utf8(head).expect("text").to_lowercase() }
    }

    fn status(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Sends one frame, masked as those of clients are.
    async fn send_frame(&mut self, opcode: u8, text: &[u8]) {
        let mut frame = vec![0x80 | opcode];
        match u16::try_from(text.len()).expect("a short message") {
            length @ 0..126 => frame.push(0x80 | length.to_be_bytes()[1]),
            length => {
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        let mask = [1, 2, 3, 4];
        frame.extend(mask);
        frame.extend(text.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
        self.stream.write_all(&frame).await.expect("the server reads");
    }

    async fn send(&mut self, message: &Value) {
        self.send_frame(1, message.to_string().as_bytes()).await;
    }

    /// Opcode and content of the next frame.
    async fn next_frame(&mut self) -> (u8, Vec<u8>) {
        let read = async {
            let opcode = self.stream.read_u8().await? & 0x0f;
            let length = match self.stream.read_u8().await? {
                126 => usize::from(self.stream.read_u16().await?),
                127 => usize::try_from(self.stream.read_u64().await?).expect("a length"),
                length => usize::from(length),
            };
            let mut content = vec![0; length];
            self.stream.read_exact(&mut content).await?;
            std::io::Result::Ok((opcode, content))
        };
        timeout(DEADLINE, read).await.expect("a frame in time").expect("the connection holds")
    }

    /// The next message; pings are skipped.
    async fn next(&mut self) -> Value {
        loop {
            match self.next_frame().await {
                (9, _) => {}
                (1, text) => return serde_json::from_slice(&text).expect("JSON"),
                (opcode, content) => panic!("frame {opcode}: {}", String::from_utf8_lossy(&content)),
            }
        }
    }

    /// The code with which the server closes the connection.
    async fn close_code(&mut self) -> u16 {
        loop {
            if let (8, content) = self.next_frame().await {
                return u16::from_be_bytes([content[0], content[1]]);
            }
        }
    }
}

fn initialize() -> Value {
    let params = json!({
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
    });
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params})
}

async fn initialized(server: &TestServer, headers: &[(&str, &str)]) -> Socket {
    let mut socket = Socket::connect(server, headers).await;
    assert_eq!(socket.status(), "101", "{}", socket.head);
    socket.send(&initialize()).await;
    assert_eq!(socket.next().await["result"]["serverInfo"]["name"], "opilio");
    socket.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    socket
}

#[actix::test]
async fn tools_are_called_over_a_websocket() {
    let site = TestSite::start();
    let server = TestServer::with_config("app: {heartbeat: 100ms}").await;
    let mut socket = initialized(&server, &[("sec-websocket-protocol", "mcp")]).await;
    assert!(socket.head.contains("sec-websocket-protocol: mcp"), "{}", socket.head);
    socket.send(&list()).await;
    assert_eq!(socket.next().await["result"]["tools"].as_array().map(Vec::len), Some(7));
    socket.send(&call("md", json!({"url": site.url("/article"), "f": "raw"}))).await;
    let response = socket.next().await;
    assert!(response["result"]["content"][0]["text"].to_string().contains("A title"), "{response}");
    socket.send_frame(9, b"x").await;
    let pong = loop {
        if let (10, content) = socket.next_frame().await {
            break content;
        }
    };
    assert_eq!(pong, b"x");
}

#[actix::test]
async fn invalid_messages_get_errors_and_the_session_continues() {
    let server = TestServer::start().await;
    let mut socket = initialized(&server, &[]).await;
    for (text, code) in [("{", -32700), ("[1]", -32600), (r#"{"jsonrpc": "2.0", "id": 7}"#, -32600)] {
        socket.send_frame(1, text.as_bytes()).await;
        assert_eq!(socket.next().await["error"]["code"], code, "{text}");
    }
    socket.send(&list()).await;
    assert!(socket.next().await["result"]["tools"].is_array());
    socket.send_frame(2, b"{}").await;
    assert_eq!(socket.close_code().await, 1003);
}

#[actix::test]
async fn pages_of_other_sites_may_not_open_a_websocket() {
    let config = "security: {cors_allow_origins: ['https://app.example']}";
    for environment in [&[][..], &[("CRAWL4AI_API_TOKEN", "a-token-of-32-characters-or-more")]] {
        let server = TestServer::with_config_and_env(config, environment).await;
        let own = format!("http://127.0.0.1:{}", server.port());
        for (origin, status) in
            [(own.as_str(), "101"), ("https://app.example", "101"), ("https://evil.example", "403"), ("null", "403")]
        {
            let headers = [("origin", origin), ("authorization", "Bearer a-token-of-32-characters-or-more")];
            let socket = Socket::connect(&server, &headers).await;
            assert_eq!(socket.status(), status, "{origin}: {}", socket.head);
        }
    }
}

#[actix::test]
async fn websocket_needs_a_token_and_its_scope_applies_to_tools() {
    let server = with_principals("").await;
    assert_eq!(Socket::connect(&server, &[]).await.status(), "401");
    let mut socket = initialized(&server, &[("authorization", "Bearer eve")]).await;
    socket.send(&call("crawl", json!({"urls": ["raw:<p>x"]}))).await;
    let response = socket.next().await;
    assert!(response["result"]["isError"] == true && response.to_string().contains("submit"), "{response}");
}

#[actix::test]
async fn end_of_a_websocket_cancels_its_calls() {
    let (site, server) = (TestSite::start(), TestServer::start().await);
    let mut socket = initialized(&server, &[]).await;
    socket.send(&call("crawl", json!({"urls": [site.url("/gated")]}))).await;
    site.wait_for_gated_request().await;
    drop(socket);
    assert_eq!(server.wait_for_settled_status().await, "cancelled");
}

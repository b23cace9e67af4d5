//! Content encodings, also those that servers declare or write incorrectly.

use super::*;

#[tokio::test]
async fn content_encodings_are_decoded() {
    let server = TestServer::start(|request| {
        let accepted = request.header("accept-encoding").unwrap_or_default();
        for encoding in ["gzip", "br", "zstd", "deflate"] {
            assert!(accepted.contains(encoding), "{accepted}");
        }
        let (encoding, body) = match request.path.as_str() {
            "/gzip" => ("gzip", gzip(b"hello")),
            "/empty" => ("gzip", Vec::new()),
            "/zstd" => ("zstd", zstd::encode_all(b"hello".as_slice(), 3).unwrap()),
            "/br" => ("br", brotli(b"hello")),
            _ => ("deflate", deflate(b"hello")),
        };
        response(200, &[("content-encoding", encoding)], body)
    });
    let server = server.await;
    for path in ["/gzip", "/zstd", "/br", "/deflate"] {
        assert_eq!(fetch(server.url(path)).await.unwrap().body, "hello", "{path}");
    }
    assert_eq!(fetch(server.url("/empty")).await.unwrap().body, "");
}

/// The body of a page that is sent with these encodings.
async fn decoded(encoding: &'static str, body: Vec<u8>) -> Result<Bytes, String> {
    let server = TestServer::start(move |_| response(200, &[("content-encoding", encoding)], body.clone())).await;
    fetch(server.url("/")).await.map(|page| page.body).map_err(|error| error.reason)
}

fn raw_deflate(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// A gzip member with every optional field of its header.
fn gzip_with_all_fields(bytes: &[u8]) -> Vec<u8> {
    let builder = flate2::GzBuilder::new().extra(vec![7; 300]).filename("a").comment("b");
    let mut writer = builder.write(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

#[tokio::test]
async fn incorrectly_framed_bodies_are_read_as_in_browsers() {
    let cut = |body: Vec<u8>, bytes: usize| body[..body.len() - bytes].to_vec();
    for (encoding, body) in [
        ("deflate", raw_deflate(b"hello")),
        ("deflate", cut(deflate(b"hello"), 4)),
        ("deflate", [deflate(b"hello"), b"junk".to_vec()].concat()),
        ("gzip", [gzip(b"hello"), b"\0\0 trailing junk".to_vec()].concat()),
        ("gzip", [gzip(b"hel"), gzip(b"lo")].concat()),
        ("gzip", cut(gzip(b"hello"), 8)),
        ("gzip", cut(gzip(b"hello"), 3)),
        ("gzip", gzip_with_all_fields(b"hello")),
        ("GZIP, identity", gzip(b"hello")),
        ("x-gzip", gzip(b"hello")),
    ] {
        assert_eq!(decoded(encoding, body.clone()).await, Ok("hello".into()), "{encoding} {body:?}");
    }
}

#[tokio::test]
async fn absent_and_unknown_encodings_leave_the_body_unchanged() {
    for encoding in ["gzip", "zstd", "identity", "utf-8", "", "gzip, unknown"] {
        assert_eq!(decoded(encoding, b"<p>hello".to_vec()).await, Ok("<p>hello".into()), "{encoding}");
    }
    assert_eq!(decoded("gzip", b"<".to_vec()).await, Ok("<".into()));
}

#[tokio::test]
async fn several_encodings_are_decoded_in_reverse_order() {
    let twice = gzip(&gzip(b"hello"));
    assert_eq!(decoded("gzip, gzip", twice.clone()).await, Ok("hello".into()));
    assert_eq!(decoded("deflate, br", brotli(&deflate(b"hello"))).await, Ok("hello".into()));
    assert_eq!(decoded("gzip", twice).await, Ok(gzip(b"hello").into()));
    let server = TestServer::start(|_| {
        response(200, &[("content-encoding", "deflate"), ("content-encoding", "gzip")], gzip(&deflate(b"hello")))
    });
    assert_eq!(fetch(server.await.url("/")).await.unwrap().body, "hello");
}

#[tokio::test]
async fn incomplete_or_invalid_data_is_an_error() {
    let random: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(500).collect();
    let half = |body: Vec<u8>| body[..body.len() / 2].to_vec();
    for (encoding, body) in [
        ("gzip", half(gzip(&random))),
        ("gzip", gzip(&random)[..5].to_vec()),
        ("deflate", half(deflate(&random))),
        ("br", b"<p>hello".to_vec()),
        ("zstd", half(zstd::encode_all(random.as_slice(), 3).unwrap())),
        ("gzip, gzip, gzip, gzip, gzip", gzip(b"hello")),
    ] {
        let reason = decoded(encoding, body).await;
        assert_eq!(reason, Err("Response body could not be decompressed".to_owned()), "{encoding}");
    }
}

//! The stored form of large values: one format byte, then the value, compressed with zstd if that is smaller.

use bytes::Bytes;
use opilio_actors::ports::StoreError;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Smaller values are not compressed.
const MIN_COMPRESSED: usize = 256;
/// Larger values are compressed on a blocking thread.
const MAX_INLINE: usize = 64 * 1024;

pub fn pack(value: &[u8]) -> Vec<u8> {
    if value.len() >= MIN_COMPRESSED
        && let Ok(packed) = zstd::bulk::compress(value, 1)
        && packed.len() < value.len()
    {
        return [&[ZSTD], &packed[..]].concat();
    }
    [&[PLAIN], value].concat()
}

/// [`pack`] without blocking the caller's thread for long.
pub async fn pack_async(value: Bytes) -> Vec<u8> {
    if value.len() <= MAX_INLINE {
        return pack(&value);
    }
    let copy = value.clone();
    // If the blocking task fails, the value is stored uncompressed.
    tokio::task::spawn_blocking(move || pack(&value)).await.unwrap_or_else(|_| [&[PLAIN], &copy[..]].concat())
}

pub fn unpack(stored: &[u8]) -> Result<Bytes, StoreError> {
    match stored.split_first() {
        Some((&PLAIN, value)) => Ok(Bytes::copy_from_slice(value)),
        Some((&ZSTD, packed)) => zstd::decode_all(packed).map(Bytes::from).map_err(|_| damaged()),
        _ => Err(damaged()),
    }
}

/// The size of the unpacked value.
pub fn unpacked_len(stored: &[u8]) -> usize {
    match stored.split_first() {
        Some((&ZSTD, packed)) => {
            let length = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
            length.and_then(|length| usize::try_from(length).ok()).unwrap_or(packed.len())
        }
        Some((_, value)) => value.len(),
        None => 0,
    }
}

fn damaged() -> StoreError {
    StoreError::Damaged("a value cannot be decompressed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_round_trip_and_large_ones_shrink() {
        for value in [&b""[..], b"short", &[7; 50_000]] {
            assert_eq!(unpack(&pack(value)), Ok(Bytes::copy_from_slice(value)));
            assert_eq!(unpacked_len(&pack(value)), value.len());
        }
        assert!(pack(&[7; 50_000]).len() < 1000);
        assert!(matches!(unpack(b"?"), Err(StoreError::Damaged(_))));
    }
}

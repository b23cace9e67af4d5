//! Big values: compressed where that makes them smaller. The first byte says which.

use bytes::Bytes;
use opilio_actors::ports::StoreError;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;
/// Shorter ones gain nothing.
const WORTH_IT: usize = 256;
/// Longer ones are packed away from the threads that serve messages.
const LONG: usize = 64 * 1024;

pub fn pack(value: &[u8]) -> Vec<u8> {
    if value.len() >= WORTH_IT
        && let Ok(packed) = zstd::bulk::compress(value, 1)
        && packed.len() < value.len()
    {
        return [&[ZSTD], &packed[..]].concat();
    }
    [&[PLAIN], value].concat()
}

pub fn unpack(stored: &[u8]) -> Result<Bytes, StoreError> {
    match stored.split_first() {
        Some((&PLAIN, value)) => Ok(Bytes::copy_from_slice(value)),
        Some((&ZSTD, packed)) => zstd::decode_all(packed).map(Bytes::from).map_err(|_| damaged()),
        _ => Err(damaged()),
    }
}

/// Bytes of what [`unpack`] would give.
pub fn length(stored: &[u8]) -> usize {
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
    StoreError::Damaged("a value cannot be unpacked".to_owned())
}

pub async fn pack_aside(value: Bytes) -> Vec<u8> {
    if value.len() < LONG {
        return pack(&value);
    }
    let kept = value.clone();
    // What did not come back was not packed; its value is stored as it is.
    tokio::task::spawn_blocking(move || pack(&value)).await.unwrap_or_else(|_| [&[PLAIN], &kept[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_comes_back_as_it_was_and_a_long_one_is_stored_shorter() {
        for value in [&b""[..], b"short", &[7; 50_000]] {
            assert_eq!(unpack(&pack(value)), Ok(Bytes::copy_from_slice(value)));
            assert_eq!(length(&pack(value)), value.len());
        }
        assert!(pack(&[7; 50_000]).len() < 1000);
        assert!(matches!(unpack(b"?"), Err(StoreError::Damaged(_))));
    }
}

//! Reads the little-endian data that `training/train.py` writes.

/// Takes the next `N` bytes; `None` if fewer are left.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

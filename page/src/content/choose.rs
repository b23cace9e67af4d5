//! Which passages to keep, given how likely each is content: those by which the result is expected to be best.

/// One flag a passage. Keeps the likeliest, down to where the expected F1 over words is highest: twice the words that are
/// expected to be right, by the words that are kept and those that are expected to be content.
pub(super) fn choose(likely: &[f32], words: &[f32]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..likely.len()).collect();
    order.sort_by(|&a, &b| likely[b].total_cmp(&likely[a]));
    let content: f32 = likely.iter().zip(words).map(|(likely, words)| likely * words).sum();
    let (mut kept, mut right) = (0.0, 0.0);
    let (mut best, mut count) = (0.0, 0);
    for (rank, &at) in order.iter().enumerate() {
        kept += words[at];
        right += likely[at] * words[at];
        let expected = right / (kept + content).max(f32::MIN_POSITIVE);
        if expected > best {
            (best, count) = (expected, rank + 1);
        }
    }
    let mut keep = vec![false; likely.len()];
    order[..count].iter().for_each(|&at| keep[at] = true);
    keep
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn the_likely_are_kept_and_the_rest_as_far_as_it_pays() {
        for (likely, words, kept) in [
            (vec![0.9, 0.8, 0.1], vec![50.0, 50.0, 50.0], vec![true, true, false]),
            (vec![0.1, 0.1], vec![5.0, 5.0], vec![true, true]),
            (vec![0.95, 0.02], vec![100.0, 3.0], vec![true, false]),
            (vec![], vec![], vec![]),
        ] {
            assert_eq!(choose(&likely, &words), kept, "{likely:?}");
        }
    }
}

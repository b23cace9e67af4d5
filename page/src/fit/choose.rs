//! Which passages to keep, given how likely each is content: those by which the result is expected to be best.

/// Points at which the second expectation is taken.
const SCENES: usize = 32;

/// One flag a passage. Keeps the likeliest, down to where the expected F1 over words is highest.
///
/// F1 is expected in two ways, each counting half: as if every passage were content or not by itself, and as if they all
/// hung together, so that the less likely are content only where the likelier are.
pub(super) fn choose(likely: &[f32], words: &[f32]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..likely.len()).collect();
    order.sort_by(|&a, &b| likely[b].total_cmp(&likely[a]));
    let expected: f32 = likely.iter().zip(words).map(|(likely, words)| likely * words).sum();
    let scenes: Vec<f32> =
        (0..SCENES).map(|scene| words_above((scene as f32 + 0.5) / SCENES as f32, likely, words)).collect();
    let (mut kept, mut right) = (0.0, 0.0);
    let (mut best, mut count) = (0.0, 0);
    for (rank, &at) in order.iter().enumerate() {
        kept += words[at];
        right += likely[at] * words[at];
        let apart = 2.0 * right / (kept + expected).max(f32::MIN_POSITIVE);
        let together: f32 =
            scenes.iter().map(|&truth| 2.0 * kept.min(truth) / (kept + truth).max(f32::MIN_POSITIVE)).sum();
        let value = apart + together / SCENES as f32;
        if value > best {
            (best, count) = (value, rank + 1);
        }
    }
    let mut keep = vec![false; likely.len()];
    order[..count].iter().for_each(|&at| keep[at] = true);
    keep
}

fn words_above(bound: f32, likely: &[f32], words: &[f32]) -> f32 {
    likely.iter().zip(words).filter(|(likely, _)| **likely > bound).map(|(_, words)| words).sum()
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

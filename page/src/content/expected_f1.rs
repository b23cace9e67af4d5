//! Selects the text blocks with the highest expected F1, or the highest weighted mean of precision and recall.

/// Whether to keep each text block, given the probability that it is content and its number of words. The most probable
/// blocks are kept, down to the point where the expected weighted harmonic mean of precision and recall over words is
/// highest: the expected number of correct words, divided by the weighted mean of the number of kept words and the
/// expected number of content words. `threshold` is the weight of precision; at 0.5 the mean is F1.
pub(super) fn select(probabilities: &[f32], words: &[f32], threshold: f32) -> Vec<bool> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    let content: f32 = probabilities.iter().zip(words).map(|(probability, words)| probability * words).sum();
    let (mut kept, mut correct) = (0.0, 0.0);
    let (mut best, mut count) = (0.0, 0);
    for (rank, &at) in order.iter().enumerate() {
        kept += words[at];
        correct += probabilities[at] * words[at];
        let expected = correct / (threshold * kept + (1.0 - threshold) * content).max(f32::MIN_POSITIVE);
        if expected > best {
            (best, count) = (expected, rank + 1);
        }
    }
    let mut keep = vec![false; probabilities.len()];
    order[..count].iter().for_each(|&at| keep[at] = true);
    keep
}

#[cfg(test)]
mod tests {
    use super::select;

    #[test]
    fn most_probable_blocks_are_kept_while_f1_rises() {
        for (probabilities, words, threshold, keep) in [
            (vec![0.9, 0.8, 0.1], vec![50.0, 50.0, 50.0], 0.5, vec![true, true, false]),
            (vec![0.9, 0.8, 0.1], vec![50.0, 50.0, 50.0], 0.0, vec![true, true, true]),
            (vec![0.9, 0.8, 0.1], vec![50.0, 50.0, 50.0], 1.0, vec![true, false, false]),
            (vec![0.1, 0.1], vec![5.0, 5.0], 0.5, vec![true, true]),
            (vec![0.95, 0.02], vec![100.0, 3.0], 0.5, vec![true, false]),
            (vec![], vec![], 0.5, vec![]),
        ] {
            assert_eq!(select(&probabilities, &words, threshold), keep, "{probabilities:?}");
        }
    }
}

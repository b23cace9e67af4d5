//! A request rate: `1000/minute`, `10 per hour`, `5/2 minutes`.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Rate {
    pub requests: NonZeroU32,
    pub per: Duration,
}

impl TryFrom<String> for Rate {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        parse(&text).ok_or("expected a rate, such as 1000/minute")
    }
}

fn parse(text: &str) -> Option<Rate> {
    let text = text.trim().to_ascii_lowercase();
    let (requests, period) = text.split_once('/').or_else(|| text.split_once(" per "))?;
    let period = period.trim();
    let (count, unit) = period.split_at(period.find(|c: char| !c.is_ascii_digit())?);
    let count: u64 = if count.is_empty() { 1 } else { count.parse().ok()? };
    let unit = unit.trim();
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let per = Duration::from_secs(count.checked_mul(seconds).filter(|per| *per > 0)?);
    Some(Rate { requests: requests.trim().parse().ok()?, per })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_accepts_common_notations() {
        let read = |text| parse(text).map(|rate| (rate.requests.get(), rate.per.as_secs()));
        assert_eq!(read("1000/minute"), Some((1000, 60)));
        assert_eq!(read("10 per Hour"), Some((10, 3600)));
        assert_eq!(read(" 5 / 2 minutes "), Some((5, 120)));
        assert_eq!(read("1/day"), Some((1, 86_400)));
        for invalid in ["", "10", "0/minute", "x/minute", "10/fortnight", "10/0minutes", "10/", "-1/second", "10/5"] {
            assert_eq!(read(invalid), None, "{invalid}");
        }
    }
}

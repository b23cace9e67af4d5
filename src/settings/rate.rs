//! A rate as people write it: `1000/minute`, `10 per hour`, `5/2 minutes`.

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
        parse(&text).ok_or("a rate is needed, such as 1000/minute")
    }
}

fn parse(text: &str) -> Option<Rate> {
    let text = text.trim().to_ascii_lowercase();
    let (requests, time) = text.split_once('/').or_else(|| text.split_once(" per "))?;
    let time = time.trim();
    let digits = time.find(|c: char| !c.is_ascii_digit())?;
    let (many, unit) = time.split_at(digits);
    let many: u64 = if many.is_empty() { 1 } else { many.parse().ok()? };
    let unit = unit.trim();
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let per = Duration::from_secs(many.checked_mul(seconds).filter(|per| *per > 0)?);
    Some(Rate { requests: requests.trim().parse().ok()?, per })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        let read = |text| parse(text).map(|rate| (rate.requests.get(), rate.per.as_secs()));
        assert_eq!(read("1000/minute"), Some((1000, 60)));
        assert_eq!(read("10 per Hour"), Some((10, 3600)));
        assert_eq!(read(" 5 / 2 minutes "), Some((5, 120)));
        assert_eq!(read("1/day"), Some((1, 86_400)));
        for bad in ["", "10", "0/minute", "x/minute", "10/fortnight", "10/0minutes", "10/", "-1/second", "10/5"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}

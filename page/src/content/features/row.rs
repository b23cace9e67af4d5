//! One row of features.

/// The values of one row and, for training, their names.
pub(super) struct FeatureRow<'a> {
    pub(super) values: &'a mut Vec<f32>,
    pub(super) names: Option<&'a mut Vec<String>>,
}

impl FeatureRow<'_> {
    #[inline]
    pub(super) fn put(&mut self, name: &str, value: f32) {
        self.values.push(value);
        if let Some(names) = &mut self.names {
            names.push(name.to_owned());
        }
    }

    /// Puts a feature whose name ends in `suffix`.
    #[inline]
    pub(super) fn put_with(&mut self, name: &str, suffix: impl std::fmt::Display, value: f32) {
        self.values.push(value);
        if let Some(names) = &mut self.names {
            names.push(format!("{name}{suffix}"));
        }
    }

    #[inline]
    pub(super) fn flag_with(&mut self, name: &str, suffix: impl std::fmt::Display, on: bool) {
        self.put_with(name, suffix, f32::from(u8::from(on)));
    }

    #[inline]
    pub(super) fn flag(&mut self, name: &str, on: bool) {
        self.put(name, f32::from(u8::from(on)));
    }
}

pub(super) fn ratio(part: u32, whole: u32) -> f32 {
    part as f32 / whole.max(1) as f32
}

pub(super) fn log(number: u32) -> f32 {
    (number as f32 + 1.0).ln()
}

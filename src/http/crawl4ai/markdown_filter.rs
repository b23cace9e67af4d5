//! The filters of `POST /md`.

/// The field `f`: the part of the page that becomes Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// The main content.
    Fit,
    /// The whole page.
    Raw,
    /// The parts that match the query.
    Bm25,
    /// What a language model returns for the query.
    Llm,
}

impl Filter {
    pub const ALL: [Self; 4] = [Self::Fit, Self::Raw, Self::Bm25, Self::Llm];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fit => "fit",
            Self::Raw => "raw",
            Self::Bm25 => "bm25",
            Self::Llm => "llm",
        }
    }
}

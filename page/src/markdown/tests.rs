//! What the Markdown of small pages is.

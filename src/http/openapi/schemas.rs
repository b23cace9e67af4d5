//! The shapes of requests and answers, for the document only: requests are read field by field, so that everything wrong
//! is named at once, and answers are spliced. That answers keep to the shapes, key by key, is shown by tests.

mod answers;
mod mcp;
mod page;
mod requests;

use utoipa::ToSchema;
use utoipa::openapi::{Components, ComponentsBuilder, RefOr, Schema};

pub use answers::{
    Accepted, Broken, Delivered, Health, Invalid, Job, JobList, JobStatus, Problem, Ready, Replayed, Token, WebhookBody,
};
pub use mcp::{JobReference, JsonRpcMessage, PartOfResult};
pub use page::{Answer, Configuration, Crawled, Defaults, Html, Markdown, PageResult};
pub use requests::{
    ConfigDump, CrawlJobRequest, CrawlRequest, HtmlRequest, LlmJobRequest, MarkdownRequest, PageRequest, ReplayRequest,
    TokenRequest,
};

pub fn components() -> Components {
    let mut schemas: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<(CrawlJobRequest, LlmJobRequest, CrawlRequest, TokenRequest, Token)>(&mut schemas);
    add::<(MarkdownRequest, HtmlRequest, PageRequest, ConfigDump, ReplayRequest)>(&mut schemas);
    add::<(Accepted, Job, JobStatus, JobList, Delivered, Replayed, WebhookBody)>(&mut schemas);
    add::<(Crawled, PageResult, Markdown, Html, Answer, Defaults, Configuration)>(&mut schemas);
    add::<(Health, Ready, Problem, Invalid, Broken)>(&mut schemas);
    add::<(JsonRpcMessage,)>(&mut schemas);
    ComponentsBuilder::new().schemas_from_iter(schemas).build()
}

/// Schemas with all that they refer to.
trait Described {
    fn add(to: &mut Vec<(String, RefOr<Schema>)>);
}

fn add<T: Described>(to: &mut Vec<(String, RefOr<Schema>)>) {
    T::add(to);
}

macro_rules! described {
    ($($name:ident),+) => {
        impl<$($name: ToSchema),+> Described for ($($name,)+) {
            fn add(to: &mut Vec<(String, RefOr<Schema>)>) {
                $(
                    to.push(($name::name().into_owned(), $name::schema()));
                    $name::schemas(to);
                )+
            }
        }
    };
}

described!(A);
described!(A, B, C, D, E);
described!(A, B, C, D, E, F, G);

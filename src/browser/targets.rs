//! The pages that the browser shows, to close pop-ups.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::cdp::{CdpClient, CdpError};

/// Time for the browser to answer.
const CALL: Duration = Duration::from_secs(10);

/// The pages of the tabs by context. Any other page in a tab's context is a pop-up and is closed.
#[derive(Clone, Default)]
pub struct TabTargets(Arc<Mutex<HashMap<String, Option<String>>>>);

impl TabTargets {
    /// Follows the browser's targets until it ends.
    pub async fn follow(client: &CdpClient) -> Result<Self, CdpError> {
        let (targets, mut events, client) = (Self::default(), client.events(""), client.clone());
        let own = targets.clone();
        let discover = json!({"discover": true, "filter": [{"type": "page", "exclude": false}]});
        client.call::<Value>("", "Target.setDiscoverTargets", discover, CALL).await?;
        tokio::spawn(async move {
            while let Ok(event) = events.next().await {
                if event.method == "Target.targetCreated"
                    && let Some(TargetCreated { target }) = event.params()
                    && own.is_popup(&target)
                {
                    client.notify("", "Target.closeTarget", json!({"targetId": target.id}));
                }
            }
        });
        Ok(targets)
    }

    pub fn add(&self, context: &str) {
        self.lock().insert(context.to_owned(), None);
    }

    pub fn remove(&self, context: &str) {
        self.lock().remove(context);
    }

    /// The first page of a context is that of the tab: no script has run before.
    fn is_popup(&self, target: &Target) -> bool {
        let mut tabs = self.lock();
        let Some(page) = tabs.get_mut(&target.context).filter(|_| target.kind == "page") else { return false };
        *page.get_or_insert_with(|| target.id.clone()) != target.id
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
struct TargetCreated {
    #[serde(rename = "targetInfo")]
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    #[serde(rename = "targetId")]
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "browserContextId", default)]
    context: String,
}

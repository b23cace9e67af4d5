//! Language models: which can be asked, where, with which key.

use async_trait::async_trait;
use opilio_actors::ports::{LanguageModel, ModelAnswer, ModelError, ModelPlan, Question};

/// The models that the operator made usable.
#[derive(Debug, Default)]
pub struct Models;

#[async_trait]
impl LanguageModel for Models {
    fn plan(&self, wanted: Option<&str>) -> Result<ModelPlan, ModelError> {
        let given = wanted.unwrap_or("openai/gpt-4o-mini");
        let family = given.split('/').next().unwrap_or_default().to_owned();
        Err(ModelError::UnknownProvider { family })
    }

    async fn ask(&self, question: Question) -> Result<ModelAnswer, ModelError> {
        Err(ModelError::UnknownProvider { family: question.model.family })
    }
}

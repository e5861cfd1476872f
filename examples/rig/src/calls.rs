//! The calls, as any program of rig makes them.

use std::error::Error;

use futures_util::StreamExt;
use rig_core::completion::CompletionRequest;
use rig_core::providers::openai::OpenAI;

pub(crate) async fn ask(openai: &OpenAI, model: &str) -> Result<(), Box<dyn Error>> {
    let request = CompletionRequest::new("Why is the sky blue? Tell ada@example.org.");
    println!("{}", openai.chat(model).call(request).await?.text());
    Ok(())
}

pub(crate) async fn stream(openai: &OpenAI, model: &str) -> Result<(), Box<dyn Error>> {
    let mut answer = openai
        .chat(model)
        .stream(CompletionRequest::new("How many moons has Mars?"))?;
    let mut pieces = 0;
    while let Some(piece) = answer.next().await {
        piece?;
        pieces += 1;
    }
    println!("{pieces} pieces");
    Ok(())
}

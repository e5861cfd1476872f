//! What decodes as an event is written on one line and read back as the same event.

#![no_main]

use libfuzzer_sys::fuzz_target;
use llm_audit_core::Event;

fuzz_target!(|json: &[u8]| {
    let Ok(event) = Event::from_json(json) else {
        return;
    };
    let text = event.to_json();
    assert!(!text.contains('\n'), "an event is one line");
    let again = Event::from_json(text.as_bytes()).expect("what was written can be read");
    assert!(again == event, "what was read is what was written");
    assert_eq!(again.to_json(), text);
});

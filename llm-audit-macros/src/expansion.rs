async fn ask(question: &str) -> Result<String, String> {
    let mut __llm_audit_call = ::llm_audit::__private::Call::begin_future(
        ::llm_audit::__private::Operation::Chat,
        const {
            &::llm_audit::__private::Place::new(
                ::core::concat!(::core::module_path!(), "::", "ask"),
                ::core::file!(),
                ::core::line!(),
            )
        },
        ::llm_audit::__private::installed,
    );
    if __llm_audit_call.is_recorded() {
        __llm_audit_call.set(::llm_audit::__private::slots::prompt, |__llm_audit_slot| {
            __llm_audit_slot.put(&question)
        });
        __llm_audit_call.sent();
    }
    #[allow(clippy::let_unit_value)]
    let __llm_audit_answer = __llm_audit_call
        .scope(async move {
            // It gives the block its type.
            if let ::core::option::Option::Some(__llm_audit_never) =
                ::core::option::Option::None::<Result<String, String>>
            {
                #[allow(unreachable_code)]
                return __llm_audit_never;
            }
            Ok(question.to_uppercase())
        })
        .await;
    if __llm_audit_call.is_recorded() {
        #[allow(unused_imports)]
        use ::llm_audit::__private::autoref::*;
        match (&::llm_audit::__private::Returned::new(&__llm_audit_answer)).returned() {
            ::core::result::Result::Ok(__llm_audit_out) => {
                #[allow(unused_variables)]
                if let ::core::option::Option::Some(out) =
                    (&::llm_audit::__private::Present::new(__llm_audit_out)).present()
                {
                    __llm_audit_call.set(
                        ::llm_audit::__private::slots::answer,
                        |__llm_audit_slot| __llm_audit_slot.put(&out),
                    );
                }
                __llm_audit_call.finish();
            }
            ::core::result::Result::Err(__llm_audit_error) => {
                (&::llm_audit::__private::Failure::new(__llm_audit_error)).fail(__llm_audit_call);
            }
        }
    }
    __llm_audit_answer
}

"""What LiteLLM obeys of a caller's body and headers, each name with what we do about it.

LiteLLM takes far more fields than any API documents: they choose deployment, provider, credentials, retries, logging,
mocks. A list of bad names would always lack one. So the names that LiteLLM declares as its own are computed from the
installed version, and whatever of them this table does not have is refused.
Seen in LiteLLM 1.106.2 and 1.110.2; `tests/proxy/test_body_fields.py` fails when a version has a name that is missing.
"""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Final, Literal

import litellm
from litellm.router import Router
from litellm.types.router import GenericLiteLLMParams, LiteLLM_Params
from litellm.types.utils import all_litellm_params
from litellm.utils import function_setup

Class = Literal["ours", "harmless", "refused"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Read by us, and written again, or taken out, before LiteLLM acts on them.
OURS: Final = _names("""
    model fallbacks context_window_fallbacks content_policy_fallbacks model_group_retry_policy num_retries max_retries
    metadata litellm_metadata litellm_call_id litellm_trace_id litellm_session_id tags stream stream_options
    timeout stream_timeout request_timeout api_key api_base base_url extra_headers headers provider_specific_header
    extra_body mock_response mock_timeout
""")
# LiteLLM obeys them, and nobody but the caller has anything of it. `no-log` is among them because LiteLLM tells
# callbacks whose class is named `…_PROXY_…` all the same.
HARMLESS: Final = _names("""
    no-log guardrails policies disable_fallbacks prompt_id prompt_variables prompt_version prompt_label
    prompt_environment caching cache cache_key preset_cache_key ttl drop_params
    enable_json_schema_validation merge_reasoning_content_in_choices client_side_timeout keepalive_seconds
    allowed_openai_params api_version turn_off_message_logging enable_prompt_caching
    cache_control_injection_points ensure_alternating_roles user_continue_message assistant_continue_message
    force_timeout max_fallbacks search_tool_name vector_store_id prompt_cache_options speed data_residency
    include_server_side_tool_invocations spend_logs_metadata
    guardrail_config include_fallback_errors session_id trace_id
""")
# Fields of the APIs themselves: they go to the provider after a look at their type.
API: Final = _names("""
    messages input prompt contents query documents system instructions system_instruction systemInstruction
    functions function_call tools tool_choice tool_config toolConfig parallel_tool_calls web_search_options
    temperature top_p top_k top_n top_logprobs logprobs n best_of stop stop_sequences echo suffix seed logit_bias
    presence_penalty frequency_penalty max_tokens max_completion_tokens max_output_tokens modalities prediction audio
    user response_format text text_format reasoning reasoning_effort thinking verbosity service_tier store background
    include truncation previous_response_id safety_identifier prompt_cache_key prompt_cache_retention output_config
    context_management container mcp_servers conversation max_tool_calls config generationConfig safetySettings
    cachedContent encoding_format dimensions input_type file image mask size quality style background output_format
    output_compression moderation partial_images input_fidelity voice language languages keywords chunking_strategy
    timestamp_granularities rank_fields return_documents max_chunks_per_doc max_tokens_per_doc
    prompt_cache_retention
""")
# Chooses who serves, with whose credentials, at which price, or what is logged: the operator's to say, not a caller's.
REFUSED: Final = _names("""
    deployment_id specific_deployment azure custom_llm_provider client model_list model_info model_config
    model_alias_map model_file_id_mapping user_config router_settings_override base_model api_type region_name
    extra_query shared_session logger_fn verbose litellm_params litellm_logging_obj litellm_credential_name
    litellm_disabled_callbacks litellm_request_debug litellm_system_prompt litellm_trusted_callback_vars
    proxy_server_request secret_fields standard_callback_dynamic_params standard_logging_object success_callback
    failure_callback callbacks callback_settings silent_model fallback_depth attempted_targets attempted_fallbacks
    attempted_retries completion_call_id complete_response context_window_fallback_dict cooldown_time
    custom_prompt_dict hf_model_name bos_token eos_token roles initial_prompt_value final_prompt_value retry_policy
    retry_strategy routing_strategy routing_strategy_args use_client use_litellm_proxy use_in_pass_through
    use_chat_completions_api use_xai_oauth configurable_clientside_auth_params allow_client_keepalive_override
    allowed_model_region caching_groups budget_duration max_budget max_parallel_requests max_agentic_loops
    max_file_size_mb rpm tpm rpd tpd itpm otpm order weight id self ssl_verify tenant_id client_id client_secret
    fastest_response fastest_response_batch_completion stream_chunk_size stream_response
    stream_timeout_by_service_tier timeout_by_service_tier supports_system_message
    disable_add_transform_inline_image_block functions_unsupported_model tag_regex enable_tag_filtering tiered_pricing
    text_completion atext_completion acompletion aembedding aimg_generation allm_passthrough_route aresponses aspeech
    atranscription arerank amoderation acancel_responses acompact_responses adelete_responses aget_responses
    alist_input_items agent call_type engine exception passthrough
    session async_call log_client_error_tracebacks output_vector_size rust fake_stream
    provider_affinity_header project request_id metadata_variable_name request_kwargs original_function
    original_generic_function responses_api_version thought_signature_in_tool_call_id daily_reset_time
    allow_legacy_cloud_file_ids kubernetes_pod_discovery default_api_key_rpm_limit default_api_key_tpm_limit
    bucket_name adapter_id fireworks_forward_user_id is_silent_experiment is_fallback is_retry priority model_id
    model_group deployment healthy_deployments specific_deployments apikey original_model_group previous_models
    request_retry_count is_async default_headers disable_global_guardrails opted_out_global_guardrails
    rules_obj start_time is_async_call organization
    passthrough_on_no_deployment additional_drop_params credentials deployments litellm_router_instance routing_groups
""")
# Whole families, of which every version has more: credentials and places of a provider or logger, prices, what
# LiteLLM keeps for itself.
REFUSED_FAMILIES: Final = re.compile(
    r"_.*|.*_cost(_.*)?|.*_per_(token|second|query|page|credit)|.*_uplift_multiplier.*|.*_router_.*"
    r"|(aws|azure|vertex|vertex_ai|s3|gcs|gigachat|watsonx|wx|bedrock|sagemaker|valkey|milvus|nvcf|openai_identity"
    r"|openai_service|anthropic_(disable|federation|identity|issuer|keycloak|organization|service|workspace)"
    r"|arize|dd|humanloop|langfuse|langsmith|newrelic|posthog|signoz|wandb|weave|phoenix|opik|galileo|braintrust"
    r"|github_copilot|chatgpt|token_exchange|user_api_key)_.*",
    re.DOTALL,
)
# Made for LiteLLM's own tests; taken out of every request. `mock_response` and its like.
MOCKS: Final = "mock_"

# What LiteLLM's endpoints add to the body themselves, before we see it; how a stream is written, and nothing else.
ADDED: Final = _names("_litellm_skip_openai_stream_done _litellm_raw_sse_stream _litellm_client_requested_model")

# Headers of callers. `x-litellm-model` and the like on pass-through choose a model that is judged like any other.
HEADERS: Final = _names("""
    x-litellm-api-key x-litellm-call-id x-litellm-trace-id x-litellm-session-id x-litellm-tags x-litellm-timeout
    x-litellm-stream-timeout x-litellm-num-retries x-litellm-spend-logs-metadata x-litellm-customer-id
    x-litellm-end-user-id x-litellm-user-id x-litellm-user-email x-litellm-agent-id x-litellm-model
    x-litellm-keepalive-seconds x-litellm-mcp-debug x-litellm-semantic-filter x-litellm-changed-by
    x-litellm-enable-message-redaction x-litellm-client-version x-litellm-version
""")
HEADERS_REFUSED: Final = _names("""
    x-litellm-disable-callbacks x-litellm-rust x-litellm-team-id x-litellm-user-role x-litellm-priority
    x-litellm-min-quality-tier x-litellm-adaptive-router-model x-litellm-cli-poll-secret x-litellm-max-retries
""")

_ENTRY_POINTS: Final = _names("""
    completion acompletion text_completion atext_completion embedding aembedding responses aresponses image_generation
    aimage_generation image_edit aimage_edit speech aspeech transcription atranscription rerank arerank moderation
    amoderation anthropic_messages aanthropic_messages agenerate_content
""")


@cache
def own_names() -> frozenset[str]:
    """Every name that the installed LiteLLM declares: its own parameters, those of a deployment, and the arguments of
    its entry points and of its router's.
    """
    found = {*all_litellm_params, *GenericLiteLLMParams.model_fields, *LiteLLM_Params.model_fields}
    for home in (litellm, Router):
        for name in _ENTRY_POINTS:
            entry = getattr(home, name, None)
            if callable(entry):
                found.update(_arguments(entry))
    return frozenset(found | setup_names())


@cache
def setup_names() -> frozenset[str]:
    """Arguments of what LiteLLM calls with the whole body before it asks our hook: with one of them twice, it fails."""
    return frozenset(_arguments(function_setup))


def classified(name: str) -> Class | None:
    """What is done about a field; None for one that LiteLLM does not know as its own, which is the provider's."""
    if name in OURS or name.startswith(MOCKS):
        return "ours"
    if name in HARMLESS or name in API or name in ADDED:
        return "harmless"
    if name in REFUSED or REFUSED_FAMILIES.fullmatch(name):
        return "refused"
    return None


def _arguments(entry: object) -> set[str]:
    try:
        parameters = inspect.signature(entry).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return set()
    return {p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}

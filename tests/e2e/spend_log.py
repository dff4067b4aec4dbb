"""Another callback in the proxy: prints what LiteLLM would write into its spend logs."""

import json

from litellm.integrations.custom_logger import CustomLogger


class SpendLog(CustomLogger):
    async def async_log_success_event(self, kwargs, response_obj, start_time, end_time):
        metadata = kwargs["standard_logging_object"]["metadata"]["spend_logs_metadata"]
        print("spend log:", json.dumps(metadata), flush=True)


spend_log = SpendLog()

"""NeMo Data Designer: one text column over a seed frame of prompts."""

import data_designer.config as dd
import pandas as pd
from data_designer.interface import DataDesigner

from benchmarks.teacher.peers.measure import API_KEY, MODEL, Task, run

PROVIDER = "loopback-provider"


def work(task: Task) -> list[str]:
    provider = dd.ModelProvider(name=PROVIDER, endpoint=task.base_url, api_key=API_KEY)
    model = dd.ModelConfig(
        alias=MODEL,
        model=MODEL,
        provider=PROVIDER,
        skip_health_check=True,  # one request more
        inference_parameters=dd.ChatCompletionInferenceParams(max_parallel_requests=task.in_flight),
    )
    builder = dd.DataDesignerConfigBuilder(model_configs=[model])
    builder.with_seed_dataset(
        dd.DataFrameSeedSource(df=pd.DataFrame({"prompt_text": task.prompts}))
    )
    builder.add_column(
        dd.LLMTextColumnConfig(name="reply", prompt="{{ prompt_text }}", model_alias=MODEL)
    )
    designer = DataDesigner(
        artifact_path="artifacts", model_providers=[provider], auto_configure_logging=False
    )
    designer.set_run_config(dd.RunConfig(otel_metrics_port=None))
    created = designer.create(builder, num_records=task.requests)
    replies: list[str] = created.load_dataset()["reply"].tolist()
    return replies


if __name__ == "__main__":
    run("data-designer", "data-designer", work)

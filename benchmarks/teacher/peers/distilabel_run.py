"""distilabel: a pipeline of one loader and one `TextGeneration` step."""

from distilabel.models.llms import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration

from benchmarks.teacher.peers.measure import API_KEY, MODEL, Task, run


def work(task: Task) -> list[str]:
    with Pipeline(name="overhead") as pipeline:
        # A batch is sent at once and awaited whole: its size is the number in flight.
        load = LoadDataFromDicts(
            data=[{"instruction": prompt} for prompt in task.prompts], batch_size=task.in_flight
        )
        generate = TextGeneration(
            llm=OpenAILLM(model=MODEL, base_url=task.base_url, api_key=API_KEY),
            input_batch_size=task.in_flight,
            add_raw_input=False,
            add_raw_output=False,
        )
        load >> generate
    made = pipeline.run(use_cache=False)
    replies: list[str] = made["default"]["train"]["generation"]
    return replies


if __name__ == "__main__":
    run("distilabel", "distilabel", work)

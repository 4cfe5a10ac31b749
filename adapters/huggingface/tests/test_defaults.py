"""What the adapter tells of TrainingArguments' defaults."""

from __future__ import annotations

from pathlib import Path

import support


def test_defaults_are_those_of_the_arguments_without_what_is_given(tmp_path: Path) -> None:
    run = support.texts(tmp_path, max_steps=1, arguments={"adam_beta1": 0.8})
    told = run.defaults()
    assert told["subject"] == "TrainingArguments"
    assert {"torch", "transformers"} <= set(told["libraries"])
    assert told["values"]["adam_beta2"] == 0.999
    assert not {"adam_beta1", "output_dir", "seed", "num_train_epochs"} & set(told["values"])

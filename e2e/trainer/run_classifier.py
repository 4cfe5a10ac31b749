"""Fine-tunes a text classifier; configured by HfArgumentParser."""

from dataclasses import dataclass, field
from typing import Optional

from transformers import (
    AutoModelForSequenceClassification,
    HfArgumentParser,
    Trainer,
    TrainingArguments,
)


@dataclass
class ModelArguments:
    """Which model."""

    model_name: str = field(metadata={"help": "name or folder of the model"})
    dropout: float = field(default=0.1, metadata={"help": "dropout of the head"})
    revision: Optional[str] = None
    freeze: bool = False


def main():
    """Trains."""
    parser = HfArgumentParser((ModelArguments, TrainingArguments))
    model_arguments, training_arguments = parser.parse_args_into_dataclasses()
    model = AutoModelForSequenceClassification.from_pretrained(model_arguments.model_name)
    trainer = Trainer(model=model, args=training_arguments)
    trainer.train()


if __name__ == "__main__":
    main()

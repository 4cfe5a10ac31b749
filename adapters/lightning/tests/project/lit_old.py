"""The penguin models of ``pytorch_lightning``."""

import pytorch_lightning as pl
from lit_common import made_of

Classifier, Pair, Mass, Penguins, Counter = vars(made_of(pl)).values()

"""The penguin models of ``lightning.pytorch``."""

import lightning.pytorch as pl
from lit_common import made_of

Classifier, Pair, Mass, Penguins, Counter = vars(made_of(pl)).values()

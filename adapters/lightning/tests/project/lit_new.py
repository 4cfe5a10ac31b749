"""The penguin classifier of ``lightning.pytorch``."""

import lightning.pytorch as pl
from lit_common import classes_of

Classifier, Penguins = classes_of(pl)

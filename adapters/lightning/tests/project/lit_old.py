"""The penguin classifier of ``pytorch_lightning``."""

import pytorch_lightning as pl
from lit_common import classes_of

Classifier, Penguins = classes_of(pl)

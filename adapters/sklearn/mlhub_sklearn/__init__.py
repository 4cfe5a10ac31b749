"""The ``sklearn`` adapter: any scikit-learn estimator in a run directory."""

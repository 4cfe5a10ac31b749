"""Adapters to frameworks: each a module, imported when it is asked for.

    from mlhub.integrations.lightning import MlhubLogger
    from mlhub.integrations.transformers import MlhubCallback
    from mlhub.integrations.keras import MlhubCallback
    from mlhub.integrations.xgboost import MlhubCallback
    from mlhub.integrations.lightgbm import mlhub_callback
    from mlhub.integrations.optuna import MlhubCallback
    from mlhub.integrations.hydra import config_of

They log into the run they are given, else the current one, else one they start and
finish. Nothing here is imported by `import mlhub`.
"""
